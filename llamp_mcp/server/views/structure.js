'use strict';
/* The page: what the host tells, what is read of the server, and the controls. */

const FOLLOW_MS = 1500;
const UNFINISHED = ['queued', 'running', 'interrupted'];
const MOST_SITES_LISTED = 200;
const el = (id) => document.getElementById(id);

let stage = null;
let player = null;
let reading = '';
let following = 0;
let frames = null;

const host = connectHost({
  name: 'llamp-structure',
  async onInput(args) {
    // The structure is drawn while the tool still works; its result says whether all is well.
    if (args.structure_id && !args.job_id) await showStructure(args.structure_id, args).catch(() => {});
  },
  onResult,
  onCancelled: stop,
  onContext: applyTheme,
  onTeardown: stop,
});

function stop() {
  clearTimeout(following);
  following = 0;
  if (player) player.play(false);
}

async function onResult(result, args) {
  const answer = result.structuredContent || {};
  showNumbers(textOf(result));
  try {
    if (answer.job_id && answer.state) await followJob(answer, args);
    else if (answer.source?.job_id || answer.source?.path) await showAnalysis(answer, args);
    else if (answer.structure_id) await showStructure(answer.structure_id, args, answer.notes);
    else showError('This result holds no structure and no trajectory.');
  } catch (error) {
    showPicture(result);
    throw error;
  }
}

/** Without graphics, or without the data, the picture that came with the result has to do. */
function showPicture(result) {
  const image = (result.content || []).find((block) => block.type === 'image');
  if (!image || (stage && stage.data)) return;
  el('saved').hidden = false;
  el('saved').querySelector('img').src = `data:${image.mimeType};base64,${image.data}`;
}

async function showStructure(id, args = {}, notes = []) {
  const uri = `structure://${id}/geometry`;
  if (reading !== uri) {
    reading = uri;
    try {
      const data = await host.readJson(uri);
      if (reading !== uri) return;
      display(data, stillFrame(data), args);
    } catch (error) {
      reading = '';
      throw error;
    }
    el('subtitle').textContent = `${id} · ${atomsText(stage.data)}`;
    listSites(stage.data);
  }
  setNotes(notes.filter((note) => !/picture|atoms outside the cell|neighbours within the cutoff/.test(note)));
}

/** The result of analyze_trajectory. */
async function showAnalysis(answer, args) {
  const { source, frames: { window_ps: windowPs } = {} } = answer;
  const uri = source.job_id ? `job://${source.job_id}/frames` : `trajectory://${encodeURI(source.path)}`;
  await showFrames(uri, args, windowPs);
  if (!UNFINISHED.includes(source.state)) return;
  const job = () => host.readJson(`job://${source.job_id}`);
  await watch(job, () => showFrames(uri, args, windowPs), true);
}

async function showFrames(uri, args, windowPs) {
  const data = await host.readJson(uri);
  if (data.frame_numbers.length === 0) throw new Error('The trajectory holds no frame.');
  const fresh = reading !== uri;
  reading = uri;
  frames = new Frames(data, Number(args.frame_time_fs) || 0);
  if (fresh) {
    display(data.first, frames.at(0), args, false);
    player = player || new Player(el('player'), (frame) => stage.setFrame(frame));
  }
  player.load(frames, windowPs);
  const { source } = data;
  const shown = data.frame_numbers.length;
  const all = shown === data.frames_in_file;
  const count = all ? `${shown} frames` : `${shown} of ${data.frames_in_file} frames`;
  el('subtitle').textContent = `${source.job_id || source.path} · ${atomsText(data.first)} · ${count}`;
  const notes = all ? [] : [`${count} are shown, evenly chosen; the numbers of the analysis are of more of them.`];
  if (windowPs && data.curve && windowPs[0] > 0)
    notes.push(`Shaded: before ${timeText(windowPs[0])}, left out of the analysis.`);
  if (!data.temperature_k) notes.push('The frames hold no momenta: their temperature is not known.');
  if (!frames.times) notes.push('The file does not say when its frames were taken.');
  setNotes([...notes, ...data.notes]);
}

/** An answer of a long-running tool: followed to its end, then what it made. */
async function followJob(answer, args) {
  const job = () => host.readJson(`job://${answer.job_id}`);
  const last = UNFINISHED.includes(answer.state) ? await watch(job, null, false, answer) : answer;
  if (!last) return;
  if (last.error || !last.result) throw new Error(last.error || `The job ended as ${last.state}.`);
  if (last.result.trajectory) return showFrames(`job://${answer.job_id}/frames`, args, null);
  if (last.result.source) return showAnalysis(last.result, args);
  if (last.result.structure_id) return showStructure(last.result.structure_id, args, []);
  throw new Error('This job left no structure and no trajectory.');
}

/** Reads a job until it ends; `refresh` shows what it has written so far. */
async function watch(read, refresh, offer, first) {
  el('following').hidden = false;
  el('newest').hidden = !offer;
  el('newest').onclick = () => refresh().catch(showError);
  let job = first || (await read());
  following = -1;
  while (UNFINISHED.includes(job.state)) {
    showProgress(job);
    await new Promise((resolve) => {
      following = setTimeout(resolve, FOLLOW_MS);
    });
    job = await read();
  }
  el('following').hidden = true;
  if (refresh) await refresh();
  return job;
}

function showProgress({ job_id: id, state, progress }) {
  const { done = 0, total = 0, message = '' } = progress || {};
  const bar = el('progress');
  if (total) bar.value = done / total;
  else bar.removeAttribute('value');
  bar.setAttribute('aria-label', `Progress of ${id}`);
  const count = total ? `${done} of ${total}` : '';
  el('progress-text').textContent = [`${id} ${state}`, count, message].filter(Boolean).join(' · ');
  if (!stage || !stage.data) el('subtitle').textContent = '';
}

const atomsText = ({ n_atoms: n }) => `${n} ${n === 1 ? 'atom' : 'atoms'} in the cell`;

/** Puts a structure, or the first frame of a trajectory, on the stage. */
function display(data, frame, args, still = true) {
  el('stage').hidden = false;
  el('controls').hidden = false;
  el('player').hidden = true;
  stage = stage || makeStage();
  applyTheme();
  setTitle(data);
  const repeats = args.repeats?.length === 3 ? args.repeats : [1, 1, 1];
  Object.assign(stage, {
    hidden: new Set(),
    repeats,
    labels: args.labels || 'auto',
    model: args.bonds === false ? 'nobonds' : 'ball',
  });
  const axis = { a: [1, 0, 0], b: [0, 1, 0], c: [0, 0, 1] }[args.orientation];
  stage.show(data, frame, { direction: args.direction?.length === 3 ? args.direction : axis, still });
  showControls();
}

function makeStage() {
  const made = new Stage(el('canvas'), el('overlay'), { onPick: showPicked, onChange: describe });
  wireControls(made);
  return made;
}

function applyTheme() {
  if (!stage) return;
  const { backgroundColor, color } = getComputedStyle(document.body);
  const [r, g, b] = rgbOfCss(backgroundColor);
  stage.setTheme(0.3 * r + 0.59 * g + 0.11 * b < 128, `rgb(${r}, ${g}, ${b})`, color);
}

/** Any CSS colour as red, green, blue: a canvas knows them all. */
function rgbOfCss(colour) {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  context.fillStyle = '#fff';
  context.fillRect(0, 0, 1, 1);
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function setTitle(data) {
  const title = el('title');
  title.replaceChildren();
  for (const part of data.formula.split(/([\d.]+)/)) {
    const node = /^[\d.]+$/.test(part) ? document.createElement('sub') : document.createElement('span');
    node.textContent = part;
    title.append(node);
  }
  const legend = el('legend');
  legend.replaceChildren();
  for (const { symbol, count, colour } of data.elements) {
    const button = make('button', { type: 'button', 'aria-pressed': 'true' });
    button.append(make('i', { style: `background:${colour}` }), `${symbol} ${count}`);
    button.title = symbol === 'vacant' ? 'The white part of partly occupied sites' : `Hide or show ${symbol}`;
    button.disabled = symbol === 'vacant';
    button.onclick = () => {
      stage.toggle(symbol);
      button.setAttribute('aria-pressed', String(!stage.hidden.has(symbol)));
    };
    legend.append(button);
  }
}

function make(name, attributes = {}, text = '') {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

/** What the stage shows, for those who cannot see it, and what it leaves out. */
function describe({ data, scene, repeats }) {
  const cells = repeats.join(' by ');
  el('canvas').setAttribute(
    'aria-label',
    `${data.formula}, ${cells} cells, ${scene.atoms.length} atoms and ${scene.sticks.length} sticks drawn`,
  );
  const crowded = Object.entries(scene.crowded).map(
    ([label, most]) => `${label} has up to ${most} neighbours within the cutoff: no sticks are drawn there.`,
  );
  const outside = scene.atoms.length - scene.inside;
  if (outside) crowded.push(`${outside} paler atoms outside the cell complete the neighbours of those inside.`);
  if (data.elements.some(({ symbol }) => symbol === 'vacant') || data.kinds.some(({ parts }) => parts.length > 1))
    crowded.push('Partly occupied sites are drawn as pies: each slice is the share of an element.');
  if (stage && stage.model === 'fill') crowded.push('Space filling: van der Waals radii (Alvarez 2013).');
  setNotes.scene = crowded;
  setNotes();
}

/** Notes of the result stay; those of the scene follow what is shown. */
function setNotes(notes) {
  if (notes) setNotes.result = notes;
  const all = [...(setNotes.scene || []), ...(setNotes.result || [])];
  const wanted = all.join('\n');
  if (el('notes').dataset.shown === wanted) return;
  el('notes').dataset.shown = wanted;
  el('notes').replaceChildren(...all.map((note) => make('li', {}, note)));
}

function showNumbers(text) {
  el('numbers').hidden = !text;
  el('numbers').querySelector('pre').textContent = text;
}

function listSites(data) {
  const table = el('sites').querySelector('table');
  el('sites').hidden = false;
  const listed = Math.min(data.n_atoms, MOST_SITES_LISTED);
  const cut = listed < data.n_atoms ? `, the first ${listed} listed` : '';
  el('sites').querySelector('summary').textContent = `Sites (${data.n_atoms}${cut})`;
  const head = make('tr');
  head.append(...['site', 'species', 'x', 'y', 'z'].map((name) => make('th', { scope: 'col' }, name)));
  table.replaceChildren(head);
  for (let site = 0; site < listed; site++) {
    const row = make('tr');
    const button = make('button', { type: 'button', 'aria-label': `Select site ${site}` }, String(site));
    button.onclick = () => stage.pick(stage.scene.atoms.findIndex((atom) => atom.site === site));
    const first = make('td');
    first.append(button);
    const cells = [data.kinds[data.kind[site]].label, ...data.frac_coords[site].map((x) => x.toFixed(4))];
    row.append(first, ...cells.map((text) => make('td', {}, text)));
    table.append(row);
  }
}

/** Site and coordinates of the atoms picked; their distance, angle or dihedral. */
function showPicked(picked) {
  const box = el('picked');
  box.hidden = !picked.length;
  const { scene, data, frame } = stage;
  const at = (n) => [...scene.places.subarray(3 * n, 3 * n + 3)];
  const lines = picked.map((n, order) => {
    const { site, cell } = scene.atoms[n];
    const frac = [0, 1, 2].map((k) => frame.frac[3 * site + k] + cell[k]);
    const stored = stage.still ? data.frac_coords[site] : frac;
    const image = stage.still ? frac.map((x, k) => Math.round(x - stored[k])) : [0, 0, 0];
    const moved = image.some(Boolean) ? `, image [${image.join(' ')}]` : '';
    const words = `${order + 1}  ${stage.kindOf(site).label}, site ${site}${moved}: `;
    const line = make('p');
    line.append(make('b', {}, words), `fractional (${numbers(stored, 4)}), Cartesian (${numbers(at(n), 3)}) Å`);
    return line;
  });
  const measured = measure(picked.map(at), picked.map((n) => scene.atoms[n].site));
  if (measured) lines.push(make('p', {}, measured));
  box.replaceChildren(...lines);

  function measure(places, sites) {
    if (places.length === 4) return `dihedral 1-2-3-4 = ${dihedralDeg(...places).toFixed(2)}°`;
    if (places.length === 3) return `angle 1-2-3 = ${angleDeg(...places).toFixed(2)}°`;
    if (places.length < 2) return '';
    const distance = norm(minus(places[1], places[0]));
    const image = sites[0] === sites[1] ? distance : nearestImageA(places[0], places[1], frame.cell, data.pbc);
    const nearer = distance - image > 1e-3 ? `; the nearest periodic images are ${image.toFixed(3)} Å apart` : '';
    return `distance 1-2 = ${distance.toFixed(3)} Å${nearer}`;
  }
}

const numbers = (values, digits) => values.map((x) => (Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x).toFixed(digits)).join(', ');

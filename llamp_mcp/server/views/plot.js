'use strict';
/*
 * The page: takes the result of a tool, or follows its job to one; shows its pictures as plots, a
 * picture without data as it is, and where there is none the text.
 */

const POLL_MS = 1500;
const FAILURES = 4;
const ENDED = ['completed', 'failed', 'cancelled'];
const byId = (id) => document.getElementById(id);

let following = 0; // a newer result or a teardown ends the loop of an older one
let plots = [];

const host = connectHost({
  name: 'llamp-plot',
  onInput: () => status('Waiting for the result…'),
  onResult: take,
  onCancelled: () => stop(),
  onContext: () => plots.forEach((plot) => plot.draw()),
  onTeardown: () => stop(),
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots.forEach((plot) => plot.draw()));

function stop() {
  following++;
  status('');
  byId('progress').hidden = true;
}

function status(text) {
  byId('status').textContent = text;
  byId('status').hidden = !text;
}

/** Shows a result of a tool. */
async function take(result) {
  stop();
  const pictures = (result.content || []).filter((block) => block.type === 'image').map((block) => block.data);
  const structured = result.structuredContent || {};
  const isOpen = structured.job_id && structured.state && !ENDED.includes(structured.state);
  byId('figures').replaceChildren();
  showText(textOf(result), !pictures.length && !isOpen);
  if (isOpen) return follow(structured);
  if (structured.error) showError(structured.error);
  await showPictures(pictures);
}

function showText(text, isMain) {
  byId('words').hidden = !text;
  byId('words').open = isMain;
  byId('text').textContent = text;
}

/** Reads a job until it ends, then shows its picture and result. */
async function follow(job) {
  const mine = ++following;
  let failures = 0;
  let view = job;
  while (!ENDED.includes(view.state)) {
    showProgress(view);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (mine !== following) return;
    try {
      view = await host.readJson(`job://${job.job_id}`);
      failures = 0;
    } catch (error) {
      if (++failures < FAILURES) continue;
      stop();
      return showError(`The job cannot be followed here: ${error.message} Ask for get_job with job_id ${job.job_id}.`);
    }
    if (mine !== following) return;
  }
  byId('progress').hidden = true;
  status('');
  if (view.error) return showError(view.error);
  if (view.state === 'cancelled') return status(`Job ${job.job_id} was cancelled.`);
  const [picture] = await host.readResource(`job://${job.job_id}/plot`).catch(() => []); // it may have none
  if (mine !== following) return;
  showText(listed(view.result), !picture);
  if (picture) await showPictures([picture.blob]);
}

function showProgress({ job_id: id, state, progress }) {
  const { done, total, message } = progress || { done: 0, total: 0, message: '' };
  const bar = byId('bar');
  byId('progress').hidden = false;
  if (total) Object.assign(bar, { max: total, value: done });
  else bar.removeAttribute('value');
  byId('message').textContent = `Job ${id}, ${state}${total ? `: ${done} of ${total} steps` : ''}${message ? `; ${message}` : ''}`;
}

/** The fields of a result, one per line: what a job read as a resource has instead of a text. */
function listed(value, path = '') {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return `${path} = ${value}`;
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.length ? `${path} = ${value.join(', ')}` : '';
  const lines = Object.entries(value).map(([key, one]) => listed(one, path ? `${path}.${key}` : key));
  return lines.filter(Boolean).join('\n');
}

/** One section per picture, behind tabs where there are several. */
async function showPictures(pictures) {
  plots = [];
  const sections = [];
  for (const [at, base64] of pictures.entries()) sections.push(await section(base64, `Plot ${at + 1} of ${pictures.length}`));
  const choose = (chosen) => sections.forEach((one, at) => {
    one.hidden = at !== chosen;
    tabs.children[at]?.setAttribute('aria-pressed', String(at === chosen));
  });
  const tabs = element('div', { className: 'toolbar tabs' });
  if (sections.length > 1) {
    sections.forEach((one, at) => {
      const button = element('button', { type: 'button' }, `${at + 1}. ${one.dataset.title}`);
      button.addEventListener('click', () => choose(at));
      tabs.append(button);
    });
  }
  byId('figures').replaceChildren(tabs, ...sections);
  tabs.hidden = sections.length < 2;
  if (sections.length) choose(0);
  for (const plot of plots) plot.drawNow();
}

async function section(base64, fallback) {
  const made = element('section');
  const image = element('img', { src: `data:image/png;base64,${base64}`, alt: fallback, className: 'picture' });
  const figure = await documentOf(base64);
  if (!figure || figure.version !== 1 || !figure.panels.length) {
    made.dataset.title = fallback;
    made.append(image);
    return made;
  }
  const title = figure.title || figure.panels.map((panel) => panel.title).filter(Boolean).join(', ') || fallback;
  image.alt = title;
  made.dataset.title = title.length > 40 ? `${title.slice(0, 39)}…` : title;
  made.setAttribute('aria-label', title);
  const plot = new PlotFigure(figure, title);
  plots.push(plot);
  if (figure.title) made.append(element('h1', {}, figure.title));
  made.append(plot.element, image, notes(figure), tools(plot, image));
  image.hidden = true;
  return made;
}

/** What the drawing lacks of the picture. */
function notes(figure) {
  const items = figure.panels.flatMap((panel) => panel.items);
  const thinned = items.filter((item) => item.points).length;
  const outside = figure.panels.reduce((sum, panel) => sum + (panel.outside || 0), 0);
  const said = [
    thinned && `${counted(thinned, 'line is', 'lines are')} thinned to the smallest and largest values of each stretch`,
    outside && `${counted(outside, 'line', 'lines')} outside the limits not sent`,
    figure.omitted && `not drawn here: ${figure.omitted.join(', ')}; see the picture`,
  ].filter(Boolean);
  return element('p', { className: 'quiet notes', hidden: !said.length }, said.join('; '));
}

function counted(count, singular, plural) {
  return `${count} ${count === 1 ? singular : plural}`;
}

function tools(plot, image) {
  const bar = element('div', { className: 'toolbar' });
  const add = (text, title, action) => {
    const button = element('button', { type: 'button', title }, text);
    button.addEventListener('click', () => Promise.resolve(action(button)).catch(showError));
    bar.append(button);
    return button;
  };
  const about = (factor) => () => plot.places.forEach(({ frame }, at) => {
    const isFirst = plot.figure.panels[at].twin === undefined && (plot.figure.panels[at].x.shared || [at])[0] === at;
    if (isFirst) plot.zoom(at, frame.left + frame.width / 2, frame.top + frame.height / 2, factor);
  });
  add('+', 'Zoom in', about(1.5)).setAttribute('aria-label', 'Zoom in');
  add('−', 'Zoom out', about(1 / 1.5)).setAttribute('aria-label', 'Zoom out');
  add('Reset', 'Show everything (double click, or 0)', () => plot.reset());
  add('CSV', 'The numbers shown', () => save('plot.csv', 'text/csv', csvOf(plot)));
  add('SVG', 'The drawing, as vectors', () => save('plot.svg', 'image/svg+xml', svgOf(plot)));
  add('PNG', 'The drawing, as a picture', async () => save('plot.png', 'image/png', '', await pngOf(plot)));
  const picture = add('Picture', 'As the server drew it', () => {
    image.hidden = !image.hidden;
    plot.element.hidden = !image.hidden;
    picture.setAttribute('aria-pressed', String(!image.hidden));
    plot.draw();
  });
  add('?', 'Keys and gestures', (button) => {
    byId('help').hidden = !byId('help').hidden;
    button.setAttribute('aria-pressed', String(!byId('help').hidden));
  }).setAttribute('aria-label', 'Help');
  return bar;
}

/** Hands a file to the user: by the host, or shown for copying where it cannot. */
async function save(name, mimeType, text, base64 = base64Of(text)) {
  if (await host.download(name, mimeType, base64).catch(() => false)) return;
  byId('copy').hidden = false;
  byId('copy-name').textContent = name;
  byId('copy-text').hidden = !text;
  byId('copy-text').value = text;
  byId('copy-picture').hidden = Boolean(text);
  byId('copy-picture').src = text ? '' : `data:${mimeType};base64,${base64}`;
  byId('copy-do').hidden = !text;
  byId('copy').scrollIntoView({ block: 'nearest' });
  if (text) byId('copy-text').select();
}

byId('copy-do').addEventListener('click', async () => {
  byId('copy-text').select();
  const isCopied = await navigator.clipboard.writeText(byId('copy-text').value).then(() => true, () => document.execCommand('copy'));
  byId('copy-do').textContent = isCopied ? 'Copied' : 'Press Ctrl+C';
});
byId('copy-close').addEventListener('click', () => {
  byId('copy').hidden = true;
  byId('copy-do').textContent = 'Copy';
});

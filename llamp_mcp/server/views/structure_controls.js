'use strict';
/* Buttons, menus and keys of the page, and the saving of pictures. */

const VIEWS = { standard: null, a: [1, 0, 0], b: [0, 1, 0], c: [0, 0, 1] };

function perform(name) {
  if (name in VIEWS) return stage.look(VIEWS[name]);
  if (name === 'zoomIn') return stage.zoom(1.25);
  if (name === 'zoomOut') return stage.zoom(0.8);
  el('help').hidden = !el('help').hidden;
  document.querySelector('[data-do=help]').setAttribute('aria-expanded', String(!el('help').hidden));
}

function showControls() {
  el('model').value = stage.model;
  el('labels').value = stage.labels;
  const [a, b, c] = stage.repeats;
  const same = a === b && b === c && a <= 3;
  el('cells').value = same ? String(a) : 'own';
  el('own-cells').hidden = same;
  [...el('own-cells').children].forEach((input, k) => (input.value = stage.repeats[k]));
}

function setRepeats(repeats) {
  const count = stage.data.n_atoms * repeats.reduce((product_, n) => product_ * n, 1);
  if (count > MOST_DRAWN) showError(`${repeats.join(' × ')} cells are ${count} atoms; at most ${MOST_DRAWN} can be drawn.`);
  else {
    showError('');
    stage.set({ repeats });
  }
  showControls();
}

function wireControls(made) {
  document.querySelectorAll('[data-do]').forEach((button) => {
    button.onclick = () => perform(button.dataset.do);
  });
  el('model').onchange = (event) => made.set({ model: event.target.value });
  el('labels').onchange = (event) => made.set({ labels: event.target.value });
  el('cells').onchange = ({ target: { value } }) => {
    el('own-cells').hidden = value !== 'own';
    if (value !== 'own') setRepeats([value, value, value].map(Number));
  };
  el('own-cells').onchange = () => {
    const inputs = [...el('own-cells').children];
    setRepeats(inputs.map((input) => Math.min(10, Math.max(1, Math.round(Number(input.value)) || 1))));
    el('cells').value = 'own';
    el('own-cells').hidden = false;
  };
  el('perspective').onclick = () => {
    made.set({ perspective: !made.perspective });
    el('perspective').setAttribute('aria-pressed', String(made.perspective));
  };
  el('png').onclick = () => savePng().catch(showError);
  el('saved').querySelector('button').onclick = () => (el('saved').hidden = true);
  document.addEventListener('keydown', onKey);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', applyTheme);
}

const TURN = (5 * Math.PI) / 180;
const KEYS = {
  ArrowLeft: () => stage.turn(-TURN, 0),
  ArrowRight: () => stage.turn(TURN, 0),
  ArrowUp: () => stage.turn(0, -TURN),
  ArrowDown: () => stage.turn(0, TURN),
  '+': () => stage.zoom(1.15),
  '=': () => stage.zoom(1.15),
  '-': () => stage.zoom(1 / 1.15),
  0: () => perform('standard'),
  a: () => perform('a'),
  b: () => perform('b'),
  c: () => perform('c'),
  '?': () => perform('help'),
  ' ': () => player && !el('player').hidden && player.play(!player.playing),
  '[': () => player && player.frames && player.step(-1),
  ']': () => player && player.frames && player.step(1),
  Escape: () => {
    if (!el('help').hidden) return perform('help');
    return stage.clear();
  },
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  const { tagName } = event.target;
  if (['INPUT', 'SELECT'].includes(tagName) && event.key !== 'Escape') return;
  if (['BUTTON', 'SUMMARY'].includes(tagName) && [' ', 'Enter'].includes(event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
}

/** Through the host where it can, by a link where the sandbox allows it, else on the page. */
async function savePng() {
  const name = `${stage.data.structure_id || stage.data.formula}.png`;
  const url = stage.snapshot().toDataURL('image/png');
  if (await host.download(name, 'image/png', url.split(',')[1])) return;
  const link = make('a', { href: url, download: name });
  link.click();
  // Whether a sandbox let the link do anything cannot be told: the picture is there in any case.
  el('saved').hidden = false;
  el('saved').querySelector('img').src = url;
  el('saved').scrollIntoView({ block: 'nearest' });
}

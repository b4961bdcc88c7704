'use strict';
/* A trajectory: its frames, the slider and keys that play them, and the temperature curve. */

function floats(base64) {
  const raw = atob(base64);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

/** The frames of `job://…/frames` and `trajectory://…`. */
class Frames {
  constructor(data, frameTimeFs) {
    this.data = data;
    this.count = data.frame_numbers.length;
    this.positions = floats(data.positions_a);
    this.cells = floats(data.cells_a);
    this.size = 3 * data.first.n_atoms;
    this.frameTimeFs = frameTimeFs;
    this.times = data.times_ps;
    if (!this.times && frameTimeFs) this.times = data.frame_numbers.map((n) => (n * frameTimeFs) / 1000);
    this.kelvin = data.temperature_k;
  }

  /** Frame `n` as {frac, cell}. */
  at(n) {
    const cell = [0, 3, 6].map((k) => [...this.cells.subarray(9 * n + k, 9 * n + k + 3)]);
    const inv = inverse(cell);
    const frac = new Float64Array(this.size);
    const from = n * this.size;
    for (let i = 0; i < this.size; i += 3) {
      const [x, y, z] = [this.positions[from + i], this.positions[from + i + 1], this.positions[from + i + 2]];
      for (let k = 0; k < 3; k++) frac[i + k] = x * inv[0][k] + y * inv[1][k] + z * inv[2][k];
    }
    return { frac, cell };
  }

  /** When a frame was taken, and its temperature, in words. */
  words(n) {
    const words = [`frame ${this.data.frame_numbers[n]}`];
    if (this.data.steps) words.push(`step ${this.data.steps[n]}`);
    if (this.times) words.push(timeText(this.times[n]));
    if (this.kelvin) words.push(`${this.kelvin[n].toFixed(1)} K`);
    return words.join(' · ');
  }
}

/** fs below one ps. */
function timeText(ps) {
  return Math.abs(ps) < 1 ? `${Number((1000 * ps).toPrecision(4))} fs` : `${Number(ps.toPrecision(5))} ps`;
}

class Player {
  constructor(root, onFrame) {
    this.onFrame = onFrame;
    this.root = root;
    this.find = (id) => root.querySelector(`#${id}`);
    this.find('play').onclick = () => this.play(!this.playing);
    this.find('back').onclick = () => this.step(-1);
    this.find('forward').onclick = () => this.step(1);
    this.find('frame').oninput = (event) => this.go(Number(event.target.value));
    this.curve = new Curve(this.find('curve'), (n) => this.go(n));
  }

  /** Takes frames; `window_ps` are the times that the analysis was of. */
  load(frames, windowPs) {
    const same = this.frames && this.frames.count <= frames.count;
    this.frames = frames;
    this.root.hidden = false;
    this.find('frame').max = frames.count - 1;
    for (const id of ['play', 'back', 'forward', 'frame']) this.find(id).disabled = frames.count < 2;
    this.curve.load(frames, windowPs);
    this.go(same ? this.n : 0);
  }

  go(n) {
    this.n = Math.max(0, Math.min(this.frames.count - 1, n));
    const words = this.frames.words(this.n);
    const slider = this.find('frame');
    slider.value = this.n;
    slider.setAttribute('aria-valuetext', words);
    this.find('moment').textContent = `${this.n + 1}/${this.frames.count}: ${words}`;
    this.curve.mark(this.n);
    this.onFrame(this.frames.at(this.n));
  }

  step(by) {
    this.play(false);
    this.go(this.n + by);
  }

  play(on) {
    if (!this.frames || this.frames.count < 2) return;
    this.playing = on;
    const button = this.find('play');
    button.setAttribute('aria-pressed', String(on));
    button.textContent = on ? '❚❚ Pause' : '▶ Play';
    if (!on) return;
    if (this.n === this.frames.count - 1) this.go(0);
    let shownAt = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      const due = Math.floor(((now - shownAt) / 1000) * Number(this.find('speed').value));
      if (due > 0) {
        shownAt = now;
        this._advance(due);
      }
      if (this.playing) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  _advance(by) {
    const { count } = this.frames;
    if (this.n + by < count) return this.go(this.n + by);
    if (this.find('loop').checked) return this.go((this.n + by) % count);
    this.go(count - 1);
    this.play(false);
  }
}

/** The temperature of every frame read, with a cursor at the one shown. */
class Curve {
  constructor(svg, onSeek) {
    this.svg = svg;
    this.onSeek = onSeek;
    const seek = (event) => {
      if (event.type === 'pointermove' && !event.buttons) return;
      const box = svg.getBoundingClientRect();
      const x = this.low + ((event.clientX - box.left - this.left) / this.wide) * (this.high - this.low);
      this.onSeek(nearest(this.marks, x));
    };
    svg.addEventListener('pointerdown', seek);
    svg.addEventListener('pointermove', seek);
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  load(frames, windowPs) {
    const { curve, stride, frame_numbers: numbers } = frames.data;
    this.svg.toggleAttribute('hidden', !curve);
    if (!curve) return;
    this.y = floats(curve.kelvin);
    // Without times frames are counted, or take the time that the caller gave.
    const each = stride * (frames.times ? frames.frameTimeFs / 1000 : 1);
    this.x = curve.times_ps ? floats(curve.times_ps) : this.y.map((_, n) => n * each);
    this.timed = Boolean(frames.times);
    this.marks = frames.times || numbers;
    this.kelvin = frames.kelvin;
    this.window = windowPs;
    this.n = 0;
    this.draw();
  }

  mark(n) {
    this.n = n;
    if (!this.y || !this.cursor) return;
    const [x, y] = [this.px(this.marks[n]), this.py(this.kelvin[n])];
    for (const name of ['x1', 'x2']) this.cursor.setAttribute(name, x);
    this.dot.setAttribute('cx', x);
    this.dot.setAttribute('cy', y);
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (!this.y || !width) return;
    [this.low, this.high] = [this.x[0], this.x[this.x.length - 1]];
    const ticks = niceTicks(Math.min(...this.y), Math.max(...this.y), 3);
    const [bottom, top] = [ticks[0], ticks[ticks.length - 1]];
    this.left = 46;
    this.wide = width - this.left - 12;
    const [upper, tall] = [8, height - 34];
    this.px = (x) => this.left + (this.high > this.low ? ((x - this.low) / (this.high - this.low)) * this.wide : 0);
    this.py = (y) => upper + (top > bottom ? ((top - y) / (top - bottom)) * tall : 0);
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    if (this.window && this.timed && this.window[0] > this.low)
      this._put('rect', { class: 'skipped', x: this.left, y: upper, width: this.px(this.window[0]) - this.left, height: tall });
    for (const tick of ticks) {
      this._put('line', { class: 'axis', x1: this.left, x2: width - 12, y1: this.py(tick), y2: this.py(tick) });
      this._put('text', { x: this.left - 5, y: this.py(tick) + 4, 'text-anchor': 'end' }, `${tick}`);
    }
    this._put('text', { x: 0, y: upper + tall / 2 + 4 }, 'K');
    const times = niceTicks(this.low, this.high, Math.max(2, Math.floor(width / 130))).filter((x) => x >= this.low && x <= this.high);
    times.forEach((x, n) => {
      const name = n === times.length - 1 ? (this.timed ? ' ps' : ' (frame)') : '';
      const end = this.px(x) > width - 40;
      this._put('text', { x: end ? width - 12 : this.px(x), y: upper + tall + 16, 'text-anchor': end ? 'end' : 'middle' }, x + name);
    });
    const points = Array.from(this.y, (y, n) => `${this.px(this.x[n]).toFixed(1)},${this.py(y).toFixed(1)}`);
    this._put('polyline', { class: 'line', points: points.join(' ') });
    this.cursor = this._put('line', { class: 'cursor', y1: upper, y2: upper + tall });
    this.dot = this._put('circle', { r: 4 });
    this.mark(this.n);
  }

  _put(name, attributes, text) {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return this.svg.appendChild(made);
  }
}

function nearest(values, x) {
  let best = 0;
  values.forEach((value, n) => {
    if (Math.abs(value - x) < Math.abs(values[best] - x)) best = n;
  });
  return best;
}

/** Round numbers that enclose a range, about so many steps of 1, 2 or 5. */
function niceTicks(low, high, steps) {
  const raw = (high - low || Math.abs(high) || 1) / steps;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw * 0.999);
  const ticks = [];
  for (let n = Math.floor(low / step + 1e-9); n <= Math.ceil(high / step - 1e-9) || ticks.length < 2; n++)
    ticks.push(Number((n * step).toPrecision(12)));
  return ticks;
}

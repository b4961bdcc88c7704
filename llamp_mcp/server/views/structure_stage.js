'use strict';
/*
 * The stage: the scene of one frame, the camera, and what pointer and keys do to it. It paints only
 * when something has changed, and with fewer pixels where painting is slow while things move.
 */

const OUTSIDE_FADE = 0.5;
const OUTSIDE_SIZE = 0.8;
const LARGEST_PX_PER_A = 110;
const SLOW_MS = 40;
/** From the best picture to the quickest: pixels of the screen used, and smooth edges. */
const LEVELS = [
  { share: 1, smooth: true },
  { share: 1, smooth: false },
  { share: 0.75, smooth: false },
  { share: 0.5, smooth: false },
];
const MOST_DRAWN = 40000;
const AIR_A = 2.5;

class Stage {
  constructor(canvas, overlay, { onPick, onChange }) {
    this.canvas = canvas;
    this.overlay = overlay;
    this.painter = new Painter(canvas);
    this.told = { onPick, onChange };
    this.data = null;
    this.hidden = new Set();
    this.picked = [];
    this.repeats = [1, 1, 1];
    this.model = 'ball';
    this.labels = 'auto';
    this.perspective = false;
    this.camera = { rotation: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], centre: [0, 0, 0], pan: [0, 0], zoom: 1 };
    this.size = { width: 1, height: 1, ratio: 1 };
    this.level = 0;
    this.triadBottom = 40;
    new ResizeObserver(() => this.resize()).observe(canvas);
    this._listen();
    canvas.addEventListener('webglcontextlost', (event) => event.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => {
      this.painter = new Painter(canvas);
      if (this.data) this._rebuild(true);
    });
  }

  /** Shows a structure: its data as the server gives it, and a frame {frac, cell}. */
  show(data, frame, { direction, still = true } = {}) {
    this.data = data;
    this.frame = frame;
    this.still = still;
    this.kinds = data.kinds.map((kind) => ({ ...kind, parts: kind.parts.map((part) => ({ ...part, rgb: rgbOf(part.colour) })) }));
    this.picked = [];
    this._rebuild(true);
    this.resize();
    this.look(direction || null);
  }

  /** Another frame of the same trajectory. */
  setFrame(frame) {
    this.frame = frame;
    this._rebuild(false);
    this.told.onPick(this.picked);
  }

  /** Model, labels, repeats, perspective: what is given changes. */
  set(options) {
    Object.assign(this, options);
    if (!this.data) return;
    if ('repeats' in options) {
      this.picked = [];
      this.told.onPick(this.picked);
    }
    this._rebuild('repeats' in options);
    if ('repeats' in options) this.fit();
    this.invalidate();
  }

  kindOf(site) {
    return this.kinds[this.data.kind[site]];
  }

  /** The colour of the element with the largest share. */
  colourOf(site) {
    const { parts } = this.kindOf(site);
    return parts.reduce((most, part) => (part.symbol !== 'vacant' && part.share > most.share ? part : most)).rgb;
  }

  toggle(symbol) {
    if (!this.hidden.delete(symbol)) this.hidden.add(symbol);
    this._rebuild(false);
  }

  _isHidden(site) {
    const { parts } = this.kindOf(site);
    const real = parts.filter(({ symbol }) => symbol !== 'vacant');
    return real.length > 0 && real.every(({ symbol }) => this.hidden.has(symbol));
  }

  _rebuild(anew) {
    const { data, frame, repeats } = this;
    if (anew || !this.atoms) this.atoms = atomsInside(data, frame, repeats);
    const options = { bonds: this.model === 'ball', complete: this.still };
    this.scene = compose(data, frame, this.atoms, repeats, options);
    const pies = this.kinds.filter(({ parts }) => parts.length > 1);
    if (anew) this.painter.setPies(pies.map(({ parts }) => parts));
    const filling = this.model === 'fill';
    const { places, inside } = this.scene;
    this.balls = this.scene.atoms.map(({ site }, n) => {
      const kind = this.kindOf(site);
      const outside = n >= inside;
      return {
        x: places[3 * n],
        y: places[3 * n + 1],
        z: places[3 * n + 2],
        radius: (filling ? kind.van_der_waals_a : kind.ball_a) * (outside ? OUTSIDE_SIZE : 1),
        rgb: this.colourOf(site),
        fade: outside ? OUTSIDE_FADE : 0,
        pie: pies.indexOf(kind) + 1,
        hidden: this._isHidden(site),
      };
    });
    this.painter.setBalls(this.balls.filter((ball) => !ball.hidden));
    const sticks = this.scene.sticks.map(([i, j]) => [this.balls[i], this.balls[j]]);
    this.painter.setSticks(sticks.filter(([one, other]) => !one.hidden && !other.hidden));
    this._setEdges();
    this._measureExtent();
    this.invalidate();
    this.told.onChange(this);
  }

  _setEdges() {
    const colours = AXIS_COLOURS[this.dark ? 'dark' : 'light'].map(rgbOf);
    const own = this.dark ? [215, 215, 222] : [40, 40, 48];
    const pale = this.dark ? [96, 96, 106] : [165, 165, 175];
    this.edges = this.data.pbc.some(Boolean) ? cellEdges(this.frame.cell, this.repeats) : [];
    this.painter.setEdges(
      this.edges.map((edge) => ({
        ...edge,
        rgb: edge.axis >= 0 ? colours[edge.axis] : edge.own ? own : pale,
        width: edge.axis >= 0 ? 2 : edge.own ? 1.5 : 1,
      })),
    );
  }

  /** The middle of all that is drawn, and how far anything is from it. */
  _measureExtent() {
    const points = this._bounds();
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    for (const { at, radius } of points)
      for (let k = 0; k < 3; k++) {
        low[k] = Math.min(low[k], at[k] - radius);
        high[k] = Math.max(high[k], at[k] + radius);
      }
    if (!this.atRest || this.still || this.atRest !== this.atoms) {
      this.camera.centre = scaled(add(low, high), 0.5);
      this.atRest = this.atoms;
    }
    const { centre } = this.camera;
    this.camera.extent = Math.max(1, ...points.map(({ at, radius }) => norm(minus(at, centre)) + radius));
    for (const { from, to } of this.edges)
      this.camera.extent = Math.max(this.camera.extent, norm(minus(from, centre)), norm(minus(to, centre)));
  }

  /** What has to be in the picture: the atoms, and the cell where it is not mostly empty. */
  _bounds() {
    const points = this.balls.map(({ x, y, z, radius }) => ({ at: [x, y, z], radius }));
    const empty = this.data.vacuum.some((flag, k) => flag && this.data.pbc[k]);
    if (empty) return points.map(({ at, radius }) => ({ at, radius: radius + AIR_A }));
    for (const { from, to } of this.edges) points.push({ at: from, radius: 0 }, { at: to, radius: 0 });
    return points;
  }

  /** Looks along a direct-lattice direction; null: the three-quarter view. */
  look(direction) {
    this.camera.rotation = lookAlong(this.frame.cell, direction);
    this.camera.zoom = 1;
    this.fit();
  }

  /** As large as the stage allows, as it is turned now. */
  fit() {
    const { rotation, centre } = this.camera;
    const low = [Infinity, Infinity];
    const high = [-Infinity, -Infinity];
    for (const { at, radius } of this._bounds()) {
      const from = minus(at, centre);
      for (let k = 0; k < 2; k++) {
        const x = dot(rotation[k], from);
        low[k] = Math.min(low[k], x - radius);
        high[k] = Math.max(high[k], x + radius);
      }
    }
    const { width, height } = this.size;
    const [top, bottom, side] = [44, 18, 24];
    const [wide, tall] = [Math.max(high[0] - low[0], 0.5), Math.max(high[1] - low[1], 0.5)];
    const k = Math.min((width - 2 * side) / wide, (height - top - bottom) / tall, LARGEST_PX_PER_A);
    this.camera.fitted = Math.max(k, 1);
    const [right, up] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
    this.camera.pan = [-right * k, up * k + (top - bottom) / 2].map((x) => x * this.camera.zoom);
    this.invalidate();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const before = this.size;
    this.size = { width, height, ratio: this.size.ratio };
    if (this.data && (before.width !== width || before.height !== height)) this.fit();
    this.invalidate();
  }

  /** The theme has changed. */
  setTheme(dark, page, ink) {
    Object.assign(this, { dark, page, ink, pageRgb: page.match(/[\d.]+/g).slice(0, 3).map(Number) });
    if (this.data) this._setEdges();
    this.invalidate();
  }

  turn(right, up) {
    const [a, b] = [right, up];
    const about = (m, axis, angle) => {
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const [p, q] = [0, 1, 2].filter((k) => k !== axis);
      const rows = m.map((row) => row.slice());
      rows[p] = add(scaled(m[p], c), scaled(m[q], -s));
      rows[q] = add(scaled(m[p], s), scaled(m[q], c));
      return rows;
    };
    let rows = about(about(this.camera.rotation, 1, -a), 0, b);
    const first = unit(rows[0]);
    const third = unit(minus(rows[2], scaled(first, dot(rows[2], first))));
    rows = [first, cross(third, first), third];
    this.camera.rotation = rows;
    this.invalidate();
  }

  zoom(factor, [x, y] = [0, 0]) {
    const before = this.camera.zoom;
    const after = Math.min(40, Math.max(0.2, before * factor));
    // What lies under the pointer stays there.
    const { pan } = this.camera;
    this.camera.pan = [x - ((x - pan[0]) * after) / before, y - ((y - pan[1]) * after) / before];
    this.camera.zoom = after;
    this.invalidate();
  }

  move(dx, dy) {
    this.camera.pan = [this.camera.pan[0] + dx, this.camera.pan[1] + dy];
    this.invalidate();
  }

  invalidate() {
    if (this.waiting || !this.data || !this.page) return;
    this.waiting = requestAnimationFrame((now) => {
      this.waiting = 0;
      this._pace(now);
      this.paint(this.level);
    });
  }

  /** A quicker picture while frames follow each other too slowly; the best one at rest. */
  _pace(now) {
    const took = now - (this.paintedAt || 0);
    this.paintedAt = now;
    if (took < 1000) this.pace = 0.7 * (this.pace || took) + 0.3 * took;
    if (took < 1000 && this.pace > SLOW_MS && this.level < LEVELS.length - 1) {
      this.level++;
      this.pace = 0;
    }
    clearTimeout(this.resting);
    if (this.level) this.resting = setTimeout(() => this.paint(), 300);
  }

  paint(level = 0) {
    const { width, height } = this.size;
    const { share, smooth } = LEVELS[level];
    const full = Math.min(window.devicePixelRatio || 1, 2);
    const ratio = full * share;
    sized(this.canvas, width * ratio, height * ratio);
    sized(this.overlay, width * full, height * full);
    this.size.ratio = full;
    const camera = this._camera();
    this._project(camera);
    this.painter.draw(camera, { page: this.pageRgb, dark: this.dark, smooth }, ratio);
    drawOverlay(this.overlay.getContext('2d'), this);
  }

  _camera() {
    const camera = { ...this.camera, pixelsPerA: this.camera.fitted * this.camera.zoom };
    camera.eye = this.perspective ? 2.6 * camera.extent : 0;
    return camera;
  }

  /** Where each ball is in the picture, and the nearest and the farthest of them. */
  _project(camera) {
    const [r, u, t] = camera.rotation;
    const [cx, cy, cz] = camera.centre;
    const [mx, my] = [this.size.width / 2 + camera.pan[0], this.size.height / 2 + camera.pan[1]];
    let [front, back] = [-Infinity, Infinity];
    this.shown = this.balls.map(({ x, y, z, radius, hidden }) => {
      if (hidden) return null;
      const [px, py, pz] = [x - cx, y - cy, z - cz];
      const depth = t[0] * px + t[1] * py + t[2] * pz;
      if (depth > front) front = depth;
      if (depth < back) back = depth;
      const near = camera.eye ? camera.eye / Math.max(camera.eye - depth, 0.05 * camera.eye) : 1;
      const k = near * camera.pixelsPerA;
      return {
        x: mx + (r[0] * px + r[1] * py + r[2] * pz) * k,
        y: my - (u[0] * px + u[1] * py + u[2] * pz) * k,
        depth,
        radius: Math.max(radius * k, 1),
      };
    });
    camera.front = Number.isFinite(front) ? front : 0;
    camera.back = Number.isFinite(back) ? back : 0;
  }

  /** The ball under a point, or -1; fingers need not hit it exactly. */
  ballAt(x, y, slack) {
    let best = -1;
    (this.shown || []).forEach((ball, n) => {
      if (!ball || Math.hypot(ball.x - x, ball.y - y) > ball.radius + slack) return;
      if (best < 0 || ball.depth > this.shown[best].depth) best = n;
    });
    return best;
  }

  pick(n) {
    const at = this.picked.indexOf(n);
    if (at >= 0) this.picked = this.picked.filter((one) => one !== n);
    else this.picked = this.picked.length < 4 ? [...this.picked, n] : [n];
    this.told.onPick(this.picked);
    this.invalidate();
  }

  clear() {
    this.picked = [];
    this.told.onPick(this.picked);
    this.invalidate();
  }

  /** The picture as it is, with the selection, labels and axes, on a canvas of its own. */
  snapshot() {
    this.paint();
    const made = document.createElement('canvas');
    made.width = this.canvas.width;
    made.height = this.canvas.height;
    const context = made.getContext('2d');
    context.drawImage(this.canvas, 0, 0);
    context.drawImage(this.overlay, 0, 0);
    return made;
  }

  _listen() {
    const { canvas } = this;
    const fingers = new Map();
    let moved = 0;
    const middle = () => {
      const all = [...fingers.values()];
      return [0, 1].map((k) => all.reduce((sum, at) => sum + at[k], 0) / all.length);
    };
    const spread = () => {
      const [one, other] = [...fingers.values()];
      return Math.hypot(one[0] - other[0], one[1] - other[1]);
    };
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      if (!fingers.size) moved = 0;
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    canvas.addEventListener('pointermove', (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const [from, apart] = [middle(), fingers.size === 2 && spread()];
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      const to = middle();
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      moved += Math.abs(event.clientX - before[0]) + Math.abs(event.clientY - before[1]);
      if (apart) this.zoom(spread() / apart, this._fromMiddle(to));
      if (fingers.size > 1 || event.shiftKey || event.buttons & 6) this.move(dx, dy);
      else if (moved > 4) this.turn(dx * 0.009, dy * 0.009);
    });
    const up = (event) => {
      const clicked = fingers.size === 1 && moved <= 4 && event.type === 'pointerup' && event.button === 0;
      fingers.delete(event.pointerId);
      if (!clicked) return;
      const box = canvas.getBoundingClientRect();
      const slack = event.pointerType === 'touch' ? 10 : 2;
      const n = this.ballAt(event.clientX - box.left, event.clientY - box.top, slack);
      if (n >= 0) this.pick(n);
    };
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', up);
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        const lines = event.deltaMode ? 16 : 1;
        this.zoom(Math.exp(-0.0016 * lines * event.deltaY), this._fromMiddle([event.clientX, event.clientY]));
      },
      { passive: false },
    );
  }

  _fromMiddle([x, y]) {
    const box = this.canvas.getBoundingClientRect();
    return [x - box.left - box.width / 2, y - box.top - box.height / 2];
  }
}

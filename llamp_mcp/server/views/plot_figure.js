'use strict';
/*
 * One figure on the page: drawing, legend, cursor, zoom. Zoom is a new pair of limits for the axes of
 * a panel, of those that share them, and of a twin; everything is then drawn anew.
 */

const REACH = 60; // px within which a point is near the pointer
const WHEEL_STEP = 1.2;

class PlotFigure {
  constructor(figure, title) {
    this.figure = figure;
    this.series = prepare(figure);
    this.title = title;
    this.home = figure.panels.map((panel) => ({ x: panel.x.limits, y: panel.y.limits }));
    this.views = this.home.map((view) => ({ ...view }));
    this.cursor = null;
    this.build();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.stage);
  }

  build() {
    const names = [...this.series.values()].map((one) => one.name).filter(Boolean);
    this.element = element('div', { className: 'figure' });
    this.stage = element('div', { className: 'stage' });
    this.canvas = svg('svg', { tabindex: 0, role: 'application', class: 'plot' });
    this.canvas.setAttribute('aria-label', `Plot: ${this.title}. ${names.length ? `Series: ${names.join(', ')}. ` : ''}Arrow keys read its points.`);
    this.tip = element('div', { className: 'tip', hidden: true });
    this.said = element('p', { className: 'only-read', role: 'status' });
    this.legend = element('div', { className: 'legend toolbar' });
    this.legend.setAttribute('role', 'group');
    this.legend.setAttribute('aria-label', 'Series shown');
    this.stage.append(this.canvas, this.tip);
    this.element.append(this.legend, this.stage, this.said);
    this.buildLegend();
    listen(this);
  }

  buildLegend() {
    for (const one of this.series.values()) {
      if (!one.name) continue;
      const button = element('button', { type: 'button', className: 'series' });
      const show = () => {
        button.setAttribute('aria-pressed', String(!one.hidden));
        button.replaceChildren(sampleOf(one.item, this.colours), one.name);
      };
      button.addEventListener('click', () => {
        one.hidden = !one.hidden;
        this.cursor = null;
        this.draw();
      });
      for (const [event, isOn] of [['focus', true], ['mouseenter', true], ['blur', false], ['mouseleave', false]]) {
        button.addEventListener(event, () => this.highlight(isOn ? one.key : null));
      }
      one.show = show;
      this.legend.append(button);
    }
    this.legend.hidden = !this.legend.children.length;
  }

  /** The colours of the page as they are now. */
  look() {
    const resolved = (name) => {
      this.said.style.color = `var(${name})`; // a variable may hold light-dark() or another variable
      return hex(getComputedStyle(this.said).color);
    };
    const [ink, quiet, line, page] = ['--ink', '--quiet', '--line', '--page'].map(resolved);
    return { ink, quiet, line, page, fit: fitColours(page), series: this.series };
  }

  /** Draws everything anew; several calls in one frame draw once. */
  draw() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.drawNow();
    });
  }

  drawNow() {
    const width = Math.floor(this.stage.clientWidth);
    if (!width) return;
    const look = (this.colours = this.look());
    const { height, places } = layOut(this.figure, this.views, width);
    this.places = places;
    const attributes = { width, height, viewBox: `0 0 ${width} ${height}` };
    for (const [key, value] of Object.entries(attributes)) this.canvas.setAttribute(key, value);
    this.canvas.replaceChildren(...paint(this.figure, places, look));
    this.marks = svg('g', { 'pointer-events': 'none' });
    this.canvas.append(this.marks);
    for (const one of this.series.values()) if (one.show) one.show();
    this.canvas.classList.toggle('zoomed', this.isZoomed());
    this.showCursor();
  }

  highlight(key) {
    for (const group of this.canvas.querySelectorAll('[data-series]')) {
      group.setAttribute('opacity', key === null || group.dataset.series === key ? 1 : 0.2);
    }
  }

  /** The panel under a pixel, a twin's base first; -1 for none. */
  panelAt(x, y) {
    return this.places.findIndex(({ frame }) => x >= frame.left && x <= frame.left + frame.width && y >= frame.top && y <= frame.top + frame.height);
  }

  /** Every point in sight: `visit(panel number, item, index, x px, y px)`. */
  eachPoint(visit) {
    this.figure.panels.forEach((panel, number) => {
      const { x, y } = this.places[number].scales;
      for (const item of panel.items) {
        if (!item.trace || this.series.get(item.key).hidden) continue;
        const [xs, ys] = [item.trace.x, item.trace.y];
        for (let at = 0; at < xs.length; at++) {
          if (x.holds(xs[at]) && y.holds(ys[at])) visit(number, item, at, x.px(xs[at]), y.px(ys[at]));
        }
      }
    });
  }

  /** The cursor at the point nearest to a pixel, once in a frame: a pointer moves more often. */
  pointAt(x, y) {
    const isDue = this.pointed;
    this.pointed = [x, y];
    if (isDue) return;
    requestAnimationFrame(() => {
      if (this.pointed) this.pointNow(...this.pointed);
      this.pointed = null;
    });
  }

  /** The cursor at the point nearest to a pixel of a panel; away when none is near. */
  pointNow(x, y) {
    let nearest = REACH;
    let found = null;
    const under = this.panelAt(x, y);
    this.eachPoint((number, item, at, px, py) => {
      if (number !== under && this.figure.panels[number].twin !== under) return;
      const distance = Math.hypot(px - x, py - y) + (item.kind === 'line' && !item.marker ? 5 : 0); // a marker wins
      if (distance < nearest) [nearest, found] = [distance, { number, item, at }];
    });
    this.setCursor(under < 0 ? null : found);
  }

  setCursor(cursor, isSpoken = false) {
    this.cursor = cursor;
    this.showCursor();
    if (isSpoken && cursor) {
      const { heading, rows } = this.words();
      this.said.textContent = `${heading}. ${rows.map((pair) => pair.join(' ')).join(', ')}`;
    }
  }

  words() {
    const { number, item, at } = this.cursor;
    return describe(this.figure.panels[number], item, at, this.series.get(item.key).name);
  }

  showCursor() {
    if (!this.marks) return;
    this.marks.replaceChildren();
    const { number, item, at } = this.cursor || {};
    this.tip.hidden = !item || !isSeen(item.trace, at, this.places[number].scales);
    if (this.tip.hidden) return;
    const { frame, scales } = this.places[number];
    const [x, y] = [scales.x.px(item.trace.x[at]), scales.y.px(item.trace.y[at])];
    const look = this.colours;
    const cross = `M${x} ${frame.top}v${frame.height}M${frame.left} ${y}h${frame.width}`;
    this.marks.append(
      svg('path', { d: cross, stroke: look.quiet, 'stroke-dasharray': '2 3', fill: 'none' }),
      svg('circle', { cx: x, cy: y, r: 6, fill: 'none', stroke: look.ink, 'stroke-width': 2 }),
    );
    const { heading, rows } = this.words();
    const list = element('dl');
    for (const [label, value] of rows) list.append(element('dt', {}, label), element('dd', {}, value));
    this.tip.replaceChildren(element('strong', {}, heading), list);
    const room = this.stage.clientWidth;
    const size = this.tip.getBoundingClientRect();
    this.tip.style.left = `${Math.max(0, x + 14 + size.width > room ? x - 14 - size.width : x + 14)}px`;
    this.tip.style.top = `${Math.max(0, y - 12 - size.height < 0 ? y + 14 : y - 12 - size.height)}px`;
  }

  /** Moves the cursor along its series (steps) or to another one (lines). */
  moveCursor(steps, lines) {
    this.pointed = null; // a pointer that moved just before must not take the cursor back
    const stops = [];
    this.eachPoint((number, item, at, px, py) => {
      const last = stops[stops.length - 1];
      if (last && last.item === item) last.points.push({ at, px, py });
      else stops.push({ number, item, points: [{ at, px, py }] });
    });
    if (!stops.length) return;
    for (const stop of stops) if (stop.item.kind !== 'line') stop.points.sort((a, b) => a.px - b.px || a.py - b.py);
    let row = stops.findIndex((stop) => stop.item === this.cursor?.item);
    if (row < 0) {
      const { number, item, points } = stops[0];
      return this.setCursor({ number, item, at: points[0].at }, true);
    }
    const here = Math.max(0, stops[row].points.findIndex((point) => point.at === this.cursor.at));
    const { px } = stops[row].points[here];
    row = (row + lines + stops.length) % stops.length;
    const { number, item, points } = stops[row];
    const nearest = () => points.reduce((best, point, at) => (Math.abs(point.px - px) < Math.abs(points[best].px - px) ? at : best), 0);
    const place = lines ? nearest() : Math.max(0, Math.min(points.length - 1, here + steps));
    this.setCursor({ number, item, at: points[place].at }, true);
  }

  /** Shows the part of a panel between two pixels of x and of y: of all that share its axes too. */
  zoomTo(number, [x0, x1], [y0, y1]) {
    this.figure.panels.forEach((panel, at) => {
      if (at !== number && panel.twin !== number) return;
      const { scales } = this.places[at];
      this.setLimits(at, 'x', [scales.x.value(x0), scales.x.value(x1)]);
      this.setLimits(at, 'y', [scales.y.value(y0), scales.y.value(y1)]);
    });
    this.draw();
  }

  setLimits(number, axis, limits) {
    const [low, high] = this.home[number][axis];
    const size = Math.abs(limits[1] - limits[0]);
    const isSane = limits.every(Number.isFinite) && size > 1e-7 * Math.abs(high - low) && size < 50 * Math.abs(high - low);
    if (!isSane) return;
    const joined = this.figure.panels[number][axis].shared || [number];
    for (const other of joined) this.views[other] = { ...this.views[other], [axis]: limits };
  }

  /** Zooms about a pixel: a factor above 1 shows more detail. */
  zoom(number, x, y, factor) {
    const { frame } = this.places[number];
    const cut = (at, start, length) => [at - (at - start) / factor, at + (start + length - at) / factor];
    this.zoomTo(number, cut(x, frame.left, frame.width), cut(y, frame.top, frame.height).reverse());
  }

  pan(number, dx, dy) {
    const { left, top, width, height } = this.places[number].frame;
    this.zoomTo(number, [left - dx, left + width - dx], [top + height - dy, top - dy]);
  }

  isZoomed() {
    return this.views.some((view, at) => ['x', 'y'].some((axis) => view[axis].some((limit, end) => limit !== this.home[at][axis][end])));
  }

  reset() {
    this.views = this.home.map((view) => ({ ...view }));
    this.draw();
  }
}

/** All elements of a figure, without the cursor. */
function paint(figure, places, look) {
  const hatch = svg('pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' });
  hatch.append(svg('rect', { width: 2, height: 6, fill: look.page }));
  const panels = figure.panels.map((panel, at) => drawPanel(panel, places[at], look, `clip${at}`));
  const palettes = places.filter((place) => place.palette).map((place) => drawPalette(place.palette.item, place.palette, look));
  return [hatch, ...panels, ...palettes];
}

function isSeen({ x, y }, at, scales) {
  return scales.x.holds(x[at]) && scales.y.holds(y[at]);
}

/** A small picture of how a series is drawn. */
function sampleOf(item, look) {
  const made = svg('svg', { width: 22, height: 12, 'aria-hidden': 'true' });
  const frame = { left: 0, top: 0, width: 22, height: 12 };
  const scales = { x: { px: (v) => v }, y: { px: (v) => v } };
  const line = { ...item, parts: null, width: item.width && Math.max(1.5, item.width), x: [1, 21], y: [6, 6], x_errors: null, y_errors: null, values: null };
  const samples = {
    line: { ...line, ...(item.marker && !item.width ? { x: [11], y: [6] } : {}), size: Math.min(7, item.size || 0) },
    points: { ...line, x: [11], y: [6], size: Math.min(7, item.size || 0), color: item.palette ? item.palette[item.palette.length >> 1] : item.color },
    sticks: { ...item, x: [5, 11, 17], y: [2, 5, 1], from_x: [5, 11, 17], from_y: [12, 12, 12] },
    area: { ...item, along: 'x', t: [1, 21], to: [1, 1], from_t: [1, 21], from: [11, 11] },
    bars: { ...item, along: 'x', t: [11], width: [14], from: [1], to: [11] },
    rule: { ...line, kind: 'line' },
    span: { ...item, kind: 'area', along: 'x', t: [1, 21], to: [1, 1], from_t: [1, 21], from: [11, 11] },
  };
  made.append(...shapes(samples[item.kind], { frame, scales }, item.palette ? { ...look, fit: (colour) => colour } : look));
  return made;
}

/** A colour that a picture outside the page can read too: no variable, no light-dark(). */
function hex(css) {
  return `#${rgbOf(css).map((part) => Math.round(part * 255).toString(16).padStart(2, '0')).join('')}`;
}

function element(name, properties = {}, text = '') {
  const made = Object.assign(document.createElement(name), properties);
  if (text) made.textContent = text;
  return made;
}

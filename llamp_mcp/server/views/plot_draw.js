'use strict';
/* Draws the panels of a prepared figure into an SVG element, in CSS pixels. */

const SVG = 'http://www.w3.org/2000/svg';
const FONT = 12;
const POINT = 1.2; // px for 1/72 inch: a little less than true, for the figure is drawn smaller here
const DASHES = { dashed: '6 4', dotted: '2 3', dashdot: '6 3 2 3' };
const measuring = document.createElement('canvas').getContext('2d');

function svg(name, attributes = {}, text = '') {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== '' && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  if (text) made.textContent = text;
  return made;
}

function textWidth(text, size = FONT) {
  measuring.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return measuring.measureText(text).width;
}

/** The words of a text in lines that fit a width. */
function wrapped(text, width, size = FONT) {
  const lines = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const longer = line ? `${line} ${word}` : word;
      if (line && textWidth(longer, size) > width) lines.push(line);
      line = line && textWidth(longer, size) > width ? word : longer;
    }
    if (line) lines.push(line);
  }
  return lines;
}

/**
 * Draws one panel.
 *
 * `at` is `{frame, scales}`: the rectangle inside the axes and the scales over it; `look` is
 * `{ink, quiet, line, page, fit, series}`.
 */
function drawPanel(panel, at, look, id) {
  const group = svg('g');
  const { left, top, width, height } = at.frame;
  const clip = svg('clipPath', { id });
  clip.append(svg('rect', { x: left, y: top, width, height }));
  group.append(clip);
  if (!panel.bare) drawAxes(group, panel, at, look);
  const title = svg('g', { fill: look.ink, 'font-weight': 600 });
  axisLabel(title, at.frame.title, { x: at.frame.middle, y: top - 8 - 17 * (at.frame.title.length - 1), turn: false, size: 13 });
  group.append(title);
  const inside = svg('g', { 'clip-path': `url(#${id})` });
  for (const [key, items] of runs(panel.items)) {
    if (look.series.get(key).hidden) continue;
    const one = svg('g', { 'data-series': key });
    for (const made of items.flatMap((item) => shapes(item, at, look))) one.append(made);
    inside.append(one);
  }
  group.append(inside);
  drawTexts(group, panel, at, look);
  return group;
}

/** Items next to each other that belong to one series: thousands of bands make one path. */
function runs(items) {
  const found = [];
  for (const item of items) {
    if (item.kind === 'text') continue;
    const last = found[found.length - 1];
    if (last && last[0] === item.key) last[1].push(item);
    else found.push([item.key, [item]]);
  }
  return found.map(([key, some]) => [key, merged(some)]);
}

function merged(items) {
  const plain = (item) => item.kind === 'line' && item.width && !item.marker && !item.x_errors && !item.y_errors;
  if (items.length < 2 || !items.every(plain)) return items;
  return [{ ...items[0], parts: items }];
}

function drawAxes(group, panel, { frame, scales, ticks, bare }, look) {
  const { left, top, width, height } = frame;
  const bottom = top + height;
  const grid = svg('g', { stroke: look.line, 'stroke-width': 1, opacity: 0.55 });
  if (!panel.x.ticks) for (const [x] of ticks.x) grid.append(svg('path', { d: `M${x} ${top}V${bottom}` }));
  if (!panel.y.ticks) for (const [y] of ticks.y) grid.append(svg('path', { d: `M${left} ${y}h${width}` }));
  if (panel.twin === undefined) {
    group.append(grid, svg('rect', { x: left, y: top, width, height, fill: 'none', stroke: look.quiet, 'stroke-width': 1 }));
  }
  const words = svg('g', { fill: look.ink, 'font-size': FONT });
  if (!bare.x) for (const [x, text] of ticks.x) words.append(svg('text', { x, y: bottom + 16, 'text-anchor': 'middle' }, text));
  const isRight = panel.y.right;
  if (!bare.y) {
    for (const [y, text] of ticks.y) {
      const x = isRight ? left + width + 6 : left - 6;
      words.append(svg('text', { x, y: y + 4, 'text-anchor': isRight ? 'start' : 'end' }, text));
    }
  }
  axisLabel(words, wrapped(panel.x.label, width), { x: left + width / 2, y: bottom + 34, turn: false });
  const x = isRight ? left + width + labelGap(ticks.y) : left - labelGap(ticks.y);
  axisLabel(words, wrapped(panel.y.label, height), { x, y: top + height / 2, turn: true, isRight });
  group.append(words);
}

/** How far the label of an axis lies from it: beyond the words of its ticks. */
function labelGap(ticks) {
  return Math.max(0, ...ticks.map(([, text]) => textWidth(text))) + 14;
}

function axisLabel(words, lines, { x, y, turn, isRight = false, size = FONT }) {
  lines.forEach((line, number) => {
    const step = size + 4;
    const shift = turn ? (isRight ? number : number - lines.length + 1) * step + (isRight ? step / 2 : 0) : 0;
    const place = turn ? { transform: `translate(${x + shift} ${y}) rotate(-90)` } : { x, y: y + number * step };
    words.append(svg('text', { ...place, 'text-anchor': 'middle', 'font-size': size }, line));
  });
}

/** The elements of an item. */
function shapes(item, { frame, scales }, look) {
  const colour = look.fit(item.color);
  const x = (value) => scales.x.px(value);
  const y = (value) => scales.y.px(value);
  const stroke = { fill: 'none', stroke: colour, 'stroke-opacity': item.opacity, 'stroke-linejoin': 'round' };
  const fill = { fill: colour, 'fill-opacity': item.opacity };
  const { left, top, width, height } = frame;
  const draw = {
    line: () => lineShapes(item, x, y, stroke, fill),
    points: () => pointShapes(item, x, y, stroke, fill, look),
    sticks: () => [svg('path', { ...stroke, 'stroke-width': POINT * item.width, d: sticks(item, x, y) })],
    area: () => [svg('path', { ...fill, d: area(item, x, y) })],
    bars: () => bars(item, x, y, fill, look),
    rule: () => {
      const d = item.across === 'y' ? `M${x(item.at)} ${top}v${height}` : `M${left} ${y(item.at)}h${width}`;
      return [svg('path', { ...stroke, 'stroke-width': Math.max(1, POINT * item.width), 'stroke-dasharray': DASHES[item.dash], d })];
    },
    span: () => {
      const [start, end] = item.between.map(item.across === 'y' ? x : y);
      const [from, size] = [Math.min(start, end), Math.abs(end - start)];
      const box = item.across === 'y' ? { x: from, width: size, y: top, height } : { y: from, height: size, x: left, width };
      return [svg('rect', { ...fill, ...box })];
    },
  };
  return draw[item.kind]();
}

function lineShapes(item, x, y, stroke, fill) {
  const made = [];
  if (item.width) {
    const d = (item.parts || [item]).map((part) => polyline(part.x, part.y, x, y)).join('');
    made.push(svg('path', { ...stroke, 'stroke-width': Math.max(1, POINT * item.width), 'stroke-dasharray': DASHES[item.dash], d }));
  }
  if (item.x_errors || item.y_errors) made.push(svg('path', { ...stroke, 'stroke-width': 1.3, d: errorBars(item, x, y) }));
  if (item.marker) {
    const d = item.x.map((value, at) => symbol(item.marker, x(value), y(item.y[at]), item.size)).join('');
    made.push(svg('path', { ...fill, ...(isOpen(item.marker) ? { ...stroke, 'stroke-width': 1.5 } : {}), d }));
  }
  return made;
}

function polyline(xs, ys, x, y) {
  let d = '';
  let isDown = false;
  for (let at = 0; at < xs.length; at++) {
    if (xs[at] === null || ys[at] === null) {
      isDown = false;
      continue;
    }
    d += `${isDown ? 'L' : 'M'}${x(xs[at]).toFixed(1)} ${bounded(y(ys[at])).toFixed(1)}`;
    isDown = true;
  }
  return d;
}

/** A pixel that a renderer can take: a logarithm of 0 is far away. */
function bounded(px) {
  return Math.max(-1e5, Math.min(1e5, Number.isNaN(px) ? 1e5 : px));
}

function pointShapes(item, x, y, stroke, fill, look) {
  const places = item.x.map((value, at) => [x(value), y(item.y[at]), at]).filter(([px, py]) => Number.isFinite(px + py));
  if (item.values) {
    return places.map(([px, py, at]) => {
      const shade = shadeOf(item, item.values[at]);
      return svg('path', { fill: shade, stroke: look.ink, 'stroke-width': 0.7, d: symbol(item.marker, px, py, item.size) });
    });
  }
  const d = places.map(([px, py]) => symbol(item.marker, px, py, item.size)).join('');
  return [svg('path', { ...fill, ...(isOpen(item.marker) ? { ...stroke, 'stroke-width': 1.5 } : {}), d })];
}

function shadeOf(item, value) {
  const [low, high] = item.range;
  const part = Math.max(0, Math.min(1, (value - low) / (high - low || 1)));
  return item.palette[Math.round(part * (item.palette.length - 1))];
}

function isOpen(marker) {
  return 'x+'.includes(marker);
}

/** The outline of a marker of that diameter in points. */
function symbol(marker, x, y, size) {
  const r = Math.max(1.6, (POINT * size) / 2);
  const [cx, cy] = [bounded(x).toFixed(1), bounded(y).toFixed(1)];
  const shape = {
    s: `m${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
    D: `m0 ${-1.2 * r}l${1.2 * r} ${1.2 * r}l${-1.2 * r} ${1.2 * r}l${-1.2 * r} ${-1.2 * r}z`,
    '^': `m0 ${-r}l${r} ${2 * r}h${-2 * r}z`,
    v: `m0 ${r}l${r} ${-2 * r}h${-2 * r}z`,
    '<': `m${-r} 0l${2 * r} ${-r}v${2 * r}z`,
    '>': `m${r} 0l${-2 * r} ${-r}v${2 * r}z`,
    x: `m${-r} ${-r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`,
    '+': `m${-r} 0h${2 * r}m${-r} ${-r}v${2 * r}`,
  }[marker];
  return `M${cx} ${cy}${shape || `m${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`}`;
}

function sticks(item, x, y) {
  return item.x.map((_, at) => `M${x(item.from_x[at])} ${y(item.from_y[at])}L${x(item.x[at])} ${y(item.y[at])}`).join('');
}

function errorBars(item, x, y) {
  const upright = (item.y_errors?.[0] || []).map((low, at) => {
    const px = x(item.x[at]);
    const [from, to] = [y(low), y(item.y_errors[1][at])];
    return `M${px - 4} ${from}h8M${px - 4} ${to}h8M${px} ${from}V${to}`;
  });
  const lying = (item.x_errors?.[0] || []).map((low, at) => {
    const py = y(item.y[at]);
    const [from, to] = [x(low), x(item.x_errors[1][at])];
    return `M${from} ${py - 4}v8M${to} ${py - 4}v8M${from} ${py}H${to}`;
  });
  return [...upright, ...lying].join('');
}

function area(item, x, y) {
  const place = item.along === 'x' ? (t, v) => `${x(t).toFixed(1)} ${bounded(y(v)).toFixed(1)}` : (t, v) => `${x(v).toFixed(1)} ${y(t).toFixed(1)}`;
  const there = item.t.map((t, at) => place(t, item.to[at]));
  const back = item.from_t.map((t, at) => place(t, item.from[at])).reverse();
  return `M${[...there, ...back].join('L')}Z`;
}

function bars(item, x, y, fill, look) {
  const d = item.t.map((t, at) => {
    const half = item.width[at] / 2;
    const [from, to] = [item.from[at], item.to[at]];
    const [x0, x1, y0, y1] = item.along === 'x' ? [x(t - half), x(t + half), y(from), y(to)] : [x(from), x(to), y(t - half), y(t + half)];
    return `M${x0} ${bounded(y0)}H${bounded(x1)}V${bounded(y1)}H${x0}Z`;
  });
  const made = [svg('path', { ...fill, d: d.join('') })];
  if (item.hatch) made.push(svg('path', { fill: 'url(#hatch)', d: d.join('') }));
  return made;
}

/** The colour scale of points that bear values, below its panel. */
function drawPalette(item, { x, y, width }, look) {
  const group = svg('g', { fill: look.ink, 'font-size': FONT });
  const cell = width / item.palette.length;
  item.palette.forEach((shade, at) => group.append(svg('rect', { x: x + at * cell, y, width: cell + 0.5, height: 10, fill: shade })));
  const scale = makeScale('linear', item.range, [x, x + width]);
  const ticks = ticksOf(scale, 5);
  const words = tickLabels(ticks, false);
  ticks.forEach((tick, at) => group.append(svg('text', { x: scale.px(tick), y: y + 24, 'text-anchor': 'middle' }, words[at])));
  group.append(svg('text', { x: x + width / 2, y: y + 41, 'text-anchor': 'middle' }, item.values_label || ''));
  return group;
}

const ANCHORS = { left: 'start', center: 'middle', right: 'end' };
const BASELINES = { bottom: 'auto', baseline: 'auto', center: 'central', top: 'hanging', center_baseline: 'central' };
const TURNED = { bottom: 'start', baseline: 'start', center: 'middle', top: 'end' };

/** Labels of points; one that would cover another is left to the cursor. */
function drawTexts(group, panel, { frame, scales }, look) {
  const taken = [];
  for (const item of panel.texts) {
    const [px, py] = item.inside
      ? [frame.left + item.at[0] * frame.width, frame.top + (1 - item.at[1]) * frame.height]
      : [scales.x.px(item.at[0]), scales.y.px(item.at[1])];
    const isInside = px >= frame.left - 1 && px <= frame.left + frame.width + 1 && py >= frame.top - 1 && py <= frame.top + frame.height + 1;
    if (!isInside) continue;
    const [dx, dy] = (item.offset || [0, 0]).map((step) => step * POINT);
    const at = { x: px + dx, y: py - dy };
    const box = boxOf(item, at);
    if (taken.some((other) => overlap(box, other))) continue;
    taken.push(box);
    if (item.leader) group.append(svg('path', { stroke: look.fit(item.color), 'stroke-width': 0.7, d: `M${px} ${py}L${at.x} ${at.y}` }));
    group.append(textShape(item, at, look));
  }
}

function textShape(item, { x, y }, look) {
  const isTurned = Math.abs((item.rotation || 0) % 180) === 90;
  const anchor = isTurned ? TURNED[item.baseline] : ANCHORS[item.anchor];
  const baseline = isTurned ? 'central' : BASELINES[item.baseline];
  return svg(
    'text',
    {
      transform: `translate(${x} ${y}) rotate(${-(item.rotation || 0)})`,
      'text-anchor': anchor,
      'dominant-baseline': baseline,
      'font-size': Math.max(10.5, item.size * 1.3),
      fill: look.fit(item.color),
      stroke: look.page,
      'stroke-width': 3,
      'paint-order': 'stroke',
    },
    item.text,
  );
}

/** About where a text lies: left, top, right, bottom. */
function boxOf(item, { x, y }) {
  const size = Math.max(10.5, item.size * 1.3);
  const length = textWidth(item.text, size);
  if (item.rotation) return [x - size / 2, y - length, x + size / 2, y];
  const left = x - length * { left: 0, center: 0.5, right: 1 }[item.anchor];
  const top = y - size * ({ top: 0, center: 0.5 }[item.baseline] ?? 1);
  return [left, top, left + length, top + size];
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

'use strict';
/*
 * The document of a figure made ready: which series there are, what a cursor may stop at, what it
 * then says. A series is what the legend switches: all that has one name, and what looks the same.
 */

const ALTITUDE = Math.sqrt(3) / 2;

/** Completes a document in place, and gives back its series: `{key, name, item, hidden}`. */
function prepare(figure) {
  const series = new Map();
  figure.panels.forEach((panel, number) => {
    panel.items.forEach((item) => {
      if (item.kind === 'line' && typeof item.x === 'number') item.x = panel.items[item.x].x;
    });
    panel.items.forEach((item) => {
      if (item.kind === 'text') return;
      item.key = keyOf(item, panel, number);
      item.trace = traceOf(item, panel);
      const name = item.name || series.get(item.key)?.name || '';
      if (!series.has(item.key)) series.set(item.key, { key: item.key, name, item, hidden: false });
      else if (item.name) Object.assign(series.get(item.key), { name, item });
    });
    for (const letter of ['x', 'y']) panel[letter].words = wordsOf(figure, panel, letter);
    panel.texts = panel.items.filter((item) => item.kind === 'text');
    panel.corners = cornersOf(panel);
  });
  return series;
}

/** The label of an axis in one line, or that of the panel that it is shared with. */
function wordsOf(figure, panel, letter) {
  const joined = (panel[letter].shared || []).map((number) => figure.panels[number][letter].label);
  return (panel[letter].label || joined.find(Boolean) || '').replace(/\s*\n\s*/g, ' ');
}

function keyOf(item, panel, number) {
  if (item.name) return item.name;
  const alike = (other) => other.name && other.color === item.color && (other.dash || '') === (item.dash || '');
  const twin = panel.items.find((other) => other !== item && alike(other)) || panel.items.find((other) => other.name && outlines(item, other));
  return twin ? twin.name : `${number} ${item.kind} ${item.color} ${item.dash || ''}`;
}

/** Whether a line is the edge of an area. */
function outlines(line, area) {
  if (line.kind !== 'line' || area.kind !== 'area') return false;
  const [t, to] = area.along === 'x' ? [line.x, line.y] : [line.y, line.x];
  return t.length === area.t.length && t.every((v, at) => v === area.t[at]) && to.every((v, at) => v === area.to[at]);
}

/** What a cursor stops at: `{x, y}`; null for what has no points of its own. */
function traceOf(item, panel) {
  if (item.kind === 'line' || item.kind === 'points' || item.kind === 'sticks') return { x: item.x, y: item.y };
  if (item.kind === 'bars') return item.along === 'x' ? { x: item.t, y: item.to } : { x: item.to, y: item.t };
  if (item.kind !== 'area' || panel.items.some((other) => outlines(other, item))) return null;
  return item.along === 'x' ? { x: item.t, y: item.to } : { x: item.to, y: item.t };
}

/** The elements at the corners of a composition triangle of unit side: [top, left, right], or null. */
function cornersOf(panel) {
  if (!panel.bare || !panel.equal) return null;
  const at = ([x, y]) => panel.texts.find((item) => Math.hypot(item.at[0] - x, item.at[1] - y) < 1e-3);
  const found = [[0.5, ALTITUDE], [0, 0], [1, 0]].map(at);
  return found.every(Boolean) ? found.map((item) => item.text.replace(/[₀-₉]/g, '')) : null;
}

/** What a point is: a heading, and rows of label and value. */
function describe(panel, item, at, name) {
  const x = item.trace.x[at];
  const y = item.trace.y[at];
  const heading = [labelAt(panel, x, y), name].filter(Boolean).join(', ') || panel.title;
  const rows = panel.corners
    ? composition(panel.corners, x, y)
    : [row(panel.x, x, 'x'), row(panel.y, y, 'y')];
  for (const [errors, of] of [[item.x_errors, panel.x], [item.y_errors, panel.y]]) {
    if (errors) rows.push([`${of.words} from, to`, `${written(errors[0][at])}, ${written(errors[1][at])}`]);
  }
  if (item.values) rows.push([item.values_label || 'value', written(item.values[at])]);
  return { heading, rows };
}

/** What is written beside a point: a compound, a reflection; empty where nothing is. */
function labelAt(panel, x, y) {
  const near = (a, b, [low, high]) => Math.abs(a - b) <= 1e-5 * Math.abs(high - low);
  return panel.texts.find(({ at }) => near(at[0], x, panel.x.limits) && near(at[1], y, panel.y.limits))?.text || '';
}

function row(axis, value, letter) {
  const named = axis.ticks?.some(([, text]) => /[^\d.,−\-+e\s]/.test(text));
  return [axis.words || (named ? 'path' : letter), named ? between(axis.ticks, value) : written(value)];
}

/** Where a value lies among named ticks: at one, or between two. */
function between(ticks, value) {
  const span = Math.abs(ticks[ticks.length - 1][0] - ticks[0][0]) || 1;
  const here = ticks.find(([place]) => Math.abs(place - value) < 1e-4 * span);
  if (here) return here[1];
  const after = ticks.findIndex(([place]) => place > value);
  if (after < 1) return written(value);
  const [[start, first], [end, last]] = [ticks[after - 1], ticks[after]];
  const share = Math.round((100 * (value - start)) / (end - start));
  return `${share} % of ${first.split('|').pop()} to ${last.split('|')[0]}`;
}

/** Fractions of the elements at a point of a triangle. */
function composition([top, left, right], x, y) {
  const first = y / ALTITUDE;
  const third = x - first / 2;
  const shares = [[top, first], [left, 1 - first - third], [right, third]];
  return shares.map(([name, part]) => [`fraction of ${name}`, written(Math.abs(Number(part.toFixed(4))))]);
}

'use strict';
/*
 * Where the panels of a figure go on a page of some width: beside each other where there is room, or
 * where they share an axis; else below each other. Then the frame, scales and ticks of each.
 */

const NARROWEST = 300;
const LINE = 17;
const BOLD = 1.1; // bold letters are wider
const TICK_EVERY = 38; // px between ticks of y

/** `{height, places}`: for each panel `{frame, scales, ticks, bare, palette}`. */
function layOut(figure, views, width) {
  const places = figure.panels.map(() => null);
  const lines = rowsOf(figure).flatMap((row) => (isTight(figure, row, width) ? row.map((number) => [number]) : [row]));
  const sides = sidesOf(figure, views, lines, width);
  let top = 4;
  for (const line of lines) top = placeRow(figure, views, line, { top, width, sides }, places);
  figure.panels.forEach((panel, number) => {
    if (panel.twin === undefined) return;
    const base = places[panel.twin];
    places[number] = finish(panel, views[number], { ...base.frame, title: [] }, { x: true, y: false });
  });
  return { height: Math.ceil(top), places };
}

/** Panels whose frames lie side by side, from the top down. */
function rowsOf(figure) {
  const rows = [];
  const own = figure.panels.map((panel, number) => number).filter((number) => figure.panels[number].twin === undefined);
  const middle = (number) => figure.panels[number].box[1] + figure.panels[number].box[3] / 2;
  for (const number of own.sort((a, b) => middle(b) - middle(a))) {
    const row = rows.find((some) => Math.abs(middle(some[0]) - middle(number)) < figure.panels[number].box[3] / 2);
    if (row) row.push(number);
    else rows.push([number]);
  }
  return rows.map((row) => row.sort((a, b) => figure.panels[a].box[0] - figure.panels[b].box[0]));
}

function isTight(figure, row, width) {
  const areJoined = row.length > 1 && row.every((number) => (figure.panels[number].y.shared || []).includes(row[0]));
  return row.length > 1 && !areJoined && width / row.length < NARROWEST;
}

/** Room left of each frame: the same for all that stand below each other. */
function sidesOf(figure, views, lines, width) {
  const own = figure.panels.map((panel, number) => sideOf(figure, number, views[number], heightOf(figure, panel, width)));
  const alike = (line, at) => lines.filter((other) => other.length === line.length).map((other) => own[other[at]]);
  const sides = [...own];
  for (const line of lines) line.forEach((number, at) => (sides[number] = Math.max(...alike(line, at))));
  return sides;
}

function placeRow(figure, views, row, { top, width, sides }, places) {
  const parts = row.map((number) => figure.panels[number].box[2]);
  const total = parts.reduce((sum, part) => sum + part, 0);
  let left = 0;
  let bottom = top;
  const heads = row.map((number, at) => wrapped(figure.panels[number].title, ((width * parts[at]) / total - 16) / BOLD, 13));
  const head = Math.max(...heads.map((lines) => lines.length)) * LINE;
  row.forEach((number, at) => {
    const outer = { left, top, width: (width * parts[at]) / total, head, title: heads[at], side: sides[number] };
    places[number] = placePanel(figure, number, views[number], outer);
    left += outer.width;
    bottom = Math.max(bottom, places[number].bottom);
  });
  return bottom + 10;
}

function placePanel(figure, number, view, outer) {
  const panel = figure.panels[number];
  const twin = figure.panels.findIndex((other) => other.twin === number);
  const bare = bareSides(figure, number);
  const palette = panel.items.find((item) => item.palette);
  const height = heightOf(figure, panel, outer.width);
  const right = twin < 0 ? 14 : 62;
  const frame = {
    left: outer.left + outer.side,
    top: outer.top + outer.head + 8,
    width: Math.max(60, outer.width - outer.side - right),
    height,
    title: outer.title,
    middle: outer.left + outer.width / 2,
  };
  if (panel.equal) keepAspect(frame, view);
  const foot = panel.bare ? 4 : (bare.x ? 4 : 20) + wrapped(panel.x.label, frame.width).length * 16;
  const made = finish(panel, view, frame, bare);
  made.bottom = frame.top + frame.height + foot + (palette ? 50 : 0);
  if (palette) made.palette = { item: palette, x: frame.left + frame.width * 0.1, y: frame.top + frame.height + foot + 4, width: frame.width * 0.8 };
  return made;
}

function heightOf(figure, panel, width) {
  const inches = figure.size;
  const ratio = (panel.box[3] * inches[1]) / (panel.box[2] * inches[0]);
  const least = figure.panels.length > 2 ? 150 : 220;
  return Math.round(Math.max(least, Math.min(430, 0.84 * width * ratio)));
}

function labelsOf(scale, height) {
  return tickLabels(ticksOf(scale, height / TICK_EVERY), scale.log);
}

/** Room left of a frame for words of ticks and the label. */
function sideOf(figure, number, view, height) {
  const panel = figure.panels[number];
  if (panel.bare) return 12;
  const isBare = bareSides(figure, number).y;
  const words = panel.y.ticks ? panel.y.ticks.map(([, text]) => text) : labelsOf(makeScale(panel.y.scale, view.y, [height, 0]), height);
  const ticks = isBare ? 14 : Math.max(0, ...words.map((text) => textWidth(text))) + 16;
  return ticks + wrapped(panel.y.label, height).length * 16;
}

/** Axes whose words stand at the panel below, or at the left, with which they are shared. */
function bareSides(figure, number) {
  const panel = figure.panels[number];
  const [left, bottom] = panel.box;
  const others = (axis) => (panel[axis].shared || []).filter((other) => other !== number).map((other) => figure.panels[other].box);
  return {
    x: !panel.x.label && others('x').some((box) => box[1] < bottom - 0.01),
    y: !panel.y.label && others('y').some((box) => box[0] < left - 0.01),
  };
}

/** The largest frame of equal units that fits. */
function keepAspect(frame, view) {
  const ratio = Math.abs((view.y[1] - view.y[0]) / (view.x[1] - view.x[0]));
  const height = Math.min(520, frame.width * ratio);
  const width = height / ratio;
  frame.left += (frame.width - width) / 2;
  Object.assign(frame, { width, height });
}

function finish(panel, view, frame, bare) {
  const scales = {
    x: makeScale(panel.x.scale, view.x, [frame.left, frame.left + frame.width]),
    y: makeScale(panel.y.scale, view.y, [frame.top + frame.height, frame.top]),
  };
  const widest = Math.max(...labelsOf(scales.x, 400).map((text) => textWidth(text)), 24);
  const ticks = {
    x: placedTicks(panel.x, scales.x, Math.min(10, frame.width / (widest + 28)), (text) => textWidth(text) + 4),
    y: placedTicks(panel.y, scales.y, frame.height / TICK_EVERY, () => FONT),
  };
  return { frame, scales, ticks, bare };
}

/** Ticks as [pixel, words]: those of the document where it names them, as far as they do not touch. */
function placedTicks(axis, scale, count, sizeOf) {
  if (!axis.ticks) {
    const ticks = ticksOf(scale, count);
    const words = tickLabels(ticks, scale.log);
    return ticks.map((tick, at) => [scale.px(tick), words[at]]);
  }
  const shown = [];
  for (const [value, text] of axis.ticks) {
    if (value < scale.low - 1e-9 || value > scale.high + 1e-9) continue;
    const px = scale.px(value);
    const last = shown[shown.length - 1];
    if (!last || Math.abs(px - last[0]) > (sizeOf(text) + sizeOf(last[1])) / 2) shown.push([px, text]);
  }
  return shown;
}

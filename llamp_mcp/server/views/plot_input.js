'use strict';
/* Pointer, wheel, touch and keys of a figure. */

const DRAG_FROM = 5; // px: less is a click

/** Lets a PlotFigure answer to its user. */
function listen(plot) {
  listenToPointers(plot);
  listenToKeys(plot);
  plot.canvas.addEventListener('dblclick', () => plot.reset());
  plot.canvas.addEventListener(
    'wheel',
    (event) => {
      const [x, y] = within(plot, event);
      const number = plot.panelAt(x, y);
      // Without focus the wheel belongs to the page around: a chat must scroll past a plot.
      if (number < 0 || !(event.ctrlKey || event.metaKey || document.activeElement === plot.canvas)) return;
      event.preventDefault();
      plot.zoom(number, x, y, event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP);
    },
    { passive: false },
  );
}

function within(plot, event) {
  const box = plot.canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function listenToPointers(plot) {
  const held = new Map(); // pointers that are down, by id
  let drag = null;

  plot.canvas.addEventListener('pointerdown', (event) => {
    const [x, y] = within(plot, event);
    held.set(event.pointerId, [x, y]);
    plot.canvas.setPointerCapture(event.pointerId);
    const isPan = event.shiftKey || event.button === 1 || (event.pointerType === 'touch' && plot.isZoomed());
    drag = { number: plot.panelAt(x, y), start: [x, y], last: [x, y], isPan, isTouch: event.pointerType === 'touch' };
  });

  plot.canvas.addEventListener('pointermove', (event) => {
    const [x, y] = within(plot, event);
    if (held.size === 2 && held.has(event.pointerId)) return pinch(event.pointerId, [x, y]);
    if (!drag || drag.number < 0) return plot.pointAt(x, y);
    if (drag.isPan) {
      plot.pan(drag.number, x - drag.last[0], y - drag.last[1]);
      drag.last = [x, y];
    } else if (drag.isTouch) plot.pointAt(x, y);
    else showBox(plot, drag, [x, y]);
  });

  const end = (event) => {
    const [x, y] = within(plot, event);
    held.delete(event.pointerId);
    const done = drag;
    drag = null;
    if (plot.box) plot.box.remove();
    plot.box = null;
    if (!done || done.number < 0 || event.type === 'pointercancel') return;
    if (Math.hypot(x - done.start[0], y - done.start[1]) < DRAG_FROM) return plot.pointAt(x, y);
    if (!done.isPan && !done.isTouch) zoomToBox(plot, done, [x, y]);
  };
  plot.canvas.addEventListener('pointerup', end);
  plot.canvas.addEventListener('pointercancel', end);
  plot.canvas.addEventListener('pointerleave', (event) => {
    if (!drag && event.pointerType === 'mouse') plot.pointAt(-1, -1);
  });

  function pinch(id, now) {
    const [other] = [...held.entries()].filter(([key]) => key !== id).map(([, place]) => place);
    const before = held.get(id);
    const number = plot.panelAt(...other);
    const length = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
    held.set(id, now);
    drag = null;
    if (number >= 0 && length(before) > 10) plot.zoom(number, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2, length(now) / length(before));
  }
}

/** The corners of a dragged box: a thin one spans the panel in the other direction. */
function corners(plot, drag, [x, y]) {
  const { left, top, width, height } = plot.places[drag.number].frame;
  const clamp = (value, low, size) => Math.max(low, Math.min(low + size, value));
  const xs = [drag.start[0], clamp(x, left, width)].sort((a, b) => a - b);
  const ys = [drag.start[1], clamp(y, top, height)].sort((a, b) => a - b);
  const isEqual = plot.figure.panels[drag.number].equal;
  if (isEqual) return squared(xs, ys, height / width);
  if (xs[1] - xs[0] < 12) return [[left, left + width], ys];
  return ys[1] - ys[0] < 12 ? [xs, [top, top + height]] : [xs, ys];
}

/** A box about the same middle, as tall for its width as its panel. */
function squared(xs, ys, ratio) {
  const width = Math.max(xs[1] - xs[0], (ys[1] - ys[0]) / ratio);
  const [x, y] = [(xs[0] + xs[1]) / 2, (ys[0] + ys[1]) / 2];
  return [[x - width / 2, x + width / 2], [y - (width * ratio) / 2, y + (width * ratio) / 2]];
}

function showBox(plot, drag, now) {
  const [[x0, x1], [y0, y1]] = corners(plot, drag, now);
  plot.setCursor(null);
  if (!plot.box) plot.canvas.append((plot.box = svg('rect', { class: 'zoom-box' })));
  for (const [key, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })) plot.box.setAttribute(key, value);
}

function zoomToBox(plot, drag, now) {
  const [xs, ys] = corners(plot, drag, now);
  plot.zoomTo(drag.number, xs, ys.reverse());
}

function listenToKeys(plot) {
  plot.canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actionOf(plot, event);
    if (!action) return;
    event.preventDefault();
    action();
  });
  plot.canvas.addEventListener('blur', () => plot.setCursor(null));
}

function actionOf(plot, { key, shiftKey }) {
  const number = plot.cursor ? plot.cursor.number : 0;
  const { frame, scales } = plot.places[number];
  const isSeenCursor = plot.cursor && isSeen(plot.cursor.item.trace, plot.cursor.at, scales);
  const middle = isSeenCursor
    ? [scales.x.px(plot.cursor.item.trace.x[plot.cursor.at]), scales.y.px(plot.cursor.item.trace.y[plot.cursor.at])]
    : [frame.left + frame.width / 2, frame.top + frame.height / 2];
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (arrows[key] && shiftKey) return () => plot.pan(number, -arrows[key][0] * 40, -arrows[key][1] * 40);
  if (arrows[key]) return () => plot.moveCursor(...arrows[key]);
  return {
    PageDown: () => plot.moveCursor(10, 0),
    PageUp: () => plot.moveCursor(-10, 0),
    Home: () => plot.moveCursor(-Infinity, 0),
    End: () => plot.moveCursor(Infinity, 0),
    '+': () => plot.zoom(number, ...middle, 1.5),
    '=': () => plot.zoom(number, ...middle, 1.5),
    '-': () => plot.zoom(number, ...middle, 1 / 1.5),
    0: () => plot.reset(),
    Escape: () => plot.setCursor(null),
  }[key];
}

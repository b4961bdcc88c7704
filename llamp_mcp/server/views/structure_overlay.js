'use strict';
/* What is drawn flat over the scene: labels, the selection with its lines, and the axes' triad. */

const AXIS_COLOURS = { light: ['#c62828', '#2e7d32', '#1f4fb4'], dark: ['#ff7b72', '#6fd184', '#8ab4ff'] };
const LEAST_LETTERS_PX = 8.5;
const MOST_LABELS = 400;
const MOST_AUTO_LABELS = 100;
const ORDINALS = ['1', '2', '3', '4'];

/** `shown` has for each ball its x, y, depth and radius in px; `stage` what else there is to say. */
function drawOverlay(context, stage) {
  const { width, height, ratio } = stage.size;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const many = stage.scene.inside > MOST_AUTO_LABELS || !stage.still;
  const labels = stage.labels === 'auto' ? (many ? 'none' : 'index') : stage.labels;
  if (labels !== 'none') drawLabels(context, stage, labels);
  drawSelection(context, stage);
  if (stage.data.pbc.some(Boolean)) drawTriad(context, stage);
}

function drawLabels(context, stage, labels) {
  const { shown, scene } = stage;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  let count = 0;
  for (let n = 0; n < scene.inside && count < MOST_LABELS; n++) {
    if (!shown[n]) continue;
    const { site } = scene.atoms[n];
    const text = labels === 'index' ? String(site) : nameOf(stage.kindOf(site));
    const px = Math.min(15, (1.75 * shown[n].radius) / Math.max(1, 0.62 * text.length));
    if (px < LEAST_LETTERS_PX || isHidden(shown, n)) continue;
    const rgb = stage.colourOf(site);
    context.font = `600 ${px}px system-ui, sans-serif`;
    context.fillStyle = 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] > 135 ? '#101014' : '#ffffff';
    context.fillText(text, shown[n].x, shown[n].y + 0.5);
    count++;
  }
}

/** The species of a site; of a mixed one its elements. */
function nameOf({ label, parts }) {
  const symbols = parts.map(({ symbol }) => symbol).filter((symbol) => symbol !== 'vacant');
  return parts.length > 1 ? symbols.join('/') : label;
}

/** Whether another ball covers the middle of this one. */
function isHidden(shown, n) {
  const { x, y, depth } = shown[n];
  return shown.some((other, m) => {
    if (!other || m === n || other.depth <= depth) return false;
    return (other.x - x) ** 2 + (other.y - y) ** 2 < other.radius ** 2;
  });
}

function drawSelection(context, { picked, shown, ink, page }) {
  const places = picked.map((n) => shown[n]).filter(Boolean);
  context.setLineDash([5, 4]);
  for (const [colour, width] of [[page, 4], [ink, 1.6]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    places.forEach(({ x, y }, n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
  context.setLineDash([]);
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.font = '600 11px system-ui, sans-serif';
  places.forEach(({ x, y, radius }, n) => {
    for (const [colour, width] of [[page, 4.5], [ink, 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.arc(x, y, radius + 2, 0, 2 * Math.PI);
      context.stroke();
    }
    const [bx, by] = [x + 0.72 * radius + 8, y - 0.72 * radius - 8];
    context.fillStyle = ink;
    context.beginPath();
    context.arc(bx, by, 8, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = page;
    context.fillText(ORDINALS[n], bx, by + 0.5);
  });
}

function drawTriad(context, { size, camera, frame, dark, page, triadBottom }) {
  const [x, y] = [44, size.height - triadBottom];
  const axes = frame.cell
    .map((axis, n) => ({ way: camera.rotation.map((row) => dot(row, unit(axis))), n }))
    .sort((one, other) => one.way[2] - other.way[2]);
  context.font = 'italic 600 14px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineCap = 'round';
  for (const { way, n } of axes) {
    const colour = AXIS_COLOURS[dark ? 'dark' : 'light'][n];
    const [dx, dy] = [way[0], -way[1]];
    const flat = Math.hypot(dx, dy);
    context.strokeStyle = colour;
    context.lineWidth = 2.4;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + 24 * dx, y + 24 * dy);
    context.stroke();
    const [ux, uy] = flat > 0.2 ? [dx / flat, dy / flat] : [-0.7, 0.7];
    const at = [x + 24 * dx + 10 * ux, y + 24 * dy + 10 * uy];
    context.lineWidth = 3;
    context.strokeStyle = page;
    context.strokeText('abc'[n], ...at);
    context.fillStyle = colour;
    context.fillText('abc'[n], ...at);
  }
}

function sized(canvas, width, height) {
  const [w, h] = [Math.max(1, Math.round(width)), Math.max(1, Math.round(height))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
}

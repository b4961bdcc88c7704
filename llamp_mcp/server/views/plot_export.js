'use strict';
/* What a user takes along: the numbers shown as CSV, the drawing as SVG or PNG. */

/** Points of the series that are switched on, between the limits that are shown. */
function csvOf(plot) {
  const rows = [['panel', 'series', 'x', 'y', 'x_label', 'y_label', 'note']];
  plot.eachPoint((number, item, at) => {
    const panel = plot.figure.panels[number];
    const { x, y } = item.trace;
    const value = item.values ? `${item.values_label || 'value'} = ${item.values[at]}` : '';
    const note = [labelAt(panel, x[at], y[at]), value].filter(Boolean).join('; ');
    const title = panel.title || String(number + 1);
    rows.push([title, plot.series.get(item.key).name || panel.y.words, x[at], y[at], panel.x.words, panel.y.words, note]);
  });
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

/** A cell of CSV (RFC 4180); a text that a spreadsheet would run as a formula is quoted. */
function cell(value) {
  const text = typeof value === 'string' && /^[=+\-@]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The drawing as a document of its own, with title and legend. */
function svgOf(plot) {
  const width = Number(plot.canvas.getAttribute('width'));
  const look = plot.colours;
  const heading = wrapped(plot.figure.title, width - 20, 14);
  const named = [...plot.series.values()].filter((one) => one.name && !one.hidden);
  const made = svg('svg', { xmlns: SVG });
  const legend = svg('g', { 'font-size': FONT, fill: look.ink });
  let [x, y] = [10, 10 + heading.length * 18];
  for (const one of named) {
    const length = 34 + textWidth(one.name) + 14;
    if (x + length > width) [x, y] = [10, y + 18];
    const sample = svg('g', { transform: `translate(${x} ${y})` });
    sample.append(...sampleOf(one.item, look).childNodes, svg('text', { x: 28, y: 10 }, one.name));
    legend.append(sample);
    x += length;
  }
  const top = (named.length ? y + 22 : y) + 4;
  const height = Number(plot.canvas.getAttribute('height')) + top;
  for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, 'font-family': 'system-ui, sans-serif' })) made.setAttribute(key, value);
  const body = svg('g', { transform: `translate(0 ${top})` });
  body.append(...paint(plot.figure, plot.places, look));
  made.append(svg('rect', { width, height, fill: look.page }), legend, body);
  heading.forEach((line, at) => made.append(svg('text', { x: width / 2, y: 20 + at * 18, 'text-anchor': 'middle', 'font-size': 14, fill: look.ink }, line)));
  return new XMLSerializer().serializeToString(made);
}

/** The drawing as a base64 PNG of twice its size in pixels. */
async function pngOf(plot) {
  const image = new Image();
  image.src = `data:image/svg+xml;base64,${base64Of(svgOf(plot))}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: 2 * image.width, height: 2 * image.height });
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/png').split(',')[1];
}

function base64Of(text) {
  const bytes = new TextEncoder().encode(text);
  let letters = '';
  for (let at = 0; at < bytes.length; at += 0x8000) letters += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(letters);
}

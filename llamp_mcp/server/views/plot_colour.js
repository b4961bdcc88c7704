'use strict';
/* Colours of the data on a page that may be dark: OKLab, where lightness is what the eye sees. */

/** The colour of a CSS expression as [red, green, blue], 0 to 1. */
function rgbOf(css) {
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d');
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((part) => part / 255);
}

function oklab(rgb) {
  const [r, g, b] = rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/**
 * A function that fits a colour, chosen for white paper, to the page. On a dark page lightness is
 * mirrored and hue kept, so that what was faint stays faint and what was strong stays strong.
 */
function fitColours(background) {
  const page = oklab(rgbOf(background))[0];
  if (page > 0.5) return (colour) => colour;
  const known = new Map();
  return (colour) => {
    if (!known.has(colour)) {
      const [lightness, a, b] = oklab(rgbOf(colour));
      const mirrored = page + Math.max(0, 1 - lightness) ** 0.75 * (1 - page);
      known.set(colour, `oklab(${Math.min(0.95, mirrored).toFixed(3)} ${a.toFixed(3)} ${b.toFixed(3)})`);
    }
    return known.get(colour);
  };
}

'use strict';
/*
 * The data that a picture of this server carries: an iTXt chunk with the keyword `llamp-plot`, whose
 * text is a JSON document (llamp_mcp/plot_data writes it, plot_model.js reads it).
 */

const KEYWORD = 'llamp-plot';

/** The document of a base64 PNG; null where it has none, as in pictures of older versions. */
async function documentOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const packed = chunkOf(bytes);
  return packed && JSON.parse(await inflate(packed));
}

/** The compressed text of the chunk (PNG, third edition, 11.3.3.4), or null. */
function chunkOf(bytes) {
  const view = new DataView(bytes.buffer);
  const ascii = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const start = at + 8;
    const text = start + KEYWORD.length + 5; // NUL, two flags, no language, no translation
    const isOurs = ascii(at + 4, start) === 'iTXt' && ascii(start, start + KEYWORD.length + 1) === `${KEYWORD}\0`;
    if (isOurs && bytes[start + KEYWORD.length + 1] === 1) return bytes.subarray(text, start + length);
    at = start + length + 4;
  }
  return null;
}

function inflate(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).text();
}

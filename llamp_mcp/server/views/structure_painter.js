'use strict';
/*
 * WebGL2: spheres and sticks as quads whose fragments know the curved surface ("impostors": two
 * triangles each, exact at any zoom), cell edges as lines of constant width. All that changes while
 * the view turns are uniforms. The quads are vertices of one mesh, not instances: a software
 * renderer starts anew for each instance. Depth is linear, also in perspective.
 */

const EYE = `#version 300 es
precision highp float;
uniform mat3 rotation; uniform vec3 centre; uniform vec2 scale, pan; uniform float eye, thin;
uniform vec2 depths;
vec3 seen(vec3 place) { return rotation * (place - centre); }
float nearer(float z) { return eye > 0. ? eye / max(eye - z, .05 * eye) : 1.; }
vec4 shown(vec2 xy, float z) { return vec4(xy * scale + pan, -(z - depths.y) * depths.x, 1); }
`;
const LIGHT = `#version 300 es
precision highp float;
uniform vec3 page; uniform vec3 haze; uniform float rim;
out vec4 colour;
vec3 lit(vec3 base, vec3 n, float z, float fade) {
  const vec3 lamp = vec3(-.43, .58, .69);
  float lamplight = dot(n, lamp), shine = max(2. * lamplight * n.z - lamp.z, 0.);
  shine *= shine; shine *= shine; shine *= shine; shine *= shine;
  vec3 made = base * (.48 + .60 * max(lamplight, 0.)) + .22 * shine;
  made = mix(made, vec3(rim), .38 * smoothstep(.55, 0., n.z));
  float far = haze.x * clamp((haze.y - z) * haze.z, 0., 1.);
  return mix(made, page, max(far, fade));
}
`;
const SHADERS = {
  balls: [
    `${EYE}layout(location=0) in vec4 ball; layout(location=1) in vec4 tint; layout(location=2) in float pie;
    out vec2 at; flat out vec4 paint; flat out vec3 body;
    void main() {
      at = vec2(gl_VertexID & 1, gl_VertexID >> 1 & 1) * 2. - 1.;
      vec3 middle = seen(ball.xyz);
      float near = nearer(middle.z), radius = max(ball.w, 1.6 * thin / near);
      paint = tint; body = vec3(middle.z, radius, pie);
      gl_Position = shown((middle.xy + 1.04 * at * radius) * near, middle.z);
      at *= 1.04;
    }`,
    `${LIGHT}uniform vec2 depths; uniform float soft; uniform sampler2D pies;
    in vec2 at; flat in vec4 paint; flat in vec3 body;
    void main() {
      float square = dot(at, at), edge = max(fwidth(square), 1e-4);
      if (square > 1. + soft * edge) discard;
      vec3 n = vec3(at, sqrt(max(1. - square, 0.)));
      float z = body.x + n.z * body.y;
      vec3 base = paint.rgb;
      if (body.z > 0.) {
        int part = int(fract(atan(at.x, at.y) / 6.2831853) * 128.);
        base = texelFetch(pies, ivec2(part, int(body.z) - 1), 0).rgb;
      }
      gl_FragDepth = .5 - .5 * (z - depths.y) * depths.x;
      colour = vec4(lit(base, n, z, paint.a), clamp((1. - square) / edge + .5, 0., 1.));
    }`,
  ],
  sticks: [
    `${EYE}uniform float stick; layout(location=0) in vec3 from; layout(location=1) in vec3 to;
    layout(location=2) in vec4 tint; layout(location=3) in vec4 tint2;
    out vec3 at; flat out vec4 paint, paint2; flat out vec3 across, front;
    void main() {
      vec2 corner = vec2((gl_VertexID & 1) * 2 - 1, gl_VertexID >> 1 & 1);
      vec3 p = seen(from), q = seen(to), m = mix(p, q, corner.y);
      vec2 way = q.xy * nearer(q.z) - p.xy * nearer(p.z);
      way = length(way) > 1e-5 ? normalize(way) : vec2(1, 0);
      across = vec3(-way.y, way.x, 0);
      front = cross(normalize(q - p), across);
      front *= front.z < 0. ? -1. : 1.;
      paint = tint; paint2 = tint2; at = vec3(corner, m.z);
      float near = nearer(m.z);
      gl_Position = shown(m.xy * near + across.xy * corner.x * max(stick * near, thin), m.z + stick);
    }`,
    `${LIGHT}in vec3 at; flat in vec4 paint, paint2; flat in vec3 across, front;
    void main() {
      vec4 own = at.y < .5 ? paint : paint2;
      vec3 n = at.x * across + sqrt(max(1. - at.x * at.x, 0.)) * front;
      colour = vec4(lit(own.rgb, n, at.z, own.a), 1);
    }`,
  ],
  edges: [
    `${EYE}layout(location=0) in vec3 from; layout(location=1) in vec3 to; layout(location=2) in vec4 tint;
    flat out vec3 paint; out float deep;
    void main() {
      vec2 corner = vec2((gl_VertexID & 1) * 2 - 1, gl_VertexID >> 1 & 1);
      vec3 p = seen(from), q = seen(to), m = mix(p, q, corner.y);
      vec2 way = q.xy * nearer(q.z) - p.xy * nearer(p.z);
      way = length(way) > 1e-5 ? normalize(way) : vec2(1, 0);
      paint = tint.rgb; deep = m.z;
      gl_Position = shown(m.xy * nearer(m.z) + vec2(-way.y, way.x) * corner.x * thin * tint.a * 2., m.z);
    }`,
    `${LIGHT}flat in vec3 paint; in float deep;
    void main() { colour = vec4(mix(paint, page, .8 * haze.x * clamp((haze.y - deep) * haze.z, 0., 1.)), 1); }`,
  ],
};
const UNIFORMS = ['rotation', 'centre', 'scale', 'pan', 'eye', 'thin', 'depths', 'page', 'haze', 'rim', 'stick', 'soft', 'pies'];
const STICK_A = 0.11;
const PIE_PARTS = 128;
const HAZE = 0.42;
const HAZE_DEPTH_A = 6;

class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext('webgl2', { antialias: false, alpha: false, powerPreference: 'low-power' });
    if (!gl) throw new Error('This browser has no WebGL2.');
    this.gl = gl;
    this.made = {};
    this.indices = gl.createBuffer();
    this.indexed = 0;
    for (const [name, sources] of Object.entries(SHADERS)) this.made[name] = this._program(sources);
    this._layout('balls', [[4, gl.FLOAT], [4, gl.UNSIGNED_BYTE], [1, gl.FLOAT]]);
    this._layout('sticks', [[3, gl.FLOAT], [3, gl.FLOAT], [4, gl.UNSIGNED_BYTE], [4, gl.UNSIGNED_BYTE]]);
    this._layout('edges', [[3, gl.FLOAT], [3, gl.FLOAT], [4, gl.UNSIGNED_BYTE]]);
    this.pies = gl.createTexture();
    gl.enable(gl.DEPTH_TEST);
  }

  _program(sources) {
    const { gl } = this;
    const program = gl.createProgram();
    sources.forEach((source, n) => {
      const shader = gl.createShader(n ? gl.FRAGMENT_SHADER : gl.VERTEX_SHADER);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    });
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
      throw new Error(`The graphics driver refuses the view: ${gl.getProgramInfoLog(program)}`);
    const at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
    return { program, at, count: 0 };
  }

  /** Interleaved attributes, the same for the four corners of a quad. */
  _layout(name, parts) {
    const { gl } = this;
    const made = this.made[name];
    made.array = gl.createVertexArray();
    made.buffer = gl.createBuffer();
    made.stride = parts.reduce((sum, [n, type]) => sum + (type === gl.FLOAT ? 4 * n : 4), 0);
    gl.bindVertexArray(made.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, made.buffer);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices);
    let offset = 0;
    parts.forEach(([n, type], place) => {
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, n, type, type !== gl.FLOAT, made.stride, offset);
      offset += type === gl.FLOAT ? 4 * n : 4;
    });
  }

  _fill(name, count, write) {
    const { gl } = this;
    const made = this.made[name];
    const words = made.stride / 4;
    if (!made.floats || made.floats.length < 4 * count * words) {
      made.floats = new Float32Array(4 * Math.max(64, Math.ceil(count * 1.2)) * words);
      made.bytes = new Uint8Array(made.floats.buffer);
    }
    for (let n = 0; n < count; n++) {
      const at = 4 * n * words;
      write(n, made.floats, made.bytes, at);
      for (let corner = 1; corner < 4; corner++)
        made.floats.copyWithin(at + corner * words, at, at + words);
    }
    made.count = count;
    gl.bindVertexArray(null);
    gl.bindBuffer(gl.ARRAY_BUFFER, made.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, made.floats.subarray(0, 4 * count * words), gl.DYNAMIC_DRAW);
    this._index(count);
  }

  /** The two triangles of each quad, for as many quads as there may be. */
  _index(count) {
    if (this.indexed >= count) return;
    const { gl } = this;
    this.indexed = Math.ceil(1.2 * count) + 64;
    const corners = new Uint32Array(6 * this.indexed);
    for (let n = 0; n < this.indexed; n++)
      [0, 1, 2, 2, 1, 3].forEach((corner, at) => (corners[6 * n + at] = 4 * n + corner));
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, corners, gl.STATIC_DRAW);
  }

  /** `balls`: [{x, y, z, radius, rgb, fade (0-1), pie (0: none)}]. */
  setBalls(balls) {
    this._fill('balls', balls.length, (n, floats, bytes, at) => {
      const { x, y, z, radius, rgb, fade, pie } = balls[n];
      floats[at] = x;
      floats[at + 1] = y;
      floats[at + 2] = z;
      floats[at + 3] = radius;
      paintBytes(bytes, 4 * (at + 4), rgb, fade);
      floats[at + 5] = pie;
    });
  }

  /** `sticks`: [[ball, ball]]: each half in the colour of its ball. */
  setSticks(sticks) {
    this._fill('sticks', sticks.length, (n, floats, bytes, at) => {
      sticks[n].forEach((ball, end) => {
        floats[at + 3 * end] = ball.x;
        floats[at + 3 * end + 1] = ball.y;
        floats[at + 3 * end + 2] = ball.z;
        paintBytes(bytes, 4 * (at + 6 + end), ball.rgb, Math.max(sticks[n][0].fade, sticks[n][1].fade));
      });
    });
  }

  /** `edges`: [{from, to, rgb, width (px, at most 2)}]. */
  setEdges(edges) {
    this._fill('edges', edges.length, (n, floats, bytes, at) => {
      floats.set(edges[n].from, at);
      floats.set(edges[n].to, at + 3);
      paintBytes(bytes, 4 * (at + 6), edges[n].rgb, edges[n].width / 2);
    });
  }

  /** `pies`: for each a list of {rgb, share}, clockwise from the top. */
  setPies(pies) {
    const { gl } = this;
    const texels = new Uint8Array(4 * PIE_PARTS * Math.max(1, pies.length));
    pies.forEach((slices, row) => {
      for (let part = 0; part < PIE_PARTS; part++) {
        let rest = (part + 0.5) / PIE_PARTS;
        const slice = slices.find(({ share }) => (rest -= share) < 0) || slices[slices.length - 1];
        paintBytes(texels, 4 * (row * PIE_PARTS + part), slice.rgb, 1);
      }
    });
    gl.bindTexture(gl.TEXTURE_2D, this.pies);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, PIE_PARTS, Math.max(1, pies.length), 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  /**
   * Draws what was set. `camera`: rotation, centre, pixelsPerA, pan ([x, y] px), eye (Å, 0:
   * orthographic), extent (Å, radius of all); `look`: page (rgb), dark, smooth (edges).
   */
  draw(camera, look, pixelRatio) {
    const { gl, canvas } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, look.smooth ? this._samples() : null);
    const [width, height] = [canvas.width / pixelRatio, canvas.height / pixelRatio];
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...look.page.map((x) => x / 255), 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const { rotation: r, extent, pixelsPerA: k } = camera;
    for (const name of ['balls', 'sticks', 'edges']) {
      const { program, at, array, count } = this.made[name];
      if (!count) continue;
      gl.useProgram(program);
      gl.uniformMatrix3fv(at.rotation, true, r.flat());
      gl.uniform3fv(at.centre, camera.centre);
      gl.uniform2f(at.scale, (2 * k) / width, (2 * k) / height);
      gl.uniform2f(at.pan, (2 * camera.pan[0]) / width, (-2 * camera.pan[1]) / height);
      gl.uniform1f(at.eye, camera.eye);
      gl.uniform1f(at.thin, 0.6 / k);
      gl.uniform2f(at.depths, 1 / (1.1 * extent + 4), 0);
      gl.uniform3fv(at.page, look.page.map((x) => x / 255));
      const span = Math.max(camera.front - camera.back, 1e-3);
      gl.uniform3f(at.haze, HAZE * Math.min(span / HAZE_DEPTH_A, 1), camera.front, 1 / span);
      gl.uniform1f(at.rim, look.dark ? 0.75 : 0.06);
      gl.uniform1f(at.stick, STICK_A);
      gl.bindVertexArray(array);
      gl.uniform1f(at.soft, look.smooth ? 1 : 0);
      if (look.smooth && name === 'balls') gl.enable(gl.SAMPLE_ALPHA_TO_COVERAGE);
      else gl.disable(gl.SAMPLE_ALPHA_TO_COVERAGE);
      gl.drawElements(gl.TRIANGLES, 6 * count, gl.UNSIGNED_INT, 0);
    }
    if (!look.smooth) return;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.many.buffer);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
    const box = [0, 0, canvas.width, canvas.height];
    gl.blitFramebuffer(...box, ...box, gl.COLOR_BUFFER_BIT, gl.NEAREST);
  }

  /** A buffer of the canvas' size with several samples for each pixel. */
  _samples() {
    const { gl, canvas } = this;
    if (this.many?.width === canvas.width && this.many?.height === canvas.height) return this.many.buffer;
    if (this.many) {
      gl.deleteFramebuffer(this.many.buffer);
      this.many.stores.forEach((store) => gl.deleteRenderbuffer(store));
    }
    const buffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    const samples = Math.min(4, gl.getParameter(gl.MAX_SAMPLES));
    const stores = [[gl.COLOR_ATTACHMENT0, gl.RGB8], [gl.DEPTH_ATTACHMENT, gl.DEPTH_COMPONENT24]].map(([point, format]) => {
      const store = gl.createRenderbuffer();
      gl.bindRenderbuffer(gl.RENDERBUFFER, store);
      gl.renderbufferStorageMultisample(gl.RENDERBUFFER, samples, format, canvas.width, canvas.height);
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, point, gl.RENDERBUFFER, store);
      return store;
    });
    this.many = { buffer, stores, width: canvas.width, height: canvas.height };
    return buffer;
  }
}

function paintBytes(bytes, at, rgb, alpha) {
  bytes[at] = rgb[0];
  bytes[at + 1] = rgb[1];
  bytes[at + 2] = rgb[2];
  bytes[at + 3] = Math.round(255 * alpha);
}

const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

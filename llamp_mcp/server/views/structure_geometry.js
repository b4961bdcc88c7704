'use strict';
/*
 * Cells, distances and bonds. A vector is [x, y, z]; a matrix is three rows; a cell has the rows
 * a, b, c in Å, so that a Cartesian point is `times(frac, cell)`.
 */

const add = (u, v) => [u[0] + v[0], u[1] + v[1], u[2] + v[2]];
const minus = (u, v) => [u[0] - v[0], u[1] - v[1], u[2] - v[2]];
const scaled = (u, k) => [u[0] * k, u[1] * k, u[2] * k];
const dot = (u, v) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
const norm = (u) => Math.hypot(u[0], u[1], u[2]);
const unit = (u) => scaled(u, 1 / (norm(u) || 1));
const cross = (u, v) => [
  u[1] * v[2] - u[2] * v[1],
  u[2] * v[0] - u[0] * v[2],
  u[0] * v[1] - u[1] * v[0],
];
/** A row vector times a matrix. */
const times = (v, m) => [0, 1, 2].map((k) => v[0] * m[0][k] + v[1] * m[1][k] + v[2] * m[2][k]);
const product = (m, n) => m.map((row) => times(row, n));

function inverse(m) {
  const [a, b, c] = m;
  const rows = [cross(b, c), cross(c, a), cross(a, b)].map((row) => scaled(row, 1 / dot(a, cross(b, c))));
  return [0, 1, 2].map((i) => rows.map((row) => row[i]));
}

/** Distances of opposite faces of a cell, Å. */
function spacings(cell) {
  const inv = inverse(cell);
  return [0, 1, 2].map((k) => 1 / Math.hypot(inv[0][k], inv[1][k], inv[2][k]));
}

/** The angle at `q` between `p` and `r` in degrees. */
function angleDeg(p, q, r) {
  const u = minus(p, q);
  const v = minus(r, q);
  return (Math.atan2(norm(cross(u, v)), dot(u, v)) * 180) / Math.PI;
}

/** The dihedral angle of p-q-r-s in degrees, -180 to 180, positive clockwise along q-r (IUPAC). */
function dihedralDeg(p, q, r, s) {
  const [u, v, w] = [minus(q, p), minus(r, q), minus(s, r)];
  const [first, second] = [cross(u, v), cross(v, w)];
  return (Math.atan2(norm(v) * dot(u, second), dot(first, second)) * 180) / Math.PI;
}

/** The shortest distance between a site and all periodic images of another, Å. */
function nearestImageA(from, to, cell, pbc) {
  const inv = inverse(cell);
  const frac = times(minus(to, from), inv);
  const start = frac.map((x, k) => (pbc[k] ? x - Math.round(x) : x));
  const reach = pbc.map((periodic) => (periodic ? [-1, 0, 1] : [0]));
  let best = Infinity;
  for (const i of reach[0])
    for (const j of reach[1])
      for (const k of reach[2]) best = Math.min(best, norm(times(add(start, [i, j, k]), cell)));
  return best;
}

/**
 * Pairs of atoms near enough to be joined: `visit(i, j, images of j, square of the distance)` for
 * each, from one end only. Atoms are sorted into boxes of the cell, so that the work grows as their
 * number; `farthest` is the longest distance looked at, Å.
 */
function eachNear(frac, count, cell, pbc, farthest, visit) {
  const grid = intoBoxes(frac, count, cell, pbc, farthest);
  const { place, shift } = grid;
  const most = farthest * farthest;
  forEachNeighbourBox(grid, pbc, (own, others, over) => {
    const [fx, fy, fz] = times(over, cell);
    const itself = isFirst(over);
    for (const i of own) {
      const [x, y, z] = [place[3 * i] - fx, place[3 * i + 1] - fy, place[3 * i + 2] - fz];
      for (const j of others) {
        if (j < i || (j === i && !itself)) continue;
        const [dx, dy, dz] = [place[3 * j] - x, place[3 * j + 1] - y, place[3 * j + 2] - z];
        const square = dx * dx + dy * dy + dz * dz;
        if (square > most || square < 1e-12) continue;
        visit(i, j, [0, 1, 2].map((k) => over[k] + shift[3 * i + k] - shift[3 * j + k]), square);
      }
    }
  });
}

/** `visit(members, members of a box beside it, how many cells that one lies away)`. */
function forEachNeighbourBox({ boxes, members, reach }, pbc, visit) {
  const steps = [];
  for (let p = -reach[0]; p <= reach[0]; p++)
    for (let q = -reach[1]; q <= reach[1]; q++)
      for (let r = -reach[2]; r <= reach[2]; r++) steps.push([p, q, r]);
  const over = [0, 0, 0];
  members.forEach((own, key) => {
    if (!own) return;
    const at = [Math.floor(key / (boxes[1] * boxes[2])), Math.floor(key / boxes[2]) % boxes[1], key % boxes[2]];
    for (const step of steps) {
      let other = 0;
      let inside = true;
      for (let k = 0; k < 3; k++) {
        const raw = at[k] + step[k];
        over[k] = Math.floor(raw / boxes[k]);
        if (over[k] && !pbc[k]) inside = false;
        other = other * boxes[k] + raw - over[k] * boxes[k];
      }
      if (inside && members[other]) visit(own, members[other], over);
    }
  });
}

/** Of an image and its opposite, which are the same pair of an atom with itself, only one. */
const isFirst = (image) => (image.find((n) => n !== 0) || 0) > 0;

/** Each atom brought into the cell (`shift` cells back, at `place`) and put into a box of it. */
function intoBoxes(frac, count, cell, pbc, farthest) {
  const width = spacings(cell);
  // One box where the cell is not periodic: atoms may lie anywhere about it.
  const boxes = width.map((w, k) => (pbc[k] ? Math.max(1, Math.min(64, Math.floor(w / farthest))) : 1));
  const reach = width.map((w, k) => Math.ceil((farthest * boxes[k]) / w - 1e-9));
  const members = new Array(boxes[0] * boxes[1] * boxes[2]);
  const shift = new Int32Array(3 * count);
  const place = new Float64Array(3 * count);
  for (let i = 0; i < count; i++) {
    let key = 0;
    const home = [0, 0, 0];
    for (let k = 0; k < 3; k++) {
      shift[3 * i + k] = pbc[k] ? Math.floor(frac[3 * i + k] + 1e-9) : 0;
      home[k] = frac[3 * i + k] - shift[3 * i + k];
      const box = boxes[k] === 1 ? 0 : Math.min(boxes[k] - 1, Math.max(0, Math.floor(home[k] * boxes[k])));
      key = key * boxes[k] + box;
    }
    place.set(times(home, cell), 3 * i);
    (members[key] ||= []).push(i);
  }
  return { boxes, reach, members, place, shift };
}

/**
 * Bonds by the rule that comes with the data (`bonds.rule`): each as [i, j, images of j], once.
 * `crowded` has the labels of the sites with too many neighbours to draw, and the most of them.
 */
function findBonds(data, frac, cell) {
  const count = data.n_atoms;
  const kinds = data.kinds;
  const kind = data.kind;
  const { tolerance_a: tolerance, most } = data.bonds;
  const farthest = 2 * Math.max(...kinds.map((one) => one.covalent_a)) + tolerance;
  const limits = kinds.map((one) =>
    kinds.map((other) => (together(one, other) ? (one.covalent_a + other.covalent_a + tolerance) ** 2 : -1)),
  );
  const near = [];
  const others = new Uint16Array(count);
  const metals = new Uint16Array(count);
  eachNear(frac, count, cell, data.pbc, farthest, (i, j, image, square) => {
    if (square > limits[kind[i]][kind[j]]) return;
    const metallic = kinds[kind[i]].metal && kinds[kind[j]].metal;
    near.push([i, j, image, metallic]);
    const tally = metallic ? metals : others;
    tally[i]++;
    tally[j]++;
  });
  const packed = metals.some((n) => n > most);
  const drawn = near.filter(([i, j, , metallic]) =>
    metallic ? !packed && !others[i] && !others[j] : others[i] <= most && others[j] <= most,
  );
  const crowded = {};
  others.forEach((n, i) => {
    if (n > most) crowded[kinds[kind[i]].label] = Math.max(n, crowded[kinds[kind[i]].label] || 0);
  });
  return { bonds: drawn, crowded };
}

/** Whether both can be there at once: sites that hold one atom between them are alternatives. */
function together(one, other) {
  const full = (site) => site.occupancy > 1 - 1e-3;
  return (full(one) && full(other)) || one.occupancy + other.occupancy > 1 + 1e-3;
}

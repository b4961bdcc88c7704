'use strict';
/*
 * What is drawn of a structure or of a frame: atoms with their images on the faces of the cells
 * shown, the neighbours that complete those inside, and sticks; as the PNG pictures have it.
 */

/** A frame of its own: the stored structure. */
function stillFrame(data) {
  const frac = new Float64Array(3 * data.n_atoms);
  data.frac_coords.forEach((site, i) => frac.set(add(site, data.home[i]), 3 * i));
  return { frac, cell: data.cell };
}

/** Which sites in which cells are drawn, both faces included; molecules whole. */
function atomsInside(data, frame, repeats) {
  const middles = middlesOf(data, frame.frac);
  const slack = spacings(frame.cell).map((width) => data.on_face_a / width);
  const atoms = [];
  const range = (k) => (data.vacuum[k] ? [0, repeats[k] - 1] : [-1, repeats[k]]);
  const [ra, rb, rc] = [range(0), range(1), range(2)];
  for (let a = ra[0]; a <= ra[1]; a++)
    for (let b = rb[0]; b <= rb[1]; b++)
      for (let c = rc[0]; c <= rc[1]; c++) {
        const cell = [a, b, c];
        for (let site = 0; site < data.n_atoms; site++) {
          const inside = cell.every((n, k) => {
            const x = middles[3 * site + k] + n;
            return data.vacuum[k] || (x >= -slack[k] && x <= repeats[k] + slack[k]);
          });
          if (inside) atoms.push({ site, cell });
        }
      }
  return atoms;
}

/** Fractional coordinates of each atom, or of the middle of its molecule. */
function middlesOf(data, frac) {
  const middles = Float64Array.from(frac);
  const molecules = new Map();
  data.molecule.forEach((number, site) => {
    if (number < 0) return;
    if (!molecules.has(number)) molecules.set(number, []);
    molecules.get(number).push(site);
  });
  for (const sites of molecules.values())
    for (let k = 0; k < 3; k++) {
      const middle = sites.reduce((sum, site) => sum + frac[3 * site + k], 0) / sites.length;
      for (const site of sites) middles[3 * site + k] = middle;
    }
  return middles;
}

/**
 * The scene of a frame. `atoms` are those of `atomsInside` of the first frame, so that none comes
 * and goes while a trajectory plays; atoms beyond the cell are added for small cells at rest only.
 */
function compose(data, frame, atoms, repeats, { bonds, complete }) {
  const found = bonds ? findBonds(data, frame.frac, frame.cell) : { bonds: [], crowded: {} };
  const scene = { atoms: atoms.slice(), sticks: [], crowded: found.crowded, inside: atoms.length };
  const links = Array.from({ length: data.n_atoms }, () => []);
  for (const [i, j, image] of found.bonds) {
    links[i].push([j, image]);
    links[j].push([i, scaled(image, -1)]);
  }
  const key = (site, cell) => `${site} ${cell[0]} ${cell[1]} ${cell[2]}`;
  const numbers = new Map(atoms.map((atom, n) => [key(atom.site, atom.cell), n]));
  const completing = complete && atoms.length <= data.most_completed;
  const radius = (site) => data.kinds[data.kind[site]].covalent_a;
  const slack = spacings(frame.cell).map((width) => data.on_face_a / width);
  atoms.forEach(({ site, cell }, from) => {
    const onFace = cell.some((n, k) => {
      const x = frame.frac[3 * site + k] + n;
      return Math.abs(x) <= slack[k] || Math.abs(x - repeats[k]) <= slack[k];
    });
    for (const [other, image] of links[site]) {
      const there = add(cell, image);
      const name = key(other, there);
      if (!numbers.has(name)) {
        if (!completing || onFace || radius(other) > radius(site)) continue;
        numbers.set(name, scene.atoms.length);
        scene.atoms.push({ site: other, cell: there });
      }
      const to = numbers.get(name);
      if (from < to) scene.sticks.push([from, to]);
    }
  });
  place(scene, frame);
  return scene;
}

/** Cartesian places of the atoms of a scene, Å. */
function place(scene, frame) {
  scene.places = new Float32Array(3 * scene.atoms.length);
  const { frac, cell: m } = frame;
  scene.atoms.forEach(({ site, cell }, n) => {
    const [u, v, w] = [frac[3 * site] + cell[0], frac[3 * site + 1] + cell[1], frac[3 * site + 2] + cell[2]];
    for (let k = 0; k < 3; k++) scene.places[3 * n + k] = u * m[0][k] + v * m[1][k] + w * m[2][k];
  });
}

/** Edges of the cells drawn, each once: {from, to, axis} with axis 0-2 for a, b, c at the origin. */
function cellEdges(cell, repeats) {
  const edges = [];
  for (let axis = 0; axis < 3; axis++) {
    const [p, q] = [0, 1, 2].filter((k) => k !== axis);
    for (let i = 0; i <= repeats[p]; i++)
      for (let j = 0; j <= repeats[q]; j++) {
        const start = [0, 0, 0];
        start[p] = i;
        start[q] = j;
        const own = i <= 1 && j <= 1;
        for (let n = 0; n < repeats[axis]; n++) {
          start[axis] = n;
          const stop = start.slice();
          stop[axis] = n + 1;
          const first = !i && !j && !n;
          edges.push({ from: times(start, cell), to: times(stop, cell), axis: first ? axis : -1, own: own && !n });
        }
      }
  }
  return edges;
}

/** The rotation (rows right, up, towards the reader) of a view; c is upright, as in the pictures. */
function lookAlong(cell, direction) {
  const [a, , c] = cell;
  const towards = unit(direction ? times(direction, cell) : threeQuarter(cell));
  let right = cross(unit(c), towards);
  if (norm(right) < 1e-3) right = minus(a, scaled(towards, dot(a, towards)));
  right = unit(right);
  return [right, cross(towards, right), towards];
}

/** Towards a reader who has a at the lower left, b to the right and c up. */
function threeQuarter([a, b, c]) {
  const upright = unit(c);
  const front = unit(minus(a, scaled(upright, dot(a, upright))));
  let side = cross(upright, front);
  if (dot(side, b) < 0) side = scaled(side, -1);
  const [azimuth, elevation] = [(24 * Math.PI) / 180, (14 * Math.PI) / 180];
  const level = add(scaled(front, Math.cos(azimuth)), scaled(side, Math.sin(azimuth)));
  return add(scaled(level, Math.cos(elevation)), scaled(upright, Math.sin(elevation)));
}

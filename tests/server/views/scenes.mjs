// What structure_geometry.js and structure_model.js make of the geometries on stdin, as JSON.
import { readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import vm from 'node:vm';

const [folder] = process.argv.slice(2);
const context = vm.createContext({});
for (const name of ['structure_geometry.js', 'structure_model.js'])
  vm.runInContext(readFileSync(`${folder}/${name}`, 'utf8'), context, { filename: name });
context.given = await json(process.stdin);
const made = vm.runInContext(
  `given.map(({ data, repeats, points }) => {
    const frame = stillFrame(data);
    const atoms = atomsInside(data, frame, repeats);
    const scene = compose(data, frame, atoms, repeats, { bonds: true, complete: true });
    return {
      atoms: scene.atoms.map(({ site, cell }) => [site, ...cell.map((n, k) => n + data.home[site][k])]),
      inside: scene.inside,
      sticks: scene.sticks,
      places: [...scene.places],
      crowded: scene.crowded,
      edges: cellEdges(data.cell, repeats).length,
      view: lookAlong(data.cell, null),
      along: lookAlong(data.cell, [1, 1, 0]),
      measures: points && {
        angle: angleDeg(...points.slice(0, 3)),
        dihedral: dihedralDeg(...points),
        nearest: nearestImageA(points[0], points[1], data.cell, data.pbc),
      },
    };
  })`,
  context,
);
process.stdout.write(JSON.stringify(made));

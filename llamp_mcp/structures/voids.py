"""Empty sites of a crystal, found where they are and named by their geometry.

Candidates are the vertices of the Voronoi tessellation (points equally far from four or more
atoms) and the midpoints of neighbouring atoms (which adds, for instance, the octahedral sites of
bcc, that are no vertices). pymatgen-analysis-defects finds the same sites (a test compares them)
but takes minutes for a cell of 64 atoms, where this takes a fraction of a second.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations, product
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.shells import first_shell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure
    from scipy.spatial import KDTree

    Array = NDArray[np.float64]

SiteKind = Literal[
    "tetrahedral", "octahedral", "hexagonal", "trigonal_prismatic", "cubic", "bond_centred", "other"
]

MAX_ATOMS: Final = 2000
_REACH_A: Final = 6.0
"""Voids with no atom within this distance are vacuum, not interstitial sites."""
_SAME_NODE_A: Final = 0.5
"""Candidates closer than this are one site, the one with the most room."""
_SAME_DISTANCE_A: Final = 0.02
_NEIGHBOURS: Final = 16
_SMALLEST_RADIUS_A: Final = 0.9
_LONGEST_OCTAHEDRON: Final = 1.5


class Void(NamedTuple):
    """An empty site.

    Attributes:
        kind: Shape of the first shell, or "other".
        frac_coords: Position, fractions of the lattice vectors in [0, 1).
        radius_a: Distance to the nearest atom in Å.
        coordination: Atoms in the first distance shell.
        neighbours: Species of the first shell and how many of each, as "4 Si".
        distances_a: To the nearest atoms, ascending.
        multiplicity: Sites of the cell with the same distances.
    """

    kind: SiteKind
    frac_coords: tuple[float, float, float]
    radius_a: float
    coordination: int
    neighbours: str
    distances_a: tuple[float, ...]
    multiplicity: int

    def __str__(self) -> str:
        x, y, z = (round(value, 4) for value in self.frac_coords)
        return (
            f"{self.kind} at ({x}, {y}, {z}): {self.neighbours} nearest at {self.radius_a:.3f} Å, "
            f"{self.multiplicity} in the cell"
        )


def classify(vectors: Array) -> SiteKind:
    """Name of a shell's shape from the angles between its bonds.

    Args:
        vectors: (n, 3), Å, from the site to the atoms of its first shell.

    Returns:
        tetrahedral: 4 atoms, all angles within 20° of 109.5°. octahedral: 6 atoms, three straight
        angles and the others within 20° of 90°. hexagonal: 6 atoms, three straight angles, a
        flattened (puckered) ring. trigonal_prismatic: 6 atoms, no straight angle. cubic: 8 atoms,
        four straight angles. bond_centred: 2 atoms on a straight line.
    """
    import numpy as np

    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    angles = np.array(
        [np.degrees(np.arccos(np.clip(a @ b, -1, 1))) for a, b in combinations(units, 2)]
    )
    straight = int(np.count_nonzero(angles > 155))
    bent = angles[angles <= 155]
    match len(vectors), straight:
        case 2, 1:
            return "bond_centred"
        case 4, 0 if np.all(np.abs(bent - 109.47) < 20):
            return "tetrahedral"
        case 6, 3 if np.all(np.abs(bent - 90) < 20):
            return "octahedral"
        case 6, 3 if _is_ring(units):
            return "hexagonal"
        case 6, 0:
            return "trigonal_prismatic"
        case 8, 4:
            return "cubic"
    return "other"


def find_voids(structure: Structure) -> list[Void]:
    """The distinct empty sites of a structure, those with the most room first.

    Raises:
        InvalidInput: The cell is too large to search.
    """
    from scipy.spatial import KDTree, QhullError

    if len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"Searching {len(structure)} atoms for interstitial sites is not supported",
            allowed=f"at most {MAX_ATOMS} atoms",
            next_step="Put the interstitial into a smaller supercell, or give frac_coords.",
        )
    atoms, sites = _surroundings(structure)
    tree = KDTree(atoms)
    try:
        nodes, n_vertices = _nodes(structure, atoms, tree)
    except QhullError:  # too few atoms near each other to enclose a volume: vacuum
        return []
    cartesian = structure.lattice.get_cartesian_coords(nodes)
    distances, indices = tree.query(cartesian, k=min(_NEIGHBOURS, len(atoms)))
    voids = []
    for at, frac_coords in enumerate(nodes):
        known = distances[at][distances[at] <= _REACH_A]
        near = indices[at][: len(known)]
        count = first_shell(known.tolist())
        kind = shape(atoms[near] - cartesian[at])
        if at >= n_vertices and kind not in ("octahedral", "bond_centred"):
            continue
        species = Counter(structure[int(site)].species_string for site in sites[near[:count]])
        voids.append(
            Void(
                kind=kind,
                frac_coords=tuple(frac_coords.tolist()),
                radius_a=float(known[0]),
                coordination=count,
                neighbours=" + ".join(f"{species[name]} {name}" for name in sorted(species)),
                distances_a=tuple(known.tolist()),
                multiplicity=1,
            )
        )
    return _inequivalent(voids)


def shape(vectors: Array) -> SiteKind:
    """Name of a site from the vectors (n, 3) in Å to its neighbours, nearest first.

    The first shell decides. Two atoms on a line with four more across it, at most 1.5 times as
    far, are a compressed octahedron: the octahedral site of bcc, where the ratio is √2.
    """
    import numpy as np

    distances = np.linalg.norm(vectors, axis=1)
    count = first_shell(distances.tolist())
    kind = classify(vectors[:count])
    if kind != "bond_centred" or len(vectors) == count:
        return kind
    six = count + first_shell(distances[count:].tolist())
    near = distances[six - 1] <= _LONGEST_OCTAHEDRON * distances[0]
    compressed = six == 6 and near and classify(vectors[:six]) == "octahedral"
    return "octahedral" if compressed else kind


def _is_ring(units: Array) -> bool:
    """Whether six directions lie nearer to a plane than those of an octahedron do (35.3°)."""
    import numpy as np

    _, _, axes = np.linalg.svd(units)
    heights = np.degrees(np.arcsin(np.clip(np.abs(units @ axes[2]), 0, 1)))
    return bool(np.all(heights < 30))


def _surroundings(structure: Structure) -> tuple[Array, NDArray[np.int_]]:
    """Positions (n, 3) in Å of the atoms in and within `_REACH_A` of the cell, and their sites."""
    import numpy as np

    margin = _REACH_A / _plane_spacings(structure)
    inside = np.mod(structure.frac_coords, 1.0)
    ranges = [range(-int(np.ceil(m)), int(np.ceil(m)) + 1) for m in margin]
    shifts = list(product(*ranges))
    images = np.concatenate([inside + shift for shift in shifts])
    kept = np.all((images > -margin) & (images < 1 + margin), axis=1)
    sites = np.tile(np.arange(len(structure)), len(shifts))[kept]
    return structure.lattice.get_cartesian_coords(images[kept]), sites


def _plane_spacings(structure: Structure) -> Array:
    """Distances in Å between the lattice planes that bound the cell."""
    import numpy as np

    spacings: Array = 1 / np.linalg.norm(structure.lattice.inv_matrix, axis=0)
    return spacings


def _nodes(structure: Structure, atoms: Array, tree: KDTree) -> tuple[Array, int]:
    """Candidates (n, 3), fractional, each site once; first the vertices, and how many they are."""
    import numpy as np
    from scipy.spatial import Voronoi

    diagram = Voronoi(atoms)
    pairs = atoms[diagram.ridge_points]
    bonds_a = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1)
    vertices, vertex_radii = _in_cell(structure, diagram.vertices, tree)
    # A midpoint with another atom nearer than its own two belongs to no bond.
    middles = pairs.mean(axis=1)[bonds_a < 2 * _REACH_A]
    own_radii = bonds_a[bonds_a < 2 * _REACH_A] / 2
    nearest, _ = tree.query(middles)
    midpoints, midpoint_radii = _in_cell(structure, middles[nearest > own_radii - 1e-3], tree)
    frac = np.concatenate([vertices, midpoints])
    order = np.concatenate(
        [
            np.argsort(-vertex_radii.round(3), kind="stable"),
            len(vertices) + np.argsort(-midpoint_radii.round(3), kind="stable"),
        ]
    )
    kept = _spread(structure, frac, order)
    return frac[kept], int(np.count_nonzero(kept < len(vertices)))


def _in_cell(structure: Structure, points: Array, tree: KDTree) -> tuple[Array, Array]:
    """Fractional coordinates of the points in the cell that have room, and their radii in Å."""
    import numpy as np

    frac = np.round(structure.lattice.get_fractional_coords(points), 9)
    frac = frac[np.all((frac >= 0) & (frac < 1), axis=1)] + 0.0
    radii, _ = tree.query(structure.lattice.get_cartesian_coords(frac))
    roomy = (radii >= _SMALLEST_RADIUS_A) & (radii <= _REACH_A)
    return frac[roomy], radii[roomy]


def _spread(structure: Structure, frac: Array, order: NDArray[np.int_]) -> NDArray[np.int_]:
    """Indices, in the given order, of points that are not near an earlier one or its image."""
    import numpy as np
    from scipy.spatial import KDTree

    reach = _SAME_NODE_A / _plane_spacings(structure).min()
    close = KDTree(frac, boxsize=1.0).query_pairs(min(reach, 0.5), p=np.inf, output_type="ndarray")
    apart = frac[close[:, 0]] - frac[close[:, 1]]
    vectors = structure.lattice.get_cartesian_coords(apart - np.round(apart))
    close = close[np.linalg.norm(vectors, axis=1) < _SAME_NODE_A]
    near: dict[int, list[int]] = defaultdict(list)
    for one, other in close.tolist():
        near[one].append(other)
        near[other].append(one)
    kept: set[int] = set()
    for candidate in order.tolist():
        if kept.isdisjoint(near[candidate]):
            kept.add(candidate)
    return np.array([at for at in order.tolist() if at in kept], dtype=int)


def _inequivalent(voids: list[Void]) -> list[Void]:
    """One of each kind of site with the same surroundings, with how many there are."""
    distinct: list[Void] = []
    for void in sorted(voids, key=lambda v: (-round(v.radius_a, 3), v.frac_coords)):
        for at, known in enumerate(distinct):
            if _same_surroundings(void, known):
                distinct[at] = known._replace(multiplicity=known.multiplicity + 1)
                break
        else:
            distinct.append(void)
    return distinct


def _same_surroundings(one: Void, other: Void) -> bool:
    if (one.kind, one.neighbours) != (other.kind, other.neighbours):
        return False
    pairs = zip(one.distances_a[:12], other.distances_a[:12], strict=False)
    return all(abs(a - b) < _SAME_DISTANCE_A for a, b in pairs)

"""Empty sites of a crystal, found where they are and named by their geometry.

Candidates are the vertices of the Voronoi tessellation (points equally far from four or more
atoms) and the midpoints of neighbouring atoms (which adds, for instance, the octahedral sites of
bcc, that are no vertices). pymatgen-analysis-defects finds the same sites (a test compares them)
but takes minutes for a cell of 64 atoms, where this takes a fraction of a second.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.polyhedra import polyhedra
from llamp_mcp.structures.shells import first_shells
from llamp_mcp.structures.symmetry import SYMPREC_A, analyzer

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure
    from scipy.spatial import KDTree

    Array = NDArray[np.float64]

SiteKind = Literal[
    "tetrahedral", "octahedral", "hexagonal", "trigonal_prismatic", "cubic", "bond_centred", "other"
]

_KINDS: Final[dict[str, SiteKind]] = {
    **{kind: kind for kind in get_args(SiteKind)},
    "linear": "bond_centred",
}

MAX_ATOMS: Final = 2000
MAX_ATOMS_SYMMETRY: Final = 1000
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
        polyhedron: Name of the first shell's polyhedron, None where there is none.
        frac_coords: Position, fractions of the lattice vectors in [0, 1).
        radius_a: Distance to the nearest atom in Å.
        coordination: Atoms in the first distance shell.
        neighbours: Species of the first shell and how many of each, as "4 Si".
        distances_a: To the nearest atoms, ascending.
        multiplicity: Equivalent sites in the cell.
    """

    kind: SiteKind
    polyhedron: str | None
    frac_coords: tuple[float, float, float]
    radius_a: float
    coordination: int
    neighbours: str
    distances_a: tuple[float, ...]
    multiplicity: int

    def __str__(self) -> str:
        x, y, z = (round(value, 4) + 0.0 for value in self.frac_coords)
        named = f" ({self.polyhedron})" if self.kind == "other" and self.polyhedron else ""
        return (
            f"{self.kind}{named} at ({x}, {y}, {z}): {self.neighbours} nearest at "
            f"{self.radius_a:.3f} Å, {self.multiplicity} in the cell"
        )


class _Candidates(NamedTuple):
    """Empty sites before equivalent ones are counted as one, those with the most room first.

    Attributes:
        frac: (m, 3), fractional.
        distances_a: (m, k), Å, to the nearest atoms, ascending; infinite beyond reach.
        near: (m, k), sites of those atoms.
        counts: (m,), atoms of the first shell.
        kinds: Of each.
        named: Polyhedron of each.
    """

    frac: Array
    distances_a: Array
    near: NDArray[np.int_]
    counts: NDArray[np.int_]
    kinds: list[SiteKind]
    named: list[str | None]


def find_voids(structure: Structure) -> list[Void]:
    """The inequivalent empty sites of a structure, those with the most room first.

    Equivalent are sites that an operation of the space group (at `SYMPREC_A`) takes to each other;
    in cells above `MAX_ATOMS_SYMMETRY` atoms, sites with equal distances to equal neighbours.

    Raises:
        InvalidInput: The cell is too large to search.
    """
    from scipy.spatial import QhullError

    if len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"Searching {len(structure)} atoms for interstitial sites is not supported",
            allowed=f"at most {MAX_ATOMS} atoms",
            next_step="Put the interstitial into a smaller supercell, or give frac_coords.",
        )
    try:
        found = _candidates(structure)
    except QhullError:  # too few atoms near each other to enclose a volume: vacuum
        return []
    species = [site.species_string for site in structure]
    voids = [_void(found, at, species) for at in range(len(found.frac))]
    return _inequivalent(structure, voids)


def site_kind(vectors: Array) -> SiteKind:
    """Name of a site from the vectors (n, 3) in Å to its neighbours, nearest first."""
    import numpy as np

    distances = np.linalg.norm(vectors, axis=1)[None]
    kinds, _ = _shapes(vectors[None], distances, first_shells(distances))
    return kinds[0]


def _shapes(
    vectors: Array, distances: Array, counts: NDArray[np.int_]
) -> tuple[list[SiteKind], list[str | None]]:
    """Kinds and polyhedra of m sites with vectors (m, k, 3) in Å to neighbours, nearest first.

    The first shell decides. Two atoms on a line with four more across it, at most 1.5 times as
    far, are a compressed octahedron: the octahedral site of bcc, where the ratio is √2.
    """
    import numpy as np

    named: list[str | None] = [None] * len(vectors)
    for count in np.unique(counts):
        at = np.flatnonzero(counts == count)
        for site, name in zip(at, polyhedra(vectors[at, :count]), strict=True):
            named[site] = name
    kinds = [_KINDS.get(name or "", "other") for name in named]
    pairs = np.flatnonzero([kind == "bond_centred" for kind in kinds])
    if vectors.shape[1] >= 6 and len(pairs):
        near = distances[pairs, 5] <= _LONGEST_OCTAHEDRON * distances[pairs, 0]
        pairs = pairs[near & (first_shells(distances[pairs, 2:]) == 4)]
        for site, name in zip(pairs, polyhedra(vectors[pairs, :6]), strict=True):
            kinds[site] = "octahedral" if name == "octahedral" else kinds[site]
    return kinds, named


def _candidates(structure: Structure) -> _Candidates:
    """Every empty site of the cell.

    Raises:
        QhullError: There is no volume between the atoms.
    """
    import numpy as np
    from scipy.spatial import KDTree

    atoms, sites = _surroundings(structure)
    tree = KDTree(atoms)
    frac, n_vertices = _nodes(structure, atoms, tree)
    centres = structure.lattice.get_cartesian_coords(frac)
    distances, indices = tree.query(centres, k=min(_NEIGHBOURS, len(atoms)))
    distances = np.where(distances <= _REACH_A, distances, np.inf)
    counts = first_shells(distances)
    kinds, named = _shapes(atoms[indices] - centres[:, None], distances, counts)
    # A midpoint of two atoms is a site only as the centre of their bond or of an octahedron.
    wanted = np.array([kind in ("octahedral", "bond_centred") for kind in kinds], dtype=bool)
    wanted[:n_vertices] = True
    kept = [int(at) for at in np.lexsort((*frac.T[::-1], -distances[:, 0].round(3))) if wanted[at]]
    return _Candidates(
        frac[kept],
        distances[kept],
        sites[indices[kept]],
        counts[kept],
        [kinds[at] for at in kept],
        [named[at] for at in kept],
    )


def _void(found: _Candidates, at: int, species: list[str]) -> Void:
    count = int(found.counts[at])
    held = Counter([species[site] for site in found.near[at, :count].tolist()])
    known = found.distances_a[at].tolist()
    x, y, z = found.frac[at].tolist()
    return Void(
        kind=found.kinds[at],
        polyhedron=found.named[at],
        frac_coords=(x, y, z),
        radius_a=known[0],
        coordination=count,
        neighbours=" + ".join(f"{held[name]} {name}" for name in sorted(held)),
        distances_a=tuple([distance for distance in known if distance <= _REACH_A]),
        multiplicity=1,
    )


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
            np.argsort(-vertex_radii.round(5), kind="stable"),
            len(vertices) + np.argsort(-midpoint_radii.round(5), kind="stable"),
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


def _inequivalent(structure: Structure, voids: list[Void]) -> list[Void]:
    """One of each orbit of equivalent sites, with how many there are."""
    images = _images(structure, voids)
    left = dict(enumerate(voids))
    distinct: list[Void] = []
    while left:
        first = next(iter(left))
        void = left.pop(first)
        if images is None:
            orbit = [at for at, other in left.items() if _alike(other, void)]
        else:
            orbit = [at for at in images(first) if at in left]
        for at in orbit:
            del left[at]
        distinct.append(void._replace(multiplicity=1 + len(orbit)))
    return distinct


def _images(structure: Structure, voids: list[Void]) -> Callable[[int], list[int]] | None:
    """What gives the numbers of the voids that an operation of the space group makes of one.

    The operations are those of the standard cell: of a supercell's own, the ones that its shape
    breaks would be missing. None where they are not known.
    """
    import numpy as np
    import spglib
    from scipy.spatial import KDTree

    if len(structure) > MAX_ATOMS_SYMMETRY or not voids:
        return None
    try:
        found = analyzer(structure, SYMPREC_A).get_symmetry_dataset()
    except InvalidInput:
        return None
    operations = spglib.get_symmetry_from_database(found.hall_number)
    frac = np.array([void.frac_coords for void in voids])
    standard = _wrapped(frac @ found.transformation_matrix.T + found.origin_shift)
    tree = KDTree(standard, boxsize=1.0)
    # No two voids are as near as `_SAME_NODE_A`, so that at most one is within half of it.
    reach = _SAME_NODE_A / 2 / np.linalg.norm(found.std_lattice, axis=1).max()

    def images(at: int) -> list[int]:
        moved = operations["rotations"] @ standard[at] + operations["translations"]
        return sorted(set().union(*tree.query_ball_point(_wrapped(moved), min(reach, 0.1))))

    return images


def _wrapped(frac: Array) -> Array:
    """Fractional coordinates in [0, 1)."""
    import numpy as np

    wrapped: Array = np.mod(frac, 1.0)
    wrapped[wrapped >= 1.0] = 0.0  # a tiny negative number is 1.0 after the division
    return wrapped


def _alike(one: Void, other: Void) -> bool:
    if (one.kind, one.neighbours) != (other.kind, other.neighbours):
        return False
    return all(
        abs(a - b) < _SAME_DISTANCE_A
        for a, b in zip(one.distances_a[:12], other.distances_a[:12], strict=False)
    )

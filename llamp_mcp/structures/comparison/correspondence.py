"""The best way to lay one crystal on another: which axes and which sites correspond.

The definitions are those of pymatgen's StructureMatcher: lattices that map within tolerances, one
pair of sites laid on each other, the assignment of least squared displacement on the lattice of
mean parameters, the mean displacement removed, lengths divided by (V/n)^(1/3). The search is our
own because of what StructureMatcher does not tell or choose: of equal matches the one of least
strain, of the same hand, of least rotation; and axes and pairs for large supercells in reasonable
time (its get_transformation takes five seconds for 2 on 54 sites). Where many correspondences are
almost equal, as with random displacements of more than about 100 sites, the RMSD may be about a
percent above the least.
"""

from __future__ import annotations

from collections import Counter
from math import pi
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.structures.comparison.cells import occupants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Lattice, Structure

    Vectors = NDArray[np.float64]
    Numbers = NDArray[np.int_]

MAX_VECTORS: Final = 1500
"""Lattice vectors per axis that are tried: pairs of them are compared."""

MAX_LATTICES: Final = 1000
"""Correspondences of axes that are tried, those of least strain first."""

BUDGET: Final = 50_000_000
"""Distances that rank the candidates: every site of each, in larger cells some sites of each."""

MIN_PROBES: Final = 8

ASSIGNED: Final = 12
"""Candidates whose sites are all assigned."""

_SAME: Final = 1e-3
"""Å; displacements that differ by less are equal, and the smaller strain decides."""


class Correspondence(NamedTuple):
    """How a large cell and a supercell of a small one lie on each other.

    Attributes:
        matrix: Axes of that supercell in the axes of the small cell.
        pairs: For each site of the large cell the site of the small one.
        displacements_a: How far apart each pair is, in Å.
        length_a: (V/n)^(1/3), by which displacements are divided.
    """

    matrix: Numbers
    pairs: list[int]
    displacements_a: list[float]
    length_a: float

    @property
    def rmsd_a(self) -> float:
        """Root mean square of the displacements."""
        n = len(self.displacements_a)
        return float((sum(d * d for d in self.displacements_a) / n) ** 0.5)

    @property
    def max_a(self) -> float:
        """Largest displacement."""
        return max(self.displacements_a)


class _Axes(NamedTuple):
    """A supercell of the small cell, its fractional positions, and the lattice to measure on.

    `strain` and `turn` are what deforms the large lattice into it, without and with rotation.
    """

    matrix: Numbers
    strain: float
    turn: float
    fractions: Vectors
    site_of: Numbers
    mean: Lattice


class _Candidate(NamedTuple):
    estimate_a: float
    axes: _Axes
    shift: Vectors


def is_multiple(large: Structure, small: Structure) -> bool:
    """Whether a whole number of small cells has the sites of the large one."""
    times, rest = divmod(len(large), len(small))
    counts = Counter(map(occupants, small))
    return not rest and Counter(map(occupants, large)) == Counter(
        {kind: times * count for kind, count in counts.items()}
    )


def is_searchable(large: Structure, small: Structure, length_tolerance: float) -> bool:
    """Whether the vectors of the small lattice about as long as the large axes are few enough."""
    longest = max(large.lattice.abc)
    inner, outer = longest / (1 + length_tolerance), longest * (1 + length_tolerance)
    return bool(4 / 3 * pi * (outer**3 - inner**3) / small.volume <= MAX_VECTORS)


def best(
    large: Structure, small: Structure, length_tolerance: float, angle_tolerance_deg: float
) -> Correspondence | None:
    """The correspondence of least RMS displacement, and among equal ones of least strain.

    Args:
        large: A cell, with the number of sites of one or more small cells (`is_multiple`).
        small: A cell.
        length_tolerance: Lattice lengths may differ by this part.
        angle_tolerance_deg: Lattice angles may differ by this.

    Returns:
        None where the lattices do not map.
    """
    kinds = _kinds(large, small)
    candidates = _ranked(
        large, _lattices(large, small, length_tolerance, angle_tolerance_deg), *kinds
    )
    assigned = [
        (_assign(large, candidate, *kinds), candidate.axes.strain)
        for candidate in candidates[:ASSIGNED]
    ]
    if not assigned:
        return None
    return min(assigned, key=lambda found: (round(found[0].rmsd_a / _SAME), found[1]))[0]


def _kinds(large: Structure, small: Structure) -> tuple[Numbers, Numbers]:
    """Numbers that are equal for sites with the same occupants."""
    import numpy as np

    names = sorted({occupants(site) for site in small})
    numbers = [np.array([names.index(occupants(site)) for site in cell]) for cell in (large, small)]
    return numbers[0], numbers[1]


def _lattices(
    large: Structure, small: Structure, length_tolerance: float, angle_tolerance_deg: float
) -> list[_Axes]:
    """Supercells of the small cell whose lattice is like the large one.

    The least strained come first, and of these the least turned: cells already alike stay so.
    """
    import numpy as np
    from pymatgen.core import Lattice

    times = len(large) // len(small)
    inverse = np.linalg.inv(large.lattice.matrix)
    ranked = []
    for lattice, _, matrix in small.lattice.find_all_mappings(
        large.lattice, length_tolerance, angle_tolerance_deg, skip_rotation_matrix=True
    ):
        if abs(round(float(np.linalg.det(matrix)))) == times:
            deformation = inverse @ lattice.matrix
            strain = float(np.linalg.norm(np.linalg.svd(deformation, compute_uv=False) - 1))
            turn = float(np.linalg.norm(deformation - np.eye(3)))
            # Of equal ones a mirror image comes last: it is told only where nothing else fits.
            mirrored = bool(np.linalg.det(deformation) < 0)
            ranked.append(((round(strain, 5), mirrored, round(turn, 5)), np.asarray(matrix)))
    ranked.sort(key=lambda found: (found[0], found[1].tolist()))
    made = []
    for (strain, _, turn), matrix in ranked[:MAX_LATTICES]:
        ours, theirs = large.lattice.parameters, Lattice(matrix @ small.lattice.matrix).parameters
        mean = Lattice.from_parameters(*((a + b) / 2 for a, b in zip(ours, theirs, strict=True)))
        made.append(_Axes(matrix, strain, turn, *_supercell(small, matrix), mean))
    return made


def _supercell(small: Structure, matrix: Numbers) -> tuple[Vectors, Numbers]:
    """Fractional positions of a supercell, and the site of the small cell that each one is."""
    import numpy as np
    from pymatgen.util.coord import lattice_points_in_supercell

    points = lattice_points_in_supercell(matrix)
    placed = small.frac_coords @ np.linalg.inv(matrix)
    fractions = (placed[:, None] + points[None]).reshape(-1, 3)
    return fractions, np.repeat(np.arange(len(small)), len(points))


def _ranked(
    large: Structure, lattices: Sequence[_Axes], large_kinds: Numbers, small_kinds: Numbers
) -> list[_Candidate]:
    """Candidates by their estimated displacement, equal ones by their strain."""
    import numpy as np

    per_probe = len(lattices) * int(np.bincount(small_kinds).min()) * len(large)
    n_probes = min(len(large), max(MIN_PROBES, BUDGET // max(per_probe, 1)))
    probes = np.unique(np.linspace(0, len(large) - 1, n_probes).astype(int))
    found: list[_Candidate] = []
    for axes in lattices:
        here = list(_candidates(large, axes, probes, large_kinds, small_kinds))
        found += here
        if len(probes) == len(large) and min(c.estimate_a for c in here) < _SAME:
            break  # exact, and every other lattice is strained as much or more
    found.sort(key=_rank)
    return found


def _rank(candidate: _Candidate) -> tuple[float, ...]:
    import numpy as np

    axes, shift = candidate.axes, candidate.shift
    moved = float(np.linalg.norm(shift - np.round(shift)))
    return round(candidate.estimate_a / _SAME), axes.strain, axes.turn, round(moved, 3)


def _candidates(
    large: Structure, axes: _Axes, probes: Numbers, large_kinds: Numbers, small_kinds: Numbers
) -> Iterator[_Candidate]:
    """Each way to lay a site of the rarest kind on one of the large cell's, with an estimate.

    The lattice points of the supercell are equal, so one site of each small cell's is enough.
    """
    import numpy as np

    kinds = small_kinds[axes.site_of]
    rarest = int(np.bincount(small_kinds).argmin())
    anchor = int(np.flatnonzero(large_kinds == rarest)[0])
    other_kind = kinds[None] != large_kinds[probes][:, None]
    firsts = np.flatnonzero(np.diff(axes.site_of, prepend=-1))
    for first in firsts[small_kinds == rarest]:
        shift = large.frac_coords[anchor] - axes.fractions[first]
        apart = axes.fractions[None] + shift - large.frac_coords[probes][:, None]
        vectors = (apart - np.round(apart)) @ axes.mean.matrix
        squares = np.einsum("pni,pni->pn", vectors, vectors)
        squares[other_kind] = np.inf
        nearest = vectors[np.arange(len(probes)), squares.argmin(axis=1)]
        spread = nearest - nearest.mean(axis=0)
        yield _Candidate(float((spread**2).sum(axis=1).mean() ** 0.5), axes, shift)


def _assign(
    large: Structure, candidate: _Candidate, large_kinds: Numbers, small_kinds: Numbers
) -> Correspondence:
    """Pair all sites by least squared displacement, and remove the mean displacement."""
    import numpy as np
    from pymatgen.util.coord import pbc_shortest_vectors
    from scipy.optimize import linear_sum_assignment

    axes, shift = candidate.axes, candidate.shift
    forbidden = (large_kinds[:, None] != small_kinds[axes.site_of][None]).astype(np.int64)
    for _ in range(2):
        vectors, squares = pbc_shortest_vectors(
            axes.mean, large.frac_coords, axes.fractions + shift, forbidden, return_d2=True
        )
        rows, columns = linear_sum_assignment(np.where(forbidden, 1e6, squares))
        chosen = vectors[rows, columns]
        mean = chosen.mean(axis=0)
        shift = shift - axes.mean.get_fractional_coords(mean)
    return Correspondence(
        axes.matrix,
        axes.site_of[columns].tolist(),
        np.linalg.norm(chosen - mean, axis=1).tolist(),
        float((axes.mean.volume / len(large)) ** (1 / 3)),
    )

"""Common supercells of two plane lattices that are turned against each other."""

from __future__ import annotations

from math import inf, radians, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Plane = NDArray[np.float64]
    Matrix = NDArray[np.int_]

_PAIRS: Final = 3000
"""Nearly coincident vectors that are combined, shortest first; their pairs take a few seconds."""

_SHORTEST: Final = 2 / sqrt(3)
"""The shortest vector of a plane lattice is at most the square root of this times its area."""


class Wanted(NamedTuple):
    """What a common cell must keep to.

    Attributes:
        angle_deg: Turn of the second lattice against the first, counterclockwise.
        angle_tolerance_deg: How far the turn may be off.
        max_strain: Largest strain of the second lattice in any direction, a fraction.
        atoms: Per cell of the first and of the second lattice.
        max_atoms: In the common cell.
    """

    angle_deg: float
    angle_tolerance_deg: float
    max_strain: float
    atoms: tuple[int, int]
    max_atoms: int


class Common(NamedTuple):
    """A common cell.

    Attributes:
        matrices: Integer 2x2 matrices, rows = its vectors in those of the first and second lattice.
        atoms: In the cell, of both.
        angle_deg: Turn of the second lattice, the rotation of the polar decomposition.
        strains: Principal strains of the second lattice, fractions, ascending.
    """

    matrices: tuple[Matrix, Matrix]
    atoms: int
    angle_deg: float
    strains: tuple[float, float]

    @property
    def strain(self) -> float:
        """The larger of the strains, without its sign."""
        return max(abs(one) for one in self.strains)


def smallest_common_cell(first: Plane, second: Plane, wanted: Wanted) -> Common | None:
    """The common cell of fewest atoms, then least strain, then nearest angle.

    Vectors of the first lattice are paired with vectors of the turned second one that lie so near
    that an allowed strain and turn brings them together; two such pairs span a common cell.

    Args:
        first: In-plane vectors as rows, 2x2, Å.
        second: Likewise.
        wanted: What to keep to.
    """
    import numpy as np

    areas = [abs(float(np.linalg.det(plane))) for plane in (first, second)]
    per_area = wanted.atoms[0] / areas[0] + wanted.atoms[1] / areas[1]
    reach_a = 2 * sqrt(_SHORTEST * wanted.max_atoms / per_area)
    one, two = _coincident(first, second, wanted, reach_a)
    u, v = one @ first, two @ second
    squares = (v * v).sum(axis=1)
    best: Common | None = None
    best_rank: tuple[float, ...] = (wanted.max_atoms, inf, inf)
    for at in range(len(v)):
        if squares[at] > 1.1 * _SHORTEST * best_rank[0] / per_area:
            break
        crossed = _cross(one[at], one[at:]), _cross(two[at], two[at:])
        atoms = wanted.atoms[0] * abs(crossed[0]) + wanted.atoms[1] * abs(crossed[1])
        others = np.flatnonzero((crossed[0] * crossed[1] > 0) & (atoms <= best_rank[0]))
        if not len(others):
            continue
        pairs = np.stack([np.full_like(others, at), at + others], axis=1)
        angles, strains = _polar(u[pairs], v[pairs])
        off = abs(_turn(angles - wanted.angle_deg))
        worst = abs(strains).max(axis=1)
        kept = (off <= wanted.angle_tolerance_deg + 1e-9) & (worst <= wanted.max_strain + 1e-9)
        if not kept.any():
            continue
        ranks = np.stack([atoms[others], worst.round(6), off.round(6)])
        found = np.flatnonzero(kept)[np.lexsort(ranks[::-1, kept])[0]]
        if tuple(ranks[:, found]) < best_rank:
            best_rank = tuple(ranks[:, found])
            low, high = (float(strain) for strain in strains[found])
            matrices = one[pairs[found]], two[pairs[found]]
            best = Common(matrices, int(best_rank[0]), float(angles[found]), (low, high))
    return best and best._replace(matrices=_compact(first, *best.matrices))


def _coincident(
    first: Plane, second: Plane, wanted: Wanted, reach_a: float
) -> tuple[Matrix, Matrix]:
    """Vectors of both lattices, in integers, that nearly coincide after the turn."""
    import numpy as np
    from scipy.spatial import cKDTree

    angle = radians(wanted.angle_deg)
    # A strain turns single vectors too, by at most its own size in radians.
    off = radians(wanted.angle_tolerance_deg) + wanted.max_strain
    one, two = _vectors(first, 1.1 * reach_a), _vectors(second, reach_a)
    half = (two[:, 0] > 0) | ((two[:, 0] == 0) & (two[:, 1] > 0))
    two = two[half]
    turned = (
        two @ second @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    )
    lengths = np.linalg.norm(turned, axis=1)
    radius = lengths * np.hypot(wanted.max_strain, off) + 1e-6
    near = cKDTree(one @ first).query_ball_point(turned, radius)
    counts = np.array([len(some) for some in near], dtype=int)
    at_two = np.repeat(np.arange(len(two)), counts)
    at_one = np.array([at for some in near for at in sorted(some)], dtype=int)
    order = np.argsort(lengths[at_two], kind="stable")[:_PAIRS]
    return one[at_one[order]], two[at_two[order]]


def _vectors(plane: Plane, reach_a: float) -> Matrix:
    """All lattice vectors but zero up to a length, as integers."""
    import numpy as np

    area = abs(float(np.linalg.det(plane)))
    most = [int(reach_a * np.linalg.norm(plane[1 - axis]) / area) + 1 for axis in (0, 1)]
    grid = np.stack(
        np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    lengths = np.linalg.norm(grid @ plane, axis=1)
    kept: Matrix = grid[(lengths <= reach_a) & (lengths > 0)]
    return kept


def _polar(u: Plane, v: Plane) -> tuple[Plane, Plane]:
    """Turns in degrees and ascending principal strains of the maps F with v F = u, row vectors.

    Of a plane map, polar decomposition and singular values are plain formulas, many times faster
    than a general solver on millions of pairs.
    """
    import numpy as np

    det = v[:, 0, 0] * v[:, 1, 1] - v[:, 0, 1] * v[:, 1, 0]
    aa = (v[:, 1, 1] * u[:, 0, 0] - v[:, 0, 1] * u[:, 1, 0]) / det
    ab = (v[:, 1, 1] * u[:, 0, 1] - v[:, 0, 1] * u[:, 1, 1]) / det
    ba = (v[:, 0, 0] * u[:, 1, 0] - v[:, 1, 0] * u[:, 0, 0]) / det
    bb = (v[:, 0, 0] * u[:, 1, 1] - v[:, 1, 0] * u[:, 0, 1]) / det
    turns = np.degrees(np.arctan2(ab - ba, aa + bb))
    mean, spread = np.hypot(aa + bb, ab - ba) / 2, np.hypot(aa - bb, ab + ba) / 2
    return turns, np.stack([mean - spread, mean + spread], axis=1) - 1


def _compact(first: Plane, one: Matrix, two: Matrix) -> tuple[Matrix, Matrix]:
    """Both matrices for the right-handed cell of the shortest vectors."""
    import numpy as np
    from ase.geometry import minkowski_reduce

    cell = np.eye(3)
    cell[:2, :2] = one @ first
    _, shorter = minkowski_reduce(cell, pbc=[True, True, False])
    change = np.rint(shorter[:2, :2]).astype(int)
    if np.linalg.det(change @ one @ first) < 0:
        change = change[::-1]
    return change @ one, change @ two


def _cross(one: Matrix, others: Matrix) -> Matrix:
    crossed: Matrix = one[0] * others[:, 1] - one[1] * others[:, 0]
    return crossed


def _turn(angle_deg: Plane) -> Plane:
    """The same turns between -180 and 180 degrees."""
    return (angle_deg + 180) % 360 - 180

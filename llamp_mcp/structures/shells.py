"""Neighbours sorted into distance shells: the coordination that every report means.

Voronoi cells and CrystalNN disagree about interstitial sites (13 and 10 neighbours at the
tetrahedral site of silicon, where 4 are nearest), so coordination here is the plain one: the atoms
of the first distance shell, told together with the next one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.structures.polyhedra import polyhedron

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

SHELL_GAP: Final = 1.1
"""A shell ends where the next distance is more than this factor times the one before…"""

SHELL_WIDTH: Final = 1.3
"""…or times its first one, so that a shell stays one where distances have no gaps."""

SHELL_RULE: Final = (
    "coordination = atoms of the first distance shell; a shell ends where the next distance is "
    "more than 1.1 times the one before, or 1.3 times its first"
)

_FIRST_CUTOFF_A: Final = 4.0
_LAST_CUTOFF_A: Final = 32.0


class Neighbour(NamedTuple):
    """A neighbouring atom: distance in Å, its species, and the vector to it in Å."""

    distance_a: float
    species: str
    vector_a: list[float]


def first_shell(distances_a: Sequence[float]) -> int:
    """How many of the ascending distances belong to the first shell."""
    for count in range(1, len(distances_a)):
        farthest = min(SHELL_GAP * distances_a[count - 1], SHELL_WIDTH * distances_a[0])
        if distances_a[count] > farthest:
            return count
    return len(distances_a)


def first_shells(distances_a: NDArray[np.float64]) -> NDArray[np.int_]:
    """How many of each row of ascending distances (m, k) belong to its first shell: (m,)."""
    import numpy as np

    farthest = np.minimum(SHELL_GAP * distances_a[:, :-1], SHELL_WIDTH * distances_a[:, :1])
    beyond = distances_a[:, 1:] > farthest
    counts: NDArray[np.int_] = np.where(
        beyond.any(axis=1), beyond.argmax(axis=1) + 1, distances_a.shape[1]
    )
    return counts


def neighbours(structure: Structure, site: int) -> list[Neighbour]:
    """Neighbours of a site, nearest first, at least far enough to hold two whole shells."""
    cutoff_a, found = _FIRST_CUTOFF_A, []
    while cutoff_a <= _LAST_CUTOFF_A:
        centre = structure[site].coords
        found = sorted(
            (
                Neighbour(
                    float(near.nn_distance),
                    near.species_string,
                    (near.coords - centre).tolist(),
                )
                for near in structure.get_neighbors(structure[site], cutoff_a)
            ),
            key=lambda near: near.distance_a,
        )
        if len(_shells(found)) > 2:
            break
        cutoff_a *= 1.5
    return found


def coordination(structure: Structure, site: int) -> dict[str, Any]:
    """First and next shell of a site, as reports give them.

    Returns:
        `coordination`, `polyhedron`, `distances_a`, `neighbours` (count per species) of the first
        shell, and `next_shell` with `count`, `distances_a` (nearest and farthest) and
        `neighbours`, or None.
    """
    shells = _shells(neighbours(structure, site))
    nearest = shells[0] if shells else []
    following = shells[1] if len(shells) > 1 else []
    return {
        "coordination": len(nearest),
        "polyhedron": _polyhedron(nearest),
        "distances_a": [round(near.distance_a, 3) for near in nearest],
        "neighbours": dict(Counter(near.species for near in nearest)),
        "next_shell": {
            "count": len(following),
            "distances_a": [round(near.distance_a, 3) for near in (following[0], following[-1])],
            "neighbours": dict(Counter(near.species for near in following)),
        }
        if following
        else None,
    }


def _polyhedron(shell: Sequence[Neighbour]) -> str | None:
    import numpy as np

    return polyhedron(np.array([near.vector_a for near in shell])) if shell else None


def _shells(found: Sequence[Neighbour]) -> list[list[Neighbour]]:
    rest, shells = list(found), []
    while rest:
        count = first_shell([near.distance_a for near in rest])
        shells.append(rest[:count])
        rest = rest[count:]
    return shells

"""A structure seen along one axis: a layer of atoms, its atomic planes, and the widest gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

Axis = Literal["a", "b", "c"]
AXES: Final[tuple[Axis, ...]] = ("a", "b", "c")

VACUUM_TOLD: Final = "Å between images, default 15"

PLANE_A: Final = 0.1
"""Atoms whose heights follow each other by no more than this, in Å, are one atomic plane."""


class Profile(NamedTuple):
    """All atoms as one layer, cut where the gap between them is widest.

    Heights are along the normal of the plane that the two other axes span.

    Attributes:
        normal: Unit vector, shape (3,), on the side the axis points to.
        heights_a: Of every atom over the lowest one, Å.
        bottom_a: Height of the lowest atom over the cell's origin plane, Å.
        thickness_a: Of the highest atom over the lowest one, Å.
        gap_a: Between the highest atom and the next image of the lowest one, Å.
    """

    normal: NDArray[np.float64]
    heights_a: NDArray[np.float64]
    bottom_a: float
    thickness_a: float
    gap_a: float


def profile(structure: Structure, axis: Axis = "c") -> Profile:
    """The layer that the atoms form along an axis, wherever the cell's boundary cuts it."""
    import numpy as np

    at = AXES.index(axis)
    matrix = structure.lattice.matrix
    normal = np.cross(matrix[at - 2], matrix[at - 1])
    normal *= np.sign(normal @ matrix[at]) / np.linalg.norm(normal)
    period_a = float(normal @ matrix[at])
    along = np.mod(structure.frac_coords[:, at], 1.0)
    ascending = np.sort(along)
    below = np.diff(ascending, prepend=ascending[-1] - 1)  # the gap below each atom
    # The first of equal gaps is the one at the cell's boundary: a bulk cell keeps its order.
    lowest = ascending[int(np.argmax(below > below.max() - 1e-6))]
    heights = np.mod(along - lowest, 1.0) * period_a
    heights[heights > period_a * (1 - 1e-9)] = 0.0
    thickness_a = float(heights.max())
    return Profile(normal, heights, float(lowest * period_a), thickness_a, period_a - thickness_a)


def standing(structure: Structure, seen: Profile, axis: Axis = "c") -> NDArray[np.float64]:
    """Cartesian positions with the layer in one piece, Å, shape (atoms, 3)."""
    import numpy as np

    at = AXES.index(axis)
    period_a = seen.thickness_a + seen.gap_a
    images = np.round((seen.bottom_a + seen.heights_a) / period_a - structure.frac_coords[:, at])
    moved: NDArray[np.float64] = (
        structure.cart_coords + images[:, None] * structure.lattice.matrix[at]
    )
    return moved


def planes(heights_a: NDArray[np.float64]) -> list[list[int]]:
    """Atoms grouped into atomic planes, lowest plane first."""
    import numpy as np

    order = np.argsort(heights_a, kind="stable")
    ends = np.flatnonzero(np.diff(heights_a[order]) > PLANE_A) + 1
    return [part.tolist() for part in np.split(order, ends)]


def plane_formula(structure: Structure, sites: list[int]) -> str:
    """What an atomic plane holds per cell, such as "Zn1 O1"."""
    from pymatgen.core import Composition

    held = sum((structure[at].species for at in sites), Composition())
    return str(held.element_composition.formula)

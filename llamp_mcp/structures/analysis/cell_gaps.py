"""Empty layers of a cell: what tells a slab, a wire or a molecule in a box from a bulk crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pymatgen.core import Structure

VACUUM_A: Final = 5.0
"""Layers of atoms farther apart than this do not touch: across the gap of graphite it is 3.4 Å."""


class Gap(NamedTuple):
    """Along one axis: the widest layer without an atom's centre, and the height of the rest, Å.

    Both are measured across the plane of the two other axes.
    """

    axis: str
    gap_a: float
    thickness_a: float


def cell_gaps(structure: Structure) -> list[Gap]:
    """The widest empty layer along a, b and c."""
    import numpy as np

    spacings_a = 1 / np.linalg.norm(structure.lattice.inv_matrix, axis=0)
    found = []
    for axis, spacing_a, column in zip("abc", spacings_a, structure.frac_coords.T, strict=True):
        heights = np.sort(np.mod(column, 1.0))
        steps = np.diff([*heights, heights[0] + 1])
        gap_a = float(steps.max() * spacing_a)
        found.append(Gap(axis, gap_a, max(0.0, float(spacing_a) - gap_a)))
    return found


def vacuum_note(structure: Structure) -> str:
    """A warning that values per volume are those of a cell with vacuum, or nothing."""
    empty = [gap for gap in cell_gaps(structure) if gap.gap_a > VACUUM_A]
    told = " and ".join(f"{gap.gap_a:.2f} Å along {gap.axis}" for gap in empty)
    return f"the cell holds vacuum ({told}): a value of the cell, not of the solid" if told else ""

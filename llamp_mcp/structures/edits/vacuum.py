"""`vacuum`: set the empty gap along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.surfaces.surface import AXES, VACUUM_TOLD, Axis, profile, standing
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from pymatgen.core import Structure

_CONTINUOUS_A = 3.5
"""A gap below this is one between atoms that may touch: the crystal goes on across it."""


class VacuumArguments(Arguments):
    """Along which axis, how much, and where the atoms go."""

    axis: Axis = Field("c", description="default c")
    min_vacuum_a: Annotated[float, Field(gt=0, le=200)] = Field(15.0, description=VACUUM_TOLD)
    centred: bool = Field(False, description="layer in the middle")


def vacuum(structure: Structure, arguments: VacuumArguments) -> Edited:
    """Make the gap as wide as asked for, along the normal of the plane of the two other axes.

    The axis keeps its direction and changes its length; the atoms keep their arrangement. A layer
    that the cell's boundary cuts in two is put together, a crystal is cut at its widest gap.
    """
    import numpy as np
    from pymatgen.core import Lattice

    at = AXES.index(arguments.axis)
    before = profile(structure, arguments.axis)
    period_a = before.thickness_a + arguments.min_vacuum_a
    matrix = np.array(structure.lattice.matrix)
    old_period_a = before.thickness_a + before.gap_a
    positions = standing(structure, before, arguments.axis)
    matrix[at] *= period_a / old_period_a
    if arguments.centred:
        positions += (period_a / 2 - before.bottom_a - before.thickness_a / 2) * before.normal
    made = structure.copy()
    made.lattice = Lattice(matrix)
    for site, coords in zip(made, made.lattice.get_fractional_coords(positions), strict=True):
        site.frac_coords = np.mod(np.round(coords, 12), 1.0)
    after = profile(made, arguments.axis)
    others = " and ".join(name for name in AXES if name != arguments.axis)
    report = {
        "axis": arguments.axis,
        "gap_a_before": round(before.gap_a, 4),
        "gap_a_after": round(after.gap_a, 4),
        "thickness_a": round(after.thickness_a, 4),
        "axis_length_a": round(made.lattice.abc[at], 4),
        "axis_tilt_deg": round(
            float(np.degrees(np.arccos(min(1.0, period_a / made.lattice.abc[at])))), 3
        )
        + 0.0,
        "measured": f"along the normal of the plane of {others}, between outermost nuclei; "
        f"axis_tilt_deg is the angle of {arguments.axis} to this normal",
    }
    return Edited(made, report, cells=None, notes=_notes(before.gap_a, arguments))


def _notes(gap_a: float, arguments: VacuumArguments) -> tuple[str, ...]:
    if gap_a >= _CONTINUOUS_A:
        return ()
    return (
        f"Along {arguments.axis} the widest gap was {gap_a:.2f} Å, so this was a crystal without a "
        "vacuum; it was cut at that gap. For a surface of given Miller indices use slab.",
    )


EDIT = Edit(name="vacuum", arguments=VacuumArguments, run=vacuum)

"""`twist`: a bilayer of two 2D layers turned against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.joins.commensurate import Common, Wanted, smallest_common_cell
from llamp_mcp.structures.joins.layer import (
    ATOMS_TOLD,
    GAP_TOLD,
    MISMATCH_TOLD,
    OTHER_TOLD,
    Gap,
    Layer,
    MaxAtoms,
    as_layer,
    dropped,
    facing,
    stack,
    times,
)
from llamp_mcp.structures.surfaces.surface import VACUUM_TOLD
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from llamp_mcp.structures.edits.edit import Lookup

_RULE: Final = "fewest atoms within the tolerances, then least strain, then nearest angle"
_LOOSER: Final = ((0.0, 3.0), (0.5, 0.0), (3.0, 0.0))
"""What is tried to tell what there is: degrees of tolerance, percent of strain."""


class TwistArguments(Arguments):
    """How far to turn, how far apart, and how exact."""

    angle_deg: Annotated[float, Field(ge=-360, le=360)] = Field(description="degrees")
    angle_tolerance_deg: Annotated[float, Field(ge=0, le=5)] = Field(
        0.05, description="± degrees, default 0.05"
    )
    gap_a: Gap = Field(description=GAP_TOLD)
    structure_id: str | None = Field(None, description=OTHER_TOLD)
    max_mismatch_percent: Annotated[float, Field(ge=0, le=20)] = Field(
        0.01, description=MISMATCH_TOLD
    )
    max_atoms: MaxAtoms = Field(1000, description=ATOMS_TOLD)
    min_vacuum_a: Annotated[float, Field(gt=0, le=200)] = Field(15.0, description=VACUUM_TOLD)


def twist(structure: Structure, arguments: TwistArguments, *, lookup: Lookup) -> Edited:
    """Stack the layers, the top one turned counterclockwise seen from above.

    Both start with their a axes parallel; the turn is about a line through the cells' origins.
    """
    other = structure
    if arguments.structure_id is not None:
        other = lookup(arguments.structure_id)
    bottom, top = as_layer(structure, "The structure"), as_layer(other, "The top layer")
    wanted = Wanted(
        arguments.angle_deg,
        arguments.angle_tolerance_deg,
        arguments.max_mismatch_percent / 100,
        (len(bottom.structure), len(top.structure)),
        arguments.max_atoms,
    )
    found = smallest_common_cell(bottom.plane, top.plane, wanted)
    if found is None:
        raise _nothing_found(bottom, top, wanted)
    low, high = (
        times(layer.structure, matrix)
        for layer, matrix in zip((bottom, top), found.matrices, strict=True)
    )
    made = stack(low, high, arguments.gap_a, arguments.min_vacuum_a)
    report = {
        **_report(made, found),
        "atoms_per_layer": [len(low), len(high)],
        "thickness_a": [round(one.thickness_a, 4) for one in (bottom, top)],
        **facing(made, len(low)),
    }
    return Edited(made, report, cells=None, notes=dropped((structure, other), made))


def _report(made: Structure, found: Common) -> dict[str, Any]:
    import numpy as np

    return {
        "angle_deg": round(found.angle_deg, 6) + 0.0,
        "angle_means": "top layer counterclockwise against the bottom one, a axes, seen from above",
        "mismatch_percent": round(100 * found.strain, 6) + 0.0,
        "principal_strains_top_percent": [round(100 * one, 6) + 0.0 for one in found.strains],
        "matrix_bottom": found.matrices[0].tolist(),
        "matrix_top": found.matrices[1].tolist(),
        "matrix_means": "rows = in-plane vectors of the new cell in those of the layer",
        "cells_per_layer": [abs(round(float(np.linalg.det(one)))) for one in found.matrices],
        "area_a2": round(float(made.volume / made.lattice.c), 4),
        "cell_a_b_gamma": [
            round(float(x), 5) for x in (made.lattice.a, made.lattice.b, made.lattice.gamma)
        ],
        "strained": "top layer only" if found.strain > 1e-8 else "none",
        "chosen": _RULE,
    }


def _nothing_found(bottom: Layer, top: Layer, wanted: Wanted) -> InvalidInput:
    """The error that lists what there is with looser limits."""
    options = []
    for tolerance_deg, percent in _LOOSER:
        looser = wanted._replace(
            angle_tolerance_deg=max(wanted.angle_tolerance_deg, tolerance_deg),
            max_strain=max(wanted.max_strain, percent / 100),
        )
        found = smallest_common_cell(bottom.plane, top.plane, looser)
        if found is not None:
            options.append(
                f"{found.angle_deg + 0.0:.4f} deg with {100 * found.strain:.3f} % mismatch, "
                f"{found.atoms} atoms"
            )
    return InvalidInput(
        f"No common cell of at most {wanted.max_atoms} atoms within {wanted.angle_deg:g} ± "
        f"{wanted.angle_tolerance_deg:g} deg and {100 * wanted.max_strain:g} % mismatch",
        allowed="; ".join(dict.fromkeys(options)),
        next_step="Take one of these, or raise max_mismatch_percent, angle_tolerance_deg or "
        "max_atoms.",
    )


EDIT = Edit(name="twist", arguments=TwistArguments, run=twist)

"""`scale_volume`: swell or shrink the cell alike in all directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from llamp_mcp.structures.cell_change import lattices
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

Volume = Annotated[float, Field(gt=0, le=1e7)]


class ScaleVolumeArguments(Arguments):
    """Exactly one of the three."""

    volume_a3: Volume | None = Field(None, description="new, Å³")
    volume_per_atom_a3: Volume | None = Field(None, description="new, Å³ per atom")
    factor: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        None, description="new over old volume"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("volume_a3", "volume_per_atom_a3", "factor")
        return self


def scale_volume(structure: Structure, arguments: ScaleVolumeArguments) -> Edited:
    """Scale all lattice vectors by the cube root of the ratio of volumes; fractions stay."""
    before = float(structure.volume)
    if arguments.volume_a3 is not None:
        wanted = arguments.volume_a3
    elif arguments.volume_per_atom_a3 is not None:
        wanted = arguments.volume_per_atom_a3 * len(structure)
    else:
        wanted = before * (arguments.factor or 1)
    made = structure.copy()
    made.lattice = structure.lattice.scale(wanted)
    linear = (wanted / before) ** (1 / 3) - 1
    report = {
        "factor": round(wanted / before, 8),
        "linear_strain_percent": round(100 * linear, 6) + 0.0,
        "volume_per_atom_a3_before": round(before / len(structure), 6),
        "volume_per_atom_a3_after": round(wanted / len(structure), 6),
        **lattices(structure, made),
        "kept": "angles, length ratios, fractional coordinates",
    }
    return Edited(made, report)


EDIT = Edit(name="scale_volume", arguments=ScaleVolumeArguments, run=scale_volume)

"""`translate`: shift all atoms, or some, by one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from llamp_mcp.structures.cell_change import rounded
from llamp_mcp.structures.edits.edit import SITES_REPORTED, Edit, Edited, surroundings
from llamp_mcp.structures.edits.insert import Position
from llamp_mcp.structures.species import check_sites
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure


class TranslateArguments(Arguments):
    """A vector in one of two frames, and what moves."""

    frac_vector: Position | None = Field(None, description="in lattice vectors")
    vector_a: Position | None = Field(None, description="Cartesian, Å")
    sites: Annotated[list[int], Field(min_length=1)] | None = Field(None, description="numbers")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("frac_vector", "vector_a")
        return self


def translate(structure: Structure, arguments: TranslateArguments) -> Edited:
    """Shift the atoms; those that leave the cell come in at the other side."""
    import numpy as np

    lattice = structure.lattice
    if arguments.frac_vector is not None:
        frac = np.array(arguments.frac_vector)
    else:
        frac = np.array(lattice.get_fractional_coords(arguments.vector_a or []))
    vector_a = lattice.get_cartesian_coords(frac)
    moved = range(len(structure))
    sites = list(moved) if arguments.sites is None else check_sites(structure, arguments.sites)
    made = structure.copy()
    made.translate_sites(sites, frac, frac_coords=True, to_unit_cell=True)
    report = {
        "frac_vector": rounded(frac),
        "vector_a": rounded(vector_a),
        "length_a": round(float(np.linalg.norm(vector_a)), 6),
        "n_moved": len(sites),
    }
    if len(sites) < len(structure):
        report["moved"] = [surroundings(made, site) for site in sites[:SITES_REPORTED]]
    else:
        report["meaning"] = "all atoms alike: the same crystal with another origin"
    return Edited(made, report)


EDIT = Edit(name="translate", arguments=TranslateArguments, run=translate)

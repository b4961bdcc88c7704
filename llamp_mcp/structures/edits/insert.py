"""`insert`: put an atom at a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from llamp_mcp.structures.edits.edit import Edit, Edited, surroundings, with_atom
from llamp_mcp.structures.species import species_named
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

Position = Annotated[list[float], Field(min_length=3, max_length=3)]


class InsertArguments(Arguments):
    """A species and one way to say where."""

    species: str = Field(description="added")
    frac_coords: Position | None = Field(None, description="in lattice vectors")
    cart_coords_a: Position | None = Field(None, description="Å")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("frac_coords", "cart_coords_a")
        return self


def insert(structure: Structure, arguments: InsertArguments) -> Edited:
    """Add the atom as the last site."""
    coords = arguments.frac_coords
    if arguments.cart_coords_a is not None:
        coords = structure.lattice.get_fractional_coords(arguments.cart_coords_a).tolist()
    made, notes = with_atom(structure, species_named(arguments.species), coords or [])
    return Edited(made, {"inserted": surroundings(made, len(made) - 1)}, notes=notes)


EDIT = Edit(name="insert", arguments=InsertArguments, run=insert)

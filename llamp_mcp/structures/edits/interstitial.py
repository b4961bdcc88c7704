"""`interstitial`: put an atom into an empty site, found by its kind or given by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited, surroundings, with_atom
from llamp_mcp.structures.edits.insert import Position
from llamp_mcp.structures.shells import neighbours
from llamp_mcp.structures.species import species_named
from llamp_mcp.structures.symmetry import SYMPREC_A
from llamp_mcp.structures.variants import Arguments
from llamp_mcp.structures.voids import MAX_ATOMS_SYMMETRY, SiteKind, Void, find_voids, site_kind

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

_LISTED = 8


class InterstitialArguments(Arguments):
    """A species and one way to say where."""

    species: str = Field(description="added")
    site_kind: SiteKind | None = Field(None, description="shape")
    frac_coords: Position | None = Field(None, description="in lattice vectors")
    site_index: Annotated[int, Field(ge=0)] = Field(0, description="of inequivalent ones")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("site_kind", "frac_coords")
        return self


def interstitial(structure: Structure, arguments: InterstitialArguments) -> Edited:
    """Add the atom as the last site and prove the site by its coordination."""
    import numpy as np

    species = species_named(arguments.species)
    report: dict[str, Any] = {}
    coords = arguments.frac_coords
    if arguments.site_kind is not None:
        voids = find_voids(structure)
        void = _choose(structure, voids, arguments.site_kind, arguments.site_index)
        coords = list(void.frac_coords)
        report = _listed(structure, voids, void, arguments.site_index)
    elif arguments.site_index:
        raise InvalidInput(
            f"site_index = {arguments.site_index} beside frac_coords",
            next_step="Give site_index only with site_kind.",
        )
    made, notes = with_atom(structure, species, coords or [])
    inserted = len(made) - 1
    vectors = np.array([near.vector_a for near in neighbours(made, inserted)])
    report["inserted"] = {
        "site_kind": site_kind(vectors) if len(vectors) else "other",
        **surroundings(made, inserted),
    }
    return Edited(made, report, notes=notes)


def _choose(structure: Structure, voids: list[Void], kind: SiteKind, index: int) -> Void:
    """The site of a kind at an index, the roomiest first.

    Raises:
        InvalidInput: There is no such site; the text lists those that there are.
    """
    alike = [void for void in voids if void.kind == kind]
    if index < len(alike):
        return alike[index]
    if alike:
        raise InvalidInput(
            f"site_index = {index}, but {structure.formula} has {len(alike)} inequivalent {kind} "
            "sites",
            allowed=f"0 to {len(alike) - 1}: {_numbered(alike)}",
        )
    raise InvalidInput(
        f"No {kind} site found in {structure.formula}",
        allowed="; ".join(str(void) for void in voids[:_LISTED])
        or "none was found: the cell has no enclosed empty site",
        next_step="Use one of these kinds, or give frac_coords.",
    )


def _listed(structure: Structure, voids: list[Void], void: Void, index: int) -> dict[str, Any]:
    """What the choice was made from, as reports give it."""
    by_symmetry = len(structure) <= MAX_ATOMS_SYMMETRY
    return {
        "site_index": index,
        "equivalent_sites": void.multiplicity,
        "equivalent_by": f"space group, symprec {SYMPREC_A} Å" if by_symmetry else "distances",
        "same_kind": [str(other) for other in voids if other.kind == void.kind][:_LISTED],
        "other_sites": [str(other) for other in voids if other.kind != void.kind][:_LISTED],
        "inequivalent_sites": len(voids),
    }


def _numbered(voids: list[Void]) -> str:
    return "; ".join(f"{at}: {void}" for at, void in enumerate(voids[:_LISTED]))


EDIT = Edit(name="interstitial", arguments=InterstitialArguments, run=interstitial)

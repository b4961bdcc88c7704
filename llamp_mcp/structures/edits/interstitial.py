"""`interstitial`: put an atom into an empty site, found by its kind or given by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited, species_named, surroundings, with_atom
from llamp_mcp.structures.edits.insert import Position
from llamp_mcp.structures.shells import neighbours
from llamp_mcp.structures.variants import Arguments
from llamp_mcp.structures.voids import SiteKind, Void, find_voids, shape

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

_LISTED = 8


class InterstitialArguments(Arguments):
    """A species and one way to say where."""

    species: str = Field(description="added element or ion")
    site_kind: SiteKind | None = Field(
        None, description="the roomiest empty site of this shape; its coordination is reported"
    )
    frac_coords: Position | None = Field(None, description="position in lattice vectors")

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
        void, others = _choose(structure, arguments.site_kind)
        coords = list(void.frac_coords)
        report["equivalent_sites"] = void.multiplicity
        report["other_sites"] = [str(other) for other in others[:_LISTED]]
    made, notes = with_atom(structure, species, coords or [])
    inserted = len(made) - 1
    vectors = np.array([near.vector_a for near in neighbours(made, inserted)])
    report["inserted"] = {
        "site_kind": shape(vectors) if len(vectors) else "other",
        **surroundings(made, inserted),
    }
    return Edited(made, report, notes=notes)


def _choose(structure: Structure, kind: SiteKind) -> tuple[Void, list[Void]]:
    """The roomiest site of a kind, and all other sites found.

    Raises:
        InvalidInput: There is no such site; the text lists those that there are.
    """
    voids = find_voids(structure)
    for void in voids:
        if void.kind == kind:
            return void, [other for other in voids if other is not void]
    listed = "; ".join(str(void) for void in voids[:_LISTED])
    raise InvalidInput(
        f"No {kind} site found in {structure.formula}",
        allowed=listed or "none was found: the cell has no enclosed empty site",
        next_step="Use one of these kinds, or give frac_coords.",
    )


EDIT = Edit(name="interstitial", arguments=InterstitialArguments, run=interstitial)

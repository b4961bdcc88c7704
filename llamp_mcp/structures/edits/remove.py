"""`remove`: take atoms away, all of a species or given sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.identity import position
from llamp_mcp.structures.species import check_sites, sites_of
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

_REMOVED_LISTED = 20


class SiteArguments(Arguments):
    """Exactly one of the three."""

    site: int | None = Field(None, description="number, from 0")
    sites: Annotated[list[int], Field(min_length=1)] | None = Field(None, description="numbers")
    species: str | None = Field(None, description="all its atoms")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("site", "sites", "species")
        return self


def remove(structure: Structure, arguments: SiteArguments) -> Edited:
    """Take away the sites asked for; sites after them are renumbered."""
    if arguments.species is not None:
        return without(structure, sites_of(structure, arguments.species))
    asked = [arguments.site] if arguments.site is not None else arguments.sites or []
    return without(structure, check_sites(structure, asked))


def without(structure: Structure, sites: list[int], **told: Any) -> Edited:
    """The structure without some sites.

    Args:
        structure: It is left as it was.
        sites: Numbers that exist.
        **told: Added to the report.

    Raises:
        InvalidInput: No atom would be left.
    """
    if len(sites) == len(structure):
        raise InvalidInput(
            f"That would remove all {len(structure)} atoms",
            next_step="Leave at least one, or make a new structure with create_structure.",
        )
    made = structure.copy()
    made.remove_sites(sites)
    report = {
        "removed": [
            {
                "site": site,
                "species": structure[site].species_string,
                "frac_coords": position(structure[site]),
            }
            for site in sites[:_REMOVED_LISTED]
        ],
        "n_removed": len(sites),
        **told,
    }
    return Edited(made, report)


EDIT = Edit(name="remove", arguments=SiteArguments, run=remove)

"""`vacancy`: leave sites empty; of a species, one of its atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from llamp_mcp.structures.edits.edit import SITES_REPORTED, Edit, Edited, surroundings
from llamp_mcp.structures.edits.remove import SiteArguments, remove, without
from llamp_mcp.structures.inequivalent import inequivalent_sites
from llamp_mcp.structures.species import sites_of

if TYPE_CHECKING:
    from pymatgen.core import Structure


class VacancyArguments(SiteArguments):
    """Exactly one of the three."""

    species: str | None = Field(None, description="one atom of it")


def vacancy(structure: Structure, arguments: VacancyArguments) -> Edited:
    """Remove one atom of a species, or the sites asked for, and tell what surrounded it."""
    if arguments.species is None:
        made = remove(structure, arguments)
        sites = [removed["site"] for removed in made.report["removed"][:SITES_REPORTED]]
        made.report["surrounded_by"] = [surroundings(structure, site) for site in sites]
        return made
    sites = sites_of(structure, arguments.species)
    return without(
        structure,
        sites[:1],
        surrounded_by=[surroundings(structure, sites[0])],
        inequivalent_sites=inequivalent_sites(structure, sites),
    )


EDIT = Edit(name="vacancy", arguments=VacancyArguments, run=vacancy)

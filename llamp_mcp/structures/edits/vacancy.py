"""`vacancy`: leave sites empty; of a species, one of its atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from llamp_mcp.structures.edits.edit import SITES_REPORTED, Edit, Edited, sites_of, surroundings
from llamp_mcp.structures.edits.remove import SiteArguments, remove, without
from llamp_mcp.structures.symmetry import MAX_ATOMS, SYMPREC_A, analyzer

if TYPE_CHECKING:
    from pymatgen.core import Structure


class VacancyArguments(SiteArguments):
    """Exactly one of the three."""

    species: str | None = Field(None, description="one atom of it, the first inequivalent one")


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
        inequivalent_sites=_inequivalent(structure, sites),
    )


def _inequivalent(structure: Structure, sites: list[int]) -> list[dict[str, Any]] | str:
    """The first of each class of symmetry-equivalent sites, and the size of the class."""
    if len(structure) > MAX_ATOMS:
        return f"not determined above {MAX_ATOMS} atoms"
    equivalent = analyzer(structure, SYMPREC_A).get_symmetry_dataset().equivalent_atoms
    classes: dict[int, list[int]] = {}
    for site in sites:
        classes.setdefault(int(equivalent[site]), []).append(site)
    return [{"site": members[0], "equivalent": len(members)} for members in classes.values()]


EDIT = Edit(name="vacancy", arguments=VacancyArguments, run=vacancy)

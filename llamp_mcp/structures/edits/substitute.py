"""`substitute`: replace species by others, everywhere or on given sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import (
    SITES_REPORTED,
    Edit,
    Edited,
    check_sites,
    sites_of,
    species_named,
    surroundings,
)
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from pymatgen.core import DummySpecies, Element, Species, Structure

    AnySpecies = Species | Element | DummySpecies


class SubstituteArguments(Arguments):
    """Which species becomes which, and where."""

    species: Annotated[dict[str, str], Field(min_length=1)] = Field(
        description='{"Si": "Ge"}: old to new'
    )
    sites: Annotated[list[int], Field(min_length=1)] | None = Field(
        None, description="only these site numbers"
    )


def substitute(structure: Structure, arguments: SubstituteArguments) -> Edited:
    """Replace species; a partially occupied site keeps its occupancies."""
    from pymatgen.core import Composition

    new = {old: species_named(name) for old, name in arguments.species.items()}
    holders = {old: sites_of(structure, old) for old in new}
    if arguments.sites is not None:
        wanted = set(check_sites(structure, arguments.sites))
        if strangers := wanted.difference(*holders.values()):
            site = min(strangers)
            raise InvalidInput(
                f"Site {site} holds {structure[site].species_string}, not {' or '.join(holders)}"
            )
        holders = {old: [s for s in sites if s in wanted] for old, sites in holders.items()}
    made = structure.copy()
    for site in sorted({site for sites in holders.values() for site in sites}):
        made[site].species = sum(
            (
                Composition({_becomes(species, new): occupancy})
                for species, occupancy in structure[site].species.items()
            ),
            start=Composition(),
        )
    changed = sorted({site for sites in holders.values() for site in sites})
    report = {
        "substituted": {f"{old} -> {new[old]}": len(sites) for old, sites in holders.items()},
        "sites": [surroundings(made, site) for site in changed[:SITES_REPORTED]],
    }
    return Edited(made, report)


def _becomes(species: AnySpecies, new: dict[str, Species]) -> AnySpecies:
    """The full name is asked first, so that "Fe3+" may differ from "Fe"."""
    return new.get(str(species), new.get(species.symbol, species))


EDIT = Edit(name="substitute", arguments=SubstituteArguments, run=substitute)

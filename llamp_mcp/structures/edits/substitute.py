"""`substitute`: replace species by others, everywhere or on given sites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.edits.edit import SITES_REPORTED, Edit, Edited, surroundings
from llamp_mcp.structures.species import check_sites, sites_of, species_named
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymatgen.core import Composition, DummySpecies, Element, Species, Structure

    AnySpecies = Species | Element | DummySpecies

_SHARE = re.compile(r"([A-Z][a-z]?)(\d*[+-])?:?(\d*\.\d+|\d+)[,\s]*")
"""An element or ion and its occupancy, as in "Cu0.75", "Mn3+0.5" or "Cu:0.750"."""


class SubstituteArguments(Arguments):
    """Which species becomes which, and where."""

    species: Annotated[dict[str, str], Field(min_length=1)] = Field(
        description='{"Si": "Ge"} or {"Si": "Si0.7Ge0.3"}'
    )
    sites: Annotated[list[int], Field(min_length=1)] | None = Field(None, description="numbers")


def substitute(structure: Structure, arguments: SubstituteArguments) -> Edited:
    """Replace species; a partially occupied site keeps its occupancies."""
    from pymatgen.core import Composition

    new = {old: _occupants(name) for old, name in arguments.species.items()}
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
                _becomes(species, new) * occupancy
                for species, occupancy in structure[site].species.items()
            ),
            start=Composition(),
        )
    changed = sorted({site for sites in holders.values() for site in sites})
    report: dict[str, Any] = {
        "substituted": {
            f"{old} -> {arguments.species[old]}": len(sites) for old, sites in holders.items()
        },
        "sites": [surroundings(made, site) for site in changed[:SITES_REPORTED]],
    }
    if shared := [site for site in changed if not made[site].is_ordered]:
        report["partially_occupied"] = {
            "n_sites": len(shared),
            "vacant_on_average": round(sum(1 - made[s].species.num_atoms for s in shared), 6) + 0.0,
            "next": "order (electrostatics) or sqs (random alloy) puts whole atoms on them",
        }
    return Edited(made, report)


def _occupants(name: str) -> Composition:
    """What takes the place of one atom: a species, or shares of several.

    Raises:
        InvalidInput: No such species, or shares of more than one atom.
    """
    from pymatgen.core import Composition

    shares = [match.groups() for match in _SHARE.finditer(name)]
    if not shares or _SHARE.sub("", name):
        return Composition({species_named(name): 1})
    whole: Composition = sum(
        (
            Composition({species_named(symbol + (charge or "")): float(share)})
            for symbol, charge, share in shares
        ),
        start=Composition(),
    )
    if not 0 < whole.num_atoms <= 1 + 1e-6:
        raise InvalidInput(
            f"{clip(name)} puts {whole.num_atoms:g} atoms on a site",
            allowed="occupancies that sum to at most 1, such as 'Cu0.75Au0.25', "
            "'Mn3+0.5Mn4+0.5' or, half empty, 'Li0.5'",
        )
    return whole


def _becomes(species: AnySpecies, new: Mapping[str, Composition]) -> Composition:
    """The full name is asked first, so that "Fe3+" may differ from "Fe"."""
    from pymatgen.core import Composition

    return new.get(str(species), new.get(species.symbol, Composition({species: 1})))


EDIT = Edit(name="substitute", arguments=SubstituteArguments, run=substitute)

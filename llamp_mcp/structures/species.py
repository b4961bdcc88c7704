"""Species and sites by the names that callers give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llamp_mcp.errors import InvalidInput, clip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymatgen.core import Species, Structure

_SPECIES = re.compile(r"[A-Z][a-z]?(\d*\.?\d*[+-](,spin=-?\d+(\.\d+)?)?)?")


def species_named(name: str) -> Species:
    """A chemical species from text such as "Li" or "Fe3+".

    Raises:
        InvalidInput: No such element.
    """
    from pymatgen.core import DummySpecies, get_el_sp

    try:
        # pymatgen reads what follows the charge as Python and trips over anything else.
        found = get_el_sp(name) if _SPECIES.fullmatch(name) else None
    except ValueError:
        found = None
    if found is None or isinstance(found, DummySpecies):
        raise InvalidInput(
            f"{clip(name)} is not a chemical species",
            allowed="an element symbol, with an oxidation state if wanted, such as 'Li' or 'Fe3+'",
        )
    return found  # type: ignore[return-value]


def sites_of(structure: Structure, name: str) -> list[int]:
    """Sites that hold a species, by symbol ("Fe": whatever its charge) or in full ("Fe3+").

    Raises:
        InvalidInput: There is none.
    """
    wanted = species_named(name)
    found = [
        index
        for index, site in enumerate(structure)
        if any(species == wanted or species.symbol == name for species in site.species)
    ]
    if not found:
        raise InvalidInput(
            f"The structure holds no {name}",
            allowed=", ".join(sorted(str(species) for species in structure.composition)),
        )
    return found


def check_sites(structure: Structure, sites: Iterable[int]) -> list[int]:
    """The site numbers in ascending order, each once.

    Raises:
        InvalidInput: A number that no site has.
    """
    wanted = sorted(set(sites))
    if bad := [site for site in wanted if not 0 <= site < len(structure)]:
        held = ", ".join(sorted(str(species) for species in structure.composition))
        raise InvalidInput(
            f"There is no site {clip(bad)[1:-1]}",
            allowed=f"0 to {len(structure) - 1}, holding {held}",
        )
    return wanted

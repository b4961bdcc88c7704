"""Partially occupied sites: what shares them, and in which cells that makes whole atoms."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.inequivalent import Pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import DummySpecies, Element, Species, Structure

    AnySpecies = Species | Element | DummySpecies

VACANCY: Final = "vacancy"

OCCUPANCY_TOLERANCE: Final = 5e-4
"""How far whole atoms may be from an occupancy: 1/3 is often written 0.333."""

_MAX_MULTIPLE: Final = 1000


class Sublattice(NamedTuple):
    """Sites with the same partial occupancies.

    Attributes:
        sites: Their numbers.
        species: What shares them, by electronegativity; None is what is left empty.
        fractions: Of each, summing to 1.
    """

    sites: tuple[int, ...]
    species: tuple[AnySpecies | None, ...]
    fractions: tuple[float, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The species as reports name them."""
        return tuple(VACANCY if one is None else str(one) for one in self.species)

    def counts(self, cells: int = 1) -> tuple[int, ...] | None:
        """Atoms of each species on the sites of so many cells; None where they are not whole."""
        n_sites = cells * len(self.sites)
        amounts = [fraction * n_sites for fraction in self.fractions]
        counts = [floor(amount) for amount in amounts]
        by_rest = sorted(range(len(counts)), key=lambda at: counts[at] - amounts[at])
        for at in by_rest[: n_sites - sum(counts)]:
            counts[at] += 1
        near = all(
            abs(count / n_sites - fraction) <= OCCUPANCY_TOLERANCE and count
            for count, fraction in zip(counts, self.fractions, strict=True)
        )
        return tuple(counts) if near else None

    def report(self, counts: Sequence[int]) -> dict[str, Any]:
        """What was asked for and what whole atoms make of it."""
        return {
            "n_sites": len(self.sites),
            "asked": {
                name: round(fraction, 6)
                for name, fraction in zip(self.names, self.fractions, strict=True)
            },
            "placed": dict(zip(self.names, counts, strict=True)),
        }


def sublattices(structure: Structure) -> list[Sublattice]:
    """The partially occupied sites, grouped by their occupancies.

    Raises:
        InvalidInput: There is none.
    """
    groups: list[list[int]] = []
    for index, site in enumerate(structure):
        if site.is_ordered:
            continue
        for group in groups:
            if site.species.almost_equals(structure[group[0]].species):
                group.append(index)
                break
        else:
            groups.append([index])
    if not groups:
        raise InvalidInput(
            f"{structure.formula} has no partially occupied site: it is ordered already",
            next_step='Make some with substitute, species {"Cu": "Cu0.75Au0.25"}.',
        )
    return [_sublattice(structure, group) for group in groups]


def _sublattice(structure: Structure, sites: list[int]) -> Sublattice:
    shares: dict[AnySpecies | None, float] = dict(structure[sites[0]].species.items())
    empty = 1 - sum(shares.values())
    if empty > 3 * OCCUPANCY_TOLERANCE:  # three thirds of 0.333 leave nothing empty
        shares[None] = empty
    total = sum(shares.values())
    return Sublattice(
        tuple(sites), tuple(shares), tuple(share / total for share in shares.values())
    )


def cells_for_whole_atoms(parts: Sequence[Sublattice]) -> int | None:
    """The least number of cells in which all occupancies make whole atoms, if at most 1000."""
    return next(
        (
            cells
            for cells in range(1, _MAX_MULTIPLE + 1)
            if all(part.counts(cells) for part in parts)
        ),
        None,
    )


def whole_atoms(structure: Structure, parts: Sequence[Sublattice]) -> list[tuple[int, ...]]:
    """Atoms of each species on the sites of each sublattice of the cell as it is.

    Raises:
        InvalidInput: They are not whole; the text says in how many cells they would be.
    """
    counts = [part.counts() for part in parts]
    whole = [count for count in counts if count]
    if len(whole) == len(parts):
        return whole
    part = parts[counts.index(None)]
    amounts = ", ".join(
        f"{fraction * len(part.sites):.4g} {name}"
        for name, fraction in zip(part.names, part.fractions, strict=True)
    )
    cells = cells_for_whole_atoms(parts)
    raise InvalidInput(
        f"The occupancies do not make whole atoms on {len(part.sites)} site(s): {amounts}",
        next_step=f"First make a supercell of a multiple of {cells} cells "
        f"({cells * len(structure)} sites), with supercell."
        if cells
        else "Change the occupancies to simple fractions with substitute.",
    )


def pool(part: Sublattice, counts: Sequence[int]) -> Pool:
    """The sublattice as sites to be labelled; label n is its species number n."""
    return Pool(part.sites, tuple(counts))


def occupied(structure: Structure, parts: Sequence[Sublattice], labels: Sequence[int]) -> Structure:
    """A copy in which every partially occupied site holds one species or is left out.

    Args:
        structure: Holds the sublattices.
        parts: All of them.
        labels: Number of a species of its sublattice, for each site in the order of the parts.
    """
    from pymatgen.core import Composition

    made = structure.copy()
    chosen = iter(labels)
    empty = []
    for part in parts:
        for site in part.sites:
            species = part.species[next(chosen)]
            if species is None:
                empty.append(site)
            else:
                made[site].species = Composition({species: 1})
    made.remove_sites(empty)
    return made

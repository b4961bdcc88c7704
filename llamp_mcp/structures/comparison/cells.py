"""Cells that can be compared: bare of what is not compared, reduced, and scaled to one volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.analysis.block import primitive
from llamp_mcp.structures.symmetry import MAX_ATOMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import PeriodicSite, Structure

EXACT_A: Final = 0.001
"""Å to which a translation must hold for a cell to be reduced by it: no displacement is lost."""

COARSE_A: Final = 0.25
"""Å, pymatgen's own tolerance of a reduction, as its StructureMatcher uses it."""

Occupants = tuple[tuple[str, float], ...]


class Cell(NamedTuple):
    """A cell to compare, as compact as its lattice allows.

    Attributes:
        structure: Elements and positions alone, Niggli-reduced, orientation kept.
        sites: For each of its sites the first site of the given structure that it stands for.
        given: The structure as given, without what is ignored.
    """

    structure: Structure
    sites: list[int]
    given: Structure


def bare(structure: Structure, ignored: Sequence[str]) -> Structure:
    """Elements where they are; oxidation states, spins, properties and ignored elements left out.

    Sites keep their number in the given structure as the property `site`.
    """
    from pymatgen.core import Composition, Structure

    kept = [
        (at, site)
        for at, site in enumerate(structure)
        if not {species.symbol for species in site.species} <= set(ignored)
    ]
    return Structure(
        structure.lattice,
        [Composition(site.species.element_composition) for _, site in kept],
        [site.frac_coords for _, site in kept],
        site_properties={"site": [at for at, _ in kept]},
    )


def as_given(structure: Structure) -> Cell:
    """The cell as it is, with compact axes."""
    reduced = structure.get_reduced_structure("niggli")
    return Cell(reduced, list(structure.site_properties["site"]), structure)


def exact(structure: Structure) -> Cell:
    """The primitive cell by translations that hold exactly."""
    if len(structure) > MAX_ATOMS:
        return as_given(structure)
    try:
        found = primitive(structure, EXACT_A)
    except InvalidInput:  # coinciding atoms; they can be compared all the same
        return as_given(structure)
    numbers = structure.site_properties["site"]
    first = [numbers[found.site_of.index(site)] for site in range(len(found.structure))]
    return Cell(found.structure.get_reduced_structure("niggli"), first, structure)


def coarse(structure: Structure, exact_cell: Cell) -> Cell:
    """The primitive cell by translations that hold roughly, positions averaged over them.

    Args:
        structure: As given.
        exact_cell: Its exact primitive cell, whose sites are averaged.
    """
    import numpy as np

    small = exact_cell.structure
    reduced = small.get_primitive_structure(tolerance=COARSE_A)
    fractions = reduced.lattice.get_fractional_coords(small.cart_coords)
    sites = []
    for site in reduced:
        apart = fractions - site.frac_coords
        lengths = np.linalg.norm((apart - np.round(apart)) @ reduced.lattice.matrix, axis=1)
        same = [occupants(other) == occupants(site) for other in small]
        sites.append(exact_cell.sites[int(np.where(same, lengths, np.inf).argmin())])
    return Cell(reduced.get_reduced_structure("niggli"), sites, structure)


def occupants(site: PeriodicSite) -> Occupants:
    """What sits on a site, in a form that can be compared."""
    return tuple(sorted((str(species), round(share, 4)) for species, share in site.species.items()))


def volume_per_site(structure: Structure) -> float:
    """Å³."""
    return float(structure.volume) / len(structure)

"""Distances between atoms that are too short to be physical."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Composition, Structure

OVERLAP_A: Final = 0.5
"""Nuclei this near are one atom told twice; nothing is made that holds such a pair."""

SHORTEST_BOND_A: Final = 0.7
"""No bond is shorter: that of H2 has 0.74 Å."""

COVALENT_FRACTION: Final = 0.6
"""Least ratio of a distance to the sum of the covalent radii (Cordero 2008, doi 10.1039/b801115j).

The shortest bonds known stay above it: U=O of uranyl has 0.67, the quadruple bond of Cr2 0.66.
"""

_FIRST_CUTOFF_A: Final = 3.2
"""More than `COVALENT_FRACTION` of the largest sum of radii, 2 x 2.60 Å of francium."""


class Contact(NamedTuple):
    """Two atoms, perhaps images of one, and how near they are.

    Attributes:
        distance_a: Å.
        sites: Their numbers, ascending.
        species: What sits there, in that order.
        ratio: Distance over the sum of the covalent radii.
    """

    distance_a: float
    sites: tuple[int, int]
    species: tuple[str, str]
    ratio: float

    @property
    def is_unphysical(self) -> bool:
        """Whether no atoms in matter are as near as these."""
        return self.distance_a < SHORTEST_BOND_A or self.ratio < COVALENT_FRACTION

    def __str__(self) -> str:
        named = [f"site {at} ({what})" for at, what in zip(self.sites, self.species, strict=True)]
        return f"{' and '.join(named)} are {self.distance_a:.3f} Å apart"


class Contacts(NamedTuple):
    """The shortest distance of a structure, and the one shortest for its elements."""

    shortest: Contact
    tightest: Contact

    @property
    def warning(self) -> str:
        """What is unphysical about the structure, or nothing."""
        worst = self.shortest if self.shortest.is_unphysical else self.tightest
        if not worst.is_unphysical:
            return ""
        return (
            f"unphysical: {worst}, {worst.ratio:.2f} of the sum of their covalent radii (matter "
            f"keeps to at least {COVALENT_FRACTION} and {SHORTEST_BOND_A} Å)"
        )


def contacts(structure: Structure) -> Contacts:
    """The closest atoms, periodic images included.

    Two partially occupied sites that hold at most one atom between them are alternatives, not
    neighbours, and are left out.
    """
    import numpy as np

    occupied = np.array([site.species.num_atoms for site in structure])
    radii = np.array([_radius_a(site.species) for site in structure])
    cutoff_a = _FIRST_CUTOFF_A
    while True:
        first, second, _, distances = structure.get_neighbor_list(cutoff_a)
        together = occupied[first] + occupied[second] > 1 + 1e-3
        if together.any():
            break
        if cutoff_a > min(structure.lattice.abc):
            return _alone(structure, radii)
        cutoff_a *= 2
    first, second, distances = first[together], second[together], distances[together]
    with np.errstate(divide="ignore"):
        ratios = distances / (radii[first] + radii[second])
    found = []
    for at in (int(distances.argmin()), int(ratios.argmin())):
        low, high = sorted((int(first[at]), int(second[at])))
        names = structure[low].species_string, structure[high].species_string
        found.append(Contact(float(distances[at]), (low, high), names, float(ratios[at])))
    return Contacts(*found)


def _radius_a(species: Composition) -> float:
    """The largest covalent radius on a site, Å; 0 where none of the elements has one."""
    from pymatgen.analysis.molecule_structure_comparator import CovalentRadius

    return max(CovalentRadius.radius.get(one.symbol, 0.0) for one in species)


def _alone(structure: Structure, radii: NDArray[np.float64]) -> Contacts:
    """Only alternatives of one atom: its nearest neighbour is its own image."""
    edge = float(min(structure.lattice.abc))
    name, radius = structure[0].species_string, float(radii[0])
    only = Contact(edge, (0, 0), (name, name), edge / (2 * radius) if radius else float("inf"))
    return Contacts(only, only)

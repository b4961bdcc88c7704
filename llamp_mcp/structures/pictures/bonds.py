"""Which atoms a picture joins by a stick: a rule for drawing, not a statement about bonding."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.structures.pictures.colours import atomic_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Composition, Structure

TOLERANCE_A: Final = 0.45
"""Added to the sum of the covalent radii, as Jmol and Open Babel do."""

MOST_BONDS: Final = 8
"""An atom with more neighbours (12 of close packing, or of A in a perovskite) gets no sticks."""

RULE: Final = (
    f"distance up to the sum of the covalent radii (Cordero 2008) + {TOLERANCE_A} Å; not between "
    f"metals in close packing or where one touches a non-metal; none for atoms with more than "
    f"{MOST_BONDS} such neighbours"
)
"""Said with every picture; radii: doi 10.1039/b801115j."""


Cell = tuple[int, int, int]


class Link(NamedTuple):
    """A neighbour to be joined to.

    Attributes:
        site: Its number.
        image: Lattice translation from the stored coordinates of the one to those of the other.
        distance_a: Å.
    """

    site: int
    image: Cell
    distance_a: float


class Bonds(NamedTuple):
    """Sticks of a structure.

    Attributes:
        of_site: For each site its neighbours; each bond is there twice, once from either end.
        molecules: The atoms of each molecule or ion of non-metals, such as CO2 or PO4: each site
            with the lattice translation from its stored coordinates to those beside the first one.
        crowded: Elements whose atoms have too many neighbours to draw, with the most of them.
    """

    of_site: list[list[Link]]
    molecules: list[dict[int, Cell]]
    crowded: dict[str, int]


class BondKind(NamedTuple):
    """Bonds between two elements in one cell: how many, and their shortest and longest in Å."""

    pair: str
    per_cell: int
    shortest_a: float
    longest_a: float


def find_bonds(structure: Structure) -> Bonds:
    """The bonds that a picture of the structure shows, by `RULE`."""
    import numpy as np

    radii = np.array([radius_a(site.species) for site in structure])
    first, second, images, distances = structure.get_neighbor_list(2 * radii.max() + TOLERANCE_A)
    near = distances <= radii[first] + radii[second] + TOLERANCE_A
    near &= _together(structure, first, second)
    first, second, images, distances = first[near], second[near], images[near], distances[near]

    metal = np.array(
        [all(getattr(one, "is_metal", False) for one in site.species) for site in structure]
    )
    metallic = metal[first] & metal[second]
    others = np.bincount(first[~metallic], minlength=len(structure))
    touches = others > 0
    packed = np.bincount(first[metallic], minlength=len(structure)).max() > MOST_BONDS
    full = others > MOST_BONDS
    kept = ~metallic & ~full[first] & ~full[second]
    if not packed:
        kept |= metallic & ~touches[first] & ~touches[second]
    columns = (first[kept], second[kept], images[kept].astype(int), distances[kept])
    of_site: list[list[Link]] = [[] for _ in structure]
    for one, other, image, distance in zip(*(column.tolist() for column in columns), strict=True):
        of_site[one].append(Link(other, tuple(image), distance))
    crowded: dict[str, int] = {}
    for at in np.flatnonzero(full).tolist():
        symbol = main_symbol(structure[at].species)
        crowded[symbol] = max(crowded.get(symbol, 0), int(others[at]))
    return Bonds(of_site, _molecules(of_site, metal.tolist()), crowded)


def _molecules(of_site: list[list[Link]], metal: list[bool]) -> list[dict[int, Cell]]:
    """Groups of non-metals joined to each other that end somewhere."""
    found: list[dict[int, Cell]] = []
    seen: set[int] = set()
    for start in range(len(of_site)):
        if start in seen or metal[start]:
            continue
        cells: dict[int, Cell] = {start: (0, 0, 0)}
        finite, waiting = True, [start]
        while waiting:
            site = waiting.pop()
            for link in of_site[site]:
                if metal[link.site]:
                    continue
                cell = plus(cells[site], link.image)
                if link.site not in cells:
                    waiting.append(link.site)
                finite &= cells.setdefault(link.site, cell) == cell
        seen |= cells.keys()
        if finite and len(cells) > 1:
            found.append(cells)
    return found


def plus(one: Cell, other: Cell) -> Cell:
    """The sum of two lattice translations."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def kinds(structure: Structure, bonds: Bonds) -> list[BondKind]:
    """The bonds of one cell by pair of elements, the most frequent first."""
    lengths: dict[str, list[float]] = {}
    for site, links in enumerate(bonds.of_site):
        for link in links:
            ends = sorted(main_symbol(structure[at].species) for at in (site, link.site))
            lengths.setdefault("-".join(ends), []).append(link.distance_a)
    counts = Counter({pair: len(found) // 2 for pair, found in lengths.items()})
    return [
        BondKind(pair, count, round(min(lengths[pair]), 3), round(max(lengths[pair]), 3))
        for pair, count in counts.most_common()
    ]


def radius_a(species: Composition) -> float:
    """Covalent radius of what sits on a site, the mean of its elements, in Å (Cordero 2008)."""
    from ase.data import covalent_radii

    total = sum(species.values())
    return float(
        sum(share * covalent_radii[atomic_number(one.symbol)] for one, share in species.items())
        / total
    )


def main_symbol(species: Composition) -> str:
    """The element with the largest share of a site."""
    return str(max(species.items(), key=lambda item: item[1])[0].symbol)


def _together(
    structure: Structure, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether both can be there at once: sites that hold one atom between them are alternatives."""
    import numpy as np

    occupied = np.array([site.species.num_atoms for site in structure])
    full = occupied > 1 - 1e-3
    both: NDArray[np.bool_] = (full[first] & full[second]) | (
        occupied[first] + occupied[second] > 1 + 1e-3
    )
    return both

"""Which sites, and which arrangements of species on sites, the space group makes equal."""

from __future__ import annotations

from itertools import combinations
from math import comb, floor, log10
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.structures.symmetry import MAX_ATOMS, SYMPREC_A, analyzer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

MAX_ARRANGEMENTS: Final = 50_000
"""As many are listed and sorted into classes; that takes about a second."""

_MAX_PERMUTED: Final = 10_000_000
"""Operations times sites of a table of permutations, 80 MB."""


class Pool(NamedTuple):
    """Sites that share some labels.

    Attributes:
        sites: Their numbers.
        counts: How many of the sites get label 0, 1, …; they sum to the number of sites.
    """

    sites: tuple[int, ...]
    counts: tuple[int, ...]


class Arrangement(NamedTuple):
    """One way to put labels on sites, for all that symmetry makes equal to it.

    Attributes:
        labels: Of each site, in the order in which the pools list them.
        multiplicity: How many arrangements are equal to it, itself included.
    """

    labels: tuple[int, ...]
    multiplicity: int


def orbits(
    structure: Structure, sites: Sequence[int] | None = None, symprec_a: float = SYMPREC_A
) -> list[list[int]]:
    """Classes of symmetry-equivalent sites.

    Args:
        structure: At most `MAX_ATOMS` atoms.
        sites: Only these; all by default.
        symprec_a: Distance tolerance in Å.

    Raises:
        InvalidInput: spglib finds no symmetry.
    """
    equivalent = analyzer(structure, symprec_a).get_symmetry_dataset().equivalent_atoms
    classes: dict[int, list[int]] = {}
    for site in range(len(structure)) if sites is None else sites:
        classes.setdefault(int(equivalent[site]), []).append(site)
    return list(classes.values())


def inequivalent_sites(structure: Structure, sites: Sequence[int]) -> list[dict[str, Any]] | str:
    """The first of each class of symmetry-equivalent sites, and the size of the class."""
    if len(structure) > MAX_ATOMS:
        return f"not determined above {MAX_ATOMS} atoms"
    return [
        {"site": members[0], "equivalent": len(members)} for members in orbits(structure, sites)
    ]


def site_permutations(
    structure: Structure, symprec_a: float = SYMPREC_A
) -> NDArray[np.int_] | None:
    """What every operation of the space group does to the sites.

    Args:
        structure: Of any size.
        symprec_a: Distance tolerance in Å.

    Returns:
        Shape (operations, sites): the site onto which each site is mapped. Translations by vectors
        of a smaller cell are operations too. None where there are too many to be listed.

    Raises:
        InvalidInput: spglib finds no symmetry.
    """
    import numpy as np

    if len(structure) > MAX_ATOMS:
        return None
    found = analyzer(structure, symprec_a).get_symmetry_dataset()
    rotations, translations = np.asarray(found.rotations), np.asarray(found.translations)
    if len(rotations) * len(structure) > _MAX_PERMUTED:
        return None
    image = _Images(structure)
    # Every operation is a translation after one operation of each rotation: so few are searched.
    _, first = np.unique(rotations.reshape(-1, 9), axis=0, return_index=True)
    pure = np.flatnonzero((rotations == np.eye(3)).all(axis=(1, 2)))
    turned = np.array([image.of(rotations[at], translations[at]) for at in first])
    shifted = np.array([image.of(rotations[at], translations[at]) for at in pure])
    table: NDArray[np.int_] = shifted[:, turned].reshape(-1, len(structure))
    whole = (np.sort(table, axis=1) == np.arange(len(structure))).all()
    return table if whole else None


class _Images:
    """Finds the site at the image of each site."""

    def __init__(self, structure: Structure) -> None:
        import numpy as np
        from scipy.spatial import cKDTree

        # Fractions scaled by the edges are nearly Å, and the tree knows that they are periodic.
        self._edges = np.array(structure.lattice.abc)
        self._fractions = structure.frac_coords
        self._tree = cKDTree(self._wrapped(self._fractions), boxsize=self._edges)

    def _wrapped(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        scaled = np.mod(fractions, 1.0) * self._edges
        return np.where(scaled >= self._edges, 0.0, scaled)

    def of(self, rotation: NDArray[np.int_], translation: NDArray[np.float64]) -> NDArray[np.int_]:
        moved = self._fractions @ rotation.T + translation
        nearest: NDArray[np.int_] = self._tree.query(self._wrapped(moved))[1]
        return nearest


def count_arrangements(pools: Sequence[Pool]) -> int:
    """In how many ways the labels can be put on the sites, equal ones counted apart."""
    ways = 1
    for pool in pools:
        left = len(pool.sites)
        for count in pool.counts:
            ways *= comb(left, count)
            left -= count
    return ways


def rounded(ways: int) -> int | str:
    """A number of arrangements as reports give it."""
    return ways if ways < 10**15 else f"about 1e{floor(log10(ways))}"


def inequivalent_arrangements(
    pools: Sequence[Pool], permutations: NDArray[np.int_]
) -> list[Arrangement]:
    """One arrangement of each class of equal ones.

    Args:
        pools: Few enough sites that there are at most `MAX_ARRANGEMENTS`.
        permutations: As `site_permutations` gives them, of the structure in which the sites of a
            pool are alike. No operation maps a site of a pool onto one of another.

    Returns:
        The commonest first, and in the order of their labels among equally common ones.
    """
    import numpy as np

    sites = np.array([site for pool in pools for site in pool.sites])
    position = np.zeros(permutations.shape[1], dtype=int)
    position[sites] = np.arange(len(sites))
    moves = np.unique(position[permutations[:, sites]], axis=0)
    labels = every_arrangement(pools)
    # An arrangement is told by a sum of random numbers, one for each label on each site; that two
    # of 50,000 have the same one of 2^64 has a probability of 1e-10.
    random = np.random.default_rng(0)
    keys = random.integers(0, 2**64, (labels.max() + 1, len(sites)), dtype=np.uint64)
    codes = keys[labels, np.arange(len(sites))].sum(axis=1, dtype=np.uint64)
    order = np.argsort(codes)
    ordered = codes[order]
    seen = np.zeros(len(labels), dtype=bool)
    classes = []
    for at, row in enumerate(labels):
        if seen[at]:
            continue
        images = np.unique(keys[row, moves].sum(axis=1, dtype=np.uint64))
        seen[order[np.searchsorted(ordered, images)]] = True
        classes.append(Arrangement(tuple(row.tolist()), len(images)))
    return sorted(classes, key=lambda one: -one.multiplicity)


def every_arrangement(pools: Sequence[Pool]) -> NDArray[np.int8]:
    """Every way to put the labels on the sites, shape (ways, sites).

    Args:
        pools: Few enough sites that there are at most `MAX_ARRANGEMENTS`.
    """
    import numpy as np

    table = np.zeros((1, 0), dtype=np.int8)
    for pool in pools:
        ways = _ways(len(pool.sites), pool.counts)
        table = np.hstack([np.repeat(table, len(ways), axis=0), np.tile(ways, (len(table), 1))])
    return table


def _ways(n_sites: int, counts: Sequence[int]) -> NDArray[np.int8]:
    """Every order of the labels: the last one's places first, then the others' in what is left."""
    import numpy as np

    last = len(counts) - 1
    if last == 0:
        return np.zeros((1, n_sites), dtype=np.int8)
    inner = _ways(n_sites - counts[last], counts[:last])
    chosen = list(combinations(range(n_sites), counts[last]))
    free = np.ones((len(chosen), n_sites), dtype=bool)
    np.put_along_axis(free, np.array(chosen, dtype=int), values=False, axis=1)
    shape = len(chosen), len(inner), n_sites
    filled = np.full(shape, last, dtype=np.int8)
    filled[np.broadcast_to(free[:, None, :], shape)] = np.tile(inner, (len(chosen), 1)).ravel()
    return filled.reshape(-1, n_sites)

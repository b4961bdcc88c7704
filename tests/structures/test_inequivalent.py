from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures import inequivalent
from llamp_mcp.structures.inequivalent import (
    Pool,
    count_arrangements,
    inequivalent_arrangements,
    inequivalent_sites,
    orbits,
    site_permutations,
)
from tests.structures.conftest import crystals, salt, silicon


def cube() -> Structure:
    """Eight sites that are the corners of a cube, of a simple cubic lattice."""
    return Structure(Lattice.cubic(3), ["Po"], [[0, 0, 0]]) * [2, 2, 2]


def cycles(permutation: np.ndarray) -> list[int]:
    lengths, seen = [], set()
    for start in range(len(permutation)):
        length, at = 0, start
        while at not in seen:
            seen.add(at)
            at, length = permutation[at], length + 1
        if length:
            lengths.append(length)
    return lengths


def burnside(permutations: np.ndarray, marked: int) -> float:
    """The number of orbits of subsets, by the lemma of Cauchy, Frobenius and Burnside."""
    fixed = 0
    for permutation in permutations:
        ways = [1] + [0] * marked  # subsets made of whole cycles, by size
        for length in cycles(permutation):
            for size in range(marked, length - 1, -1):
                ways[size] += ways[size - length]
        fixed += ways[marked]
    return fixed / len(permutations)


@given(crystals())
def test_every_operation_keeps_species_and_all_distances(structure: Structure) -> None:
    doubled = structure * [2, 1, 1]
    permutations = site_permutations(doubled)
    assert permutations is not None
    assert len(permutations) >= 2  # the identity, and the translation of the smaller cell
    distances = doubled.distance_matrix
    for permutation in permutations:
        assert [doubled[site].species for site in permutation] == [one.species for one in doubled]
        assert np.allclose(distances[np.ix_(permutation, permutation)], distances, atol=0.02)


def test_the_operations_form_a_group_of_the_known_order() -> None:
    # Fm-3m has 48 point operations, and the cubic cell four lattice points.
    permutations = site_permutations(salt())
    assert permutations is not None
    assert len(permutations) == 192
    rows = {tuple(row) for row in permutations.tolist()}
    assert tuple(range(8)) in rows
    assert all(tuple(one[other]) in rows for one in permutations for other in permutations[:20])


def test_the_colourings_of_a_cube_are_those_of_polya() -> None:
    # 1, 1, 3, 3, 6, 3, 3, 1, 1 ways to mark 0 to 8 corners up to rotation and reflection.
    permutations = site_permutations(cube())
    assert permutations is not None
    found = [
        len(inequivalent_arrangements([Pool(tuple(range(8)), (8 - n, n))], permutations))
        for n in range(9)
    ]
    assert found == [1, 1, 3, 3, 6, 3, 3, 1, 1]


@pytest.mark.parametrize("marked", [1, 2, 3])
def test_the_number_of_classes_is_that_of_burnsides_lemma(marked: int) -> None:
    cell = silicon(conventional=True) * [2, 1, 1]
    permutations = site_permutations(cell)
    assert permutations is not None
    found = inequivalent_arrangements([Pool(tuple(range(16)), (16 - marked, marked))], permutations)
    assert len(found) == burnside(permutations, marked)
    assert sum(one.multiplicity for one in found) == comb(16, marked)
    assert [one.multiplicity for one in found] == sorted(
        (one.multiplicity for one in found), reverse=True
    )


def test_pairs_of_sites_are_told_apart_by_their_distance_in_diamond() -> None:
    # Two of 64 silicon sites: each class of pairs has its own set of distances.
    cell = silicon(conventional=True) * [2, 2, 2]
    permutations = site_permutations(cell)
    assert permutations is not None
    found = inequivalent_arrangements([Pool(tuple(range(64)), (62, 2))], permutations)
    distances = cell.distance_matrix
    apart = {round(float(distances[pair]), 3) for pair in combinations(range(64), 2)}
    seen = {round(float(distances[tuple(np.flatnonzero(one.labels))]), 3) for one in found}
    assert seen == apart


def test_several_pools_and_labels_are_counted_together() -> None:
    permutations = site_permutations(salt())
    assert permutations is not None
    pools = [Pool((0, 1, 2, 3), (1, 1, 2)), Pool((4, 5, 6, 7), (3, 1))]
    assert count_arrangements(pools) == 12 * 4
    found = inequivalent_arrangements(pools, permutations)
    assert sum(one.multiplicity for one in found) == 48
    for one in found:
        assert sorted(one.labels[:4]) == [0, 1, 2, 2]
        assert sorted(one.labels[4:]) == [0, 0, 0, 1]
    # By hand: the marked anion is next to all cations but the one at (1/2, 1/2, 1/2) from it,
    # which is one of the pair, or the single 0, or the single 1.
    assert len(found) == 3


def test_classes_of_sites_are_those_of_the_wyckoff_positions() -> None:
    magnetite = Structure.from_spacegroup(
        "Fd-3m:2", Lattice.cubic(8.394), ["Fe", "Fe", "O"], [[0.125] * 3, [0.5] * 3, [0.2549] * 3]
    )
    assert [len(orbit) for orbit in orbits(magnetite)] == [8, 16, 32]
    iron = [at for at, site in enumerate(magnetite) if site.specie.symbol == "Fe"]
    assert inequivalent_sites(magnetite, iron) == [
        {"site": 0, "equivalent": 8},
        {"site": 8, "equivalent": 16},
    ]


def test_too_large_a_cell_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inequivalent, "MAX_ATOMS", 7)
    assert inequivalent_sites(salt(), [0]) == "not determined above 7 atoms"
    assert site_permutations(salt()) is None
    monkeypatch.setattr(inequivalent, "MAX_ATOMS", 8)
    monkeypatch.setattr(inequivalent, "_MAX_PERMUTED", 192 * 8 - 1)
    assert site_permutations(salt()) is None

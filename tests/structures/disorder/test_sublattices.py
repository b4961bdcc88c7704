from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition, Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.disorder.sublattices import (
    OCCUPANCY_TOLERANCE,
    Sublattice,
    cells_for_whole_atoms,
    occupied,
    sublattices,
    whole_atoms,
)
from tests.structures.conftest import salt


def shared(*sites: dict[str, float]) -> Structure:
    coords = [[at / len(sites), 0.0, 0.0] for at in range(len(sites))]
    return Structure(Lattice.cubic(4), [Composition(site) for site in sites], coords)


def test_sites_are_grouped_by_what_shares_them_and_the_empty_part_is_a_species() -> None:
    structure = shared({"Cu": 0.5, "Au": 0.5}, {"O": 1.0}, {"Li": 0.25}, {"Au": 0.5, "Cu": 0.5})
    parts = sublattices(structure)
    assert [part.sites for part in parts] == [(0, 3), (2,)]
    assert [part.names for part in parts] == [("Cu", "Au"), ("Li", "vacancy")]
    assert parts[1].fractions == (0.25, 0.75)


def test_an_ordered_structure_has_no_sublattice_to_fill() -> None:
    with pytest.raises(InvalidInput, match="ordered already"):
        sublattices(salt())


@pytest.mark.parametrize(
    ("shares", "cells"),
    [
        ({"Cu": 0.5, "Au": 0.5}, 2),
        ({"Cu": 0.75, "Au": 0.25}, 4),
        ({"Ni": 0.333, "Mn": 0.333, "Co": 0.333}, 3),
        ({"Ni": 0.8, "Mn": 0.1, "Co": 0.1}, 10),
        ({"Li": 0.5, "Na": 0.125}, 8),
        ({"Y": 0.0004, "Zr": 0.9996}, None),  # less than one atom in 1000 sites
    ],
)
def test_the_least_number_of_cells_is_found(shares: dict[str, float], cells: int | None) -> None:
    assert cells_for_whole_atoms(sublattices(shared(shares))) == cells


@given(st.lists(st.integers(1, 20), min_size=2, max_size=4), st.integers(1, 3))
def test_fractions_of_whole_numbers_are_whole_in_that_many_cells(
    counts: list[int], multiple: int
) -> None:
    total = sum(counts)
    names = ["Li", "Na", "K", "Rb"][: len(counts)]
    part = sublattices(shared({name: n / total for name, n in zip(names, counts, strict=True)}))[0]
    found = part.counts(total * multiple)
    assert found == tuple(multiple * n for n in counts)


@given(st.floats(0.01, 0.99), st.integers(1, 300))
def test_whole_atoms_are_as_near_as_told_or_refused(fraction: float, cells: int) -> None:
    part = Sublattice((0,), (None, None), (fraction, 1 - fraction))
    counts = part.counts(cells)
    nearest = abs(round(fraction * cells) / cells - fraction)
    if counts is None:
        assert nearest > OCCUPANCY_TOLERANCE - 1e-12
    else:
        assert sum(counts) == cells
        assert min(counts) >= 1
        assert abs(counts[0] / cells - fraction) <= OCCUPANCY_TOLERANCE


def test_a_cell_that_never_holds_whole_atoms_asks_for_simple_fractions() -> None:
    structure = shared({"Y": 0.0004, "Zr": 0.9996})
    with pytest.raises(InvalidInput, match="simple fractions"):
        whole_atoms(structure, sublattices(structure))


def test_the_labels_are_put_on_the_sites_and_the_empty_ones_go() -> None:
    structure = shared({"Cu": 0.5, "Au": 0.5}, {"Li": 0.5}, {"Cu": 0.5, "Au": 0.5}, {"Li": 0.5})
    structure.add_site_property("magmom", [1.0, 2.0, 3.0, 4.0])
    made = occupied(structure, sublattices(structure), [1, 0, 1, 0])
    assert [site.species_string for site in made] == ["Au", "Cu", "Li"]
    assert made.site_properties["magmom"] == [1.0, 3.0, 4.0]
    assert not structure.is_ordered

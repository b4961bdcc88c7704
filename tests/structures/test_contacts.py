from __future__ import annotations

import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from hypothesis import given
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.contacts import contacts
from llamp_mcp.structures.formats import to_atoms
from tests.structures.conftest import copper, crystals, edit, salt, silicon


@given(crystals())
def test_the_shortest_distance_is_that_of_another_implementation(structure: Structure) -> None:
    # Second implementation: ASE's neighbour list.
    found = neighbor_list("d", to_atoms(structure), cutoff=9.0)
    distance, (first, second), *_ = contacts(structure).shortest
    assert distance == pytest.approx(float(np.min(found)), abs=1e-8)
    assert 0 <= first <= second < len(structure)


@pytest.mark.parametrize("edge", [2.0, 9.0, 31.0])
def test_the_nearest_atom_of_a_lonely_one_is_its_own_image(edge: float) -> None:
    lonely = Structure(Lattice.cubic(edge), ["He"], [[0.3] * 3])
    distance, (first, second), *_ = contacts(lonely).shortest
    assert distance == pytest.approx(edge)
    assert (first, second) == (0, 0)


def two(first: str, second: str, distance_a: float) -> Structure:
    """Two atoms in a large box."""
    return Structure(Lattice.cubic(12), [first, second], [[0.0] * 3, [0.0, 0.0, distance_a / 12]])


@pytest.mark.parametrize("structure", [silicon(), copper(), salt(), two("H", "H", 0.74)])
def test_real_matter_is_not_warned_about(structure: Structure) -> None:
    assert contacts(structure).warning == ""


def test_a_slab_with_two_atoms_half_an_angstrom_apart_is_flagged_by_each_edit() -> None:
    slab = edit(silicon(), {"op": "slab", "miller": [1, 0, 0], "min_thickness_a": 8})[0].structure
    near = slab.frac_coords[0] + [0, 0, 0.5 / slab.lattice.c]
    slab.append("Si", near)
    report = edit(slab, {"op": "supercell", "repeats": [2, 1, 1]})[0].report
    assert report["min_distance_a"] == pytest.approx(0.5, abs=1e-3)
    assert "0.500 Å apart" in report["warning"]


@pytest.mark.parametrize(
    ("pair", "distance_a"), [(("Si", "Si"), 0.5), (("H", "H"), 0.6), (("Cs", "Cs"), 2.8)]
)
def test_atoms_nearer_than_any_bond_are_unphysical(
    pair: tuple[str, str], distance_a: float
) -> None:
    warning = contacts(two(*pair, distance_a)).warning
    assert f"site 0 ({pair[0]}) and site 1 ({pair[1]}) are {distance_a:.3f} Å apart" in warning


def test_the_pair_too_near_for_its_elements_is_found_though_another_is_shorter() -> None:
    made = two("H", "H", 0.74)
    made.append("Si", [0.5, 0.5, 0.5])
    made.append("Si", [0.5, 0.5, 0.6])
    assert "site 2 (Si) and site 3 (Si) are 1.200 Å apart" in contacts(made).warning


@pytest.mark.parametrize(("second", "warned"), [(0.5, False), (0.8, True)])
def test_alternatives_of_one_atom_are_no_neighbours(second: float, warned: bool) -> None:
    species = [{"Li": 0.5}, {"Li": second}, {"O": 1.0}]
    made = Structure(Lattice.cubic(4), species, [[0.0] * 3, [0.02] * 3, [0.5] * 3])
    assert bool(contacts(made).warning) is warned

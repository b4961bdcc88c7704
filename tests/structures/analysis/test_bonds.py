from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.analysis.near_neighbours import MAX_ATOMS, MAX_SITES
from llamp_mcp.structures.formats import to_atoms
from tests.structures.analysis.crystals import alloy, iron, molybdenite, perovskite, told
from tests.structures.conftest import copper, salt, silicon


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (silicon(), {"Si-Si": (4, 5.4437023729 * 3**0.5 / 4)}),
        (copper(), {"Cu-Cu": (24, 3.615 / 2**0.5)}),
        (salt(), {"Cl-Na": (24, 2.82)}),
        (perovskite(), {"O-Sr": (12, 3.905 / 2**0.5), "O-Ti": (6, 3.905 / 2)}),
    ],
)
def test_bonds_of_a_cell_are_half_its_coordination_numbers(
    structure: Structure, expected: dict[str, tuple[int, float]]
) -> None:
    block = told("bonds", structure)
    rows = {row["pair"]: row for row in block["pairs"]}
    assert rows.keys() == expected.keys()
    for pair, (count, length) in expected.items():
        assert rows[pair]["bonds_per_cell"] == count
        for key in ("min_a", "mean_a", "max_a"):
            assert rows[pair][key] == pytest.approx(length, abs=1e-4)
    assert block["bonds_per_cell"] == sum(count for count, _ in expected.values())


def test_a_supercell_has_as_many_times_the_bonds() -> None:
    small, large = told("bonds", perovskite()), told("bonds", perovskite() * (2, 3, 1))
    assert large["bonds_per_cell"] == 6 * small["bonds_per_cell"]
    assert [row["mean_a"] for row in large["pairs"]] == [row["mean_a"] for row in small["pairs"]]


def test_bonds_of_named_sites_are_those_that_ase_measures() -> None:
    structure = molybdenite()
    structure.translate_sites([0], [1, 0, -1], to_unit_cell=False)
    block = told("bonds", structure, sites=[2, 0])
    assert [row["site"] for row in block["bonds"]] == [2] * 3 + [0] * 6
    atoms = to_atoms(structure)
    for row in block["bonds"]:
        ends = atoms.positions[[row["site"], row["to_site"]]]
        vector = ends[1] - ends[0] + np.array(row["image"]) @ atoms.cell.array
        assert row["length_a"] == pytest.approx(np.linalg.norm(vector), abs=1e-4)
        assert row["length_a"] == pytest.approx(
            atoms.get_distance(row["site"], row["to_site"], mic=True), abs=1e-4
        )
        assert row["pair"] in ("S-Mo", "Mo-S")


def test_oxidation_states_name_the_pairs_and_keep_the_bonds() -> None:
    charged = salt()
    charged.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    (row,) = told("bonds", charged)["pairs"]
    assert (row["pair"], row["bonds_per_cell"]) == ("Cl--Na+", 24)


def test_atoms_too_near_are_called_unphysical() -> None:
    assert told("bonds", iron())["warning"] is None
    crowded = Structure(Lattice.cubic(6), ["Fe", "Fe"], [[0.0] * 3, [0.5 / 6, 0.0, 0.0]])
    block = told("bonds", crowded)
    assert block["warning"].startswith("unphysical")
    assert block["shortest_distance_a"] == pytest.approx(0.5)
    assert block["shortest_between_sites"] == [0, 1]


def test_the_shortest_distance_is_told_where_bonds_are_not() -> None:
    half = told("bonds", alloy(0.5))
    assert "more than half" in half["bonds_not_determined"]
    assert half["shortest_distance_a"] == pytest.approx(3.7 / 2**0.5, abs=1e-4)
    many = perovskite() * (4, 4, 4)
    many.perturb(0.05, seed=1)
    assert len(many) > MAX_SITES
    block = told("bonds", many)
    assert f"at most {MAX_SITES}" in block["bonds_not_determined"]
    assert len(told("bonds", many, sites=[64])["bonds"]) == 6  # titanium


def test_a_large_perfect_crystal_is_reduced_and_a_larger_one_is_not_searched() -> None:
    assert told("bonds", copper() * (7, 7, 7))["bonds_per_cell"] == 24 * 7**3
    unknown = told("bonds", copper() * (8, 8, 8))
    assert f"at most {MAX_ATOMS}" in unknown["bonds_not_determined"]
    assert unknown["shortest_distance_a"] == pytest.approx(3.615 / 2**0.5, abs=1e-4)


@pytest.mark.filterwarnings("ignore:No Pauling electronegativity")
def test_elements_without_an_electronegativity_or_a_radius() -> None:
    helium = Structure(Lattice.cubic(4.2), ["He"], [[0, 0, 0]])
    assert "bonds_per_cell" in told("bonds", helium)
    berkelium = Structure(Lattice.cubic(3.4), ["Bk"], [[0, 0, 0]])
    assert "no covalent radius" in told("bonds", berkelium)["bonds_not_determined"]

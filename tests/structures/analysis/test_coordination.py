from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from pymatgen.analysis.local_env import CrystalNN
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.analysis.coordination import distortion
from tests.structures.analysis.crystals import alloy, iron, molybdenite, perovskite, told
from tests.structures.conftest import copper, salt, silicon

OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1.0]])
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (silicon(), {0: (4, "tetrahedral", 12)}),
        (copper(), {0: (12, "cuboctahedral", 6)}),
        (salt(), {0: (6, "octahedral", 12), 4: (6, "octahedral", 12)}),
        (iron(), {0: (8, "cubic", 6)}),
        (molybdenite(), {0: (6, "trigonal_prismatic", 6), 2: (3, "trigonal_pyramidal", 7)}),
    ],
)
def test_shells_of_textbook_crystals(
    structure: Structure, expected: dict[int, tuple[int, str, int]]
) -> None:
    # Geometry of the structure types; each site that symmetry makes different is told once.
    found = {
        row["site"]: (row["coordination"], row["polyhedron"], row["next_shell"]["count"])
        for row in told("coordination", structure)["sites"]
    }
    assert found == expected


def test_perovskite_has_three_kinds_of_sites_in_any_cell() -> None:
    for cell, size in ((perovskite(), 1), (perovskite() * (3, 1, 2), 6)):
        rows = told("coordination", cell)["sites"]
        assert [row["coordination"] for row in rows] == [12, 6, 2]
        assert [row["n_equivalent"] for row in rows] == [size, size, 3 * size]
        assert rows[1]["neighbours"] == {"O": 6}
        assert rows[1]["angles_deg"] == [90, 180]
        assert rows[1]["mean_distance_a"] == pytest.approx(3.905 / 2, abs=1e-4)


@pytest.mark.filterwarnings("ignore:No oxidation states", "ignore:CrystalNN")
@pytest.mark.parametrize("structure", [silicon(), salt(), iron(), molybdenite(), perovskite()])
def test_the_second_opinion_is_that_of_crystal_nn_as_it_stands(structure: Structure) -> None:
    for row in told("coordination", structure)["sites"]:
        assert row["crystal_nn"] == CrystalNN().get_cn(structure, row["site"])


def test_oxidation_states_do_not_change_the_second_opinion() -> None:
    charged = salt()
    charged.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    rows = told("coordination", charged)["sites"]
    assert [(row["species"], row["crystal_nn"]) for row in rows] == [("Na+", 6), ("Cl-", 6)]


def test_only_the_sites_asked_for_are_told_in_that_order() -> None:
    rows = told("coordination", salt(), sites=[5, 0, 5])["sites"]
    assert [row["site"] for row in rows] == [5, 0]
    assert [row["n_equivalent"] for row in rows] == [4, 4]


def test_a_regular_polyhedron_is_not_distorted() -> None:
    for vectors, name in ((2.1 * OCTAHEDRON, "octahedral"), (1.3 * TETRAHEDRON, "tetrahedral")):
        assert distortion(vectors, name) == {
            "bond_length_distortion": 0,
            "quadratic_elongation": 1,
            "bond_angle_variance_deg2": 0,
        }


@pytest.mark.parametrize("stretch", [0.8, 1.1, 1.3])
def test_a_stretched_octahedron_is_distorted_as_the_formulas_say(stretch: float) -> None:
    # Four bonds of 1, two of s: volume 4/3 s, so that l0 = s^(1/3); no angle changes.
    found = distortion(OCTAHEDRON * [1, 1, stretch], "octahedral")
    mean = (4 + 2 * stretch) / 6
    baur = (4 * abs(1 - mean) + 2 * abs(stretch - mean)) / 6 / mean
    assert found["bond_length_distortion"] == pytest.approx(baur, abs=1e-5)
    elongation = (4 + 2 * stretch**2) / 6 / stretch ** (2 / 3)
    assert found["quadratic_elongation"] == pytest.approx(elongation, abs=1e-5)
    assert found["bond_angle_variance_deg2"] == 0


def test_a_sheared_octahedron_has_the_variance_of_its_angles() -> None:
    # Two bonds turned by 6° towards two others: four of the twelve angles are off by 6°.
    turned = OCTAHEDRON.copy()
    turned[4:, [0, 2]] = np.outer([1, -1], [np.sin(np.radians(6)), np.cos(np.radians(6))])
    found = distortion(turned, "octahedral")["bond_angle_variance_deg2"]
    assert found == pytest.approx(4 * 6**2 / 11, abs=1e-3)


def test_a_tetrahedron_squeezed_along_a_twofold_axis_follows_its_analytic_angles() -> None:
    # Vertices (±1, ±1, ±s): cos = (s² - 2) / (s² + 2) twice, -s² / (s² + 2) four times.
    s = 0.8
    angles = np.degrees(np.arccos([(s**2 - 2) / (s**2 + 2)] * 2 + [-(s**2) / (s**2 + 2)] * 4))
    variance = np.sum((angles - np.degrees(np.arccos(-1 / 3))) ** 2) / 5
    found = distortion(TETRAHEDRON * [1, 1, s], "tetrahedral")
    assert found["bond_angle_variance_deg2"] == pytest.approx(variance, abs=1e-3)
    # The volume scales by s, all bonds are sqrt(2 + s²) long where the regular ones are sqrt(3).
    assert found["quadratic_elongation"] == pytest.approx((2 + s**2) / 3 / s ** (2 / 3), abs=1e-5)


def test_an_atom_with_one_neighbour_has_no_angle() -> None:
    dimer = Structure(Lattice.cubic(9), ["N", "N"], [[0.0] * 3, [1.1 / 9, 0.0, 0.0]])
    (row,) = told("coordination", dimer)["sites"]
    assert (row["coordination"], row["angles_deg"]) == (1, [])


def test_shared_sites_count_as_neighbours_and_crystal_nn_says_when_it_cannot() -> None:
    mostly = told("coordination", alloy(0.75))
    assert mostly["sites"][0]["crystal_nn"] == 12
    assert "whole neighbour" in mostly["notes"][0]
    half = told("coordination", alloy(0.5))
    assert half["sites"][0]["crystal_nn"] is None
    assert "op order" in half["second_opinion"]
    assert half["sites"][0]["coordination"] == 12


def test_where_symmetry_is_not_known_every_site_stands_for_itself() -> None:
    coords = [*product((0, 0.5), repeat=3), (0, 0, 1e-5)]
    doubled = Structure(Lattice.cubic(6), ["Cu"] * 9, coords)
    block = told("coordination", doubled)
    assert block["total"] == 9
    assert "coincide" in block["notes"][0] or "spglib" in block["notes"][0]


def test_a_crowd_of_sites_is_cut() -> None:
    random = np.random.default_rng(0)
    made = Structure(Lattice.cubic(12), ["Fe"] * 30, random.random((30, 3)))
    block = told("coordination", made)
    assert (block["total"], block["returned"], block["truncated"]) == (30, 20, True)

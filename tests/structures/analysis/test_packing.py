from __future__ import annotations

from math import pi, sqrt

import pytest
from pymatgen.core import Lattice, Structure

from tests.structures.analysis.crystals import iron, told
from tests.structures.conftest import copper, salt, silicon

POLONIUM = Structure(Lattice.cubic(3.35), ["Po"], [[0, 0, 0]])
IDEAL_HCP = Structure(
    Lattice.hexagonal(3, 3 * sqrt(8 / 3)),
    ["Mg", "Mg"],
    [(1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75)],
)


def fractions(structure: Structure) -> dict[str, float | None]:
    rows = told("packing", structure)["fractions"]
    return {row["spheres"]: row["packing_fraction"] for row in rows}


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (copper(), pi / (3 * sqrt(2))),
        (IDEAL_HCP, pi / (3 * sqrt(2))),
        (iron(), pi * sqrt(3) / 8),
        (POLONIUM, pi / 6),
        (silicon(), pi * sqrt(3) / 16),
        (salt(), pi / 6),
    ],
)
def test_touching_spheres_fill_what_geometry_says(structure: Structure, expected: float) -> None:
    assert fractions(structure)["equal_spheres"] == pytest.approx(expected, abs=1e-5)


def test_ionic_radii_are_those_of_the_states_the_sites_carry() -> None:
    assert fractions(salt())["ionic_radii"] is None
    charged = salt()
    charged.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    # Shannon 1976 (doi 10.1107/S0567739476001551), six-coordinate crystal radii: 1.16 and 1.67 Å.
    filled = 4 * 4 / 3 * pi * (1.16**3 + 1.67**3) / 5.64**3
    assert fractions(charged)["ionic_radii"] == pytest.approx(filled, abs=1e-5)


def test_covalent_radii_of_bonded_silicon() -> None:
    # Cordero 2008 (doi 10.1039/b801115j): 1.11 Å.
    filled = 2 * 4 / 3 * pi * 1.11**3 / silicon().volume
    assert fractions(silicon())["covalent_radii"] == pytest.approx(filled, abs=1e-5)


def test_a_shared_site_fills_what_its_occupancies_do() -> None:
    half = POLONIUM.copy()
    half[0] = {"Po": 0.5}
    whole = fractions(POLONIUM)["covalent_radii"]
    assert whole
    assert fractions(half)["covalent_radii"] == pytest.approx(whole / 2, abs=1e-5)


def test_the_largest_hole_of_fcc_is_the_octahedral_one() -> None:
    void = told("packing", copper())["largest_void"]
    assert (void["kind"], void["coordination"]) == ("octahedral", 6)
    assert void["to_nearest_centre_a"] == pytest.approx(3.615 / 2, abs=1e-4)


def test_what_has_no_hole_or_no_radius_says_why() -> None:
    box = Structure(Lattice.cubic(30), ["Bk"], [[0, 0, 0]])
    block = told("packing", box)
    assert block["largest_void"] is None
    assert block["largest_void_not_determined"]
    assert "Bk" in block["fractions"][1]["meaning"]
    assert "vacuum" in block["note"]
    assert "at most" in told("packing", copper() * (9, 9, 9))["largest_void_not_determined"]

from __future__ import annotations

from itertools import product
from math import exp

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.analysis.block import Undetermined
from tests.structures.analysis.crystals import alloy, molybdenite, perovskite, told
from tests.structures.conftest import copper, crystal, salt

STATES = {
    "NaCl": {"Na": 1, "Cl": -1},
    "SrTiO3": {"Sr": 2, "Ti": 4, "O": -2},
    "MoS2": {"Mo": 4, "S": -2},
}


@pytest.mark.parametrize("structure", [salt(), perovskite(), perovskite() * (2, 2, 1)])
def test_both_methods_find_the_states_of_simple_salts(structure: Structure) -> None:
    block = told("oxidation_states", structure)
    expected = STATES[structure.composition.reduced_formula]
    for method in ("bond_valence", "composition"):
        assert {row["element"]: row[method] for row in block["elements"]} == expected
    assert block["agree"] is True
    for row in block["sites"]:
        assert row["bond_valence"] == [expected[row["species"]]]


def test_bond_valences_fall_off_as_the_formula_says() -> None:
    # O'Keeffe and Brese 1991, eq. 1: s = exp((R - d) / 0.31), and up to 4 Å there are only the six
    # nearest; so the unknown R drops out of the ratio.
    far = salt()
    far.scale_lattice(far.volume * 1.02**3)
    near_sum, far_sum = (
        {row["species"]: row["bond_valence_sum"] for row in told("oxidation_states", it)["sites"]}
        for it in (salt(), far)
    )
    ratio = exp(-0.02 * 2.82 * 1.015 / 0.31)
    assert far_sum["Na"] / near_sum["Na"] == pytest.approx(ratio, abs=2e-3)
    assert near_sum["Na"] == -near_sum["Cl"] > 0


def test_a_mixed_valence_is_told_site_by_site() -> None:
    magnetite = crystal("Fd-3m:2", 8.394, Fe=0.125, O=0.2549)
    for site in crystal("Fd-3m:2", 8.394, Fe=0.5):
        magnetite.append(site.species, site.frac_coords)
    block = told("oxidation_states", magnetite)
    iron = next(row for row in block["elements"] if row["element"] == "Fe")
    assert iron["bond_valence"] == iron["composition"] == pytest.approx(8 / 3, abs=1e-3)
    states = [
        (r["n_equivalent"], r["bond_valence"]) for r in block["sites"] if r["species"] == "Fe"
    ]
    assert sum(n * state for n, (state,) in states) == pytest.approx(8 / 3 * 24, abs=1e-6)


def test_disagreement_is_told() -> None:
    # Pyrite holds S2 pairs, of which neither method knows.
    pyrite = crystal("Pa-3", 5.418, Fe=0.0, S=0.385)
    block = told("oxidation_states", pyrite)
    assert block["agree"] is False
    assert all(row["bond_valence"] != row["composition"] for row in block["elements"])


def test_what_cannot_be_determined_has_a_reason() -> None:
    metal = told("oxidation_states", copper())
    assert "balance" in metal["bond_valence_not_determined"]
    assert metal["agree"] is None
    assert metal["sites"][0]["bond_valence"] is None
    mixed = told("oxidation_states", alloy(0.75))
    assert "Au" in mixed["bond_valence_not_determined"]
    vacant = Structure(Lattice.cubic(4.2), [{"Ni": 0.9}, "O"], [[0.0] * 3, [0.5] * 3])
    assert "fractions" in told("oxidation_states", vacant)["composition_not_determined"]
    with pytest.raises(Undetermined, match="no element"):
        told("oxidation_states", Structure(Lattice.cubic(3), ["X"], [[0, 0, 0]]))


def test_shared_sites_have_a_state_for_each_element() -> None:
    coords = [*product((0, 0.5), repeat=3)]
    even = [sum(2 * x for x in at) % 2 == 0 for at in coords]
    oxide = Structure(
        Lattice.cubic(4.2), [{"Mg": 0.5, "Ni": 0.5} if one else "O" for one in even], coords
    )
    block = told("oxidation_states", oxide)
    states = {row["element"]: row["bond_valence"] for row in block["elements"]}
    assert states == {"Mg": 2, "Ni": 2, "O": -2}
    assert block["sites"][0]["bond_valence"] == [2, 2]


def test_states_that_the_structure_carries_are_told_beside_and_do_not_count() -> None:
    wrong = salt()
    wrong.add_oxidation_state_by_element({"Na": 3, "Cl": -3})
    rows = {row["element"]: row for row in told("oxidation_states", wrong)["elements"]}
    assert (rows["Na"]["given"], rows["Na"]["bond_valence"], rows["Na"]["composition"]) == (3, 1, 1)
    assert "3" in str(wrong[0].specie)


def test_magnetic_moments_do_not_matter() -> None:
    magnetic = molybdenite()
    magnetic.add_site_property("magmom", [1.0, -1.0, None, 0.0, 0.0, 0.0])
    rows = told("oxidation_states", magnetic)["elements"]
    assert {row["element"]: row["bond_valence"] for row in rows} == STATES["MoS2"]


def test_a_large_cell_without_symmetry_is_not_searched() -> None:
    many = perovskite() * (4, 4, 4)
    many.perturb(0.3, seed=0)
    block = told("oxidation_states", many)
    assert "sites in the primitive cell" in block["bond_valence_not_determined"]
    assert (block["total"], block["returned"]) == (len(many), 24)
    assert np.isfinite([row["bond_valence_sum"] for row in block["sites"]]).all()

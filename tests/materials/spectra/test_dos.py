from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.electronic_structure.core import Orbital, Spin
from pymatgen.electronic_structure.dos import CompleteDos, Dos

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.spectra import dos
from llamp_mcp.materials.spectra.kind import View
from tests.materials.spectra import models

ENERGIES = np.linspace(-2, 8, 2001)


def read(document, **view):
    return dos.KIND.read([document], View(title="model", **view))


def free_electrons(bottom: float = 0.0) -> np.ndarray:
    return np.asarray(np.sqrt((ENERGIES - bottom).clip(0)))


def boxes(gap: float) -> np.ndarray:
    """Four states below 0 eV and four above the gap."""
    inside = (np.abs(ENERGIES + 0.5) < 0.5) | (np.abs(ENERGIES - gap - 0.5) < 0.5)
    return np.where(inside, 4.0, 0.0)


def test_free_electrons_have_three_halves_of_n_over_e_at_the_fermi_level():
    """Oracle: g(E_F) = 3N/(2E_F) for g ∝ √E (Ashcroft and Mermin, eq. 2.65)."""
    values = read(models.dos(ENERGIES, 5.0, free_electrons())).values
    assert values["band_gap"] == 0
    assert values["dos_at_fermi"] == pytest.approx(np.sqrt(5.0))
    assert values["states_below_fermi"] == pytest.approx(2 / 3 * 5.0**1.5, rel=1e-3)
    assert values["dos_at_fermi"] == pytest.approx(
        1.5 * values["states_below_fermi"] / 5.0, rel=1e-3
    )


def test_the_spin_polarisation_of_shifted_free_electrons_is_that_of_their_roots():
    """Oracle: (√E_F - √(E_F - Δ)) / (√E_F + √(E_F - Δ))."""
    values = read(models.dos(ENERGIES, 5.0, free_electrons(), free_electrons(3.0))).values
    up, down = np.sqrt(5.0), np.sqrt(2.0)
    assert values["spin_polarization_at_fermi"] == pytest.approx((up - down) / (up + down))
    assert values["dos_at_fermi"] == pytest.approx(up + down)
    assert values["dos_at_fermi_down"] == pytest.approx(down)


def test_the_gap_of_two_boxes_is_found_to_the_grid_and_the_electrons_are_counted():
    values = read(models.dos(ENERGIES, 0.7, boxes(2.0))).values
    assert values["band_gap"] == pytest.approx(2.0, abs=2 * values["energy_step"])
    assert values["vbm_energy"] == pytest.approx(0.0, abs=values["energy_step"])
    assert values["states_below_fermi"] == pytest.approx(4.0, rel=0.01)


def test_an_insulator_has_no_spin_polarisation_at_the_fermi_level():
    values = read(models.dos(ENERGIES, 0.7, boxes(2.0), boxes(3.0))).values
    assert values["is_spin_polarized"] is True
    assert "spin_polarization_at_fermi" not in values


def test_values_are_read_above_the_fermi_level_of_a_metal():
    reading = read(models.dos(ENERGIES, 5.0, free_electrons()), at=(-1.0, 2.0))
    assert reading.at == ((-1.0, pytest.approx(2.0)), (2.0, pytest.approx(np.sqrt(7.0))))
    assert reading.at_words[1] == "eV above the Fermi level"


def test_a_point_outside_the_energies_is_refused_with_the_range():
    with pytest.raises(InvalidInput, match=r"at=9 eV.*-7 to 3 eV"):
        read(models.dos(ENERGIES, 5.0, free_electrons()), at=(9.0,))


@pytest.fixture
def complete():
    """Sodium has a third, chlorine two thirds of every state."""
    cell, total = models.rock_salt(), free_electrons()
    projected = {
        site: {Orbital.s: {Spin.up: share * total}}
        for site, share in zip(cell, (1 / 3, 2 / 3), strict=True)
    }
    made = CompleteDos(cell, Dos(5.0, ENERGIES, {Spin.up: total}), projected)
    return models.document(made)


def test_elements_share_the_states_at_the_fermi_level(complete):
    reading = read(complete)
    assert reading.values["dos_at_fermi_Na"] == pytest.approx(np.sqrt(5.0) / 3)
    assert reading.values["dos_at_fermi_Cl"] == pytest.approx(2 * np.sqrt(5.0) / 3)
    assert any("cell of 2 atoms (Na1 Cl1)" in note for note in reading.notes)
    data = json.loads(json.dumps(dos.KIND.data([complete]), allow_nan=False))
    assert np.allclose(data["elements"]["Na"]["up"], free_electrons() / 3)


def test_fewer_states_than_atoms_are_a_warning(complete):
    few = {**complete, "densities": {"1": (free_electrons() / 100).tolist()}}
    assert any("WARNING: fewer states" in note for note in read(few).notes)
    assert not any("WARNING" in note for note in read(complete).notes)

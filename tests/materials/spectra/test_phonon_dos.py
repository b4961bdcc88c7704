from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.phonon.dos import CompletePhononDos, PhononDos
from scipy.constants import N_A, R, h, k

from llamp_mcp.materials.spectra import phonon_dos
from llamp_mcp.materials.spectra.kind import View
from tests.materials.spectra import models

CUTOFF_THZ = 5.0


def read(document, **view):
    return phonon_dos.KIND.read([document], View(title="model", **view))


@pytest.fixture
def debye():
    return models.phonon_dos(models.debye(CUTOFF_THZ, atoms=2), models.rock_salt())


def test_debye_has_three_states_per_atom_and_three_quarters_of_the_cutoff_as_mean(debye):
    values = read(debye).values
    assert values["total_states"] == pytest.approx(6, rel=1e-6)
    assert values["mean_frequency"] == pytest.approx(0.75 * CUTOFF_THZ, rel=1e-6)
    assert values["max_frequency"] == CUTOFF_THZ
    assert values["imaginary_states"] == 0


def test_the_zero_point_energy_of_debye_is_nine_eighths_of_the_cutoff_per_atom(debye):
    """Oracle: E0 = 9/8 N h f_D, two atoms per formula unit (Ashcroft and Mermin, ch. 23)."""
    reading = read(debye)
    expected = 9 / 8 * 2 * h * CUTOFF_THZ * 1e12 * N_A / 1000
    assert reading.values["zero_point_energy"] == pytest.approx(expected, rel=1e-5)
    assert reading.units["zero_point_energy"] == "kJ/(mol NaCl)"


def test_the_heat_capacity_of_debye_follows_its_high_temperature_series(debye):
    """Oracle: C = 3NR (1 - (θ/T)²/20 + (θ/T)⁴/560), two atoms per formula unit."""
    ratio = h * CUTOFF_THZ * 1e12 / k / phonon_dos.TEMPERATURE_K
    expected = 6 * R * (1 - ratio**2 / 20 + ratio**4 / 560)
    reading = read(debye)
    assert reading.values["heat_capacity_300k"] == pytest.approx(expected, rel=1e-4)
    assert reading.units["heat_capacity_300k"] == "J/(K·mol NaCl)"


def test_no_thermal_values_come_from_a_wrong_normalisation_or_an_unknown_cell():
    half = models.debye(CUTOFF_THZ, atoms=1)
    wrong = read(models.phonon_dos(half, models.rock_salt()))
    unknown = read(models.phonon_dos(half))
    assert not {"heat_capacity_300k", "zero_point_energy"} & {*wrong.values, *unknown.values}
    assert any("no thermal values" in note for note in wrong.notes)
    assert any("not told how large" in note for note in unknown.notes)


def test_states_below_zero_are_counted_and_called_imaginary():
    x = np.linspace(-2, 4, 601)
    box = np.where((x >= -1) & (x <= 3), 1.5, 0.0)
    reading = read(models.phonon_dos(PhononDos(x, box), models.rock_salt()))
    assert reading.values["imaginary_states"] == pytest.approx(1.5, rel=0.01)
    assert reading.values["min_frequency"] == pytest.approx(-1.0)
    assert any("imaginary modes" in note for note in reading.notes)


def test_values_are_read_at_frequencies(debye):
    reading = read(debye, at=(2.5,))
    assert reading.at == ((2.5, pytest.approx(18 * 2.5**2 / CUTOFF_THZ**3)),)


def test_parts_by_element_are_in_the_data():
    cell, total = models.rock_salt(), models.debye(CUTOFF_THZ, atoms=2)
    parts = {site: share * total.densities for site, share in zip(cell, (0.25, 0.75), strict=True)}
    document = models.document(CompletePhononDos(cell, total, parts))
    data = json.loads(json.dumps(phonon_dos.KIND.data([document]), allow_nan=False))
    assert np.allclose(data["elements"]["Cl"], 0.75 * total.densities)
    assert data["total"][-1] == pytest.approx(18 / CUTOFF_THZ)

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.constants import c

from llamp_mcp.errors import InvalidInput, SourceError
from llamp_mcp.materials.spectra import absorption
from llamp_mcp.materials.spectra.kind import View
from tests.materials.spectra import models

ENERGIES = np.linspace(0, 10, 1001)


def read(document, **view):
    return absorption.KIND.read([document], View(title="model", **view))


def document(coefficient, **values):
    return {
        "material_id": "mp-3200001",
        "energies": ENERGIES.tolist(),
        "absorption_coefficient": np.asarray(coefficient).tolist(),
        **values,
    }


def oscillator(factor=1.0):
    """A damped oscillator whose coefficient was stored `factor` times too large."""
    epsilon = models.lorentz(ENERGIES)
    stored = factor * absorption.coefficient(ENERGIES, epsilon.real, epsilon.imag)
    return document(
        stored,
        average_real_dielectric=epsilon.real.tolist(),
        average_imaginary_dielectric=epsilon.imag.tolist(),
        bandgap=3.5,
        nkpoints=100,
    )


def test_the_coefficient_is_that_of_the_complex_refractive_index():
    """Oracle: n + iκ = √ε by complex arithmetic, 4πκ/λ, and 1 eV = 8065.544 cm⁻¹."""
    epsilon = models.lorentz(ENERGIES)
    expected = 4 * np.pi * np.sqrt(epsilon).imag * ENERGIES * 8065.543937
    ours = absorption.coefficient(ENERGIES, epsilon.real, epsilon.imag)
    assert np.allclose(ours, expected, rtol=1e-8)


def test_the_onset_is_where_the_coefficient_first_exceeds_the_threshold():
    values = read(document(1e4 * (ENERGIES - 2.005).clip(0))).values
    assert values["onset"] == pytest.approx(3.005)
    assert values["peak_energy"] == 10
    assert values["peak_coefficient"] == pytest.approx(79_950)


def test_a_coefficient_below_the_threshold_has_no_onset():
    assert "onset" not in read(document(np.full(1001, 10.0))).values


def test_a_coefficient_above_the_threshold_from_the_start_has_its_onset_there():
    assert read(document(np.full(1001, 1e5))).values["onset"] == 0


def test_a_coefficient_that_agrees_with_the_dielectric_function_is_used_as_it_is():
    reading = read(oscillator())
    assert "agrees" in reading.notes[0]
    assert reading.values["bandgap"] == 3.5
    assert reading.values["static_dielectric"] == pytest.approx(1 + 30 / 25)


@pytest.mark.parametrize("factor", [1 / (2 * np.pi), 100 * c])
def test_a_coefficient_in_other_units_is_replaced_with_a_warning(factor):
    """Both factors occur: 2π before pymatgen's pull request 2590, c in a document of emmet-core."""
    reading, sound = read(oscillator(factor)), read(oscillator())
    assert reading.notes[0].startswith(f"WARNING: the stored coefficient is {factor:.4g} times")
    assert reading.values == pytest.approx(sound.values)


def test_without_a_dielectric_function_the_coefficient_is_said_to_be_unchecked():
    assert "not checked" in read(document(ENERGIES)).notes[0]


def test_the_peak_and_values_are_those_of_the_window():
    reading = read(document(ENERGIES**2), window=(1.0, 3.0), at=(2.0,))
    assert reading.values["peak_energy"] == 3
    assert reading.at == ((2.0, pytest.approx(4.0)),)
    with pytest.raises(InvalidInput, match=r"20 to 30 eV holds no point.*0 to 10 eV"):
        read(document(ENERGIES), window=(20.0, 30.0))


def test_lists_of_different_length_are_an_error():
    with pytest.raises(SourceError, match="1001 energies came with 2"):
        read(document([1.0, 2.0]))


def test_the_data_hold_the_stored_and_the_derived_coefficient():
    data = json.loads(json.dumps(absorption.KIND.data([oscillator(3.0)]), allow_nan=False))
    ratio = np.array(data["absorption_coefficient"][1:]) / data["coefficient_from_dielectric"][1:]
    assert np.allclose(ratio, 3.0)

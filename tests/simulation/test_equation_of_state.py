from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.eos import EOS

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.equation_of_state import MODELS, fit, modulus_from_stress_gpa

VOLUMES = np.linspace(0.9, 1.1, 9) * 11.5
IN_PYMATGEN = {
    "birch_murnaghan": "birch_murnaghan",
    "murnaghan": "murnaghan",
    "vinet": "vinet",
    "poirier_tarantola": "pourier_tarantola",
}


def energies(model: str, volumes: np.ndarray = VOLUMES) -> np.ndarray:
    """By pymatgen: minimum -3.5 eV at 11.4 Å³, 0.84 eV/Å³, derivative 4.6."""
    made = EOS(IN_PYMATGEN[model]).model(volumes, np.zeros_like(volumes))
    return np.asarray(made._func(volumes, (-3.5, 0.84, 4.6, 11.4)))


@pytest.mark.parametrize("model", MODELS)
def test_parameters_of_a_curve_by_pymatgen_are_found(model):
    found = fit(model, VOLUMES, energies(model))

    assert found.at.volume_a3 == pytest.approx(11.4, rel=1e-6)
    assert found.at.energy_ev == pytest.approx(-3.5, abs=1e-8)
    assert found.at.bulk_modulus_gpa == pytest.approx(0.84 * 160.2176634, rel=1e-5)
    assert found.at.bulk_modulus_derivative == pytest.approx(4.6, rel=1e-4)
    assert found.residual_mev < 1e-5


@pytest.mark.parametrize("model", MODELS)
def test_smallest_strain_still_determines_the_parameters(model):
    """Energies rise by 0.2 meV/atom there, and the scatter of 1e-9 eV is that of float64 sums."""
    volumes = 11.41 * (1 + np.linspace(-0.002, 0.002, 5)) ** 3
    noise = 1e-9 * np.random.default_rng(1).standard_normal(5)
    found = fit(model, volumes, energies(model, volumes) + noise)

    assert found.at.bulk_modulus_gpa == pytest.approx(0.84 * 160.2176634, rel=1e-3)
    assert found.error.bulk_modulus_gpa < 0.1


@pytest.mark.parametrize("model", MODELS)
def test_noisy_points_give_what_the_fit_of_pymatgen_gives(model):
    noisy = energies(model) + 1e-4 * np.random.default_rng(3).standard_normal(len(VOLUMES))
    ours, theirs = (
        fit(model, VOLUMES, noisy),
        EOS(IN_PYMATGEN[model]).fit(list(VOLUMES), list(noisy)),
    )

    assert ours.at.bulk_modulus_gpa == pytest.approx(float(theirs.b0_GPa), rel=1e-4)
    assert ours.at.volume_a3 == pytest.approx(theirs.v0, rel=1e-6)


def test_standard_errors_are_the_spread_of_many_noisy_fits():
    """Oracle: the scatter over 200 sets of points with the same noise."""
    clean, random = energies("vinet"), np.random.default_rng(5)
    fits = [
        fit("vinet", VOLUMES, clean + 1e-4 * random.standard_normal(len(VOLUMES)))
        for _ in range(200)
    ]
    scatter = np.std([one.at.bulk_modulus_gpa for one in fits], ddof=1)
    told = np.sqrt(np.mean([one.error.bulk_modulus_gpa**2 for one in fits]))

    assert told == pytest.approx(scatter, rel=0.2)


def test_modulus_from_pressures_of_a_murnaghan_solid():
    """Oracle: P = B0/B' ((V0/V)^B' - 1), doi 10.1073/pnas.30.9.244, whose modulus at V0 is B0."""
    modulus, pressure = modulus_from_stress_gpa(
        11.4, VOLUMES, 134.0 / 4.6 * ((11.4 / VOLUMES) ** 4.6 - 1)
    )

    assert modulus == pytest.approx(134.0, rel=2e-3)
    assert pressure == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    "values", [-((VOLUMES - 11.5) ** 2), np.zeros_like(VOLUMES), 0.1 * (VOLUMES - 15) ** 2]
)
def test_points_without_a_minimum_among_them_are_an_error(values):
    with pytest.raises(SimulationError, match="No energy minimum"):
        fit("birch_murnaghan", VOLUMES, values)

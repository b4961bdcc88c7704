from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.eos import EquationOfState, birchmurnaghan
from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT

from llamp_mcp.simulation.dynamics.barostats import make_npt
from llamp_mcp.simulation.dynamics.start import Targets
from llamp_mcp.simulation.dynamics.statistics import standard_error
from tests.simulation.dynamics.systems import (
    GAS_VOLUME_A3,
    N_GAS,
    crystal,
    ideal_gas,
    samples,
)

KELVIN = 300.0
GAS_GPA = N_GAS * units.kB * KELVIN / GAS_VOLUME_A3 / units.GPa
"""At which the mean volume of the gas is the one it starts with."""
ENSEMBLES = ("npt_isotropic", "npt_full")


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_ideal_gas_has_the_temperature_pressure_and_volume_of_its_law(ensemble):
    """With the centre of mass at rest V is distributed as V^(N-1) exp(-PV/kT).

    So its mean is N kT/P, its standard deviation sqrt(N) kT/P, and the mean pressure P.
    """
    atoms = ideal_gas(KELVIN)
    integrator = make_npt(atoms, 5, ensemble, KELVIN, GAS_GPA)
    found = samples(integrator, atoms, Targets.of(6_000, [KELVIN], [GAS_GPA]))
    for values, expected in ((found.kelvin, KELVIN), (found.volume_a3, GAS_VOLUME_A3)):
        error = standard_error(values)
        assert error is not None
        assert error < 0.08 * expected
        assert values.mean() == pytest.approx(expected, abs=3 * error)
    assert found.volume_a3.std() == pytest.approx(GAS_VOLUME_A3 / np.sqrt(N_GAS), rel=0.3)


def test_full_cell_has_the_kinetic_energy_of_six_degrees_of_freedom():
    """Equipartition: kT/2 for each, 3 kT. ASE's chain counts 9, and holds 4.5 kT."""
    atoms = ideal_gas(KELVIN)
    integrator = make_npt(atoms, 5, "npt_full", KELVIN, GAS_GPA)
    dynamics = integrator.inner["mtk"][0]
    kinetic = [
        np.sum(dynamics._cell_momentum() ** 2) / (2 * dynamics._barostat.W)
        for _ in integrator.run(atoms, Targets.of(5_000, [KELVIN], [GAS_GPA]))
    ]

    assert np.mean(kinetic) / (units.kB * KELVIN) == pytest.approx(3, rel=0.25)


def test_full_cell_does_not_rotate():
    atoms = crystal(300, repeat=1)
    integrator = make_npt(atoms, 5, "npt_full", 300, 0)
    list(integrator.run(atoms, Targets.of(20, [300])))
    momentum = integrator.inner["mtk"][0]._p_g

    assert momentum == pytest.approx(momentum.T, rel=1e-9)
    assert np.abs(momentum).max() > 0


@pytest.mark.parametrize("dynamics", [IsotropicMTKNPT, MTKNPT])
def test_what_is_corrected_is_still_wrong_in_ase(dynamics):
    """When this fails, ASE counts 3N - 3 by itself and `mtk` may be simplified."""
    atoms = ideal_gas(KELVIN)
    atoms.set_constraint()
    plain = dynamics(
        atoms,
        5 * units.fs,
        temperature_K=KELVIN,
        pressure_au=GAS_GPA * units.GPa,
        tdamp=100 * units.fs,
        pdamp=1000 * units.fs,
    )
    kelvin = []
    for _ in range(600):
        plain.step()
        kelvin.append(2 * atoms.get_kinetic_energy() / (units.kB * (3 * N_GAS - 3)))

    assert np.mean(kelvin) > 1.05 * KELVIN


def volume_of_eos(gpa: float) -> float:
    """Of 4 atoms at 0 K, by ASE's fit and the fitted curve's own slope."""
    volumes, energies = [], []
    for a in np.linspace(3.4, 3.7, 11):
        atoms = bulk("Cu", cubic=True, a=a)
        atoms.calc = EMT()
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    curve = EquationOfState(volumes, energies, eos="birchmurnaghan")
    curve.fit()
    fine = np.linspace(min(volumes), max(volumes), 20_001)
    slope = np.gradient(birchmurnaghan(fine, *curve.eos_parameters), fine)
    return float(fine[np.argmin(np.abs(slope + gpa * units.GPa))])


@pytest.mark.parametrize(("ensemble", "gpa"), [("npt_isotropic", 0.0), ("npt_full", 10.0)])
def test_cold_copper_has_the_volume_of_its_equation_of_state(ensemble, gpa):
    """At 10 K the thermal pressure is some 0.1 GPa, which is 0.1 % of the volume."""
    expected = volume_of_eos(gpa)
    atoms = crystal(20, repeat=1, a=1.005 * expected ** (1 / 3))
    integrator = make_npt(atoms, 5, ensemble, 10, gpa)
    found = samples(integrator, atoms, Targets.of(400, [10], [gpa]))
    pressure = found.pressure_gpa[200:]

    assert found.volume_a3[200:].mean() == pytest.approx(expected, rel=0.003)
    assert pressure.mean() == pytest.approx(gpa, abs=0.3)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_conserved_energy_does_not_drift_and_the_centre_stays_at_rest(ensemble):
    atoms = crystal(300, repeat=1)
    integrator = make_npt(atoms, 2, ensemble, 300, 1.0)
    assert integrator.conserved is not None
    kinetic = atoms.get_kinetic_energy()
    energies = [integrator.conserved() for _ in integrator.run(atoms, Targets.of(150, [300], [1]))]

    assert np.ptp(energies) < 0.02 * kinetic
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-9


def test_pressure_schedule_is_followed():
    atoms = crystal(300, repeat=1, a=3.59)
    targets = Targets.of(400, [100], [0, 8])
    pressure = samples(make_npt(atoms, 5, "npt_isotropic", 100, 0), atoms, targets).pressure_gpa

    assert pressure[-150:].mean() == pytest.approx(targets.gpa[-150:].mean(), abs=1)


def test_calculator_is_asked_once_a_step():
    atoms = ideal_gas(KELVIN)
    integrator = make_npt(atoms, 5, "npt_full", KELVIN, GAS_GPA)
    samples(integrator, atoms, Targets.of(10, [KELVIN], [GAS_GPA]))

    assert atoms.calc.calls == 11

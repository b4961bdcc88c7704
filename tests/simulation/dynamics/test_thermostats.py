from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.md.nose_hoover_chain import NoseHooverChainThermostat

from llamp_mcp.simulation.dynamics.chains import Chain
from llamp_mcp.simulation.dynamics.start import Targets
from llamp_mcp.simulation.dynamics.statistics import standard_error
from llamp_mcp.simulation.dynamics.thermostats import make_nve, make_nvt
from tests.simulation.dynamics.systems import DEGREES, crystal, ideal_gas, samples

THERMOSTATS = ("nose_hoover_chain", "langevin", "bussi", "berendsen", "andersen")
CANONICAL = ("langevin", "bussi", "andersen")


@pytest.mark.parametrize("name", ["nose_hoover_chain", "berendsen"])
def test_deterministic_thermostat_leaves_an_ideal_gas_at_its_target_alone(name):
    """With 3N - 3 degrees of freedom there is nothing to do; counting 3N would heat it by 9 %."""
    atoms = ideal_gas(300)
    integrator = make_nvt(atoms, 5, name, 300, np.random.default_rng(0))

    assert samples(integrator, atoms, Targets.of(300, [300])).kelvin == pytest.approx(300, rel=1e-6)


@pytest.mark.parametrize("name", CANONICAL)
def test_stochastic_thermostat_gives_an_ideal_gas_its_mean_and_fluctuation(name):
    """Canonical: mean T, standard deviation T sqrt(2 / (3N - 3)).

    4,000 steps of 5 fs are 100 times twice the damping time: 7 % is one error of the deviation.
    """
    atoms = ideal_gas(300)
    integrator = make_nvt(atoms, 5, name, 300, np.random.default_rng(0))
    kelvin = samples(integrator, atoms, Targets.of(4_000, [300])).kelvin
    error = standard_error(kelvin)

    assert error is not None
    assert error < 12
    assert kelvin.mean() == pytest.approx(300, abs=3 * error)
    assert kelvin.std() == pytest.approx(300 * np.sqrt(2 / DEGREES), rel=0.2)


def test_chain_is_the_one_of_ase_with_the_right_number_of_degrees_of_freedom():
    """ASE's takes a number of atoms; two of them have the six degrees of three without centre."""
    ours, momenta = Chain(6, 0.03, 40.0), np.random.default_rng(0).normal(0, 3, (3, 3))
    masses = np.array([[1.0], [20.0], [60.0]])
    theirs = NoseHooverChainThermostat(2, masses, 0.03 / units.kB, 40.0)
    mine = momenta.copy()
    for _ in range(50):
        momenta = theirs.integrate_nhc(momenta, 2.0)
        mine *= ours.factor(float((mine**2 / masses).sum()), 2.0)

    assert mine == pytest.approx(momenta, rel=1e-10)
    assert ours.energy() == pytest.approx(theirs.get_thermostat_energy(), rel=1e-10)


def test_nose_hoover_chain_samples_the_canonical_temperature_of_a_hot_crystal():
    """The deterministic one needs forces that mix; 4 atoms have 9 degrees of freedom."""
    atoms = crystal(800, repeat=1)
    integrator = make_nvt(atoms, 5, "nose_hoover_chain", 800, np.random.default_rng(0))
    kelvin = samples(integrator, atoms, Targets.of(2_000, [800])).kelvin[200:]
    error = standard_error(kelvin)

    assert error is not None
    assert error < 50
    assert kelvin.mean() == pytest.approx(800, abs=3 * error)
    assert kelvin.std() == pytest.approx(800 * np.sqrt(2 / 9), rel=0.15)


@pytest.mark.parametrize("name", THERMOSTATS)
def test_crystal_follows_the_schedule_and_its_centre_stays_at_rest(name):
    atoms = crystal(300, repeat=1)
    centre = atoms.get_center_of_mass()
    integrator = make_nvt(atoms, 5, name, 300, np.random.default_rng(0))
    targets = Targets.of(600, [300, 900])
    kelvin = samples(integrator, atoms, targets).kelvin

    # 200 correlated steps of 9 degrees of freedom (std 47 %, correlated over some 20), and a lag.
    assert kelvin[-200:].mean() == pytest.approx(targets.kelvin[-200:].mean(), rel=0.35)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-9
    assert atoms.get_center_of_mass() == pytest.approx(centre, abs=1e-9)


def test_verlet_conserves_energy_to_second_order_in_the_timestep():
    """Symplectic: the energy error of velocity Verlet goes with the square of the timestep."""
    spread = {}
    for fs, steps in ((4.0, 100), (2.0, 200)):
        atoms = crystal(300)
        integrator = make_nve(atoms, fs)
        assert integrator.conserved is not None
        targets = Targets.of(steps, [300])
        spread[fs] = np.std([integrator.conserved() for _ in integrator.run(atoms, targets)])

    assert spread[4.0] / spread[2.0] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("name", ["nose_hoover_chain", "bussi"])
def test_conserved_energy_of_a_thermostat_does_not_drift(name):
    atoms = crystal(300)
    integrator = make_nvt(atoms, 4, name, 300, np.random.default_rng(0))
    assert integrator.conserved is not None
    kinetic = atoms.get_kinetic_energy()
    energies = [integrator.conserved() for _ in integrator.run(atoms, Targets.of(200, [300]))]

    assert abs(energies[-1] - energies[0]) < 0.01 * kinetic


@pytest.mark.parametrize("name", ["langevin", "berendsen", "andersen"])
def test_thermostat_without_a_conserved_energy_claims_none(name):
    atoms = ideal_gas(300)

    assert make_nvt(atoms, 5, name, 300, np.random.default_rng(0)).conserved is None

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.dynamics import (
    Guard,
    check_contacts,
    default_timestep_fs,
    make_nve,
    make_nvt,
    schedule,
    start_velocities,
)

N_GAS = 12
THERMOSTATS = ("nose_hoover_chain", "langevin", "bussi", "berendsen")


class Nothing(Calculator):  # type: ignore[misc]  # ase is untyped here
    """No forces: an ideal gas, of which every moment of the temperature is known."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3))}


def ideal_gas(kelvin: float, seed: int = 1) -> Atoms:
    rng = np.random.default_rng(seed)
    atoms = Atoms(f"Ar{N_GAS}", rng.uniform(0, 30, (N_GAS, 3)), cell=[30] * 3, pbc=True)
    atoms.calc = Nothing()
    start_velocities(atoms, kelvin, rng)
    return atoms


def crystal(kelvin: float, seed: int = 1) -> Atoms:
    atoms = bulk("Cu", cubic=True, a=3.6).repeat(2)
    atoms.calc = EMT()
    start_velocities(atoms, kelvin, np.random.default_rng(seed))
    return atoms


def temperatures(integrator, atoms, targets, limit_k=300.0) -> np.ndarray:
    guard = Guard(atoms, limit_k, 5)
    return np.array([guard.check(step, atoms)[0] for step in integrator.run(atoms, targets)])


def test_schedule_is_linear_and_spread_evenly():
    assert schedule([300, 800, 300], 4).tolist() == [300, 550, 800, 550, 300]
    assert schedule([300], 2).tolist() == [300, 300, 300]


@pytest.mark.parametrize(("formula", "fs"), [("H2O", 0.5), ("LiCl", 1.0), ("CO", 2.0), ("Cu", 2.0)])
def test_default_timestep_follows_the_lightest_atom(formula, fs):
    assert default_timestep_fs(Atoms(formula)) == fs


def test_velocities_start_at_exactly_the_temperature_with_the_centre_at_rest():
    atoms = crystal(450)
    kinetic = atoms.get_kinetic_energy()

    assert 2 * kinetic / (units.kB * (3 * len(atoms) - 3)) == pytest.approx(450, rel=1e-12)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-12


@pytest.mark.parametrize("name", ["nose_hoover_chain", "berendsen"])
def test_deterministic_thermostat_leaves_an_ideal_gas_at_its_target_alone(name):
    """With 3N - 3 degrees of freedom there is nothing to do; counting 3N would heat it by 9 %."""
    atoms = ideal_gas(300)
    integrator = make_nvt(atoms, 5, name, 300, np.random.default_rng(0))

    assert temperatures(integrator, atoms, schedule([300], 300)) == pytest.approx(300, rel=1e-6)


@pytest.mark.parametrize("name", ["langevin", "bussi"])
def test_stochastic_thermostat_gives_an_ideal_gas_its_mean_and_fluctuation(name):
    """Canonical: mean T, standard deviation T sqrt(2 / (3N - 3)).

    6,000 steps of 5 fs are 300 damping times of 100 fs: 4 K standard error of the mean.
    """
    atoms = ideal_gas(300)
    integrator = make_nvt(atoms, 5, name, 300, np.random.default_rng(0))
    kelvin = temperatures(integrator, atoms, schedule([300], 6_000))

    assert kelvin.mean() == pytest.approx(300, abs=13)
    assert kelvin.std() == pytest.approx(300 * np.sqrt(2 / (3 * N_GAS - 3)), rel=0.15)


@pytest.mark.parametrize("name", THERMOSTATS)
def test_crystal_follows_the_schedule_and_its_centre_stays_at_rest(name):
    atoms = crystal(300)
    integrator = make_nvt(atoms, 5, name, 300, np.random.default_rng(0))
    targets = schedule([300, 900], 500)
    kelvin = temperatures(integrator, atoms, targets, 900)

    # 100 correlated steps of 93 degrees of freedom, and a lag of the damping time.
    assert kelvin[-100:].mean() == pytest.approx(targets[-100:].mean(), rel=0.2)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-9


def test_verlet_conserves_energy_to_second_order_in_the_timestep():
    """Symplectic: the energy error of velocity Verlet goes with the square of the timestep."""
    spread = {}
    for fs, steps in ((4.0, 100), (2.0, 200)):
        atoms = crystal(300)
        integrator = make_nve(atoms, fs)
        assert integrator.conserved is not None
        energies = [integrator.conserved() for _ in integrator.run(atoms, schedule([300], steps))]
        spread[fs] = np.std(energies)

    assert spread[4.0] / spread[2.0] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("name", ["nose_hoover_chain", "bussi"])
def test_conserved_energy_of_a_thermostat_does_not_drift(name):
    atoms = crystal(300)
    integrator = make_nvt(atoms, 4, name, 300, np.random.default_rng(0))
    assert integrator.conserved is not None
    kinetic = atoms.get_kinetic_energy()
    energies = [integrator.conserved() for _ in integrator.run(atoms, schedule([300], 200))]

    assert abs(energies[-1] - energies[0]) < 0.01 * kinetic


def test_atoms_on_top_of_each_other_are_refused():
    atoms = Atoms("Cu2", [[0, 0, 0], [0.1, 0, 0]], cell=[5] * 3, pbc=True)

    with pytest.raises(SimulationError, match=r"Atoms 0 and 1 are 0\.1 Å apart"):
        check_contacts(atoms)


@pytest.mark.parametrize(
    ("energy", "kelvin", "expected"),
    [(np.nan, 300, "energy nan eV"), (0.0, 20_000, "temperature 20000 K, above 10000 K")],
)
def test_guard_stops_what_is_beyond_all_sense(energy, kelvin, expected):
    atoms = ideal_gas(kelvin)
    atoms.get_forces()
    atoms.calc.results["energy"] = energy

    with pytest.raises(SimulationError, match=rf"step 7 with 4 fs: {expected}.*timestep_fs 1"):
        Guard(atoms, 300, 4).check(7, atoms)


def test_guard_stops_an_atom_that_leaps():
    atoms = ideal_gas(300)
    atoms.get_forces()
    atoms.arrays["momenta"][0] = atoms.get_masses()[0] * np.array([1.5, 0, 0]) / (10 * units.fs)

    with pytest.raises(SimulationError, match=r"an atom moved 1\.5 Å in one step"):
        Guard(atoms, 1e6, 10).check(1, atoms)

from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.stress import voigt_6_to_full_3x3_stress

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.dynamics.guard import CONTACTS_EVERY, Guard
from llamp_mcp.simulation.dynamics.stress import voigt_stress
from tests.simulation.dynamics.systems import crystal, ideal_gas


def test_sample_is_what_ase_says_of_temperature_energy_pressure_and_volume():
    atoms = crystal(300)
    atoms.get_forces()
    sample = Guard(atoms, 300, 2, cell_moves=True).check(1, atoms)
    stress = atoms.get_stress(voigt=False, include_ideal_gas=True)

    assert sample.kelvin == pytest.approx(atoms.get_temperature())  # 3N - 3 by its constraint
    assert sample.potential_ev == atoms.get_potential_energy()
    assert sample.pressure_gpa == pytest.approx(-np.trace(stress) / 3 / units.GPa)
    assert sample.volume_a3 == pytest.approx(atoms.get_volume())


def test_stress_given_as_a_matrix_is_the_same():
    """As CHGNet gives it."""
    atoms = crystal(300)
    atoms.set_cell(atoms.cell.array @ np.array([[1, 0.02, 0], [0, 1.01, 0], [0, 0.03, 1]]))
    atoms.get_forces()
    results = {"stress": voigt_6_to_full_3x3_stress(atoms.get_stress())}

    assert voigt_stress(results) == pytest.approx(atoms.get_stress(), rel=1e-14)
    assert voigt_stress({}) is None


def test_pressure_of_a_calculator_without_stress_is_unknown():
    atoms = ideal_gas(300)
    atoms.get_forces()
    del atoms.calc.results["stress"]

    assert np.isnan(Guard(atoms, 300, 2).check(1, atoms).pressure_gpa)


@pytest.mark.parametrize(
    ("energy", "kelvin", "expected"),
    [(np.nan, 300, "energy nan eV"), (0.0, 20_000, "temperature 20000 K, above 10000 K")],
)
def test_what_is_beyond_all_sense_is_stopped(energy, kelvin, expected):
    atoms = ideal_gas(kelvin)
    atoms.get_forces()
    atoms.calc.results["energy"] = energy

    with pytest.raises(SimulationError, match=rf"step 7 with 4 fs: {expected}.*timestep_fs 1"):
        Guard(atoms, 300, 4).check(7, atoms)


def test_an_atom_that_leaps_is_stopped():
    atoms = ideal_gas(300)
    atoms.get_forces()
    atoms.arrays["momenta"][0] = atoms.get_masses()[0] * np.array([1.5, 0, 0]) / (10 * units.fs)

    with pytest.raises(SimulationError, match=r"an atom moved 1\.5 Å in one step"):
        Guard(atoms, 1e6, 10).check(1, atoms)


def test_atoms_that_fuse_without_heat_are_found_in_the_course_of_the_run():
    atoms = ideal_gas(300)
    guard = Guard(atoms, 300, 2)
    atoms.positions[3] = atoms.positions[5] + [0.2, 0, 0]
    atoms.get_forces()
    guard.check(CONTACTS_EVERY - 1, atoms)

    with pytest.raises(
        SimulationError, match=rf"3 and 5 are 0\.2 Å apart at step {CONTACTS_EVERY}"
    ):
        guard.check(CONTACTS_EVERY, atoms)


@pytest.mark.parametrize(
    ("strain", "expected"),
    [
        (np.eye(3) * 0.6, r"the volume is 0\.216 of the first, outside 0\.3 … 3"),
        (np.eye(3) * 1.5, r"the volume is 3\.3[78] of the first"),
        (np.diag([0.35, 1, 1]), r"the least height of the cell is 0\.35 of the first, below 0\.4"),
        (np.array([[1, 0, 0], [9, 1, 0], [0, 0, 1.0]]), r"the least height of the cell is 0\.11"),
        (np.diag([np.nan, 1, 1]), "it is not a number"),
    ],
)
def test_cell_that_collapses_blows_up_or_shears_flat_is_stopped(strain, expected):
    atoms = ideal_gas(300)
    guard = Guard(atoms, 300, 2, cell_moves=True)
    atoms.get_forces()
    atoms.set_cell(atoms.cell.array @ strain)

    with pytest.raises(SimulationError, match=rf"lost at step 9: {expected}.*relax_structure"):
        guard.check(9, atoms)

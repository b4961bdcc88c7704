from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.dynamics.start import (
    Targets,
    check_contacts,
    default_timestep_fs,
    schedule,
)
from tests.simulation.dynamics.systems import crystal


def test_schedule_is_linear_and_spread_evenly():
    assert schedule([300, 800, 300], 4).tolist() == [300, 550, 800, 550, 300]
    assert schedule([300], 2).tolist() == [300, 300, 300]


@pytest.mark.parametrize(
    ("kelvin", "gpa", "moving"),
    [
        ([300], [0], False),
        ([300, 300], [1, 1], False),
        ([300, 400], [0], True),
        ([9], [0, 1], True),
    ],
)
def test_targets_move_when_either_schedule_does(kelvin, gpa, moving):
    assert Targets.of(10, kelvin, gpa).moving is moving


@pytest.mark.parametrize(("formula", "fs"), [("H2O", 0.5), ("LiCl", 1.0), ("CO", 2.0), ("Cu", 2.0)])
def test_default_timestep_follows_the_lightest_atom(formula, fs):
    assert default_timestep_fs(Atoms(formula)) == fs


def test_velocities_start_at_exactly_the_temperature_with_the_centre_at_rest():
    atoms = crystal(450)
    kinetic = atoms.get_kinetic_energy()

    assert 2 * kinetic / (units.kB * (3 * len(atoms) - 3)) == pytest.approx(450, rel=1e-12)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-12


def test_atoms_on_top_of_each_other_are_refused():
    atoms = Atoms("Cu2", [[0, 0, 0], [0.1, 0, 0]], cell=[5] * 3, pbc=True)

    with pytest.raises(SimulationError, match=r"Atoms 0 and 1 are 0\.1 Å apart at the start"):
        check_contacts(atoms)

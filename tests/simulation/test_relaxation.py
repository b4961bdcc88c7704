from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE

from llamp_mcp.errors import Cancelled, SimulationError
from llamp_mcp.simulation.relaxation import Minimum, max_force_ev_per_a, minimise, stress_gpa
from llamp_mcp.simulation.workers.monitor import Monitor

FIXED = Minimum(cell="fixed", fmax_ev_per_a=0.01)


class CountingEMT(EMT):  # type: ignore[misc]
    calls = 0

    def calculate(self, *args, **kwargs):
        self.calls += 1
        super().calculate(*args, **kwargs)


class BrokenEMT(EMT):  # type: ignore[misc]
    def calculate(self, *args, **kwargs):
        if not np.allclose(self.start, args[0].positions):
            raise ValueError("isolated atoms")
        super().calculate(*args, **kwargs)


def crystal(a: float = 3.6, rattle_a: float = 0.2, seed: int = 1):
    atoms = bulk("Cu", a=a, cubic=True).repeat((2, 1, 1))
    atoms.rattle(rattle_a, seed=seed)
    atoms.calc = CountingEMT()
    return atoms


def interrupted_after(n: int, directory, checkpoint_s: float = 1e-9) -> Monitor:
    asked = count()
    return Monitor("j", directory, cancelled=lambda: next(asked) >= n, checkpoint_s=checkpoint_s)


def monitor(directory) -> Monitor:
    directory.mkdir(exist_ok=True)
    return Monitor("j", directory, checkpoint_s=1e9)


@pytest.mark.parametrize(
    ("minimum", "a"), [(FIXED, 3.6), (Minimum(), 3.6), (Minimum(pressure_gpa=5), 4.4)]
)
def test_an_interrupted_relaxation_goes_on_where_it_was(tmp_path, minimum, a):
    """Stretched copper has left L-BFGS for FIRE when it is interrupted.

    EMT adds in the order of a neighbour list that is made anew: the last digit may differ.
    """
    whole = crystal(a)
    steps, converged = minimise(whole, minimum, monitor(tmp_path / "whole"))
    with pytest.raises(Cancelled):
        minimise(crystal(a), minimum, interrupted_after(steps - 3, tmp_path))
    rest = crystal(a)
    again = minimise(rest, minimum, monitor(tmp_path))

    assert converged
    assert again == (steps, True)
    assert np.allclose(rest.positions, whole.positions, rtol=0, atol=1e-11)
    assert np.allclose(rest.cell.array, whole.cell.array, rtol=0, atol=1e-11)
    assert rest.calc.calls <= 6 < whole.calc.calls


@pytest.mark.parametrize(
    "other",
    [
        {"label": "volume 2: "},
        {"minimum": Minimum(cell="fixed", fmax_ev_per_a=0.02)},
        {"atoms": {"seed": 2}},
        {"atoms": {"a": 3.601}},
        {"held": [0]},
        {"calculator": LennardJones(sigma=2.3, epsilon=0.4, rc=6.0)},
    ],
)
def test_a_checkpoint_is_taken_by_the_relaxation_that_left_it_alone(tmp_path, other):
    """Other part, criteria, positions, cell, constraints, force field: each begins anew."""
    with pytest.raises(Cancelled):
        minimise(crystal(), FIXED, interrupted_after(8, tmp_path), "volume 1: ")
    atoms = crystal(**other.get("atoms", {}))
    atoms.set_constraint(FixAtoms(other.get("held", [])))
    atoms.calc = other.get("calculator", atoms.calc)
    untouched = atoms.copy()
    untouched.calc = atoms.calc.__class__(**atoms.calc.parameters)
    minimum, label = other.get("minimum", FIXED), other.get("label", "volume 1: ")
    here = minimise(atoms, minimum, monitor(tmp_path), label)
    alone = minimise(untouched, minimum, monitor(tmp_path / "elsewhere"), label)

    assert here == alone
    assert np.allclose(atoms.positions, untouched.positions, atol=1e-9)


def test_it_takes_fewer_steps_than_fire_to_the_same_minimum(tmp_path):
    """Oracle: ASE's FIRE on the same filter, by the same criteria."""
    atoms, other = crystal(rattle_a=0.1), crystal(rattle_a=0.1)
    steps, _ = minimise(atoms, Minimum(), monitor(tmp_path))
    fire = FIRE(FrechetCellFilter(other), logfile=None)
    for _ in fire.irun(fmax=0, steps=500):
        if max_force_ev_per_a(other) <= 0.02 and max(map(abs, stress_gpa(other))) <= 0.05:
            break

    assert steps < 0.6 * fire.nsteps
    assert atoms.get_potential_energy() == pytest.approx(other.get_potential_energy(), abs=1e-3)


def test_stretched_copper_does_not_evaporate(tmp_path):
    """Beyond the spinodal the curvature is negative and L-BFGS alone runs uphill.

    Oracle: the volume of a relaxation that begins at the minimum.
    """
    stretched, near = crystal(4.4, rattle_a=0.1, seed=3), crystal(3.6, rattle_a=0.0)
    _, converged = minimise(stretched, Minimum(), monitor(tmp_path))
    minimise(near, Minimum(), monitor(tmp_path))

    assert converged
    assert stretched.get_volume() == pytest.approx(near.get_volume(), rel=2e-3)


@pytest.mark.filterwarnings("ignore:logm result")
def test_a_crystal_torn_apart_by_its_pressure_is_an_error(tmp_path):
    with pytest.raises(SimulationError, match=r"slab: The relaxation diverged at step .* times"):
        minimise(crystal(rattle_a=0.0), Minimum(pressure_gpa=-60), monitor(tmp_path), "slab: ")


def test_a_force_field_that_fails_midway_is_an_error_that_says_so(tmp_path):
    atoms = crystal()
    atoms.calc = BrokenEMT()
    atoms.calc.start = atoms.positions.copy()

    with pytest.raises(SimulationError, match=r"step 1: the force field failed \(isolated atoms\)"):
        minimise(atoms, FIXED, monitor(tmp_path))


def test_every_step_is_an_evaluation_and_no_more(tmp_path):
    atoms = crystal()
    steps, _ = minimise(atoms, Minimum(), monitor(tmp_path))

    assert atoms.calc.calls == steps + 1

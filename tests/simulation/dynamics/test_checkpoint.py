from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from llamp_mcp.errors import Cancelled
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.dynamics import checkpoint
from llamp_mcp.simulation.dynamics.recording import FRAMES, RECORD
from llamp_mcp.simulation.dynamics.simulate import Plan, simulate
from llamp_mcp.simulation.dynamics.start import Targets
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.conftest import loads_force_field, silicon
from tests.simulation.dynamics.systems import crystal

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 60
RUNS = (
    {"ensemble": "nve"},
    {"thermostat": "nose_hoover_chain"},
    {"thermostat": "langevin"},
    {"thermostat": "bussi"},
    {"thermostat": "berendsen"},
    {"thermostat": "andersen"},
    {"ensemble": "npt_isotropic"},
    {"ensemble": "npt_full"},
    {"frames": "extxyz"},
)


def plan_of(ensemble="nvt", thermostat="nose_hoover_chain", frames="traj") -> Plan:
    hot = [2000] if ensemble == "nve" else [1500, 2500]  # so that neighbour lists are rebuilt
    pressure = [0, 3] if ensemble.startswith("npt") else [0]
    return Plan(ensemble, thermostat, Targets.of(STEPS, hot, pressure), STEPS, 4, 3, frames, seed=5)


def run(atoms, plan, directory: Path, *, stop_after: int | None = None, checkpoint_s=1e9):
    asked = itertools.count()
    monitor = Monitor(
        "j-test",
        directory,
        cancelled=lambda: stop_after is not None and next(asked) >= stop_after,
        checkpoint_s=checkpoint_s,
    )
    return simulate(atoms, plan, monitor)


def files(directory: Path, plan: Plan) -> list[bytes]:
    return [(directory / name).read_bytes() for name in (RECORD, FRAMES[plan.frames])]


def interrupted_and_whole(make, plan, tmp_path) -> tuple[list[bytes], list[bytes]]:
    """The files of a run that was stopped after steps 0, 24 and 40, and of one that was not."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir(), broken.mkdir()
    run(make(), plan, whole)
    for stop_after in (1, 24, 16):
        with pytest.raises(Cancelled):
            run(make(), plan, broken, stop_after=stop_after, checkpoint_s=0)
    outcome = run(make(), plan, broken)
    assert outcome.resumed_at == [0, 24, 40]
    return files(broken, plan), files(whole, plan)


@pytest.mark.parametrize("arguments", RUNS, ids=lambda a: "-".join(a.values()))
def test_resumed_run_is_bit_for_bit_the_one_never_interrupted(arguments, tmp_path):
    broken, whole = interrupted_and_whole(
        lambda: crystal(300, repeat=1), plan_of(**arguments), tmp_path
    )

    assert broken == whole


class Moody(EMT):  # type: ignore[misc]  # ase is untyped here
    """As a model compiled just in time: the first calls of a process have other last bits."""

    calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        if self.calls <= 2:
            self.results["forces"] = self.results["forces"] * (1 + 1e-12)


def test_first_calls_of_a_model_compiled_just_in_time_are_not_of_the_run(tmp_path):
    def make():
        atoms = crystal(300, repeat=1)
        atoms.calc = Moody()
        return atoms

    broken, whole = interrupted_and_whole(make, plan_of(), tmp_path)

    assert broken == whole


@loads_force_field
def test_resumed_run_of_a_neural_potential_is_bit_for_bit_the_same(settings, tmp_path):
    """Each attempt with a model loaded anew, as in a new process."""

    def make():
        structure = silicon()
        atoms = Atoms("Si8", structure.cart_coords, cell=structure.lattice.matrix, pbc=True)
        atoms.calc = Calculators(settings).load("si-mace", ["Si"]).calculator
        return atoms

    broken, whole = interrupted_and_whole(make, plan_of(thermostat="langevin"), tmp_path)

    assert broken == whole


def test_without_the_neighbour_list_of_the_calculator_the_last_bits_would_differ(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "_neighbour_list", lambda _calculator: None)
    broken, whole = interrupted_and_whole(lambda: crystal(300, repeat=2), plan_of(), tmp_path)

    assert broken != whole


@pytest.mark.parametrize("make", [EMT, LennardJones])
def test_neighbour_lists_of_classical_calculators_are_found(make):
    atoms = crystal(300, repeat=1)
    atoms.calc = make()
    atoms.get_forces()

    assert checkpoint._neighbour_list(atoms.calc).coordinates.shape == (4, 3)


def test_run_without_its_files_starts_anew(tmp_path):
    plan = plan_of()
    with pytest.raises(Cancelled):
        run(crystal(300, repeat=1), plan, tmp_path, stop_after=20, checkpoint_s=0)
    (tmp_path / RECORD).unlink()

    assert run(crystal(300, repeat=1), plan, tmp_path).resumed_at == []


def test_run_killed_before_its_first_checkpoint_starts_anew(tmp_path):
    plan = plan_of()
    with pytest.raises(Cancelled):
        run(crystal(300, repeat=1), plan, tmp_path, stop_after=20)
    outcome = run(crystal(300, repeat=1), plan, tmp_path)

    assert outcome.resumed_at == []
    assert len(outcome.record.kelvin) == STEPS + 1
    assert outcome.frames == 21


def test_resumed_run_adds_up_the_time_of_its_attempts(tmp_path):
    plan = plan_of()
    with pytest.raises(Cancelled):
        run(crystal(300, repeat=1), plan, tmp_path, stop_after=55, checkpoint_s=0)
    state = Monitor("j-test", tmp_path).restore()
    outcome = run(crystal(300, repeat=1), plan, tmp_path)

    assert state is not None
    assert outcome.wall_s > state["wall_s"] > 0

"""A run from its start, or from its last checkpoint, to its end."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.dynamics.barostats import make_npt
from llamp_mcp.simulation.dynamics.checkpoint import restore, state_of, warm_up
from llamp_mcp.simulation.dynamics.guard import Guard, Sample
from llamp_mcp.simulation.dynamics.recording import Format, Record, Recorder, intact, read_record
from llamp_mcp.simulation.dynamics.start import Targets, start_velocities
from llamp_mcp.simulation.dynamics.thermostats import Thermostat, make_nve, make_nvt

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from ase import Atoms

    from llamp_mcp.simulation.dynamics.integrators import Integrator
    from llamp_mcp.simulation.workers.monitor import Monitor

Ensemble = Literal["nve", "nvt", "npt_isotropic", "npt_full"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run.

    Attributes:
        every: Steps between frames.
    """

    ensemble: Ensemble
    thermostat: Thermostat
    targets: Targets
    steps: int
    timestep_fs: float
    every: int
    frames: Format
    seed: int

    @property
    def cell_moves(self) -> bool:
        """Whether this is at constant pressure."""
        return self.ensemble in ("npt_isotropic", "npt_full")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was run.

    Attributes:
        path: Of the trajectory, which has this many `frames`.
        wall_s: Over all attempts, up to the checkpoint each went on from.
        resumed_at: The steps at which a new attempt went on.
    """

    record: Record
    path: Path
    frames: int
    wall_s: float
    resumed_at: list[int]


def simulate(atoms: Atoms, plan: Plan, monitor: Monitor) -> Outcome:
    """Run dynamics on atoms with a calculator; they end as the last step leaves them.

    Called again in the same directory after an interruption, it goes on from the last checkpoint,
    bit for bit as if nothing had happened.

    Raises:
        SimulationError: The dynamics exploded.
        Cancelled: The caller asked to stop.
    """
    run = _Run(atoms, plan, monitor)
    with closing(run.recorder):
        try:
            for step in run.integrator.run(atoms, plan.targets, run.done):
                run.observe(step)
        except SimulationError as error:
            recorder = run.recorder
            kept = (
                f"The trajectory so far is kept: {str(recorder.path)!r}, {recorder.count} frames."
            )
            raise SimulationError(
                error.what, allowed=error.allowed, next_step=f"{error.next_step} {kept}"
            ) from error
    return Outcome(
        record=read_record(monitor.directory),
        path=run.recorder.path,
        frames=run.recorder.count,
        wall_s=run.wall_s(),
        resumed_at=run.resumed_at,
    )


class _Run:
    """Everything of a run between its steps."""

    def __init__(self, atoms: Atoms, plan: Plan, monitor: Monitor) -> None:
        import numpy as np

        self._atoms, self._plan, self._monitor = atoms, plan, monitor
        self._rng = np.random.default_rng(plan.seed)
        self.integrator = make_integrator(atoms, plan, self._rng)
        self._conserved = None if plan.targets.moving else self.integrator.conserved
        self._guard = Guard(
            atoms, float(plan.targets.kelvin.max()), plan.timestep_fs, cell_moves=plan.cell_moves
        )
        warm_up(atoms)
        state = self._last_state()
        self.done, self.resumed_at, self._wall_s = -1, [], 0.0
        if state is not None:
            restore(state, atoms, self.integrator, self._rng)
            self.done, self._wall_s = state["step"], state["wall_s"]
            self.resumed_at = [*state["resumed_at"], self.done]
        self.recorder = Recorder(monitor.directory, plan.frames, state)
        monitor.frames = self.recorder.count
        self._started = time.perf_counter()

    def wall_s(self) -> float:
        """Seconds so far, over all attempts."""
        return self._wall_s + time.perf_counter() - self._started

    def observe(self, step: int) -> None:
        """After each step: measure, record, report, and write a checkpoint when one is due."""
        plan, monitor = self._plan, self._monitor
        monitor.check()
        sample = self._guard.check(step, self._atoms)
        self.recorder.step(sample, self._conserved() if self._conserved else float("nan"))
        if step % plan.every == 0 or step == plan.steps:
            self.recorder.frame(self._atoms)
            monitor.frames = self.recorder.count
        if monitor.due():
            monitor.progress(step, plan.steps, self._message(sample))
        if monitor.checkpoint_due():
            self._save(step)

    def _save(self, step: int) -> None:
        """The files first: a checkpoint never speaks of what is not on disk."""
        mark = self.recorder.mark()
        self._monitor.save(
            {
                "step": step,
                "wall_s": self.wall_s(),
                "resumed_at": self.resumed_at,
                **mark,
                **state_of(self._atoms, self.integrator, self._rng),
            }
        )

    def _last_state(self) -> dict[str, Any] | None:
        """The newest checkpoint, when the files it speaks of are there."""
        state = self._monitor.restore()
        if state is None or not intact(self._monitor.directory, self._plan.frames, state):
            return None
        return state

    def _message(self, sample: Sample) -> str:
        text = f"{sample.kelvin:.0f} K, {sample.potential_ev / len(self._atoms):.4f} eV/atom"
        if not self._plan.cell_moves:
            return text
        return f"{text}, {sample.pressure_gpa:.2f} GPa, {sample.volume_a3:.1f} Å³"


def make_integrator(atoms: Atoms, plan: Plan, rng: np.random.Generator) -> Integrator:
    """Give the atoms velocities, and the integrator of this ensemble."""
    kelvin, gpa = float(plan.targets.kelvin[0]), float(plan.targets.gpa[0])
    start_velocities(atoms, kelvin, rng)
    if plan.ensemble == "nve":
        return make_nve(atoms, plan.timestep_fs)
    if plan.ensemble == "nvt":
        return make_nvt(atoms, plan.timestep_fs, plan.thermostat, kelvin, rng)
    return make_npt(atoms, plan.timestep_fs, plan.ensemble, kelvin, gpa)

"""Molecular dynamics at constant energy or along a schedule of temperatures."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput, SimulationError
from llamp_mcp.operation import Operation, Params, ResourceLink, Result
from llamp_mcp.provenance import Fact, LineageStep
from llamp_mcp.simulation.atoms import elements_of, moved, to_atoms
from llamp_mcp.simulation.catalogue import calculator_text, computed
from llamp_mcp.simulation.dynamics import (
    Guard,
    Integrator,
    Thermostat,
    check_contacts,
    damping_time_fs,
    default_timestep_fs,
    make_nve,
    make_nvt,
    schedule,
    start_velocities,
)
from llamp_mcp.simulation.jobs import TRAJECTORY
from llamp_mcp.simulation.plots import plot_temperature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ase import Atoms

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.dynamics import Floats
    from llamp_mcp.simulation.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

PLOT: Final = "temperature.png"
MAX_FRAMES: Final = 2_000
MAX_TRAJECTORY_BYTES: Final = 256 * 2**20
_BYTES_PER_ATOM: Final = 80  # position, momentum and force in double precision, and the header

Kelvin = Annotated[float, Field(gt=0, le=20_000)]


class MdParams(Params):
    """Arguments of run_md."""

    structure_id: str = Field(description="handle of the structure, 's-…'")
    calculator: str = Field(default="", description="name from list_calculators; empty: default")
    ensemble: Literal["nve", "nvt"] = Field(default="nvt", description="what is held constant")
    thermostat: Thermostat = Field(default="nose_hoover_chain", description="for nvt")
    temperature_k: list[Kelvin] = Field(
        default=[300.0],
        min_length=1,
        max_length=50,
        description="K; a schedule such as [300, 800, 300] is spread linearly over the run",
    )
    steps: int = Field(ge=1, le=1_000_000, description="time steps")
    timestep_fs: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="fs; default 0.5 with H, 1 with an atom lighter than C, else 2",
    )
    sample_every: int = Field(default=10, ge=1, description="steps between trajectory frames")
    seed: int = Field(default=0, ge=0, lt=2**32, description="of velocities and thermostat")


class MdResult(Result):
    """What the run did and where its trajectory is."""

    structure_id: str = Field(description="the last frame")
    formula: str
    n_atoms: int
    ensemble: str
    thermostat: str | None
    thermostat_time_fs: float | None
    steps: int
    timestep_fs: float
    time_ps: float
    seed: int
    temperature_k: dict[str, Any] = Field(description="mean std min max final schedule")
    potential_energy_ev_per_atom: dict[str, float] = Field(description="start end mean")
    energy_drift_mev_per_atom_per_ps: float | None = Field(
        description="of the conserved energy; null where none is conserved"
    )
    trajectory: dict[str, Any] = Field(description="uri path frames every_steps")
    plot: dict[str, str] = Field(description="uri path")
    wall_s: float
    ms_per_step: float
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        t, e = self.temperature_k, self.potential_energy_ev_per_atom
        thermostat = (
            f", {self.thermostat} ({self.thermostat_time_fs:g} fs)" if self.thermostat else ""
        )
        drift = self.energy_drift_mev_per_atom_per_ps
        conserved = "" if drift is None else f"; drift = {drift:.3g} meV/atom/ps"
        lines = [
            f"MD of {self.formula} ({self.n_atoms} atoms), {self.ensemble}{thermostat}: "
            f"{self.steps} steps of {self.timestep_fs:g} fs = {self.time_ps:g} ps, "
            f"seed {self.seed}; last frame {self.structure_id}",
            f"temperature: mean = {t['mean']:.1f} K, std = {t['std']:.1f} K, min = {t['min']:.1f} "
            f"K, max = {t['max']:.1f} K, final = {t['final']:.1f} K; schedule {t['schedule']} K",
            f"potential energy: start = {e['start']:.6g} eV/atom, end = {e['end']:.6g} eV/atom, "
            f"mean = {e['mean']:.6g} eV/atom{conserved}",
            f"trajectory {self.trajectory['uri']} ({self.trajectory['frames']} frames, every "
            f"{self.trajectory['every_steps']} steps, ASE format): {self.trajectory['path']}",
            f"plot {self.plot['uri']}: {self.plot['path']}",
            f"took {self.wall_s:.3g} s, {self.ms_per_step:.3g} ms/step",
            calculator_text(self.calculator),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def links(self) -> Iterable[ResourceLink]:
        """The trajectory."""
        yield ResourceLink(
            uri=self.trajectory["uri"],
            name="trajectory",
            mime_type="application/octet-stream",
            description="ASE .traj: positions, momenta, energy, forces",
        )

    def images(self) -> Iterable[bytes]:
        """Temperature against time, while its file is there."""
        path = Path(self.plot["path"])
        if path.is_file():
            yield path.read_bytes()


def check(params: MdParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    structure = structures.get(params.structure_id)
    calculators.resolve(params.calculator, elements_of(structure), len(structure))
    if len(structure) < 2:
        raise InvalidInput(
            "A cell of 1 atom has nothing to move against: its centre of mass is held still",
            next_step="Make a supercell first (edit_structure).",
        )
    if params.ensemble == "nve" and len(params.temperature_k) > 1:
        raise InvalidInput(
            f"The schedule temperature_k {params.temperature_k} needs a thermostat",
            next_step="Set ensemble 'nvt', or give one start temperature.",
        )


def run_md(
    params: MdParams, *, structures: StructureStore, calculators: Calculators, monitor: Monitor
) -> MdResult:
    """Run molecular dynamics: nve, or nvt along a temperature schedule (anneal: [300, 800, 300]).

    Give a relaxed cell of some 50-500 atoms; the volume is fixed. Velocities start at the first
    temperature; in nve a relaxed crystal settles near half of it. Returns the last frame as
    structure_id, temperature statistics, an ASE trajectory, a plot. A run that explodes is stopped.
    """
    check(params, structures=structures, calculators=calculators)
    structure = structures.get(params.structure_id)
    loaded = calculators.load(params.calculator, elements_of(structure))
    atoms = to_atoms(structure)
    atoms.calc = loaded.calculator
    check_contacts(atoms)
    timestep_fs = params.timestep_fs or default_timestep_fs(atoms)
    targets = schedule(params.temperature_k, params.steps)
    record = _run(atoms, params, timestep_fs, targets, monitor)
    formula = structure.composition.reduced_formula
    plot_temperature(
        monitor.directory / PLOT,
        title=f"{formula}, {len(atoms)} atoms, {params.ensemble}, {loaded.provenance['name']}",
        times_ps=_times_ps(params.steps, timestep_fs),
        kelvin=record.kelvin,
        targets=None if params.ensemble == "nve" else targets,
    )
    step = _lineage(params, timestep_fs, loaded.provenance, monitor.job_id)
    nvt = params.ensemble == "nvt"
    return MdResult(
        structure_id=structures.put(moved(structure, atoms), step),
        formula=formula,
        n_atoms=len(atoms),
        ensemble=params.ensemble,
        thermostat=params.thermostat if nvt else None,
        thermostat_time_fs=damping_time_fs(timestep_fs) if nvt else None,
        steps=params.steps,
        timestep_fs=timestep_fs,
        time_ps=params.steps * timestep_fs / 1000,
        seed=params.seed,
        temperature_k=record.temperature() | {"schedule": params.temperature_k},
        potential_energy_ev_per_atom=record.energy(len(atoms)),
        energy_drift_mev_per_atom_per_ps=record.drift(len(atoms), timestep_fs),
        trajectory=_trajectory(params, len(atoms), monitor),
        plot={"uri": f"job://{monitor.job_id}/plot", "path": str(monitor.directory / PLOT)},
        wall_s=record.wall_s,
        ms_per_step=1000 * record.wall_s / params.steps,
        calculator=loaded.provenance,
        warnings=list(_warnings(params, len(atoms))),
    )


@dataclass(slots=True)
class _Record:
    """Temperature and energies of every step."""

    kelvin: Floats
    potential: Floats
    conserved: list[float] = field(default_factory=list)
    wall_s: float = 0.0

    def temperature(self) -> dict[str, Any]:
        kelvin = self.kelvin
        return {
            "mean": float(kelvin.mean()),
            "std": float(kelvin.std()),
            "min": float(kelvin.min()),
            "max": float(kelvin.max()),
            "final": float(kelvin[-1]),
        }

    def energy(self, n_atoms: int) -> dict[str, float]:
        potential = self.potential / n_atoms
        return {
            "start": float(potential[0]),
            "end": float(potential[-1]),
            "mean": float(potential.mean()),
        }

    def drift(self, n_atoms: int, timestep_fs: float) -> float | None:
        """Slope of the conserved energy by least squares, meV/atom/ps."""
        import numpy as np

        if len(self.conserved) < 2:
            return None
        times_ps = _times_ps(len(self.conserved) - 1, timestep_fs)
        slope = np.polyfit(times_ps, np.asarray(self.conserved) * 1000 / n_atoms, 1)[0]
        return float(slope)


def _lineage(
    params: MdParams, timestep_fs: float, calculator: dict[str, Any], job_id: str
) -> LineageStep:
    return LineageStep(
        action="run_md",
        parent=params.structure_id,
        parameters={
            **params.model_dump(exclude={"structure_id", "calculator", "sample_every"}),
            "timestep_fs": timestep_fs,
            "calculator": calculator["name"],
            "sha256": calculator["sha256"],
            "job_id": job_id,
        },
    )


def _integrator(atoms: Atoms, params: MdParams, timestep_fs: float) -> Integrator:
    import numpy as np

    rng = np.random.default_rng(params.seed)
    start_velocities(atoms, params.temperature_k[0], rng)
    if params.ensemble == "nve":
        return make_nve(atoms, timestep_fs)
    return make_nvt(atoms, timestep_fs, params.thermostat, params.temperature_k[0], rng)


def _run(
    atoms: Atoms,
    params: MdParams,
    timestep_fs: float,
    targets: Floats,
    monitor: Monitor,
) -> _Record:
    import numpy as np
    from ase.io.trajectory import Trajectory

    integrator = _integrator(atoms, params, timestep_fs)
    record = _Record(np.empty(params.steps + 1), np.empty(params.steps + 1))
    conserved = integrator.conserved if len(set(params.temperature_k)) == 1 else None
    guard = Guard(atoms, max(params.temperature_k), timestep_fs)
    every = _every(params, len(atoms))
    path = monitor.directory / TRAJECTORY
    trajectory = Trajectory(path, "w", atoms, properties=["energy", "forces"])

    def observe(step: int) -> None:
        monitor.check()
        kelvin, energy = guard.check(step, atoms)
        record.kelvin[step], record.potential[step] = kelvin, energy
        if conserved:
            record.conserved.append(conserved())
        if step % every == 0 or step == params.steps:
            trajectory.write()
            monitor.frames += 1
        if monitor.due():
            message = f"{kelvin:.0f} K, {energy / len(atoms):.4f} eV/atom"
            monitor.progress(step, params.steps, message)

    started = time.perf_counter()
    with closing(trajectory):
        try:
            for step in integrator.run(atoms, targets):
                observe(step)
        except SimulationError as error:
            kept = f"The trajectory so far is kept: {str(path)!r}, {monitor.frames} frames."
            raise SimulationError(error.what, next_step=f"{error.next_step} {kept}") from error
    record.wall_s = time.perf_counter() - started
    return record


def _trajectory(params: MdParams, n_atoms: int, monitor: Monitor) -> dict[str, Any]:
    return {
        "uri": f"job://{monitor.job_id}/trajectory",
        "path": str(monitor.directory / TRAJECTORY),
        "frames": monitor.frames,
        "every_steps": _every(params, n_atoms),
    }


def _every(params: MdParams, n_atoms: int) -> int:
    """Steps between frames: as asked, unless the file would grow out of bounds."""
    frames = min(MAX_FRAMES, MAX_TRAJECTORY_BYTES // (_BYTES_PER_ATOM * n_atoms))
    return max(params.sample_every, -(-params.steps // frames))


def _times_ps(steps: int, timestep_fs: float) -> Floats:
    import numpy as np

    return np.arange(steps + 1, dtype=np.float64) * (timestep_fs / 1000)


def _warnings(params: MdParams, n_atoms: int) -> Iterator[str]:
    if _every(params, n_atoms) != params.sample_every:
        yield "fewer frames than sample_every asks for: the trajectory is bounded in size"
    if params.ensemble == "nvt" and params.thermostat == "berendsen":
        yield "the Berendsen thermostat does not sample the canonical ensemble"
    if params.ensemble == "nve":
        yield "nve: from a relaxed start the temperature settles near half of the one asked for"
    if n_atoms < 30:
        yield f"{n_atoms} atoms are few: temperature fluctuates much, and images interact"


def facts(result: MdResult) -> Iterable[Fact]:
    """Temperature and energy of the run, under the handle of its last frame."""
    temperature, energy = result.temperature_k, result.potential_energy_ev_per_atom
    values = [(f"temperature_{key}_k", temperature[key], "K") for key in ("mean", "std", "final")]
    values += [(f"potential_energy_{key}", value, "eV/atom") for key, value in energy.items()]
    return computed(result.structure_id, result.formula, result.calculator, values)


OPERATION = Operation(
    name="run_md",
    title="Run molecular dynamics",
    params=MdParams,
    result=MdResult,
    run=run_md,
    check=check,
    facts=facts,
    toolset="simulation",
    read_only=False,
    long_running=True,
)

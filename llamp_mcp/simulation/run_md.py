"""Molecular dynamics at constant energy, temperature or pressure, along schedules of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params
from llamp_mcp.provenance import Fact, LineageStep
from llamp_mcp.simulation.atoms import lattice_of, moved
from llamp_mcp.simulation.calculators.catalogue import computed
from llamp_mcp.simulation.dynamics.barostats import Barostat, barostat_time_fs
from llamp_mcp.simulation.dynamics.plot import plot_run
from llamp_mcp.simulation.dynamics.recording import BYTES_PER_ATOM, Format
from llamp_mcp.simulation.dynamics.result import MdResult
from llamp_mcp.simulation.dynamics.sampling import sample, warnings_of
from llamp_mcp.simulation.dynamics.simulate import Ensemble, Plan, simulate
from llamp_mcp.simulation.dynamics.start import Targets, check_contacts, default_timestep_fs
from llamp_mcp.simulation.dynamics.thermostats import Thermostat, damping_time_fs
from llamp_mcp.simulation.plots import keep_plot
from llamp_mcp.simulation.subject import check_subject, load_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ase import Atoms

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.dynamics.simulate import Outcome
    from llamp_mcp.simulation.subject import Subject
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

MAX_FRAMES: Final = 2_000
MAX_TRAJECTORY_BYTES: Final = 256 * 2**20

Kelvin = Annotated[float, Field(gt=0, le=20_000)]
GPa = Annotated[float, Field(ge=-50, le=500)]


class MdParams(Params):
    """Arguments of run_md."""

    structure_id: str = Field(description="'s-…'")
    calculator: str = Field(default="", description="empty: default")
    ensemble: Ensemble = Field(default="nvt", description="npt_full: the shape, too")
    thermostat: Thermostat = Field(default="nose_hoover_chain", description="for nvt")
    temperature_k: list[Kelvin] = Field(
        default=[300.0],
        min_length=1,
        max_length=50,
        description="K; several are joined by lines over the run",
    )
    pressure_gpa: list[GPa] = Field(
        default=[0.0], min_length=1, max_length=50, description="likewise, for npt"
    )
    steps: int = Field(ge=1, le=1_000_000, description="time steps")
    equilibration_steps: int = Field(default=0, ge=0, description="left out of means")
    timestep_fs: float = Field(
        default=0, ge=0, le=10, description="0: 0.5 with H, 1 with atoms below C, else 2"
    )
    sample_every: int = Field(default=10, ge=1, description="steps per frame")
    trajectory_format: Format = Field(default="traj", description="traj: ASE")
    seed: int = Field(default=0, ge=0, description="random")

    @property
    def cell_moves(self) -> bool:
        """Whether this is at constant pressure."""
        return self.ensemble in get_args(Barostat)


def check(params: MdParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    structure = check_subject(
        params.structure_id, params.calculator, structures=structures, calculators=calculators
    )
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
    if any(params.pressure_gpa) and not params.cell_moves:
        raise InvalidInput(
            f"pressure_gpa {params.pressure_gpa} has no effect in {params.ensemble!r}",
            next_step="Set ensemble 'npt_isotropic' or 'npt_full', or leave pressure_gpa out.",
        )
    if params.cell_moves and params.thermostat != "nose_hoover_chain":
        raise InvalidInput(
            f"There is no {params.ensemble!r} with the thermostat {params.thermostat!r}",
            allowed="'nose_hoover_chain' (Martyna-Tobias-Klein)",
            next_step="Leave thermostat out.",
        )
    if params.equilibration_steps >= params.steps:
        raise InvalidInput(
            f"equilibration_steps {params.equilibration_steps} leaves nothing of {params.steps} "
            "steps to average over",
            next_step="Set it to less than steps.",
        )


def run_md(
    params: MdParams, *, structures: StructureStore, calculators: Calculators, monitor: Monitor
) -> MdResult:
    """Run molecular dynamics (nve, nvt, npt); temperature_k [300, 800, 300] anneals.

    Give a relaxed cell of 50-500 atoms. Returns the last frame, means with errors, a trajectory for
    analyze_trajectory.
    """
    check(params, structures=structures, calculators=calculators)
    subject = load_subject(
        params.structure_id,
        params.calculator,
        structures=structures,
        calculators=calculators,
        dtype="float32",
    )
    atoms = subject.atoms
    check_contacts(atoms)
    plan = _plan(params, atoms)
    outcome = simulate(atoms, plan, monitor)
    title = f"{subject.formula}, {len(atoms)} atoms, {plan.ensemble}, {subject.calculator['name']}"
    picture = plot_run(title, outcome.record, plan, params.equilibration_steps)
    sampled = sample(outcome.record, plan, len(atoms), params.equilibration_steps)
    step = _lineage(params, plan, subject, monitor.job_id)
    return MdResult(
        structure_id=structures.put(moved(subject.structure, atoms), step),
        trajectory=_trajectory(plan, outcome, monitor),
        temperature_k=sampled.temperature_k | {"schedule": params.temperature_k},
        energy_drift_mev_per_atom_per_ps=sampled.drift_mev_per_atom_per_ps,
        formula=subject.formula,
        n_atoms=len(atoms),
        ensemble=params.ensemble,
        **_couplings(params, plan),
        steps=params.steps,
        equilibration_steps=params.equilibration_steps,
        timestep_fs=plan.timestep_fs,
        time_ps=params.steps * plan.timestep_fs / 1000,
        seed=params.seed,
        potential_energy_ev_per_atom=sampled.potential_energy_ev_per_atom,
        pressure_gpa=_with_schedule(sampled.pressure_gpa, params),
        volume_a3=sampled.volume_a3,
        lattice=lattice_of(atoms) if params.cell_moves else None,
        plot=keep_plot(monitor, picture),
        wall_s=outcome.wall_s,
        ms_per_step=1000 * outcome.wall_s / params.steps,
        resumed_at_steps=outcome.resumed_at,
        calculator=subject.calculator,
        warnings=[*_cut(params, plan), *warnings_of(sampled, plan, len(atoms))],
    )


def _plan(params: MdParams, atoms: Atoms) -> Plan:
    return Plan(
        ensemble=params.ensemble,
        thermostat=params.thermostat,
        targets=Targets.of(params.steps, params.temperature_k, params.pressure_gpa),
        steps=params.steps,
        timestep_fs=params.timestep_fs or default_timestep_fs(atoms),
        every=every_steps(params, len(atoms)),
        frames=params.trajectory_format,
        seed=params.seed,
    )


def every_steps(params: MdParams, n_atoms: int) -> int:
    """Steps between frames: as asked, unless the file would grow out of bounds."""
    frame_bytes = BYTES_PER_ATOM[params.trajectory_format] * n_atoms
    frames = min(MAX_FRAMES, MAX_TRAJECTORY_BYTES // frame_bytes)
    return max(params.sample_every, -(-params.steps // frames))


def _cut(params: MdParams, plan: Plan) -> Iterator[str]:
    if plan.every != params.sample_every:
        yield "fewer frames than sample_every asks for: the trajectory is bounded in size"


def _couplings(params: MdParams, plan: Plan) -> dict[str, Any]:
    thermostat = params.thermostat if params.ensemble != "nve" else None
    return {
        "thermostat": thermostat,
        "thermostat_time_fs": damping_time_fs(plan.timestep_fs) if thermostat else None,
        "barostat_time_fs": barostat_time_fs(plan.timestep_fs) if params.cell_moves else None,
    }


def _with_schedule(pressure: dict[str, Any] | None, params: MdParams) -> dict[str, Any] | None:
    if pressure is None or not params.cell_moves:
        return pressure
    return pressure | {"schedule": params.pressure_gpa}


def _trajectory(plan: Plan, outcome: Outcome, monitor: Monitor) -> dict[str, Any]:
    return {
        "uri": f"job://{monitor.job_id}/trajectory",
        "path": str(outcome.path),
        "frames": outcome.frames,
        "every_steps": plan.every,
        "format": plan.frames,
    }


def _lineage(params: MdParams, plan: Plan, subject: Subject, job_id: str) -> LineageStep:
    return LineageStep(
        action="run_md",
        parent=params.structure_id,
        parameters={
            **params.model_dump(
                exclude={"structure_id", "calculator", "sample_every", "trajectory_format"}
            ),
            "timestep_fs": plan.timestep_fs,
            "calculator": subject.calculator["name"],
            "sha256": subject.calculator["sha256"],
            "job_id": job_id,
        },
    )


def facts(result: MdResult) -> Iterable[Fact]:
    """The statistics of the run, under the handle of its last frame."""
    kept = ("mean", "std", "standard_error", "final", "start", "end")
    blocks = (
        ("temperature_{}_k", result.temperature_k, "K"),
        ("potential_energy_{}", result.potential_energy_ev_per_atom, "eV/atom"),
        ("pressure_{}_gpa", result.pressure_gpa or {}, "GPa"),
        ("volume_{}_a3", result.volume_a3 or {}, "Å³"),
    )
    values = [
        (name.format(key), block[key], unit)
        for name, block, unit in blocks
        for key in kept
        if block.get(key) is not None
    ]
    values += [
        (name, value, "Å" if len(name) == 1 else "degrees")
        for name, value in (result.lattice or {}).items()
    ]
    return computed(result.structure_id, result.formula, result.calculator, values)


OPERATION = Operation(
    name="run_md",
    title="Run MD",
    params=MdParams,
    result=MdResult,
    run=run_md,
    check=check,
    facts=facts,
    toolset="simulation",
    read_only=False,
    long_running=True,
    view="plot",
)

"""The tool that measures a trajectory: a running or ended MD job's, or a file's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from pydantic import Field, PrivateAttr

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import JobStore
    from llamp_mcp.simulation.trajectories.block import Panel
    from llamp_mcp.simulation.trajectories.reading import Read

BlockName = Literal[
    "thermo", "volume", "msd", "diffusion", "rdf", "coordination", "lindemann", "vacf"
]

MAX_CUTOFF_A: Final = 10.0
_PAIRED: Final = {"rdf", "coordination"}
_UNITS: Final = {
    "_cm2_per_s": "cm²/s",
    "_a2_per_ps": "Å²/ps",
    "_a2": "Å²",
    "_a": "Å",
    "_thz": "THz",
    "_ps": "ps",
}


class AnalyzeTrajectoryParams(Params):
    """A trajectory and what to measure of it."""

    job_id: str = Field(default="", description="of run_md, even running")
    path: str = Field(default="", description="or file: traj, extxyz, XDATCAR")
    what: list[BlockName] = Field(default=["thermo", "msd", "rdf"], description="blocks")
    species: list[str] = Field(default=[], description="elements")
    pair: str = Field(default="", description="'Li-O'")
    skip_ps: float = Field(default=0, description="equilibration")
    fit_ps: list[float] = Field(default=[], description="lags fitted")
    cutoff_a: float = Field(default=0, description="0: automatic")
    frame_time_fs: float = Field(default=0, description="if path lacks it")


class AnalyzeTrajectoryResult(Result):
    """One block per thing asked for."""

    source: dict[str, Any]
    formula: str
    n_atoms: int
    frames: dict[str, Any] = Field(description="counts, interval_fs, window_ps")
    blocks: dict[str, dict[str, Any]] = Field(description="by the names of what")
    notes: list[str]
    warnings: list[str]
    _pictures: list[bytes] = PrivateAttr(default_factory=list)

    def text(self) -> str:
        """Each block in its own words, one line per series, element or pair."""
        from llamp_mcp.simulation.trajectories import lines

        frames = self.frames
        source = ", ".join(str(value) for value in self.source.values())
        head = f"Trajectory of {self.formula} ({self.n_atoms} atoms), {source}: "
        head += f"{frames['used']} of {frames['in_file']} frames"
        if frames["window_ps"]:
            start, end = frames["window_ps"]
            head += f", {start:.4g} to {end:.4g} ps"
        if frames["interval_fs"]:
            head += f", every {frames['interval_fs']:.4g} fs"
        body = [line for name, block in self.blocks.items() for line in lines(name, block)]
        notes = [f"Note: {note}" for note in self.notes]
        return "\n".join([head, *body, *notes, *(f"Warning: {what}" for what in self.warnings)])

    def images(self) -> Iterable[bytes]:
        """At most three pictures of four panels each."""
        return self._pictures


def analyze_trajectory(
    params: AnalyzeTrajectoryParams, *, jobs: JobStore, settings: Settings
) -> AnalyzeTrajectoryResult:
    """Measure an MD run: thermo, msd, diffusion, rdf, lindemann (solid, molten), vacf...

    Leave out equilibration (skip_ps); heed warnings.
    """
    from llamp_mcp.simulation.trajectories.sources import of_file, of_job

    _check(params)
    if params.job_id:
        read, source, notes = of_job(params.job_id, jobs, skip_ps=params.skip_ps)
    else:
        read, source, notes = of_file(
            params.path, settings, frame_time_fs=params.frame_time_fs, skip_ps=params.skip_ps
        )
    trajectory = read.trajectory
    blocks, panels, warnings = _measure(params, read)
    result = AnalyzeTrajectoryResult(
        source=source,
        formula=trajectory.formula,
        n_atoms=trajectory.n_atoms,
        frames=_frames(read),
        blocks=blocks,
        notes=read.notes + notes,
        warnings=list(dict.fromkeys(warnings)),
    )
    result._pictures.extend(_drawn(panels))
    return result


def _check(params: AnalyzeTrajectoryParams) -> None:
    """Refuse arguments that mean nothing for what is asked, rather than ignore them.

    Raises:
        InvalidInput: There is one.
    """
    _check_values(params)
    if bool(params.job_id) == bool(params.path):
        raise InvalidInput(
            "analyze_trajectory needs either job_id or path",
            next_step="Give the job_id of a run_md job, or the path of a trajectory file.",
        )
    if params.job_id and params.frame_time_fs:
        raise InvalidInput("frame_time_fs means nothing for a job, which knows its times")
    for name, of in (("pair", _PAIRED), ("cutoff_a", _PAIRED), ("fit_ps", {"diffusion"})):
        if getattr(params, name) and not of & {*params.what}:
            raise InvalidInput(
                f"{name} means nothing for what={params.what}", allowed=", ".join(sorted(of))
            )


def _check_values(params: AnalyzeTrajectoryParams) -> None:
    """Bounds, which would cost bytes of every conversation as part of the schema."""
    for name in ("skip_ps", "cutoff_a", "frame_time_fs"):
        if (value := getattr(params, name)) < 0:
            raise InvalidInput(f"{name} {value:g} is negative", allowed="0 or more")
    if params.cutoff_a > MAX_CUTOFF_A:
        raise InvalidInput(
            f"cutoff_a {params.cutoff_a:g} is too far", allowed=f"at most {MAX_CUTOFF_A:g} Å"
        )
    if not params.what:
        raise InvalidInput("what is empty", allowed=", ".join(get_args(BlockName)))
    if len(params.fit_ps) not in (0, 2):
        raise InvalidInput(f"fit_ps {params.fit_ps} needs two lags", allowed="[first, last] in ps")


def _frames(read: Read) -> dict[str, Any]:
    times = read.trajectory.times_ps
    count = len(read.trajectory)
    window = None if times is None else [float(times[0]), float(times[-1])]
    interval = 1000 * (window[1] - window[0]) / (count - 1) if window and count > 1 else None
    return {
        "in_file": read.in_file,
        "used": count,
        "stride": read.stride,
        "interval_fs": interval,
        "window_ps": window,
    }


def _measure(
    params: AnalyzeTrajectoryParams, read: Read
) -> tuple[dict[str, dict[str, Any]], list[Panel], list[str]]:
    """The blocks asked for; one without an answer says why, and fails only where none has one.

    Raises:
        InvalidInput: An argument is wrong, or no block has an answer.
    """
    from llamp_mcp.simulation.trajectories import BLOCKS
    from llamp_mcp.simulation.trajectories.block import Undetermined

    blocks: dict[str, dict[str, Any]] = {}
    panels: list[Panel] = []
    warnings: list[str] = []
    failed = []
    for name in dict.fromkeys(params.what):
        try:
            made = BLOCKS[name].block(read.trajectory, params)
        except Undetermined as error:
            blocks[name] = {"not_determined": str(error)}
            failed.append(error)
            continue
        blocks[name] = made.values
        panels += made.panels
        warnings += made.warnings
    if len(failed) == len(blocks):
        raise failed[0]
    return blocks, panels, warnings


def _drawn(panels: list[Panel]) -> Iterable[bytes]:
    from llamp_mcp.simulation.trajectories.plots import pictures

    return pictures(panels)


def _facts(result: AnalyzeTrajectoryResult) -> Iterator[Fact]:
    """Every number of the blocks, named after its block, its element or pair, and its key."""
    subject = str(next(iter(result.source.values())))
    for name, block in result.blocks.items():
        for path, value, unit in _numbers(block, name, None):
            yield Fact(subject, path, value, unit, f"trajectory of {subject}", result.formula)


def _numbers(
    block: dict[str, Any], name: str, unit: str | None
) -> Iterator[tuple[str, float, str | None]]:
    for key, value in block.items():
        path = f"{name}.{key}"
        if isinstance(value, dict):
            inside = name if key in ("species", "pairs") else path
            yield from _numbers(value, inside, value.get("unit"))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield path, value, _unit(key) or unit


def _unit(key: str) -> str | None:
    return next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), None)


OPERATION = Operation(
    name="analyze_trajectory",
    title="Analyze a trajectory",
    params=AnalyzeTrajectoryParams,
    result=AnalyzeTrajectoryResult,
    run=analyze_trajectory,
    toolset="simulation",
    read_only=True,
    facts=_facts,
    view="structure",
)

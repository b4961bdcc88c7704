"""Where trajectories come from: a job of run_md, or a file of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.settings import resolve_in_workspace

if TYPE_CHECKING:
    from ase import Atoms

    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import JobStore
    from llamp_mcp.simulation.trajectories.reading import Clock, Read


class Opened(NamedTuple):
    """A trajectory and its origin.

    Attributes:
        read: What was read.
        source: `job_id` and `state`, or `path`.
        notes: What a reader should know of the job.
    """

    read: Read
    source: dict[str, Any]
    notes: list[str]


def of_job(job_id: str, jobs: JobStore, *, skip_ps: float = 0) -> Opened:
    """The trajectory of an MD job so far, and what of the job a reader should know.

    Raises:
        NotFound: There is no such job.
        InvalidInput: It is no MD job, or has not written a frame.
    """
    from llamp_mcp.simulation.dynamics.recording import FRAMES
    from llamp_mcp.simulation.trajectories.reading import read_trajectory

    job = jobs.get(job_id)
    if job.kind != "run_md":
        raise InvalidInput(f"Job {job.job_id} is of {job.kind}, which leaves no trajectory")
    directory = jobs.directory(job.job_id)
    written = [directory / name for name in FRAMES.values() if (directory / name).is_file()]
    if not written:
        raise InvalidInput(
            f"Job {job.job_id} ({job.state}) has not written a trajectory",
            next_step="Follow it with get_job, and call again when it has run for a while.",
        )
    read = read_trajectory(
        written[0],
        clock=lambda atoms: _clock(job.params, atoms),
        skip_ps=skip_ps,
        continuous=True,
    )
    notes = [] if job.finished else [f"the job is {job.state}: these are its frames so far"]
    schedule = job.params.get("temperature_k", [])
    if len(set(schedule)) > 1:
        notes.append(f"the run followed the schedule {schedule} K: means are over all of it")
    return Opened(read, {"job_id": job.job_id, "state": job.state}, notes)


def of_file(
    path: str, settings: Settings, *, frame_time_fs: float = 0, skip_ps: float = 0
) -> Opened:
    """The trajectory in a file of the workspace.

    Args:
        path: Relative to the workspace.
        settings: Say where that is.
        frame_time_fs: Time between frames where the file does not say it; 0: not known.
        skip_ps: Time to leave out at the start.

    Raises:
        InvalidInput: The path leads out of the workspace, or the file cannot be read.
    """
    from llamp_mcp.simulation.trajectories.reading import Clock, read_trajectory

    read = read_trajectory(
        resolve_in_workspace(settings.workspace_path, path),
        clock=lambda _atoms: Clock(frame_time_fs) if frame_time_fs else None,
        skip_ps=skip_ps,
        continuous=False,
    )
    return Opened(read, {"path": path}, [])


def _clock(arguments: dict[str, Any], atoms: Atoms) -> Clock:
    """When run_md, given these arguments, took its frames: the last one comes at its last step."""
    from llamp_mcp.simulation.dynamics.start import default_timestep_fs
    from llamp_mcp.simulation.run_md import MdParams, every_steps
    from llamp_mcp.simulation.trajectories.reading import Clock

    params = MdParams.model_validate(arguments)
    timestep_fs = params.timestep_fs or default_timestep_fs(atoms)
    every = every_steps(params, len(atoms))
    return Clock(every * timestep_fs, params.steps * timestep_fs, timestep_fs)

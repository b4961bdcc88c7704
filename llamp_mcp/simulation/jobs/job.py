"""A job: its states, its row in the store, and the names of the files it leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

State = Literal["queued", "running", "completed", "failed", "cancelled", "interrupted"]
FINISHED: Final = frozenset({"completed", "failed", "cancelled"})
"""States that do not change any more. An `interrupted` job goes on by itself."""
WAITING: Final = frozenset({"queued", "interrupted"})
"""States from which a worker takes a job."""

STORE: Final = "jobs.sqlite"
"""File in the home directory that holds all rows."""
LOG: Final = "log.txt"
TRAJECTORY: Final = "trajectory.traj"
TRAJECTORIES: Final = (TRAJECTORY, "trajectory.extxyz")
"""A job writes one of them."""
PLOT: Final = "plot.png"


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the store.

    Attributes:
        job_id: `j-` and 15 hex digits, sortable by the time of submission.
        kind: Operation, whose arguments `params` are.
        settings: Calculator settings of the server that took it.
        message: What it is doing (step `done` of `total`), or what it was doing last.
        frames: Trajectory frames written so far.
        worker: Process id of the worker that took it last.
        batch: The batch it belongs to, `b-` and 15 hex digits; empty: none.
        environment: Calculator family whose interpreter must run it; empty: this one.
        slot: The lease whose holder looks after it while it runs.
        attempts: How often a worker has taken it.
        created: When it was submitted, in seconds since 1970.
        finished_at: When it ended, likewise.
        updated: When its progress was last reported, likewise; 0: not yet.
    """

    job_id: str
    kind: str
    params: dict[str, Any]
    caller: str
    settings: dict[str, Any]
    state: State
    done: int
    total: int
    message: str
    frames: int
    result: dict[str, Any] | None
    error: str | None
    worker: int | None
    batch: str
    environment: str
    slot: str
    attempts: int
    created: float
    finished_at: float | None
    updated: float = 0.0

    @property
    def finished(self) -> bool:
        """Whether it will not change any more."""
        return self.state in FINISHED


COLUMNS: Final = ", ".join(Job.__dataclass_fields__).replace("finished_at", "finished")


def from_row(row: tuple[Any, ...]) -> Job:
    """The job of a row of `COLUMNS`."""
    values = dict(zip(Job.__dataclass_fields__, row, strict=True))
    for name in ("params", "settings", "result"):
        if values[name] is not None:
            values[name] = json.loads(values[name])
    return Job(**values)

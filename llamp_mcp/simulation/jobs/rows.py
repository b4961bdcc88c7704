"""The job store as workers and engines see it: jobs taken, reported on, ended, taken back."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import NotFound, clip
from llamp_mcp.simulation.jobs.database import PATIENCE_S, Database
from llamp_mcp.simulation.jobs.job import COLUMNS, STORE, TRAJECTORIES, Job, State, from_row
from llamp_mcp.simulation.jobs.retention import size_of
from llamp_mcp.simulation.workers.checkpoints import progress_mark

if TYPE_CHECKING:
    from pathlib import Path

LOST_LIMIT: Final = 3
"""Workers a job may lose in a row without getting any further."""
LOST_IN_NO_TIME_LIMIT: Final = 30
"""The same while each was lost so soon that it could not have got any further."""
SQL_WAITING: Final = "state IN ('queued', 'interrupted')"
SQL_ACTIVE: Final = "state IN ('queued', 'interrupted', 'running')"


@dataclass(frozen=True, slots=True)
class Standing:
    """How many unfinished jobs of an environment there are in a state and slot."""

    environment: str
    state: State
    slot: str
    count: int


class JobRows:
    """The jobs of one home directory, one row each; safe for many threads and processes.

    Args:
        home: The home directory, which exists.
        fair_s: Seconds in which a job must get further, else a lost worker is held against it.
    """

    def __init__(self, home: Path, *, fair_s: float = 30.0) -> None:
        self.home = home
        self._fair_s = fair_s
        # Two connections: a question is answered while another thread waits to write.
        self._reader, self._writer = (Database(home / STORE) for _ in range(2))

    def get(self, job_id: str) -> Job:
        """The job of that id.

        Raises:
            NotFound: There is none.
        """
        jobs = self._jobs("WHERE job_id = ?", (job_id,))
        if not jobs:
            raise NotFound(
                f"There is no job {clip(job_id)}; ended jobs are removed after a while",
                allowed="a job_id that a tool returned, such as 'j-' and 15 hex digits",
                next_step="Call get_job without job_id to list the newest.",
            )
        return jobs[0]

    def directory(self, job_id: str) -> Path:
        """Where a job keeps its files.

        Raises:
            NotFound: It is not a job id.
        """
        if not re.fullmatch(r"j-[0-9a-f]{15}", job_id):
            raise NotFound(f"{clip(job_id)} is not a job id", allowed="'j-' and 15 hex digits")
        return self._directories / job_id

    def standing(self) -> list[Standing]:
        """How many unfinished jobs there are, by environment, state and slot."""
        rows = self._reader.rows(
            "SELECT environment, state, slot, count(*) FROM jobs "
            f"WHERE {SQL_ACTIVE} GROUP BY environment, state, slot"
        )
        return [Standing(*row) for row in rows]

    def has_waiting(self, environment: str | None = None) -> bool:
        """Whether a job waits for a worker, of this environment or of any."""
        rows = self._reader.rows(
            f"SELECT 1 FROM jobs WHERE {SQL_WAITING} AND environment = coalesce(?, environment) "
            "LIMIT 1",
            (environment,),
        )
        return bool(rows)

    def waiting(self) -> list[Job]:
        """The jobs that wait for a worker, in the order in which they are taken."""
        return self._jobs(f"WHERE {SQL_WAITING} ORDER BY losses > 1, job_id")

    def running(self, slot: str) -> list[Job]:
        """The jobs that the holder of a lease looks after."""
        return self._jobs("WHERE state = 'running' AND slot = ?", (slot,))

    def claim(
        self,
        worker: int,
        *,
        slot: str = "",
        environment: str | None = "",
        limit: int = 0,
        job_id: str | None = None,
    ) -> Job | None:
        """Take the oldest waiting job, if there is one.

        One that has lost several workers in a row waits until the others had their turn.

        Args:
            worker: Process id of who takes it.
            slot: The lease that process holds.
            environment: Only a job of this one; None: of any.
            limit: Take none when so many run already; 0: no limit.
            job_id: Only this one; None: any.
        """
        with self._writer.transaction() as db:
            row = db.execute(
                "UPDATE jobs SET state = 'running', worker = ?, slot = ?, claimed = ?, "
                "attempts = attempts + 1 WHERE job_id = "
                f"(SELECT job_id FROM jobs WHERE {SQL_WAITING} "
                "AND environment = coalesce(?, environment) AND job_id = coalesce(?, job_id) "
                "ORDER BY losses > 1, job_id LIMIT 1) "
                "AND (? = 0 OR (SELECT count(*) FROM jobs WHERE state = 'running') < ?) "
                f"RETURNING {COLUMNS}",
                (worker, slot, time.time(), environment, job_id, limit, limit),
            ).fetchone()
        if row is None:
            return None
        job = from_row(row)
        self.directory(job.job_id).mkdir(parents=True, exist_ok=True, mode=0o700)
        return job

    def cancel_requested(self, job_id: str) -> bool:
        """Whether the caller asked this job to stop."""
        rows = self._reader.rows("SELECT cancel FROM jobs WHERE job_id = ?", (job_id,))
        return bool(rows and rows[0][0])

    def deaf_workers(self, seconds: float) -> list[int]:
        """Process ids of workers whose job was to stop that long ago and still runs."""
        rows = self._reader.rows(
            "SELECT worker FROM jobs WHERE state = 'running' AND cancel > 0 AND cancel < ?",
            (time.time() - seconds,),
        )
        return [row[0] for row in rows]

    def report(
        self,
        job_id: str,
        done: int,
        total: int,
        message: str,
        frames: int,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Write down how far a running job is."""
        with self._writer.transaction(durable=False, patience_s=patience_s) as db:
            db.execute(
                "UPDATE jobs SET done = ?, total = ?, message = ?, frames = ?, updated = ? "
                "WHERE job_id = ? AND state = 'running'",
                (done, total, message, frames, time.time(), job_id),
            )

    def finish(
        self,
        job_id: str,
        state: State,
        *,
        result: dict[str, Any] | None = None,
        error: str | None = None,
        message: str | None = None,
    ) -> bool:
        """End a running job; False when it has ended or was taken back in the meantime.

        Of one that completed no message stays: numbers of its last report are no result.
        """
        if state == "completed":
            message = ""
        text = None if result is None else json.dumps(result, allow_nan=False)
        size = size_of(self.directory(job_id))
        with self._writer.transaction() as db:
            changed = db.execute(
                "UPDATE jobs SET state = ?, result = ?, error = ?, finished = ?, bytes = ?, "
                "message = coalesce(?, message) WHERE job_id = ? AND state = 'running'",
                (state, text, error, time.time(), size, message, job_id),
            )
            return changed.rowcount == 1

    def interrupt(self, job_id: str, why: str) -> State:
        """Take a running job back from a worker that is gone or must go; its state afterwards.

        It will go on by itself, except when it was to stop, and when it loses worker after worker
        without getting any further.

        Args:
            job_id: The job.
            why: What became of its worker, such as "its worker process 12 was stopped".
        """
        mark = progress_mark(self.directory(job_id))
        row = self._writer.rows(
            "SELECT losses, kept, claimed, cancel FROM jobs WHERE job_id = ?", (job_id,)
        )[0]
        losses, before, claimed, cancel = row
        losses = 1 if mark != before else losses + 1
        job = self.get(job_id)
        message = f"{job.message}; {why}. {self.kept(job)}".removeprefix("; ")
        fair = time.time() - (claimed or 0.0) >= self._fair_s
        if cancel:
            self.finish(job_id, "cancelled", message=message)
        elif losses >= (LOST_LIMIT if fair else LOST_IN_NO_TIME_LIMIT):
            self.finish(job_id, "failed", error=_given_up(losses, why, job.message, self.kept(job)))
        else:
            with self._writer.transaction() as db:
                db.execute(
                    "UPDATE jobs SET state = 'interrupted', message = ?, losses = ?, kept = ? "
                    "WHERE job_id = ? AND state = 'running'",
                    (message, losses, mark, job_id),
                )
        return self.get(job_id).state

    def interrupt_orphans(self, slot: str) -> None:
        """Take back the running jobs of a slot; only while holding its lease."""
        for job in self.running(slot):
            self.interrupt(
                job.job_id,
                f"its worker process {job.worker} ended before the job did (killed, out of "
                "memory, or the machine went down)",
            )

    def tell_waiting(self, environment: str, message: str) -> None:
        """Say why the waiting jobs of an environment wait; writes only what is new."""
        untold = f"{SQL_WAITING} AND environment = ? AND message != ?"
        if self._reader.rows(f"SELECT 1 FROM jobs WHERE {untold} LIMIT 1", (environment, message)):
            with self._writer.transaction() as db:
                db.execute(
                    f"UPDATE jobs SET message = ? WHERE {untold}", (message, environment, message)
                )

    def fail_waiting(self, environment: str, error: str) -> None:
        """End the waiting jobs of an environment that cannot run any."""
        with self._writer.transaction() as db:
            db.execute(
                "UPDATE jobs SET state = 'failed', error = ?, finished = ? "
                f"WHERE {SQL_WAITING} AND environment = ?",
                (error, time.time(), environment),
            )

    def kept(self, job: Job) -> str:
        """What a job that did not complete has left, in words."""
        for path in (self.directory(job.job_id) / name for name in TRAJECTORIES):
            if path.is_file():
                return f"Kept: the trajectory {str(path)!r} with at least {job.frames} frames."
        return "Nothing was kept."

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        self._reader.close()
        self._writer.close()

    @property
    def _directories(self) -> Path:
        return self.home / "jobs"

    def _jobs(self, clause: str, arguments: tuple[object, ...] = ()) -> list[Job]:
        rows = self._reader.rows(f"SELECT {COLUMNS} FROM jobs {clause}", arguments)
        return [from_row(row) for row in rows]


def _given_up(losses: int, why: str, message: str, kept: str) -> str:
    return (
        f"Given up: {losses} workers in a row were lost without the job getting any further; at "
        f"last, {why}. The last report was {message!r}. {kept} Most often such a job needs more "
        "memory than there is: submit it with a smaller cell or a smaller model, or have fewer "
        "workers at once (LLAMP_WORKERS)."
    )

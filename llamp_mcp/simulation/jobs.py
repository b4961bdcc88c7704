"""The job store: one SQLite file and one directory per job, shared by servers and the worker.

A job outlives the client that asked for it and the server that took it.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from llamp_mcp.errors import HomeError, JobError, NotFound, clip, unusable
from llamp_mcp.operation import ResourceLink, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from llamp_mcp.settings import Settings

State = Literal["queued", "running", "completed", "failed", "cancelled", "interrupted"]
FINISHED: Final = frozenset({"completed", "failed", "cancelled", "interrupted"})

WORKER_LOCK: Final = "worker.lock"
"""File in the home directory that the one worker process holds locked while it lives."""
LOG: Final = "log.txt"
TRAJECTORY: Final = "trajectory.traj"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, params TEXT NOT NULL, caller TEXT NOT NULL,
    settings TEXT NOT NULL, state TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
    frames INTEGER NOT NULL DEFAULT 0, result TEXT, error TEXT,
    cancel INTEGER NOT NULL DEFAULT 0, worker INTEGER, created REAL NOT NULL, finished REAL
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the store.

    Attributes:
        job_id: `j-` and 15 hex digits, sortable by the time of submission.
        kind: Operation, whose arguments `params` are.
        settings: Calculator settings of the server that took it.
        message: What it is doing (step `done` of `total`), or what it was doing last.
        frames: Trajectory frames written so far.
        worker: Process id of the worker that took it.
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

    @property
    def finished(self) -> bool:
        """Whether it will not change any more."""
        return self.state in FINISHED


_COLUMNS: Final = ", ".join(Job.__dataclass_fields__)


class JobStore:
    """The jobs of one home directory; safe for many threads and processes.

    Args:
        home: The home directory, which exists.
        queue_limit: Jobs that may wait or run at once.
        min_free_mb: Free disk space below which no job is taken.
        settings: Calculator settings that go with each job, since the worker may have been
            started by a server with others.
    """

    def __init__(
        self,
        home: Path,
        *,
        queue_limit: int = 32,
        min_free_mb: int = 200,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.home = home
        self._queue_limit, self._min_free_mb = queue_limit, min_free_mb
        self._settings = settings or {}
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def of(cls, settings: Settings) -> JobStore:
        """The store of a server with these settings."""
        models = {
            name: file.model_copy(update={"path": file.path.expanduser().absolute()})
            for name, file in settings.models.items()
        }
        return cls(
            settings.open_home(),
            queue_limit=settings.queue_limit,
            min_free_mb=settings.min_free_mb,
            settings={
                "calculator": settings.calculator,
                "models": {name: file.model_dump(mode="json") for name, file in models.items()},
            },
        )

    def submit(self, kind: str, params: dict[str, Any], *, caller: str = "") -> Job:
        """Put a job in the queue.

        Raises:
            JobError: The queue is full.
            HomeError: There is too little disk space.
        """
        self._check_disk()
        job_id = f"j-{time.time_ns() // 1_000_000:011x}{secrets.token_hex(2)}"
        with self._transaction() as db:
            waiting = db.execute(
                "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
            ).fetchone()[0]
            if waiting >= self._queue_limit:
                raise JobError(
                    f"The queue is full: {waiting} jobs wait or run",
                    allowed=f"at most {self._queue_limit}",
                    next_step="Wait for one to end (get_job), or cancel one (cancel_job).",
                )
            directory = self.directory(job_id)
            directory.mkdir(parents=True, mode=0o700)
            (directory / "params.json").write_text(
                json.dumps({"kind": kind, "params": params}, indent=1), encoding="utf-8"
            )
            row = (
                job_id,
                kind,
                json.dumps(params),
                caller,
                json.dumps(self._settings),
                time.time(),
            )
            columns = "job_id, kind, params, caller, settings, created, state"
            db.execute(f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, 'queued')", row)
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """The job of that id.

        Raises:
            NotFound: There is none.
        """
        rows = self._rows("WHERE job_id = ?", (job_id,))
        if not rows:
            raise NotFound(
                f"There is no job {clip(job_id)}",
                allowed="a job_id that a tool returned, such as 'j-' and 15 hex digits",
                next_step="Call get_job without job_id to list the newest.",
            )
        return rows[0]

    def newest(self, limit: int = 20) -> list[Job]:
        """The newest jobs first."""
        return self._rows("ORDER BY job_id DESC LIMIT ?", (limit,))

    def directory(self, job_id: str) -> Path:
        """Where a job keeps its files.

        Raises:
            NotFound: It is not a job id.
        """
        if not re.fullmatch(r"j-[0-9a-f]{15}", job_id):
            raise NotFound(f"{clip(job_id)} is not a job id", allowed="'j-' and 15 hex digits")
        return self.home / "jobs" / job_id

    def request_cancel(self, job_id: str) -> Job:
        """Ask a job to stop: at once when it waits, within its current step when it runs."""
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET cancel = 1, finished = ?, "
                "state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END "
                "WHERE job_id = ? AND state IN ('queued', 'running')",
                (time.time(), job_id),
            )
        return self.get(job_id)

    # --- for the worker and the engine ---

    def has_queued(self) -> bool:
        """Whether a job waits for a worker."""
        return bool(self._rows("WHERE state = 'queued' LIMIT 1"))

    def claim(self, worker: int) -> Job | None:
        """Take the oldest waiting job, if there is one."""
        with self._transaction() as db:
            row = db.execute(
                "UPDATE jobs SET state = 'running', worker = ? WHERE job_id = "
                "(SELECT job_id FROM jobs WHERE state = 'queued' ORDER BY job_id LIMIT 1) "
                f"RETURNING {_COLUMNS}",
                (worker,),
            ).fetchone()
        return _job(row) if row else None

    def cancel_requested(self, job_id: str) -> bool:
        """Whether the caller asked this job to stop."""
        with self._connected() as db:
            row = db.execute("SELECT cancel FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        return bool(row and row[0])

    def report(self, job_id: str, done: int, total: int, message: str, frames: int) -> None:
        """Write down how far a running job is."""
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET done = ?, total = ?, message = ?, frames = ? "
                "WHERE job_id = ? AND state = 'running'",
                (done, total, message, frames, job_id),
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
        """End a running job; False when it has ended otherwise in the meantime."""
        text = None if result is None else json.dumps(result, allow_nan=False)
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE jobs SET state = ?, result = ?, error = ?, finished = ?, "
                "message = coalesce(?, message) WHERE job_id = ? AND state = 'running'",
                (state, text, error, time.time(), message, job_id),
            )
            return changed.rowcount == 1

    def interrupt_orphans(self) -> None:
        """End the running jobs of a worker that is gone; call only while holding its lease."""
        for job in self._rows("WHERE state = 'running'"):
            if self.cancel_requested(job.job_id):
                self.finish(job.job_id, "cancelled", message=f"{job.message}. {self.kept(job)}")
            else:
                self.finish(job.job_id, "interrupted", error=self._epitaph(job))

    def kept(self, job: Job) -> str:
        """What a job that did not complete has left, in words."""
        path = self.directory(job.job_id) / TRAJECTORY
        kept = f"Kept: the trajectory {str(path)!r} with at least {job.frames} frames."
        return kept if path.is_file() else "Nothing was kept."

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _epitaph(self, job: Job) -> str:
        return (
            f"The worker process {job.worker} ended before the job did (killed, out of memory, or "
            f"the machine went down); the last report was {job.message!r}. {self.kept(job)} "
            "Submit it again to run it from its start."
        )

    def _check_disk(self) -> None:
        free_mb = shutil.disk_usage(self.home).free // 2**20
        if free_mb < self._min_free_mb:
            raise HomeError(
                f"There is no disk space for a job: {free_mb} MB are free at {str(self.home)!r}",
                allowed=f"at least {self._min_free_mb} MB free (LLAMP_MIN_FREE_MB)",
                next_step="Free some, for example by deleting old directories below jobs/.",
            )

    def _rows(self, clause: str, arguments: tuple[object, ...] = ()) -> list[Job]:
        with self._connected() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM jobs {clause}", arguments).fetchall()
        return [_job(row) for row in rows]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                yield self._connection
            except (sqlite3.OperationalError, OSError) as error:
                what = f"The job store in {str(self.home)!r} cannot be used"
                raise unusable(what, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        path = self.home / "jobs.sqlite"
        db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_SCHEMA)
        return db


def _job(row: tuple[Any, ...]) -> Job:
    values = dict(zip(Job.__dataclass_fields__, row, strict=True))
    for name in ("params", "settings", "result"):
        if values[name] is not None:
            values[name] = json.loads(values[name])
    return Job(**values)


class Progress(BaseModel):
    """How far a job is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    done: int
    total: int
    message: str


R = TypeVar("R", bound=Result)


class JobAnswer(Result, Generic[R]):
    """The one shape in which every long-running tool answers."""

    job_id: str
    state: State
    progress: Progress
    result: R | None = None
    error: str | None = None

    def text(self) -> str:
        """The result when there is one; else where the job stands and what to do."""
        head = f"Job {self.job_id} {self.state}"
        if self.result is not None:
            return f"{head}.\n{self.result.text()}"
        if self.error is not None:
            return f"{head}: {self.error}"
        progress = self.progress
        where = f"{progress.done} of {progress.total} steps; {progress.message}"
        if self.state in FINISHED:
            return f"{head} after {where}"
        return f"{head}: {where}. Call get_job with job_id {self.job_id!r} to follow it."

    def links(self) -> Iterable[ResourceLink]:
        """Those of the result."""
        return () if self.result is None else self.result.links()

    def images(self) -> Iterable[bytes]:
        """Those of the result."""
        return () if self.result is None else self.result.images()


def answer(job: Job, result: type[R]) -> JobAnswer[R]:
    """What a tool returns of a job whose operation has this result."""
    progress = Progress(done=job.done, total=job.total, message=job.message)
    return JobAnswer[result](  # type: ignore[valid-type]
        job_id=job.job_id,
        state=job.state,
        progress=progress,
        result=None if job.result is None else result.model_validate(job.result),
        error=job.error,
    )

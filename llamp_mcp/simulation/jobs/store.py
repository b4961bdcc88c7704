"""The job store: one SQLite file and one directory per job, shared by servers and workers.

A job outlives the client that asked for it, the server that took it and the worker that runs it.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import HomeError, JobError, NotFound, clip
from llamp_mcp.simulation.jobs import retention
from llamp_mcp.simulation.jobs.rows import SQL_ACTIVE, SQL_WAITING, JobRows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs.job import Job


class JobStore(JobRows):
    """The jobs of one home directory; safe for many threads and processes.

    Args:
        home: The home directory, which exists.
        queue_limit: Jobs that may wait or run at once.
        min_free_mb: Free disk space below which no job is taken.
        settings: Calculator settings that go with each job, since the worker may have been
            started by a server with others.
        fair_s: Seconds in which a job must get further, else a lost worker is held against it.
    """

    def __init__(
        self,
        home: Path,
        *,
        queue_limit: int = 200,
        min_free_mb: int = 200,
        settings: dict[str, Any] | None = None,
        fair_s: float = 30.0,
    ) -> None:
        super().__init__(home, fair_s=fair_s)
        self._queue_limit, self._min_free_mb = queue_limit, min_free_mb
        self._settings = settings or {}
        self._last_ms, self._counting = 0, Lock()

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
                "device": settings.device,
            },
            fair_s=2 * settings.checkpoint_s,
        )

    def submit(
        self, kind: str, params: dict[str, Any], *, caller: str = "", environment: str = ""
    ) -> Job:
        """Put a job in the queue.

        Args:
            kind: Name of a long-running operation.
            params: Its arguments, as JSON values.
            caller: Who asked.
            environment: Calculator family whose interpreter must run it; empty: this one.

        Raises:
            JobError: The queue is full.
            HomeError: There is too little disk space.
        """
        [job_id] = self._add(kind, [params], caller, environment, batch="")
        return self.get(job_id)

    def submit_batch(
        self,
        kind: str,
        members: Sequence[dict[str, Any]],
        *,
        caller: str = "",
        environment: str = "",
    ) -> str:
        """Put several jobs of one kind in the queue, all or none; the id of the batch.

        Args:
            kind: Name of a long-running operation.
            members: The arguments of each, as JSON values.
            caller: Who asked.
            environment: As for `submit`.

        Raises:
            JobError: The queue cannot take so many.
            HomeError: There is too little disk space.
        """
        batch = f"b-{self._take_ms():011x}{secrets.token_hex(2)}"
        self._add(kind, members, caller, environment, batch)
        return batch

    def members(self, batch_id: str) -> list[Job]:
        """The jobs of a batch in the order they were given.

        Raises:
            NotFound: There is no such batch.
        """
        jobs = self._jobs("WHERE batch = ? ORDER BY job_id", (batch_id,)) if batch_id else []
        if not jobs:
            raise NotFound(
                f"There is no batch {clip(batch_id)}; ended jobs are removed after a while",
                allowed="a batch id that a tool returned, such as 'b-' and 15 hex digits",
                next_step="Call get_job without job_id to list the newest jobs.",
            )
        return jobs

    def newest(
        self,
        limit: int = 20,
        *,
        state: str | None = None,
        kind: str | None = None,
        batch: str | None = None,
        caller: str | None = None,
    ) -> list[Job]:
        """The newest jobs first; of those with this state, kind, batch and caller where given."""
        asked = {"state": state, "kind": kind, "batch": batch, "caller": caller}
        given = {name: value for name, value in asked.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in given) or "1"
        return self._jobs(f"WHERE {where} ORDER BY job_id DESC LIMIT ?", (*given.values(), limit))

    def request_cancel(self, job_id: str) -> Job:
        """Ask a job to stop: at once when it waits, within two seconds when it runs."""
        now = time.time()
        with self._writer.transaction() as db:
            db.execute(
                "UPDATE jobs SET cancel = ?, finished = ?, state = 'cancelled', message = "
                "CASE state WHEN 'queued' THEN 'it had not started' ELSE message END "
                f"WHERE job_id = ? AND {SQL_WAITING}",
                (now, now, job_id),
            )
            db.execute(
                "UPDATE jobs SET cancel = ? WHERE job_id = ? AND state = 'running' AND cancel = 0",
                (now, job_id),
            )
        return self.get(job_id)

    def prune(
        self, *, days: float, limit_mb: float, unread_s: float = retention.UNREAD_S
    ) -> list[retention.Removed]:
        """Remove ended jobs that are too old, then the oldest ones until the rest fits the quota.

        Args:
            days: Age from which an ended job goes; 0: none is too old.
            limit_mb: Quota of all jobs together, in MiB.
            unread_s: How long a job that has ended stays whatever the quota.

        Returns:
            What was removed, the oldest first.
        """
        return retention.prune(
            self._writer, self._directories, days=days, limit_mb=limit_mb, unread_s=unread_s
        )

    def _add(
        self,
        kind: str,
        members: Sequence[dict[str, Any]],
        caller: str,
        environment: str,
        batch: str,
    ) -> list[str]:
        self._check_disk()
        moment = f"{self._take_ms():011x}"
        first = secrets.randbelow(0x10000 - len(members))
        ids = [f"j-{moment}{first + n:04x}" for n in range(len(members))]
        with self._writer.transaction() as db:
            active = db.execute(f"SELECT count(*) FROM jobs WHERE {SQL_ACTIVE}").fetchone()[0]
            self._check_room(active, len(members))
            for job_id, params in zip(ids, members, strict=True):
                directory = self.directory(job_id)
                directory.mkdir(parents=True, mode=0o700)
                (directory / "params.json").write_text(
                    json.dumps({"kind": kind, "params": params}, indent=1), encoding="utf-8"
                )
                db.execute(
                    "INSERT INTO jobs (job_id, kind, params, caller, settings, created, batch, "
                    "environment, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
                    (
                        job_id,
                        kind,
                        json.dumps(params),
                        caller,
                        json.dumps(self._settings),
                        time.time(),
                        batch,
                        environment,
                    ),
                )
        return ids

    def _take_ms(self) -> int:
        """The time in ms; later than any this store gave out, so that ids sort by submission."""
        with self._counting:
            self._last_ms = max(time.time_ns() // 1_000_000, self._last_ms + 1)
            return self._last_ms

    def _check_room(self, active: int, more: int) -> None:
        if active + more <= self._queue_limit:
            return
        if more == 1:
            what = f"The queue is full: {active} jobs wait or run"
        else:
            what = f"The queue cannot take {more} more jobs: {active} wait or run"
        raise JobError(
            what,
            allowed=f"at most {self._queue_limit} (LLAMP_QUEUE_LIMIT)",
            next_step="Wait for one to end (get_job), or cancel one (cancel_job).",
        )

    def _check_disk(self) -> None:
        free_mb = shutil.disk_usage(self.home).free // 2**20
        if free_mb < self._min_free_mb:
            raise HomeError(
                f"There is no disk space for a job: {free_mb} MB are free at {str(self.home)!r}",
                allowed=f"at least {self._min_free_mb} MB free (LLAMP_MIN_FREE_MB)",
                next_step="Free some: 'llamp-mcp jobs --clean' removes ended jobs.",
            )

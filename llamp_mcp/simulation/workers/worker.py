"""A process that computes: `python -P -m llamp_mcp.simulation.workers.worker HOME SLOT`.

Workers alone load force fields. One outlives the server that started it, runs one job at a time,
stays warm between jobs and ends when idle. It holds the lease of its slot while it lives (see
`jobs/leases.py`). Settings come by the environment, calculators by the job.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import Timeout

from llamp_mcp.errors import HomeError, InvalidInput
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.jobs import LOG, Job, JobStore
from llamp_mcp.simulation.jobs.leases import (
    CLUSTER,
    environment_of,
    is_held,
    lease,
    release_orphans,
    turn,
)
from llamp_mcp.simulation.workers.checkpoints import sync_files
from llamp_mcp.simulation.workers.execution import Outcome, calculators_for, execute, logging_to
from llamp_mcp.simulation.workers.housekeeping import tidy
from llamp_mcp.simulation.workers.monitor import Monitor
from llamp_mcp.simulation.workers.watchdog import Watchdog
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from threading import Event

    from ase.calculators.calculator import Calculator

POLL_S: Final = 0.05
LOOK_EVERY_S: Final = 5.0
REPORT_PATIENCE_S: Final = 0.2
"""A report of progress that the store does not take at once is dropped: the next one follows."""
COMMIT_FOR_S: Final = 600.0
"""How long a finished job's result is offered to a store that cannot take it."""

_logger = logging.getLogger(__name__)


class Worker:
    """Runs jobs of one home and one environment, one after the other.

    Args:
        settings: Those of the server that started this process.
        slot: The lease this process holds.
    """

    def __init__(self, settings: Settings, slot: str) -> None:
        self._settings, self._slot = settings, slot
        self._environment = environment_of(slot)
        self._jobs = JobStore.of(settings)
        self._structures = StructureStore(settings.open_home())
        self._loaded: dict[tuple[str, ...], Calculator] = {}
        self._watchdog = Watchdog(JobStore.of(settings), settings.worker_memory_mb)

    def has_work(self) -> bool:
        """Whether a job waits for a worker of this environment."""
        return self._jobs.has_waiting(self._environment)

    def serve(self) -> None:
        """Take jobs until none has come for the idle time; the caller holds the lease."""
        self._jobs.interrupt_orphans(self._slot)
        idle_since, next_look = time.monotonic(), 0.0
        while time.monotonic() - idle_since < self._settings.worker_idle_s:
            if self._run_next():
                tidy(self._jobs, self._settings)
                idle_since = time.monotonic()
                continue
            if time.monotonic() >= next_look:
                release_orphans(self._jobs)  # of other slots: no server may be there to see them
                tidy(self._jobs, self._settings)
                next_look = time.monotonic() + LOOK_EVERY_S
            time.sleep(POLL_S)

    def _run_next(self) -> bool:
        """Run a job, if one waits and this process may compute now."""
        if not self.has_work() or is_held(self._jobs.home, CLUSTER):
            return False
        limit = self._settings.workers
        with turn(self._settings.pool, limit) as free:
            job = free and self._jobs.claim(
                os.getpid(), slot=self._slot, environment=self._environment, limit=limit
            )
            if job:
                self._run(job)
        return bool(job)

    def _run(self, job: Job) -> None:
        directory = self._jobs.directory(job.job_id)
        with logging_to(directory / LOG), self._watchdog.watching(job.job_id) as cancelled:
            self._report(job.job_id, job.done, job.total, "loading the calculator", job.frames)
            outcome = execute(
                job.job_id, job.kind, job.params, services=self._services(job, cancelled)
            )
            with contextlib.suppress(OSError):  # a picture less; the numbers are in the result
                sync_files(directory)
            self._commit(job.job_id, outcome)

    def _services(self, job: Job, cancelled: Event) -> dict[str, object]:
        def report(done: int, total: int, message: str, frames: int) -> None:
            self._report(job.job_id, done, total, message, frames)

        return {
            "settings": self._settings,
            "structures": self._structures,
            "jobs": self._jobs,
            "calculators": calculators_for(job.settings, self._settings, self._loaded),
            "monitor": Monitor(
                job.job_id,
                self._jobs.directory(job.job_id),
                report,
                cancelled.is_set,
                self._settings.checkpoint_s,
            ),
        }

    def _report(self, job_id: str, done: int, total: int, message: str, frames: int) -> None:
        with contextlib.suppress(HomeError):
            self._jobs.report(job_id, done, total, message, frames, patience_s=REPORT_PATIENCE_S)

    def _commit(self, job_id: str, outcome: Outcome) -> None:
        """Write the end of a job down; a disk that is full or busy for a while does not lose it."""
        deadline = time.monotonic() + COMMIT_FOR_S
        while True:
            try:
                message = None
                if outcome.state == "cancelled":
                    last = self._jobs.get(job_id)
                    message = f"{last.message}. {self._jobs.kept(last)}"
                self._jobs.finish(
                    job_id,
                    outcome.state,
                    result=outcome.result,
                    error=outcome.error,
                    message=message,
                )
            except HomeError:
                if time.monotonic() > deadline:
                    raise
                _logger.warning("job %s has ended, which cannot be written yet", job_id)
                time.sleep(1)
            else:
                return


def command(home: str, slot: str, python: str = sys.executable) -> list[str]:
    """How a worker is started. `-P`: nothing is imported from the current directory."""
    return [python, "-P", "-m", "llamp_mcp.simulation.workers.worker", home, slot]


def _leave_no_core_file() -> None:
    """A worker that crashes must not write its memory, gigabytes of it, onto the host's disk."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Serve while there is work; end at once when another worker has the lease."""
    if len(sys.argv) != 3:
        raise InvalidInput("The worker takes two arguments", allowed="the home directory, a slot")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.captureWarnings(True)
    _leave_no_core_file()
    settings, slot = Settings(home=Path(sys.argv[1])), sys.argv[2]
    held = lease(settings.open_home(), slot)
    worker = Worker(settings, slot)
    while True:
        try:
            # Not at once: a server looking whether there is a worker holds it for an instant.
            held.acquire(timeout=2)
        except Timeout:
            return
        try:
            worker.serve()
        finally:
            held.release()
        # Nobody may have been told of a job that came between the last look and the release.
        if not worker.has_work():
            return


if __name__ == "__main__":
    main()

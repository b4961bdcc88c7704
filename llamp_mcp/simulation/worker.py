"""The one process per home directory that computes: `python -m llamp_mcp.simulation.worker HOME`.

It alone loads force fields. It outlives the server that started it, runs one job at a time, stays
warm between jobs and ends when idle. Settings come by the environment, calculators by the job.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from llamp_mcp.errors import Cancelled, InvalidInput, LlampError, is_disk_full, one_of
from llamp_mcp.operation import needs
from llamp_mcp.settings import ModelFile, Settings
from llamp_mcp.simulation import OPERATIONS
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.jobs import LOG, WORKER_LOCK, Job, JobStore
from llamp_mcp.simulation.monitor import Monitor
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase.calculators.calculator import Calculator

POLL_S: Final = 0.05
WATCH_S: Final = 0.1
GRACE_S: Final = 1.0
"""Time a cancelled job has to stop by itself; then the process is replaced."""

_NO_SPACE: Final = "No space is left on the disk of LLAMP_HOME. Free some and submit the job again."

_logger = logging.getLogger(__name__)


class Worker:
    """Runs jobs of one home, one after the other.

    Args:
        settings: Those of the server that started this process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs = JobStore.of(settings)
        self._structures = StructureStore(settings.open_home())
        self._loaded: dict[tuple[str, ...], Calculator] = {}
        self._current: tuple[str, Event] | None = None

        Thread(target=self._watch, daemon=True, name="watchdog").start()

    def has_work(self) -> bool:
        """Whether a job waits."""
        return self._jobs.has_queued()

    def serve(self) -> None:
        """Take jobs until none has come for the idle time; the caller holds the lease."""
        self._jobs.interrupt_orphans()
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < self._settings.worker_idle_s:
            job = self._jobs.claim(os.getpid()) if self._jobs.has_queued() else None
            if job is None:
                time.sleep(POLL_S)
                continue
            self._execute(job)
            idle_since = time.monotonic()

    def _execute(self, job: Job) -> None:
        cancelled = Event()
        self._current = (job.job_id, cancelled)
        try:
            with _logging_to(self._jobs.directory(job.job_id) / LOG):
                self._finish(job, cancelled)
        finally:
            self._current = None

    def _finish(self, job: Job, cancelled: Event) -> None:
        jobs = self._jobs
        try:
            result = self._run(job, cancelled)
        except Cancelled:
            last = jobs.get(job.job_id)
            message = f"{last.message}. {jobs.kept(last)}"
            jobs.finish(job.job_id, "cancelled", message=message)
        except LlampError as error:
            jobs.finish(job.job_id, "failed", error=str(error))
        except Exception as error:
            # The one boundary where a bug must become a job's end, not the worker's.
            _logger.exception("job %s failed", job.job_id)
            text = _NO_SPACE if is_disk_full(error) else _internal(job)
            jobs.finish(job.job_id, "failed", error=text)
        else:
            jobs.finish(job.job_id, "completed", result=result)

    def _run(self, job: Job, cancelled: Event) -> dict[str, Any]:
        operations = {operation.name: operation for operation in OPERATIONS}
        operation = operations.get(job.kind)
        if operation is None:
            raise one_of("kind of job", job.kind, operations)
        directory = self._jobs.directory(job.job_id)

        def report(done: int, total: int, message: str, frames: int) -> None:
            self._jobs.report(job.job_id, done, total, message, frames)

        services = {
            "settings": self._settings,
            "structures": self._structures,
            "jobs": self._jobs,
            "calculators": self._calculators(job),
            "monitor": Monitor(job.job_id, directory, report, cancelled.is_set),
        }
        report(0, 0, "loading the calculator", 0)
        result = operation.run(
            operation.params.model_validate(job.params),
            **{name: services[name] for name in needs(operation.run)},
        )
        return result.model_dump(mode="json")

    def _calculators(self, job: Job) -> Calculators:
        """Those of the server that took the job; files already loaded stay warm."""
        models = job.settings.get("models", {})
        update = {
            "calculator": job.settings.get("calculator", ""),
            "models": {name: ModelFile.model_validate(file) for name, file in models.items()},
        }
        return Calculators(self._settings.model_copy(update=update), self._loaded)

    def _watch(self) -> None:
        """Pass a cancellation on; replace the process when the job does not heed it."""
        asked: dict[str, float] = {}
        while True:
            time.sleep(WATCH_S)
            current = self._current
            if current is None:
                continue
            job_id, cancelled = current
            if not cancelled.is_set():
                if self._jobs.cancel_requested(job_id):
                    asked = {job_id: time.monotonic()}
                    cancelled.set()
            elif time.monotonic() - asked.get(job_id, 0.0) > GRACE_S:
                self._abandon(job_id)

    def _abandon(self, job_id: str) -> None:
        """A native call cannot be stopped from within: start over as a fresh process."""
        last = self._jobs.get(job_id)
        message = f"{last.message}; stopped in the midst of it. {self._jobs.kept(last)}"
        if self._jobs.finish(job_id, "cancelled", message=message):
            _become_fresh()


def _become_fresh() -> None:
    """Replace this process: every thread ends, the lease is dropped, waiting jobs go on."""
    os.execv(sys.executable, [sys.executable, *command(sys.argv[1])[1:]])


def command(home: str) -> list[str]:
    """How a worker is started. `-P`: nothing is imported from the current directory."""
    return [sys.executable, "-P", "-m", "llamp_mcp.simulation.worker", home]


def _internal(job: Job) -> str:
    return f"Internal error; the traceback is in job://{job.job_id}/log"


@contextlib.contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Log records, warnings and whatever libraries print, into the log of the job."""
    root = logging.getLogger()
    with path.open("a", encoding="utf-8", buffering=1) as stream:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(handler)
        try:
            with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                yield
        finally:
            root.removeHandler(handler)


def main() -> None:
    """Serve while there is work; end at once when another worker has the lease."""
    if len(sys.argv) != 2:
        raise InvalidInput("The worker takes one argument", allowed="the home directory")
    logging.basicConfig(level=logging.INFO)
    logging.captureWarnings(True)
    settings = Settings(home=Path(sys.argv[1]))
    lease = FileLock(settings.open_home() / WORKER_LOCK)
    worker = Worker(settings)
    while True:
        try:
            # Not at once: a server looking whether there is a worker holds it for an instant.
            lease.acquire(timeout=2)
        except Timeout:
            return
        try:
            worker.serve()
        finally:
            lease.release()
        # Nobody may have been told of a job that came between the last look and the release.
        if not worker.has_work():
            return


if __name__ == "__main__":
    main()

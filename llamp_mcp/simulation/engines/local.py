"""The engine of one machine: one worker process per home directory, started on demand."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from llamp_mcp.errors import HomeError, JobError
from llamp_mcp.simulation.jobs import WORKER_LOCK

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import JobStore

WORKER_LOG: Final = "worker.log"
_MAX_LOG_BYTES: Final = 5 * 2**20
_MAX_FAILED_STARTS: Final = 3
_SECRETS: Final = ("MP_API_KEY", "LLAMP_HTTP_TOKEN")


class LocalEngine:
    """Keeps a worker alive while there is work.

    The worker is a session of its own: it goes on when this server ends. Whether there is one is
    told by a lock that the system drops when a process ends, however it ends.

    Args:
        settings: What the worker is started with.
        jobs: The store it works on.
    """

    def __init__(self, settings: Settings, jobs: JobStore) -> None:
        self._settings, self._jobs = settings, jobs
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._failed_starts = 0

    def start(self) -> None:
        """Have a worker: call after submitting a job.

        Raises:
            JobError: It failed to start several times in a row.
            HomeError: The home directory cannot be written.
        """
        with self._lock:
            if self._starting() or not self._lease_free():
                return
            if self._failed_starts >= _MAX_FAILED_STARTS:
                self._failed_starts = 0
                raise JobError(
                    f"The worker process failed to start {_MAX_FAILED_STARTS} times",
                    next_step=f"See {str(self._jobs.home / WORKER_LOG)!r}.",
                )
            self._spawn()

    def recover(self) -> None:
        """Notice a dead worker: end its job as interrupted, and see that waiting ones run.

        Cheap; call before answering with the state of a job.
        """
        with suppress(Timeout), FileLock(self._jobs.home / WORKER_LOCK, timeout=0):
            self._jobs.interrupt_orphans()
        if self._jobs.has_queued():
            self.start()

    def stop(self, grace: float = 5.0) -> None:
        """End the worker this engine started, and with it the running job; for tests."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(grace)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker this engine started, while it lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def _lease_free(self) -> bool:
        with suppress(Timeout), FileLock(self._jobs.home / WORKER_LOCK, timeout=0):
            return True
        return False

    def _starting(self) -> bool:
        """Whether our own process is there, with or without the lease yet."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return True
        # A killed worker had started; only one that ended by an error of its own counts.
        self._failed_starts = self._failed_starts + 1 if code > 0 else 0
        self._process = None
        return False

    def _spawn(self) -> None:
        from llamp_mcp.simulation.worker import command

        log = self._jobs.home / WORKER_LOG
        mode = "ab" if not log.exists() or log.stat().st_size < _MAX_LOG_BYTES else "wb"
        try:
            with log.open(mode) as stream:
                self._process = subprocess.Popen(
                    command(str(self._jobs.home)),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    env=self._environment(),
                    cwd=self._jobs.home,
                    start_new_session=True,
                )
        except OSError as error:
            raise HomeError(
                f"Cannot start the worker process: {error.strerror}",
                next_step="Check memory, disk space and permissions of LLAMP_HOME.",
            ) from error

    def _environment(self) -> dict[str, str]:
        """The server's, without its secrets, with threads capped before torch is loaded."""
        settings = self._settings
        threads = str(settings.threads)
        inherited = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        return inherited | {
            "LLAMP_THREADS": threads,
            "LLAMP_WORKER_IDLE_S": str(settings.worker_idle_s),
            "LLAMP_MODELS": "{}",
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "OMP_WAIT_POLICY": "PASSIVE",
        }

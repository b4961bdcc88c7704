"""The engine of one machine: a pool of worker processes per home directory, started on demand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import llamp_mcp
from llamp_mcp.errors import HomeError, JobError
from llamp_mcp.simulation.jobs import WAITING
from llamp_mcp.simulation.jobs.leases import CLUSTER, WORKERS, is_held, release_orphans, slot_name
from llamp_mcp.simulation.workers.housekeeping import WORKER_LOG, shorten
from llamp_mcp.simulation.workers.process_environment import process_environment

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import JobStore

_MAX_FAILED_STARTS: Final = 3
_DEAF_S: Final = 1.6
"""A worker that was to stop its job so long ago is stuck where not even its watchdog can run."""
_NEEDED_THERE: Final = (
    "LLAMP_ENVIRONMENTS must name a Python of at least 3.11 in which llamp-mcp is installed, too."
)
_NOBODY: Final = (
    "waits for a server that has an interpreter for {!r} in LLAMP_ENVIRONMENTS, which this has not"
)
_HANDED_ON: Final = (
    "checkpoint_s",
    "device",
    "job_days",
    "jobs_mb",
    "min_free_mb",
    "test_fixtures",
    "worker_idle_s",
    "worker_memory_mb",
    "workers",
)


class LocalEngine:
    """Keeps workers alive while there is work, at most `workers` computing at once.

    While another server has the jobs of this home computed on a cluster, there are none.

    A worker is a session of its own: it goes on when this server ends, and serves other servers on
    the same home. Whether there is one in a slot is told by the slot's lease.

    Args:
        settings: What the workers are started with.
        jobs: The store they work on.
    """

    def __init__(self, settings: Settings, jobs: JobStore) -> None:
        self._settings, self._jobs = settings, jobs
        self._lock = Lock()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._failed_starts: dict[str, int] = {}

    def start(self) -> None:
        """Have workers: call after submitting a job.

        Raises:
            JobError: They failed to start several times in a row.
            HomeError: The home directory cannot be written.
        """
        with self._lock:
            self._reap()
            if is_held(self._jobs.home, CLUSTER):
                return
            for environment, wanted in self._wanted().items():
                if self._python(environment) is not None:
                    self._fill(environment, wanted)
                else:
                    self._jobs.tell_waiting(environment, _NOBODY.format(environment))

    def recover(self) -> None:
        """Notice dead workers, take their jobs back, and see that waiting ones run.

        Cheap; call before answering with the state of a job, and when a server starts.
        """
        release_orphans(self._jobs)
        self._kill_deaf()
        if self._jobs.has_waiting():
            self.start()

    def stop(self, grace: float = 5.0) -> None:
        """End the workers this engine started; their jobs become `interrupted`. For tests."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(grace)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(grace)

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers this engine started, of those that live."""
        return [p.pid for p in self._processes.values() if p.poll() is None]

    def _wanted(self) -> dict[str, int]:
        """Workers there should be, for each environment in which a job waits."""
        waiting: dict[str, int] = {}
        running: dict[str, int] = {}
        for standing in self._jobs.standing():
            counts = waiting if standing.state in WAITING else running
            counts[standing.environment] = counts.get(standing.environment, 0) + standing.count
        limit = self._settings.workers
        return {name: min(limit, n + running.get(name, 0)) for name, n in waiting.items()}

    def _fill(self, environment: str, wanted: int) -> None:
        names = [slot_name(environment, n) for n in range(self._settings.workers)]
        free = [slot for slot in names if not self._is_served(slot)]
        missing = free[: max(0, wanted - (len(names) - len(free)))]
        if missing and self._failed_starts.get(environment, 0) >= _MAX_FAILED_STARTS:
            self._failed_starts[environment] = 0
            self._give_up(environment)
            return
        for slot in missing:
            self._spawn(slot, environment)

    def _give_up(self, environment: str) -> None:
        """Tell the caller; an interpreter of its own must not keep other jobs from being asked."""
        error = JobError(
            f"The worker process of {str(self._python(environment))!r} failed to start "
            f"{_MAX_FAILED_STARTS} times",
            next_step=f"See {str(self._jobs.home / WORKER_LOG)!r}."
            + (f" {_NEEDED_THERE}" if environment else ""),
        )
        if not environment:
            raise error
        self._jobs.fail_waiting(environment, str(error))

    def _is_served(self, slot: str) -> bool:
        """Whether a worker is there: ours, with or without its lease yet, or somebody's."""
        return slot in self._processes or is_held(self._jobs.home, slot)

    def _reap(self) -> None:
        for slot, process in list(self._processes.items()):
            code = process.poll()
            if code is None:
                continue
            # A killed worker had started; only one that ended by an error of its own counts.
            environment = slot.rpartition(".")[0]
            failed = self._failed_starts.get(environment, 0) + 1 if code > 0 else 0
            self._failed_starts[environment] = failed
            del self._processes[slot]

    def _kill_deaf(self) -> None:
        """Only our own: the process id of another's might be that of something else by now."""
        for pid in self._jobs.deaf_workers(_DEAF_S):
            for process in list(self._processes.values()):
                if process.pid == pid and process.poll() is None:
                    process.kill()
                    process.wait()
                    release_orphans(self._jobs)

    def _python(self, environment: str) -> Path | None:
        """The interpreter of an environment; None when another server has to start it."""
        if not environment:
            return Path(sys.executable)
        path = self._settings.environments.get(environment)
        return path.expanduser() if path is not None else None

    def _spawn(self, slot: str, environment: str) -> None:
        from llamp_mcp.simulation.workers.worker import command

        log = self._jobs.home / WORKER_LOG
        try:
            shorten(log)
            with log.open("ab") as stream:
                self._processes[slot] = subprocess.Popen(
                    command(str(self._jobs.home), slot, str(self._python(environment))),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    env=self._environment(environment),
                    cwd=self._jobs.home,
                    start_new_session=True,
                )
        except OSError as error:
            raise HomeError(
                f"Cannot start the worker process: {error.strerror}",
                next_step="Check memory, disk space and permissions of LLAMP_HOME"
                + (", and the interpreter in LLAMP_ENVIRONMENTS." if environment else "."),
            ) from error

    def _environment(self, environment: str = "") -> dict[str, str]:
        """Of a worker: what it is told of the settings, too."""
        settings, threads = self._settings, self._threads
        told = {f"LLAMP_{name.upper()}": str(getattr(settings, name)) for name in _HANDED_ON}
        ours = {
            **told,
            "LLAMP_THREADS": str(threads),
            "LLAMP_WORKSPACE": str(settings.workspace_path),
            "LLAMP_POOL": str(settings.pool or ""),
            "LLAMP_MODELS": "{}",
            "LLAMP_ENVIRONMENTS": "{}",
        }
        if environment:
            ours["PYTHONPATH"] = str(self._only_our_package())
        return process_environment(threads) | ours

    @property
    def _threads(self) -> int:
        """As set; else a share of the cores: more threads than cores cost a factor of up to 10."""
        share = (os.cpu_count() or 1) // self._settings.workers
        threads = self._settings.threads
        return threads if "threads" in self._settings.model_fields_set else min(threads, share or 1)

    def _only_our_package(self) -> Path:
        """A directory with this version of ours and nothing else of this interpreter in it."""
        package = Path(llamp_mcp.__file__).parent
        folder = self._jobs.home / WORKERS / f"package-{llamp_mcp.__version__}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        link = folder / package.name
        if not link.is_symlink() or link.readlink() != package:
            link.unlink(missing_ok=True)
            link.symlink_to(package)
        return folder

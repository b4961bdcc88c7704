"""The engine of a cluster: jobs run as tasks of dask.distributed (`LLAMP_ENGINE=tcp://host:port`).

One server of a home dispatches (`dispatcher.py`). Others on the same home only submit; when the one
ends, another takes over. A task goes on without any server, and its outcome is waited for.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from threading import Lock, Thread
from typing import TYPE_CHECKING

from llamp_mcp.errors import JobError
from llamp_mcp.simulation.engines.dispatcher import CONNECT_S, RETRY_EVERY_S, Dispatcher
from llamp_mcp.simulation.jobs.leases import CLUSTER, is_held

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import JobStore


class DaskEngine:
    """Hands jobs to a Dask scheduler, and writes down what comes back.

    Args:
        settings: `engine` is the address of the scheduler.
        jobs: The store.
    """

    def __init__(self, settings: Settings, jobs: JobStore) -> None:
        self._settings, self._jobs = settings, jobs
        self._lock = Lock()
        self._thread: Thread | None = None
        self._dispatcher: Dispatcher | None = None
        self._not_before = 0.0

    def start(self) -> None:
        """Have waiting jobs run: call after submitting.

        Raises:
            JobError: The scheduler does not answer, or dask.distributed is not installed.
        """
        dispatcher = self._dispatch()
        if dispatcher is None:
            return
        dispatcher.wake()
        if problem := dispatcher.problem():
            raise JobError(
                problem,
                next_step="The job waits and will run when it does; get_job without job_id "
                f"lists it ({len(self._jobs.waiting())} wait).",
            )

    def recover(self) -> None:
        """Take over when no server dispatches and there is something to do. Cheap."""
        if self._jobs.standing():
            self._dispatch()

    def stop(self, grace: float = 5.0) -> None:
        """Stop dispatching. What was handed to the cluster goes on there."""
        with self._lock:
            if self._dispatcher is not None:
                self._dispatcher.stop()
            if self._thread is not None:
                self._thread.join(grace + CONNECT_S)
            self._dispatcher = self._thread = None
            self._not_before = 0.0

    def _dispatch(self) -> Dispatcher | None:
        """The dispatcher, when it is in this process; started when no other server has one."""
        _check_installed()
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return self._dispatcher
            if is_held(self._jobs.home, CLUSTER) or time.monotonic() < self._not_before:
                return None
            self._not_before = time.monotonic() + RETRY_EVERY_S
            self._dispatcher = Dispatcher(self._settings, self._jobs)
            self._thread = Thread(
                target=self._dispatcher.serve, daemon=True, name="dask dispatcher"
            )
            self._thread.start()
            return self._dispatcher


def _check_installed() -> None:
    if find_spec("distributed") is None:
        raise JobError(
            "LLAMP_ENGINE names a Dask scheduler, but dask.distributed is not installed",
            next_step="Run: pip install 'llamp-mcp[dask]'; or set LLAMP_ENGINE to 'local'.",
        )

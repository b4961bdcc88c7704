"""The thread of one server that hands jobs to a Dask scheduler, and writes down what comes back.

It holds the lease `dask` of the home and alone writes into the stores. What it handed out is wanted
"for ever" by the scheduler, and leaves its outcome in the directory of the job, which all machines
share: so a server may end and another take up its jobs.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from filelock import Timeout

from llamp_mcp.errors import HomeError, NotFound
from llamp_mcp.simulation.engines.parcels import pack, unpack
from llamp_mcp.simulation.engines.shared_files import SharedFiles
from llamp_mcp.simulation.engines.task import run_here
from llamp_mcp.simulation.jobs import WAITING
from llamp_mcp.simulation.jobs.leases import CLUSTER, lease
from llamp_mcp.simulation.workers.housekeeping import tidy
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from distributed import Client, Future

    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import Job, JobStore

CONNECT_S: Final = 3.0
"""How long the scheduler may take to answer."""
LOOK_EVERY_S: Final = 0.2
RETRY_EVERY_S: Final = 1.0
DEAF_S: Final = 5.0
"""A machine that was to stop a job so long ago is not waited for."""
_ALONE: Final = "the Dask scheduler does not answer; the job goes on when it does"
_INSTALL: Final = "Dask workers need the same llamp-mcp, with its force fields, as the server."

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Task:
    """A job that was handed to the cluster.

    Attributes:
        files: Those shared with the machine that computes.
        future: Of its outcome.
        key: Under which the scheduler knows it.
        told: The progress that was written down last.
        asked: When it was told to stop, by the monotonic clock.
    """

    files: SharedFiles
    future: Future
    key: str
    told: dict[str, Any] = field(default_factory=dict)
    asked: float | None = None


class Dispatcher:
    """The thread that talks to the scheduler, while it holds the lease.

    Args:
        settings: As for `DaskEngine`.
        jobs: The store.
    """

    def __init__(self, settings: Settings, jobs: JobStore) -> None:
        self._settings, self._jobs = settings, jobs
        self._structures = StructureStore(jobs.home)
        self._client: Client | None = None
        self._tasks: dict[str, Task] = {}
        self._problem = ""
        self._looked, self._awake, self._stopped = Event(), Event(), Event()

    def problem(self) -> str:
        """Why nothing can run now, after a look if there was none yet; empty when all is well."""
        self._looked.wait(CONNECT_S + 1)
        return self._problem

    def wake(self) -> None:
        """Look at once."""
        self._awake.set()

    def stop(self) -> None:
        """End `serve` soon."""
        self._stopped.set()
        self._awake.set()

    def serve(self) -> None:
        """Until stopped; at once when another server has the lease."""
        held = lease(self._jobs.home, CLUSTER)
        try:
            held.acquire(timeout=LOOK_EVERY_S)  # who looks whether it is held, holds it
        except Timeout:
            self._looked.set()
            return
        try:
            while not self._stopped.is_set():
                self._awake.clear()
                connected = self._connect()
                self._looked.set()
                self._try_round(connected)
                tidy(self._jobs, self._settings)
                self._awake.wait(LOOK_EVERY_S if connected else RETRY_EVERY_S)
        finally:
            self._disconnect()
            held.release()

    # --- the connection ---

    def _connect(self) -> bool:
        if self._client is not None and _is_connected(self._client):
            return True
        self._disconnect()
        try:
            from distributed import Client

            self._client = Client(
                self._settings.engine,
                timeout=CONNECT_S,
                set_as_default=False,
                name="llamp-mcp",
            )
        except (OSError, TimeoutError, ValueError, ImportError) as error:
            self._problem = (
                f"No Dask scheduler answers at {self._settings.engine!r} (LLAMP_ENGINE): {error}"
            )
            return False
        self._problem = ""
        return True

    def _disconnect(self) -> None:
        """Forget the client and what it was told; the tasks themselves go on."""
        if self._client is not None:
            self._client.close(timeout=1)
        self._client = None
        self._tasks.clear()

    # --- one look at everything ---

    def _try_round(self, connected: bool) -> None:
        from distributed.client import ClosedClientError

        try:
            self._round(connected)
        except (HomeError, OSError, ClosedClientError):
            # A full disk, a busy store, a scheduler gone this instant: all is looked at anew.
            _logger.warning("jobs on the Dask cluster cannot be followed now", exc_info=True)
            self._disconnect()

    def _round(self, connected: bool) -> None:
        """Hand out what is new, follow what is out, and write down what ended."""
        jobs = {job.job_id: job for job in (*self._jobs.waiting(), *self._jobs.running(CLUSTER))}
        for job_id, job in jobs.items():
            if job_id not in self._tasks:
                self._take_up(job, connected)
        for job_id, task in list(self._tasks.items()):
            if job_id not in jobs:
                self._abandon(task)
                del self._tasks[job_id]
            elif task.future.done():
                del self._tasks[job_id]
                self._settle(jobs[job_id], task.future)
            else:
                self._follow(jobs[job_id], task)

    def _take_up(self, job: Job, connected: bool) -> None:
        """A job that is new, or was handed out before the scheduler or the last server ended."""
        files = SharedFiles(self._jobs.directory(job.job_id))
        waits = job.state in WAITING
        if not waits and (outcome := files.outcome()) is not None:
            self._end(job, outcome)
        elif not waits and self._jobs.cancel_requested(job.job_id):
            files.ask_to_stop()
            self._end(job, {"state": "cancelled"})
        elif connected:
            # The same key means the same task, which the scheduler may still be busy with.
            key = "" if job.state == "interrupted" else files.key()
            self._hand_out(job, files, key or f"llamp-{job.job_id}-{job.attempts}")
        elif not waits and job.message != _ALONE:
            self._jobs.report(job.job_id, job.done, job.total, _ALONE, job.frames)

    def _hand_out(self, job: Job, files: SharedFiles, key: str) -> None:
        from distributed import fire_and_forget

        assert self._client is not None
        try:
            parcel = pack(job, key, str(self._jobs.home.absolute()), self._structures)
        except NotFound as error:
            self._end(job, {"state": "failed", "error": str(error)})
            return
        files.hand_out(key)
        future = self._client.submit(run_here, parcel, key=key, pure=False)
        fire_and_forget(future)
        future.add_done_callback(lambda _future: self._awake.set())
        self._tasks[job.job_id] = Task(files, future, key)

    def _follow(self, job: Job, task: Task) -> None:
        """Write down how far a job is, and pass on that it is to stop."""
        progress = task.files.progress()
        if progress is not None and progress != task.told and progress["key"] == task.key:
            self._claim(job)
            task.told = progress
            told = (progress[name] for name in ("done", "total", "message", "frames"))
            self._jobs.report(job.job_id, *told)
        if job.state in WAITING or not self._jobs.cancel_requested(job.job_id):
            return
        if task.asked is None:
            task.asked = time.monotonic()
            task.files.ask_to_stop()
        elif time.monotonic() - task.asked > DEAF_S:
            self._abandon(task)
            self._end(job, {"state": "cancelled"})

    def _abandon(self, task: Task) -> None:
        """Nobody wants it any more, whether it has begun or not."""
        assert self._client is not None
        task.files.ask_to_stop()
        self._client.cancel([task.future], force=True)

    def _settle(self, job: Job, future: Future) -> None:
        """What the end of a Dask task means for its job."""
        from distributed import KilledWorker

        if future.status == "finished":
            self._end(job, future.result())
        elif future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                self._end(job, {"state": "lost", "error": "the Dask workers that ran it were lost"})
            else:
                told = f"The Dask worker could not run it: {type(error).__name__}: {error}"
                self._end(job, {"state": "failed", "error": f"{told}. {_INSTALL}"})
        # Else the scheduler has forgotten it, and the next round hands it out again.

    def _end(self, job: Job, outcome: dict[str, Any]) -> None:
        """Write down how a job ended; structures first: no result may name one that lacks."""
        self._claim(job)
        state = outcome["state"]
        if state in ("lost", "superseded"):
            self._jobs.interrupt(job.job_id, outcome.get("error", "another attempt took its place"))
            return
        for structure, step in unpack(outcome.get("structures") or ()):
            self._structures.put(structure, step)
        message = None
        if state == "cancelled":
            last = self._jobs.get(job.job_id)
            message = f"{last.message}. {self._jobs.kept(last)}"
        self._jobs.finish(
            job.job_id,
            state,
            result=outcome.get("result"),
            error=outcome.get("error"),
            message=message,
        )

    def _claim(self, job: Job) -> None:
        """A job that was handed out waits until a machine begins with it."""
        if job.state in WAITING:
            self._jobs.claim(os.getpid(), slot=CLUSTER, environment=None, job_id=job.job_id)


def _is_connected(client: Client) -> bool:
    """A scheduler that was shut down in good order leaves the client `running`."""
    stream = client.scheduler_comm
    return client.status == "running" and stream is not None and not stream.closed()

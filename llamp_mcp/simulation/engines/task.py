"""The Dask task: it runs on a thread of a Dask worker, and has a warm process compute.

The thread only waits, so that the worker goes on answering its scheduler, and can stop the process
in the midst of a force call.
"""

from __future__ import annotations

import json
import os
import platform
import select
import subprocess
import sys
import time
import uuid
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp import __version__
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.engines.shared_files import SharedFiles
from llamp_mcp.simulation.workers.process_environment import process_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llamp_mcp.simulation.engines.parcels import Parcel

LOOK_EVERY_S: Final = 0.2
GRACE_S: Final = 1.0
"""Time a job has to stop by itself; then its process is killed."""


class Warm:
    """A process that computes one job after the other.

    Args:
        interpreter: What it runs in.
        settings: Of this machine.
    """

    def __init__(self, interpreter: str, settings: Settings) -> None:
        self.interpreter = interpreter
        self._process = subprocess.Popen(
            command(interpreter),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=process_environment(settings.threads),
        )
        self._heard = b""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it can take another job."""
        return self._process.poll() is None

    def say(self, what: Mapping[str, Any]) -> None:
        """Send a line; nothing happens when the process is gone, which `hear` then tells."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{json.dumps(what)}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def hear(self, timeout_s: float) -> dict[str, Any] | None:
        """The next line, or None when none came in time.

        Raises:
            EOFError: The process is gone.
        """
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._heard:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([handle], [], [], left)[0]:
                return None
            piece = os.read(handle, 2**16)
            if not piece:
                raise EOFError
            self._heard += piece
        line, self._heard = self._heard.split(b"\n", 1)
        said: dict[str, Any] = json.loads(line)
        return said

    def end(self) -> int:
        """Kill it; its exit status."""
        self._process.kill()
        status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        return status


class Shelf:
    """The warm processes of this Dask worker that have nothing to do: one for each thread."""

    def __init__(self) -> None:
        self._idle: list[Warm] = []
        self._lock = Lock()

    def take(self, interpreter: str, settings: Settings) -> Warm:
        """One of that interpreter, warm if there is one; of another's, one makes room for it."""
        with self._lock:
            gone = [one for one in self._idle if not one.lives]
            self._idle = [one for one in self._idle if one.lives]
            found = next((one for one in self._idle if one.interpreter == interpreter), None)
            if found is not None:
                self._idle.remove(found)
            elif self._idle:
                gone.append(self._idle.pop(0))
        for one in gone:
            one.end()
        return found or Warm(interpreter, settings)

    def put_back(self, one: Warm) -> None:
        """Keep it for the next job."""
        with self._lock:
            self._idle.append(one)


_shelf: Final = Shelf()


def command(interpreter: str) -> list[str]:
    """How a process that computes is started: nothing is imported from the current directory."""
    return [interpreter, "-P", "-m", "llamp_mcp.simulation.engines.child"]


def run_here(parcel: Parcel) -> dict[str, Any]:
    """Compute a job on this machine, or go on with it where an earlier attempt was interrupted.

    Returns:
        An `Outcome` as a mapping, with the `structures` it made; or state `superseded` when another
        attempt has begun elsewhere, or `lost`, with `error`, when its process was.
    """
    files = SharedFiles(Path(parcel["home"]) / "jobs" / parcel["job_id"])
    if (problem := _problem(parcel, files)) is not None:
        return {"state": "failed", "error": problem}
    if (outcome := files.outcome()) is not None:
        return outcome
    settings = Settings(home=Path(parcel["home"]))
    token = uuid.uuid4().hex
    files.begin(token)
    worker = _shelf.take(_interpreter(parcel, settings), settings)
    try:
        worker.say({**parcel, "token": token})
        outcome = _follow(worker, files, token)
    except BaseException:
        worker.end()
        raise
    if worker.lives:
        _shelf.put_back(worker)
    if outcome["state"] not in ("lost", "superseded"):
        files.keep(outcome)
    return outcome


def _follow(worker: Warm, files: SharedFiles, token: str) -> dict[str, Any]:
    """Wait for the process, and stop it when the caller or a later attempt wants it."""
    asked: float | None = None
    while True:
        try:
            outcome = worker.hear(LOOK_EVERY_S)
        except EOFError:
            return _end_of(worker, files, token)
        if outcome is not None:
            if outcome["state"] == "lost":  # it took too much memory, and goes
                worker.end()
            return outcome
        if not files.is_mine(token):
            worker.end()
            return {"state": "superseded"}
        if asked is None and files.stop_asked():
            asked = time.monotonic()
            worker.say({"stop": True})
        elif asked is not None and time.monotonic() - asked > GRACE_S:
            worker.end()
            return {"state": "cancelled"}


def _end_of(worker: Warm, files: SharedFiles, token: str) -> dict[str, Any]:
    """What it means that the process is gone."""
    pid, status = worker.pid, worker.end()
    if not files.is_mine(token):
        return {"state": "superseded"}
    how = f"by signal {-status}" if status < 0 else f"with status {status}"
    why = f"its process {pid} on {platform.node()} ended {how} (killed, or out of memory)"
    return {"state": "lost", "error": why}


def _problem(parcel: Parcel, files: SharedFiles) -> str | None:
    """Why this machine cannot compute it, and what to do."""
    if parcel["version"] != __version__:
        return (
            f"The Dask worker on {platform.node()} has llamp-mcp {__version__}, the server "
            f"{parcel['version']}. Install the same version on both."
        )
    if not files.is_shared():
        return (
            f"The Dask worker on {platform.node()} does not see {str(files.directory)!r}. "
            "LLAMP_HOME must lie, at the same path, on a disk that all machines share."
        )
    return None


def _interpreter(parcel: Parcel, settings: Settings) -> str:
    own = settings.environments.get(parcel["environment"])
    return sys.executable if own is None else str(own.expanduser())

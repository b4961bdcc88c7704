"""The warm process beside a Dask worker that computes (`python -m …engines.child`).

The worker's task hands it one job after the other as lines of JSON on stdin, and gets a line back
for each. It loads force fields, so that the Dask worker need not, and can be killed in the midst of
a force call. When its Dask worker is gone, stdin ends, and it ends too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import select
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, NoReturn

from filelock import FileLock, Timeout

from llamp_mcp.errors import Cancelled, HomeError
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.engines.parcels import Parcel, pack_made, unpack
from llamp_mcp.simulation.engines.shared_files import ATTEMPT_LOCK, SharedFiles
from llamp_mcp.simulation.jobs import LOG
from llamp_mcp.simulation.workers.checkpoints import sync_files
from llamp_mcp.simulation.workers.execution import Outcome, calculators_for, execute, logging_to
from llamp_mcp.simulation.workers.memory import resident_mb
from llamp_mcp.simulation.workers.monitor import Monitor
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ase.calculators.calculator import Calculator
    from pymatgen.core import Structure

    from llamp_mcp.provenance import LineageStep

LOOK_EVERY_S: Final = 1.0
LOCK_PATIENCE_S: Final = 180.0
"""How long an earlier attempt may take to be gone: a file server keeps a dead machine's locks."""


class MadeStructures(StructureStore):
    """A store for one job: what it was given, and a record of what it made."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.made: list[tuple[Structure, LineageStep]] = []

    def _put(
        self, structures: Sequence[Structure], steps: Sequence[LineageStep]
    ) -> tuple[str, ...]:
        handles = super()._put(structures, steps)
        parents = (steps[0].parent, *handles[:-1])
        for structure, step, parent in zip(structures, steps, parents, strict=True):
            self.made.append((structure, step.model_copy(update={"parent": parent})))
        return handles


class Child:
    """Runs the jobs that come in on stdin, one after the other."""

    def __init__(self, answers: int, memory_mb: int) -> None:
        self._answers, self._memory_mb = answers, memory_mb
        self._received = 0
        self._loaded: dict[tuple[str, ...], Calculator] = {}
        self._parcels: SimpleQueue[Parcel] = SimpleQueue()
        self._current: tuple[SharedFiles, str] | None = None
        self._stop = Event()
        Thread(target=self._listen, daemon=True, name="listener").start()

    def serve(self) -> NoReturn:
        """For as long as the Dask worker lives."""
        while True:
            self._answer(self._run(self._parcels.get()))

    def _run(self, parcel: Parcel) -> dict[str, Any]:
        files = SharedFiles(Path(parcel["home"]) / "jobs" / parcel["job_id"])
        self._current = files, parcel["token"]
        try:
            with self._alone(files), logging_to(files.directory / LOG):
                return self._execute(parcel, files)
        except Cancelled:
            return asdict(Outcome("cancelled"))
        except HomeError as error:
            return asdict(Outcome("failed", error=str(error)))
        finally:
            self._current = None

    def _execute(self, parcel: Parcel, files: SharedFiles) -> dict[str, Any]:
        settings = Settings(home=Path(parcel["home"]))

        def report(done: int, total: int, message: str, frames: int) -> None:
            told = {"done": done, "total": total, "message": message, "frames": frames}
            files.report({**told, "key": parcel["key"], "where": platform.node()})

        with tempfile.TemporaryDirectory(prefix="llamp-") as private:
            structures = MadeStructures(Path(private))
            for structure, step in unpack(parcel["structures"]):
                structures.put(structure, step)
            structures.made.clear()
            services = {
                "settings": settings,
                "structures": structures,
                "calculators": calculators_for(parcel["settings"], settings, self._loaded),
                "monitor": Monitor(
                    parcel["job_id"],
                    files.directory,
                    report,
                    self._stop.is_set,
                    settings.checkpoint_s,
                ),
            }
            report(0, 0, f"loading the calculator on {platform.node()}", 0)
            outcome = execute(parcel["job_id"], parcel["kind"], parcel["params"], services=services)
            with contextlib.suppress(OSError):  # a picture less; the numbers are in the result
                sync_files(files.directory)
            return {**asdict(outcome), "structures": pack_made(structures.made)}

    @contextlib.contextmanager
    def _alone(self, files: SharedFiles) -> Iterator[None]:
        """Wait until no other process writes in the directory of the job.

        Raises:
            Cancelled: The caller asked to stop.
            HomeError: An earlier attempt did not go away.
        """
        lock = FileLock(files.directory / ATTEMPT_LOCK)
        for _ in range(int(LOCK_PATIENCE_S / LOOK_EVERY_S)):
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=LOOK_EVERY_S)
                break
            if self._stop.is_set():
                raise Cancelled("The calculation was cancelled")
        else:
            raise HomeError(
                f"An earlier attempt at this job still holds {str(files.directory)!r} after "
                f"{LOCK_PATIENCE_S:g} s",
                next_step="See that no process of it is left on any machine, and submit it again.",
            )
        try:
            yield
        finally:
            lock.release()

    def _answer(self, outcome: dict[str, Any]) -> None:
        line = memoryview(f"{json.dumps(outcome, allow_nan=False)}\n".encode())
        while line:
            line = line[os.write(self._answers, line) :]

    def _listen(self) -> None:
        """Take what the Dask worker says; end when it is gone or another attempt has begun."""
        rest = b""
        while True:
            if select.select([0], [], [], LOOK_EVERY_S)[0]:
                said = os.read(0, 2**16)
                if not said:
                    os._exit(0)
                *lines, rest = (rest + said).split(b"\n")
                for line in lines:
                    self._hear(json.loads(line))
            if self._current is not None:
                self._look(*self._current)

    def _look(self, files: SharedFiles, token: str) -> None:
        if not files.is_mine(token):
            os._exit(0)
        taken = resident_mb() if self._memory_mb else 0.0
        if taken <= self._memory_mb:
            return
        told = f"{taken:,.0f} MB, more than the {self._memory_mb:,} MB allowed"
        if self._received > 1:
            # What earlier jobs left in this process must not be held against this one.
            self._answer({"state": "lost", "error": f"its process took {told}, and was replaced"})
        else:
            error = (
                f"The job took {told} on {platform.node()} (LLAMP_WORKER_MEMORY_MB). Submit it "
                "with a smaller cell or a smaller model, or allow more."
            )
            self._answer(asdict(Outcome("failed", error=error)))
        os._exit(0)

    def _hear(self, said: dict[str, Any]) -> None:
        if said.get("stop"):
            self._stop.set()
            return
        self._stop.clear()
        self._received += 1
        parcel: Any = said
        self._parcels.put(parcel)


def main() -> None:
    """Serve; what libraries print goes to the log of the Dask worker."""
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    logging.basicConfig(level=logging.INFO)
    logging.captureWarnings(True)
    Child(answers, Settings().worker_memory_mb).serve()


if __name__ == "__main__":
    main()

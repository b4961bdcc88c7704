"""What a running calculation reports to, asks whether to go on, and leaves its state with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import Cancelled
from llamp_mcp.simulation.workers.checkpoints import PARTS, Checkpoints, Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

REPORT_EVERY_S: Final = 0.2
CHECKPOINT_EVERY_S: Final = 15.0
FIRST_CHECKPOINT_S: Final = 0.5
"""Soon, then at intervals that double: a job that keeps losing its worker must get further."""


def _ignore(_done: int, _total: int, _message: str, _frames: int) -> None:
    """Progress of a calculation nobody watches."""


class Monitor:
    """The line between a calculation and its job.

    Args:
        job_id: The job, for the addresses of what it leaves behind.
        directory: Where the calculation puts its files.
        report: Receives steps done, steps in all, a message, and trajectory frames kept.
        cancelled: Whether the caller asked to stop; cheap, since it is asked at every step.
        checkpoint_s: Seconds between checkpoints of a long run; the first ones come sooner.
    """

    def __init__(
        self,
        job_id: str,
        directory: Path,
        report: Callable[[int, int, str, int], None] = _ignore,
        cancelled: Callable[[], bool] = lambda: False,
        checkpoint_s: float = CHECKPOINT_EVERY_S,
    ) -> None:
        self.job_id, self.directory = job_id, directory
        self.frames = 0
        self._report, self._cancelled = report, cancelled
        self._next_report = 0.0
        self._checkpoints, self._parts = Checkpoints(directory), Parts(directory / PARTS)
        self._checkpoint_s = checkpoint_s
        self._interval_s = min(FIRST_CHECKPOINT_S, checkpoint_s)
        self._next_checkpoint = time.monotonic() + self._interval_s

    def check(self) -> None:
        """Call at every step.

        Raises:
            Cancelled: The caller asked to stop.
        """
        if self._cancelled():
            raise Cancelled("The calculation was cancelled")

    def due(self) -> bool:
        """Whether enough time has passed for another report; a message is made only then."""
        return time.monotonic() >= self._next_report

    def progress(self, done: int, total: int, message: str) -> None:
        """Report how far the calculation is."""
        self._next_report = time.monotonic() + REPORT_EVERY_S
        self._report(done, total, message, self.frames)

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """A part of a calculation made of many: its JSON value, computed once per job.

        After an interruption, the parts that were finished are taken as they were written down.
        """
        self.check()
        return self._parts.once(name, compute)

    def checkpoint_due(self) -> bool:
        """Whether enough time has passed for another checkpoint."""
        return time.monotonic() >= self._next_checkpoint

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a checkpoint: numpy arrays and JSON values by name."""
        self._checkpoints.save(state)
        self._next_checkpoint = time.monotonic() + self._interval_s
        self._interval_s = min(2 * self._interval_s, self._checkpoint_s)

    def restore(self) -> dict[str, Any] | None:
        """The newest checkpoint of this job, when an earlier attempt at it left one."""
        return self._checkpoints.newest()

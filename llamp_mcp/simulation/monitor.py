"""What a running calculation reports to, and asks whether to go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPORT_EVERY_S: Final = 0.2


def _ignore(_done: int, _total: int, _message: str, _frames: int) -> None:
    """Progress of a calculation nobody watches."""


class Monitor:
    """The line between a calculation and its job.

    Args:
        job_id: The job, for the addresses of what it leaves behind.
        directory: Where the calculation puts its files.
        report: Receives steps done, steps in all, a message, and trajectory frames kept.
        cancelled: Whether the caller asked to stop; cheap, since it is asked at every step.
    """

    def __init__(
        self,
        job_id: str,
        directory: Path,
        report: Callable[[int, int, str, int], None] = _ignore,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.job_id, self.directory = job_id, directory
        self.frames = 0
        self._report, self._cancelled = report, cancelled
        self._next_report = 0.0

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

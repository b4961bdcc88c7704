"""The thread of a worker that can stop a job which is deep in a native call.

It passes a cancellation on, and replaces the process when the job does not heed it; ends a job
that takes too much memory; and hands the job back when the process is told to end (SIGTERM).
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, NoReturn

from llamp_mcp.errors import HomeError
from llamp_mcp.simulation.workers.memory import glance_every_s, resident_mb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.jobs import JobStore

WATCH_S: Final = 0.1
GRACE_S: Final = 1.0
"""Time a cancelled job has to stop by itself; then the process is replaced."""

_logger = logging.getLogger(__name__)


class Watchdog:
    """Watches one job at a time.

    Args:
        jobs: The store, with connections of its own: the calculation may be waiting on the others.
        memory_mb: Memory in MiB above which a job is stopped; 0: none.
    """

    def __init__(self, jobs: JobStore, memory_mb: int = 0) -> None:
        self._jobs, self._memory_mb = jobs, memory_mb
        self._current: tuple[str, Event] | None = None
        self._cancelled_at = 0.0
        self._next_glance = 0.0
        self._watched = 0
        self._told_to_end = _pipe_of_sigterm()
        Thread(target=self._watch, daemon=True, name="watchdog").start()

    @contextlib.contextmanager
    def watching(self, job_id: str) -> Iterator[Event]:
        """Watch this job meanwhile; the event is set once it is to stop."""
        cancelled = Event()
        self._watched += 1
        self._current = (job_id, cancelled)
        try:
            yield cancelled
        finally:
            self._current = None

    def _watch(self) -> None:
        while True:
            ended, _, _ = select.select([self._told_to_end], [], [], WATCH_S)
            try:
                if ended:
                    self._end()
                if self._current is not None:
                    self._look(*self._current)
            except HomeError:  # a disk under heavy load: look again
                _logger.warning("the watchdog cannot use the job store", exc_info=True)

    def _look(self, job_id: str, cancelled: Event) -> None:
        if not cancelled.is_set():
            if self._jobs.cancel_requested(job_id):
                self._cancelled_at = time.monotonic()
                cancelled.set()
        elif time.monotonic() - self._cancelled_at > GRACE_S:
            self._abandon(job_id)
        if self._memory_mb and time.monotonic() >= self._next_glance:
            self._next_glance = time.monotonic() + glance_every_s()
            taken = resident_mb()
            if taken > self._memory_mb:
                self._stop_hog(job_id, taken)

    def _abandon(self, job_id: str) -> None:
        """A native call cannot be stopped from within: start over as a fresh process."""
        last = self._jobs.get(job_id)
        message = f"{last.message}; stopped in the midst of it. {self._jobs.kept(last)}"
        if self._jobs.finish(job_id, "cancelled", message=message):
            become_fresh()

    def _stop_hog(self, job_id: str, taken_mb: float) -> None:
        told = f"{taken_mb:,.0f} MB, more than the {self._memory_mb:,} MB allowed"
        last = self._jobs.get(job_id)
        if self._watched > 1:
            # What earlier jobs left in this process must not be held against this one.
            _logger.warning("job %s: the worker took %s; again in a fresh one", job_id, told)
            self._jobs.interrupt(job_id, f"its worker took {told}, and was replaced")
        else:
            self._jobs.finish(
                job_id,
                "failed",
                error=f"The job took {told} (LLAMP_WORKER_MEMORY_MB); it was at "
                f"{last.message!r}. {self._jobs.kept(last)} Submit it with a smaller cell or a "
                "smaller model, or allow more.",
            )
        become_fresh()

    def _end(self) -> NoReturn:
        current = self._current
        if current is not None:
            with contextlib.suppress(HomeError):  # then its lease tells, once this process is gone
                self._jobs.interrupt(
                    current[0], f"its worker process {os.getpid()} was told to end"
                )
        os._exit(0)


def become_fresh() -> NoReturn:
    """Replace this process: every thread ends, the lease is dropped, waiting jobs go on."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _pipe_of_sigterm() -> int:
    """A descriptor that can be read once SIGTERM came, however deep the main thread is in C."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    return told

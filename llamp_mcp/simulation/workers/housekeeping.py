"""What keeps the home directory from growing for ever: old jobs go, the workers' log stays short.

Done by workers between jobs, never by a server that answers a client.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import HomeError

if TYPE_CHECKING:
    from pathlib import Path

    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import JobStore

TIDY_EVERY_S: Final = 60.0
WORKER_LOG: Final = "worker.log"
_MAX_LOG_BYTES: Final = 5 * 2**20
_KEPT_LOG_BYTES: Final = 2**20
_MARKER: Final = "tidied"

_logger = logging.getLogger(__name__)


def tidy(jobs: JobStore, settings: Settings) -> None:
    """Remove ended jobs as the settings say, and cut the log; at most once a minute for a home."""
    marker = jobs.home / "workers" / _MARKER
    try:
        if marker.is_file() and 0 <= time.time() - marker.stat().st_mtime < TIDY_EVERY_S:
            return
        marker.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        marker.touch()
        gone = jobs.prune(days=settings.job_days, limit_mb=settings.jobs_mb)
        shorten(jobs.home / WORKER_LOG)
    except (OSError, HomeError):
        _logger.warning("old jobs could not be removed", exc_info=True)
        return
    for removed in gone:
        _logger.info(
            "removed job %s (%s, %s, %.1f MB): %s",
            removed.job_id,
            removed.kind,
            removed.state,
            removed.size / 2**20,
            f"ended more than {settings.job_days:g} days ago"
            if removed.why == "age"
            else f"all jobs together took more than {settings.jobs_mb} MB",
        )


def shorten(log: Path) -> None:
    """Cut a log that has grown long to its end; whoever appends to it goes on doing so."""
    with suppress(FileNotFoundError):
        if log.stat().st_size <= _MAX_LOG_BYTES:
            return
        with log.open("rb+") as stream:
            stream.seek(-_KEPT_LOG_BYTES, 2)
            stream.readline()
            end = stream.read()
            stream.seek(0)
            stream.write(end)
            stream.truncate()

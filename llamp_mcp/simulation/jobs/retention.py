"""Ended jobs go after a while, so that a server that runs for years does not fill the disk."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llamp_mcp.simulation.jobs.job import FINISHED, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from llamp_mcp.simulation.jobs.database import Database

DAY_S: Final = 86_400.0
UNREAD_S: Final = 60.0
"""A job that ended this recently stays whatever the quota: its result may not have been read."""
_STRAY_S: Final = 3600.0
"""Age from which a directory without a row is a leftover, not a job being submitted."""
_ID: Final = re.compile(r"j-[0-9a-f]{15}")
_ENDED: Final = ", ".join(f"'{state}'" for state in sorted(FINISHED))


@dataclass(frozen=True, slots=True)
class Removed:
    """A job that is gone, with its directory.

    Attributes:
        finished_at: When it had ended, in seconds since 1970.
        size: Bytes its directory took.
        why: `age` or `quota`.
    """

    job_id: str
    kind: str
    state: State
    finished_at: float
    size: int
    why: str


def prune(
    database: Database, directory: Path, *, days: float, limit_mb: float, unread_s: float = UNREAD_S
) -> list[Removed]:
    """Remove ended jobs that are too old, then the oldest ones until the rest fits the quota.

    Never one that waits or runs, nor one whose id is among the arguments of such a one.

    Args:
        database: With the rows.
        directory: Of the directories of the jobs.
        days: Age from which an ended job goes; 0: none is too old.
        limit_mb: Quota of all jobs together, in MiB.
        unread_s: How long a job that has ended stays whatever the quota.

    Returns:
        What was removed, the oldest first.
    """
    _sweep(database, directory)
    gone = list(_chosen(database, directory, days, limit_mb, unread_s))
    if not gone:
        return []
    with database.transaction() as db:
        # The rows first: nobody may find a job whose files are half gone.
        db.executemany(
            f"DELETE FROM jobs WHERE job_id = ? AND state IN ({_ENDED})",
            [(removed.job_id,) for removed in gone],
        )
    for removed in gone:
        shutil.rmtree(directory / removed.job_id, ignore_errors=True)
    return gone


def size_of(directory: Path) -> int:
    """Bytes of the files in a directory; 0 when it is gone."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # removed or replaced meanwhile
            continue
    return total


def _chosen(
    database: Database, directory: Path, days: float, limit_mb: float, unread_s: float
) -> Iterator[Removed]:
    now = time.time()
    active = database.rows(f"SELECT job_id, params FROM jobs WHERE state NOT IN ({_ENDED})")
    needed = {job_id for _, params in active for job_id in _ID.findall(params)}
    used = sum(size_of(directory / job_id) for job_id, _ in active)
    ended = _ended(database, directory)
    used += sum(job.size for job in ended)
    for job in ended:
        age = now - job.finished_at
        if job.job_id in needed:
            continue
        if days and age > days * DAY_S:
            used -= job.size
            yield job
        elif used > limit_mb * 2**20 and age > unread_s:
            used -= job.size
            yield Removed(job.job_id, job.kind, job.state, job.finished_at, job.size, "quota")


def _ended(database: Database, directory: Path) -> list[Removed]:
    """Ended jobs, the oldest first; those of an older version have no size written down."""
    rows = database.rows(
        "SELECT job_id, kind, state, coalesce(finished, created), bytes FROM jobs "
        f"WHERE state IN ({_ENDED}) ORDER BY 4, 1"
    )
    ended = []
    for job_id, kind, state, at, size in rows:
        taken = size_of(directory / job_id) if size is None else size
        ended.append(Removed(job_id, kind, state, at, taken, "age"))
    return ended


def _sweep(database: Database, directory: Path) -> None:
    """Remove directories whose row is gone: a process was killed between the two."""
    known = {row[0] for row in database.rows("SELECT job_id FROM jobs")}
    for stray in _directories(directory):
        if stray.name not in known and time.time() - stray.stat().st_mtime > _STRAY_S:
            shutil.rmtree(stray, ignore_errors=True)


def _directories(directory: Path) -> Iterable[Path]:
    return [path for path in directory.glob("j-*") if _ID.fullmatch(path.name) and path.is_dir()]

"""The SQLite file behind the job store: opened, brought up to date, and written safely.

WAL, so that readers never wait for a writer. What a caller was promised (a job taken, a result)
is on disk when the call returns; a report of progress need not be.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import unusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S: Final = 30.0
"""How long a write waits for that of another process: seconds pass on a disk under heavy load."""

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, params TEXT NOT NULL, caller TEXT NOT NULL,
    settings TEXT NOT NULL, state TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
    frames INTEGER NOT NULL DEFAULT 0, result TEXT, error TEXT,
    cancel INTEGER NOT NULL DEFAULT 0, worker INTEGER, created REAL NOT NULL, finished REAL
)
"""
_ADDED: Final = {
    "batch": "TEXT NOT NULL DEFAULT ''",
    "environment": "TEXT NOT NULL DEFAULT ''",
    "slot": "TEXT NOT NULL DEFAULT ''",
    "attempts": "INTEGER NOT NULL DEFAULT 0",
    "losses": "INTEGER NOT NULL DEFAULT 0",  # workers lost since it last got further
    "kept": "TEXT NOT NULL DEFAULT ''",  # how far it was when it last lost one
    "claimed": "REAL",
    "updated": "REAL NOT NULL DEFAULT 0",  # when its progress was last reported
    "bytes": "INTEGER",  # of its directory, once it has ended
}
"""Columns that came after version 0 of the file."""
_INDICES: Final = (
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state)",
    "CREATE INDEX IF NOT EXISTS jobs_by_batch ON jobs (batch)",
)


class Database:
    """One connection, opened at first use; safe for many threads.

    Args:
        path: The file; its directory exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None

    def rows(self, query: str, arguments: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            HomeError: The file cannot be read.
        """
        with self._connected() as db:
            return db.execute(query, arguments).fetchall()

    @contextmanager
    def transaction(
        self, *, durable: bool = True, patience_s: float = PATIENCE_S
    ) -> Iterator[sqlite3.Connection]:
        """Write everything in it, or nothing.

        Args:
            durable: Whether it survives a power loss from the moment this returns.
            patience_s: How long to wait for another process that writes.

        Raises:
            HomeError: The file cannot be written.
        """
        with self._connected() as db:
            db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            db.execute(f"PRAGMA busy_timeout = {int(1000 * patience_s)}")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # SQLite ends it by itself when the disk is full
                    db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _open(self._path)
                yield self._connection
            except sqlite3.IntegrityError:
                raise
            except (sqlite3.DatabaseError, OSError) as error:
                what = f"The job store in {str(self._path.parent)!r} cannot be used"
                raise unusable(what, error) from error


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            db.execute("PRAGMA journal_mode = WAL")
        if db.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
            _bring_up_to_date(db)
    except BaseException:
        db.close()
        raise
    return db


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the table, or add what an older version's lacks; several processes may try at once."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        if db.execute("PRAGMA user_version").fetchone()[0] >= _VERSION:
            return
        db.execute(_SCHEMA)
        there = {row[1] for row in db.execute("PRAGMA table_info(jobs)")}
        for name, kind in _ADDED.items():
            if name not in there:
                db.execute(f"ALTER TABLE jobs ADD COLUMN {name} {kind}")
        for index in _INDICES:
            db.execute(index)
        # To version 0 such a job had ended, and its user was told to submit it again.
        db.execute("UPDATE jobs SET state = 'failed' WHERE state = 'interrupted'")
        db.execute(f"PRAGMA user_version = {_VERSION}")

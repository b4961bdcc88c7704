"""Answers of the Project kept on disk: JSON only, bounded, and never in the way of an answer."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sqlite3
import time
import zlib
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from llamp_mcp.errors import unusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diskcache import Cache  # type: ignore[import-untyped]

    from llamp_mcp.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

_DAY_S: Final = 86_400.0
_NOTHING: Final = object()
_VERSIONS: Final = "versions"
"""Marks what is remembered about databases, as opposed to answers."""


class AnswerCache:
    """A directory of answers, safe between threads and processes.

    A cache that cannot be read or written costs a warning in the log and the time of asking again.

    Args:
        directory: Where it lies; made with access for its owner only.
        size_mb: The oldest answers go when it grows beyond.
        days: How long an answer is kept.
    """

    def __init__(self, directory: Path, size_mb: int, days: float) -> None:
        self.directory, self._size_mb, self._days = directory, size_mb, days
        self._opening = Lock()
        self._cache: Cache | None = None
        self._broken = False
        self._remembered = ("", "")

    def get_or(self, key: str, make: Callable[[], T], *, tag: str = "") -> tuple[T, str | None]:
        """The answer kept under a key, or the one that `make` gives, which is then kept.

        Args:
            key: From `answer_key`.
            make: Asks; a JSON-ready value. Its exceptions pass, and nothing is kept.
            tag: The database version, for `describe`.

        Returns:
            The answer, and when it was fetched, such as `2026-11-23 01:26 UTC`; None if just now.
        """
        kept = self._attempt(lambda cache: cache.get(key, default=_NOTHING), _NOTHING)
        if isinstance(kept, dict) and "answer" in kept:
            return kept["answer"], str(kept["fetched_at"])
        answer = make()
        self._put(key, {"answer": answer, "fetched_at": _now()}, tag)
        return answer, None

    def last_version(self, endpoint: str) -> str:
        """The version that the database at an address had when it last said so; empty: unknown."""
        kept = self._attempt(lambda cache: cache.get(f"{_VERSIONS}|{endpoint}"), None)
        return kept if isinstance(kept, str) else ""

    def remember_version(self, endpoint: str, version: str) -> None:
        """Keep the version of a database, for when it cannot be asked."""
        if self._remembered != (endpoint, version):
            self._put(f"{_VERSIONS}|{endpoint}", version, _VERSIONS)
            self._remembered = (endpoint, version)

    def describe(self) -> dict[str, Any]:
        """What is in the cache.

        Returns:
            `directory`, `entries`, `bytes`, `limit_bytes`, `days`, and `versions`: per database
            version its `entries`, `oldest` and `newest`. `error` where it cannot be read.
        """
        about: dict[str, Any] = {
            "directory": str(self.directory),
            "entries": 0,
            "bytes": sum(f.stat().st_size for f in self.directory.rglob("*") if f.is_file()),
            "limit_bytes": self._size_mb * 2**20,
            "days": self._days,
            "versions": {},
        }
        file = self.directory / "cache.db"
        if not file.exists():
            return about
        try:
            # the table of diskcache 5.6, read beside it: its own interface tells no dates
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
                rows = connection.execute(
                    "SELECT tag, count(*), min(store_time), max(store_time) FROM Cache "
                    "WHERE tag <> ? GROUP BY tag ORDER BY tag",
                    (_VERSIONS,),
                ).fetchall()
        except sqlite3.Error as error:
            return about | {"error": f"the cache cannot be read ({error}); clear it"}
        about["versions"] = {
            tag: {"entries": count, "oldest": _date(oldest), "newest": _date(newest)}
            for tag, count, oldest, newest in rows
        }
        about["entries"] = sum(row[1] for row in rows)
        return about

    def clear(self) -> int:
        """Delete everything, a damaged cache too.

        Returns:
            Answers deleted, as far as they could be counted.

        Raises:
            HomeError: The directory cannot be deleted.
        """
        entries: int = self.describe()["entries"]
        self.close()
        try:
            if self.directory.exists():
                shutil.rmtree(self.directory)
        except OSError as error:
            raise unusable(f"Cannot clear the cache {str(self.directory)!r}", error) from error
        return entries

    def close(self) -> None:
        """Close the files; the next question opens them again."""
        with self._opening:
            if self._cache is not None:
                self._cache.close()
            self._cache, self._broken = None, False

    def _put(self, key: str, value: Any, tag: str) -> None:
        expire = self._days * _DAY_S
        self._attempt(lambda cache: cache.set(key, value, expire=expire, tag=tag), None)

    def _attempt(self, use: Callable[[Cache], Any], otherwise: Any) -> Any:
        """Use the cache, or do without it."""
        if self._broken or self._days <= 0:
            return otherwise
        from diskcache import Timeout

        try:
            return use(self._opened())
        except Timeout:  # another process writes for a minute: only this answer is not kept
            return otherwise
        except (sqlite3.Error, OSError, ValueError, TypeError, zlib.error) as error:
            # a damaged entry is no reason to give up the cache; a damaged database is
            self._broken = isinstance(error, sqlite3.Error | OSError)
            log.warning("the cache %s is not used: %s", self.directory, error)
            return otherwise

    def _opened(self) -> Cache:
        with self._opening:
            if self._cache is None:
                from diskcache import Cache

                self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.directory.chmod(0o700)  # one that was there before may be open to others
                self._cache = Cache(
                    str(self.directory),
                    disk=_json_only(),
                    disk_compress_level=1,
                    size_limit=self._size_mb * 2**20,
                    tag_index=False,
                )
            return self._cache


@cache
def _json_only() -> Any:
    """How values lie on disk: as JSON, never pickled, which would run code of who wrote the file.

    `JSONDisk` writes JSON, but still reads a value that is marked as pickled.
    """
    from diskcache import JSONDisk
    from diskcache.core import MODE_PICKLE  # type: ignore[import-untyped]

    class JsonOnly(JSONDisk):  # type: ignore[misc]
        def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
            if mode == MODE_PICKLE:
                raise ValueError("a pickled value is not read")
            return super().fetch(mode, filename, value, read)

    return JsonOnly


def open_cache(settings: Settings) -> AnswerCache:
    """The cache of live answers in the server's home; it touches no disk before its first use."""
    directory = settings.home.expanduser() / "cache" / "live"
    return AnswerCache(directory, settings.cache_mb, settings.cache_days)


def answer_key(*parts: Any) -> str:
    """A key for what was asked of whom: equal for equal parts, whatever the order of their keys."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def scope(key: str) -> str:
    """A short name for what a key may see, which cannot be turned back into it."""
    return hashlib.sha256(b"llamp-mcp cache scope " + key.encode()).hexdigest()[:12]


def _now() -> str:
    return _date(time.time())


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")

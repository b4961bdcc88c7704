"""Structures behind handles: content-addressed, immutable, on disk, with their lineage beside."""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llamp_mcp.errors import HomeError, NotFound, unusable
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.identity import check_form, structure_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pymatgen.core import Structure

_BUSY_TIMEOUT_S = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS structures (
    structure_id TEXT PRIMARY KEY,
    formula TEXT NOT NULL,
    n_atoms INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lineage (
    record INTEGER PRIMARY KEY AUTOINCREMENT,
    structure_id TEXT NOT NULL REFERENCES structures,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    step TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS lineage_of ON lineage (structure_id, record);
"""


@dataclass(frozen=True, slots=True)
class StoredStructure:
    """One line of the list of newest structures."""

    structure_id: str
    formula: str
    n_atoms: int
    created: str
    action: str


class StructureStore:
    """Structures of one server home, for many threads and processes at once.

    Every call opens a connection of its own, so that no connection is shared; SQLite's
    write-ahead log and a busy timeout let readers and writers of several processes pass.

    Args:
        home: Directory for `structures.sqlite`.
        limit_mb: Size of the file above which no structure is taken; 0: none.

    Raises:
        HomeError: The directory cannot be written, or its disk is full.
    """

    def __init__(self, home: Path, limit_mb: int = 0) -> None:
        self._path, self._limit_mb = home / "structures.sqlite", limit_mb
        with self._connect() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    def put(self, structure: Structure, step: LineageStep) -> str:
        """Keep a structure and how it came about; the same structure gets the same id.

        Args:
            structure: It is not changed, and later changes to it do not reach the store.
            step: Its `structure_id` is filled in. A step equal to the newest one of this
                structure is not recorded twice.

        Returns:
            The structure_id.

        Raises:
            HomeError: The disk or the quota is full, or the file cannot be written.
        """
        return self._put([structure], [step])[0]

    def put_chain(
        self, structures: Sequence[Structure], steps: Sequence[LineageStep]
    ) -> tuple[str, ...]:
        """Keep several structures, each made from the one before: all of them or none.

        Args:
            structures: As in `put`.
            steps: The first names its parent; those of the others are filled in.
        """
        return self._put(structures, steps)

    def _put(
        self, structures: Sequence[Structure], steps: Sequence[LineageStep]
    ) -> tuple[str, ...]:
        handles = tuple(structure_id(structure) for structure in structures)
        parents = (steps[0].parent, *handles[:-1])
        with self._connect() as connection:
            rows = [
                (handle, structure.composition.formula, len(structure), _packed(structure))
                for handle, structure in zip(handles, structures, strict=True)
            ]
            connection.execute("BEGIN IMMEDIATE")
            self._check_quota(connection)
            connection.executemany("INSERT OR IGNORE INTO structures VALUES (?, ?, ?, ?)", rows)
            for handle, parent, step in zip(handles, parents, steps, strict=True):
                told = step.model_copy(update={"structure_id": handle, "parent": parent})
                text = told.model_dump_json()
                newest = connection.execute(
                    "SELECT step FROM lineage WHERE structure_id = ? ORDER BY record DESC LIMIT 1",
                    (handle,),
                ).fetchone()
                if newest != (text,):
                    connection.execute(
                        "INSERT INTO lineage (structure_id, step) VALUES (?, ?)", (handle, text)
                    )
        return handles

    def _check_quota(self, connection: sqlite3.Connection) -> None:
        (size,) = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        if self._limit_mb and size > self._limit_mb * 2**20:
            raise HomeError(
                f"The structures of this home fill {size / 2**20:.0f} MB",
                allowed=f"{self._limit_mb} MB (LLAMP_STRUCTURES_MB)",
                next_step="Ask the host to raise the quota, or to begin with a new home.",
            )

    def get(self, structure_id: str) -> Structure:
        """The structure behind a handle, a copy of its own.

        Raises:
            NotFound: No structure has this id.
        """
        from pymatgen.core import Structure

        with self._connect() as connection:
            row = connection.execute(
                "SELECT body FROM structures WHERE structure_id = ?", (check_form(structure_id),)
            ).fetchone()
        if row is None:
            raise NotFound(
                f"No structure {structure_id!r} in this server's home",
                next_step="Use a structure_id that a tool of this server returned, "
                "or make one with get_structure or create_structure.",
            )
        return Structure.from_dict(json.loads(zlib.decompress(row[0])))

    def history(self, structure_id: str) -> list[LineageStep]:
        """From the origin to this structure, oldest first.

        Where a structure came about in several ways, the newest one is told, and of its parent
        the newest one before that; so the walk always ends.
        """
        steps: list[LineageStep] = []
        handle: str | None = check_form(structure_id)
        before = None
        with self._connect() as connection:
            while handle is not None:
                row = connection.execute(
                    "SELECT record, step FROM lineage WHERE structure_id = ? "
                    "AND (? IS NULL OR record < ?) ORDER BY record DESC LIMIT 1",
                    (handle, before, before),
                ).fetchone()
                if row is None:
                    break
                before = row[0]
                steps.append(LineageStep.model_validate_json(row[1]))
                handle = steps[-1].parent
        return steps[::-1]

    def newest(self, limit: int = 20) -> list[StoredStructure]:
        """The structures made last, newest first."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT structure_id, formula, n_atoms, created, json_extract(step, '$.action') "
                "FROM lineage JOIN structures USING (structure_id) "
                "WHERE record IN (SELECT max(record) FROM lineage GROUP BY structure_id) "
                "ORDER BY record DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [StoredStructure(*row) for row in rows]

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """A connection for one call: committed at the end, rolled back on an error, closed."""
        try:
            with (
                closing(sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S)) as connection,
                connection,
            ):
                yield connection
        except (sqlite3.Error, OSError) as error:
            what = f"The structure store {str(self._path)!r} cannot be used"
            raise unusable(what, error) from error


def _packed(structure: Structure) -> bytes:
    from monty.json import MontyEncoder

    text = json.dumps(structure.as_dict(), cls=MontyEncoder, separators=(",", ":"))
    return zlib.compress(text.encode(), level=1)

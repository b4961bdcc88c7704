"""How a database of materials lies in one SQLite file, and the writer of such files.

Documents are kept whole, as compressed JSON, each against a dictionary of its endpoint: documents
of one kind repeat their field names, and one of them is read without its neighbours. What is
searched is kept beside them (`index`): a compressed array per scalar field of the summary.

A material has a `key`, by the order in which it was first named, which links its documents.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from pydantic_core import from_json

from llamp_mcp.errors import InvalidInput, one_of, unusable
from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.files import index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from llamp_mcp.materials.source import Document, SpectrumKind

T = TypeVar("T")

APPLICATION_ID: Final = 0x4C4C4D50
"""Marks a file as ours (`LLMP`); written last, so that an unfinished file is told from a whole."""
FORMAT: Final = 1
"""Raised when the tables change, so that a file of another layout is not read."""
STRUCTURE: Final = "structure"
"""Kept apart from the summary it came in: most answers need no coordinates."""
RECIPES: Final = "synthesis_recipes"

_ABOUT_SEVERAL: Final = frozenset({"alloys", "insertion_electrodes"})
"""Endpoints whose documents each belong to several materials."""
_PAGE_BYTES: Final = 16_384
"""Documents of a few kB fill pages of this size with little waste."""
_DICTIONARY_BYTES: Final = 32_768
"""The window of zlib: a longer dictionary would not be seen."""
_BUFFERED: Final = 500

_TABLES: Final = """
CREATE TABLE header (body TEXT NOT NULL);
CREATE TABLE state (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE material (key INTEGER PRIMARY KEY, material_id TEXT NOT NULL UNIQUE);
CREATE TABLE endpoint (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dictionary BLOB NOT NULL
);
CREATE TABLE document (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE shared (digest BLOB PRIMARY KEY, document INTEGER) WITHOUT ROWID;
CREATE TABLE link (
    endpoint INTEGER NOT NULL, key INTEGER NOT NULL, document INTEGER NOT NULL,
    PRIMARY KEY (endpoint, key, document)
) WITHOUT ROWID;
CREATE TABLE spectrum (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, material_id TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (kind, material_id)
);
CREATE TABLE recipe (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""


def pack(document: Any, dictionary: bytes = b"") -> bytes:
    """A document as compressed JSON."""
    squeeze = zlib.compressobj(level=6, zdict=dictionary)
    return squeeze.compress(_json(document)) + squeeze.flush()


def unpack(body: bytes, dictionary: bytes = b"") -> Any:
    """The document that `pack` made these bytes of.

    Raises:
        ValueError: The bytes are damaged.
    """
    expand = zlib.decompressobj(zdict=dictionary)
    try:
        text = expand.decompress(body)
    except zlib.error as error:
        raise ValueError(f"a document is damaged: {error}") from error
    if not expand.eof:
        raise ValueError("a document is cut short")
    return from_json(text)  # several times faster than json.loads


class Writer:
    """Writes a file, or goes on with one that was not finished; a context manager.

    The file cannot be read as a source before `finish`. What was added before a `commit` is still
    there after the process was killed.

    Args:
        path: The file itself. Who needs it whole or not at all renames it at the end.
        durable: Whether a commit must survive a loss of power; slower.

    Raises:
        InvalidInput: The file was finished already.
        HomeError: It cannot be written.
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._path = path
        self._waiting: dict[str, list[tuple[str, Any]]] = {}
        try:
            self._connection = sqlite3.connect(path, timeout=1)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        try:
            self._open(durable)
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise self._unusable(error) from error
            raise

    def _unusable(self, error: Exception) -> Exception:
        return unusable(f"Cannot write the materials file {str(self._path)!r}", error)

    def _open(self, durable: bool) -> None:
        run = self._connection.execute
        run(f"PRAGMA page_size = {_PAGE_BYTES}")
        run(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        run("PRAGMA locking_mode = EXCLUSIVE")  # of two writers, one is told at once
        if run("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
            raise InvalidInput(
                f"{str(self._path)!r} is finished and cannot be added to",
                next_step="Write to another path.",
            )
        if not run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._connection.executescript(_TABLES)
        self._keys: dict[str, int] = dict(run("SELECT material_id, key FROM material"))
        self._endpoints: dict[str, tuple[int, bytes]] = {
            name: (number, zlib.decompress(dictionary))
            for number, name, dictionary in run("SELECT number, name, dictionary FROM endpoint")
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the file as it was at the last commit."""
        self._connection.close()

    def add(self, endpoint: str, document: Document) -> None:
        """Keep a document of an endpoint for its material.

        Args:
            endpoint: A name in `endpoints.ENDPOINTS`.
            document: With `material_id`. One that names several materials is added for each; its
                text is kept once. A summary may hold the `structure`, as pymatgen's dictionary or
                as `MaterialsSource.structures` gives it.

        Raises:
            InvalidInput: The endpoint is unknown, or the document names no material.
        """
        if endpoint not in ENDPOINTS:
            raise one_of("endpoint", endpoint, ENDPOINTS)
        if not (material_id := document.get("material_id")):
            raise InvalidInput(f"A document of {endpoint} has no material_id: {sorted(document)}")
        apart = {"material_id"}
        if endpoint == "summary" and document.get(STRUCTURE):
            self._wait(STRUCTURE, material_id, document[STRUCTURE])
            apart.add(STRUCTURE)
        body = {name: document[name] for name in document if name not in apart}
        self._wait(endpoint, material_id, body)

    def add_recipe(self, document: Document) -> None:
        """Keep a synthesis recipe, once however often it is added."""
        if self._shared(document) is None:
            sql = "INSERT INTO recipe (body) VALUES (?)"
            place = self._ask(sql, (pack(document),)).lastrowid
            self._ask("INSERT INTO shared VALUES (?, ?)", (_digest(document), place))

    def add_spectrum(self, kind: SpectrumKind, document: Document) -> None:
        """Keep a spectrum; the document has its `material_id`."""
        self._ask(
            "INSERT OR REPLACE INTO spectrum (kind, material_id, body) VALUES (?, ?, ?)",
            (kind, document["material_id"], pack(document)),
        )

    def note(self, name: str, value: Any) -> None:
        """Remember where a long write stands; forgotten when the file is finished."""
        self._ask("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, json.dumps(value)))

    def noted(self, name: str) -> Any:
        """What was noted under this name, or None."""
        row = self._ask("SELECT body FROM state WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def forget(self) -> None:
        """Drop all notes."""
        self._ask("DELETE FROM state")

    def material_ids(self, endpoint: str) -> tuple[str, ...]:
        """The materials that have documents of an endpoint so far, in the order of their keys."""
        self._flush(endpoint)
        rows = self._ask(
            "SELECT DISTINCT m.material_id FROM link l JOIN endpoint e ON e.number = l.endpoint "
            "JOIN material m ON m.key = l.key WHERE e.name = ? ORDER BY m.key",
            (endpoint,),
        )
        return tuple(row[0] for row in rows)

    def commit(self) -> None:
        """Make safe what was added so far."""
        for endpoint in self._waiting:
            self._flush(endpoint)
        self._do(self._connection.commit)

    def finish(self, header: dict[str, Any]) -> None:
        """Write what searches need and the header; the file is whole after it.

        Args:
            header: What the file is; `materials` and `coverage` are counted and added.
        """
        self.commit()
        for statement in index.TABLES:
            self._ask(statement)
        summaries = self.documents("summary")
        descriptions = (
            (key, document.get("description") or "")
            for _, key, document in self.documents("robocrys")
        )
        fields, postings = index.build(summaries, descriptions)
        self._many("INSERT INTO field VALUES (?, ?, ?)", fields)
        self._many("INSERT INTO posting VALUES (?, ?, ?)", postings)
        coverage = self._coverage()
        counts = {"coverage": coverage, "materials": coverage.get("summary", 0)}
        self._ask("INSERT INTO header VALUES (?)", (json.dumps({**header, **counts}),))
        self._ask("DROP TABLE state")
        self._ask("DROP TABLE shared")
        self._ask(f"PRAGMA user_version = {FORMAT}")
        self._ask(f"PRAGMA application_id = {APPLICATION_ID}")
        self._do(self._connection.commit)

    def _coverage(self) -> dict[str, int]:
        """Materials per endpoint, structures, recipes and spectra, where there are any."""
        per_endpoint = self._ask(
            "SELECT e.name, count(DISTINCT l.key) FROM endpoint e "
            "JOIN link l ON l.endpoint = e.number GROUP BY e.number"
        )
        per_kind = self._ask("SELECT kind, count(*) FROM spectrum GROUP BY kind")
        recipes = self._ask("SELECT ?, count(*) FROM recipe", (RECIPES,))
        counts = chain(per_endpoint.fetchall(), per_kind.fetchall(), recipes.fetchall())
        return {name: count for name, count in counts if count}

    def documents(self, endpoint: str) -> Iterator[tuple[str, int, Document]]:
        """Id, key and document of every material that has one, one after the other."""
        number, dictionary = self._endpoints.get(endpoint, (0, b""))
        rows = self._ask(
            "SELECT m.material_id, m.key, d.body FROM link l JOIN material m ON m.key = l.key "
            "JOIN document d ON d.number = l.document WHERE l.endpoint = ?",
            (number,),
        )
        for material_id, key, body in rows:
            yield material_id, key, unpack(body, dictionary)

    def _wait(self, endpoint: str, material_id: str, document: Any) -> None:
        waiting = self._waiting.setdefault(endpoint, [])
        waiting.append((material_id, document))
        if len(waiting) >= _BUFFERED:
            self._flush(endpoint)

    def _flush(self, endpoint: str) -> None:
        waiting, self._waiting[endpoint] = self._waiting.get(endpoint, []), []
        if not waiting:
            return
        if endpoint not in self._endpoints:
            dictionary = _dictionary([document for _, document in waiting])
            sql = "INSERT INTO endpoint (name, dictionary) VALUES (?, ?)"
            number = self._ask(sql, (endpoint, zlib.compress(dictionary))).lastrowid or 0
            self._endpoints[endpoint] = (number, dictionary)
        number = self._endpoints[endpoint][0]
        for material_id, document in waiting:
            link = (number, self._key(material_id), self._place(endpoint, document))
            self._ask("INSERT OR IGNORE INTO link VALUES (?, ?, ?)", link)

    def _place(self, endpoint: str, document: Any) -> int:
        """The number under which a document is kept."""
        several = (
            ENDPOINTS[endpoint].identifier != "material_id" if endpoint in ENDPOINTS else False
        )
        if several and (known := self._shared(document)) is not None:
            return known
        packed = pack(document, self._endpoints[endpoint][1])
        place = self._ask("INSERT INTO document (body) VALUES (?)", (packed,)).lastrowid or 0
        if several:
            self._ask("INSERT INTO shared VALUES (?, ?)", (_digest(document), place))
        return place

    def _key(self, material_id: str) -> int:
        if material_id not in self._keys:
            sql = "INSERT INTO material (material_id) VALUES (?)"
            self._keys[material_id] = self._ask(sql, (material_id,)).lastrowid or 0
        return self._keys[material_id]

    def _shared(self, document: Document) -> int | None:
        """Where this very document lies already."""
        sql = "SELECT document FROM shared WHERE digest = ?"
        row = self._ask(sql, (_digest(document),)).fetchone()
        return int(row[0]) if row else None

    def _ask(self, sql: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        return self._do(lambda: self._connection.execute(sql, values))

    def _many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self._do(lambda: self._connection.executemany(sql, rows))

    def _do(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(document: Document) -> bytes:
    return hashlib.sha256(_json(document)).digest()


def _dictionary(documents: list[Any]) -> bytes:
    """Typical text of an endpoint: whole documents, as many as zlib looks back on."""
    return b"".join(_json(document) for document in documents[:64])[-_DICTIONARY_BYTES:]

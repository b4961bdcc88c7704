"""Answers about materials from one SQLite file, read-only."""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from llamp_mcp.errors import NotFound, SourceError, one_of
from llamp_mcp.materials import project
from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.files import layout
from llamp_mcp.materials.files.search import Index
from llamp_mcp.materials.recipes import matches
from llamp_mcp.materials.source import Document, Page, RecipeQuery, Recipes, Rows
from llamp_mcp.provenance import SourceMeta

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llamp_mcp.materials.source import Query, SpectrumKind

T = TypeVar("T")

_ENTRY_FIELDS: Final = (
    "formula_pretty",
    "composition",
    "energy_per_atom",
    "formation_energy_per_atom",
    "energy_above_hull",
    "is_stable",
    "thermo_type",
)
"""What `entries` tells of a thermo document."""


class SqliteSource:
    """A source over a finished file of `layout.Writer`. Nothing is read before the first question.

    Any thread may ask: statements take turns on one connection, all other work runs beside them.

    Args:
        path: The file. It is never written, and may be replaced by another in one step.
        advice: What to do when the file cannot be read.
    """

    def __init__(self, path: Path, *, advice: str = "") -> None:
        self.path = path
        self._advice = advice or (
            "Make it again with `llamp-mcp snapshot`, or set LLAMP_SOURCE to another file, "
            "`sample` or `live`."
        )
        self._turn = RLock()
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            for known in ("header", "_endpoints", "_searches"):
                self.__dict__.pop(known, None)

    def _select(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._turn:
            if self._connection is None:
                self._connection = self._opened()
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise self._unreadable(str(error)) from error

    def _unreadable(self, reason: str) -> SourceError:
        what = f"The materials file {str(self.path)!r} cannot be read: {reason}"
        return SourceError(what, next_step=self._advice)

    def _opened(self) -> sqlite3.Connection:
        """A read-only connection to a file that is ours and whole."""
        if not self.path.is_file():
            raise self._unreadable("there is no such file")
        uri = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._unreadable(str(error)) from error
        try:
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        def pragma(name: str) -> int:
            with closing(connection.execute(f"PRAGMA {name}")) as rows:
                number: int = rows.fetchone()[0]
                return number

        try:
            ours = pragma("application_id") == layout.APPLICATION_ID
            version = pragma("user_version")
        except sqlite3.Error as error:
            raise self._unreadable(str(error)) from error
        if not ours:
            raise self._unreadable("it is no finished materials file of llamp-mcp")
        if version != layout.FORMAT:
            raise self._unreadable(
                f"its format is {version}, and this version of llamp-mcp reads {layout.FORMAT}"
            )

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the file says of itself."""
        rows = self._select("SELECT body FROM header")
        header: dict[str, Any] = json.loads(rows[0][0])
        return header

    @cached_property
    def _endpoints(self) -> dict[str, tuple[int, bytes]]:
        rows = self._select("SELECT name, number, dictionary FROM endpoint")
        return self._guarded(lambda: {name: (n, zlib.decompress(d)) for name, n, d in rows})

    def meta(self) -> SourceMeta:
        """What the file holds; part of every answer."""
        header = self.header
        return SourceMeta.model_validate(
            {name: header[name] for name in SourceMeta.model_fields if name in header}
        )

    def citations(self) -> dict[str, dict[str, str]]:
        """The sources that values name."""
        sources: dict[str, dict[str, str]] = self.header.get("sources", {})
        return sources

    def search(self, query: Query) -> Page:
        """The entries that match, those without a value of `sort_by` last."""
        total, keys, lacking = self._guarded(lambda: self._searches.search(query))
        fields = ("formula_pretty", *query.fields)
        documents = [_picked(document, fields) for document in self._documents("summary", keys)]
        if layout.STRUCTURE in fields:
            self._add_structures(documents)
        return Page(total, tuple(documents), lacking)

    def rows(
        self, endpoint: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> Rows:
        """All documents that the file has of the materials, in the order of the ids."""
        if endpoint not in ENDPOINTS:
            raise one_of("endpoint", endpoint, ENDPOINTS)
        keys = self._keys(material_ids)
        documents = [_picked(d, fields) for d in self._documents(endpoint, list(keys.values()))]
        if endpoint == "summary" and (not fields or layout.STRUCTURE in fields):
            self._add_structures(documents)
        return Rows(tuple(documents))

    def entries(self, chemsys: tuple[str, ...], thermo_type: str) -> Rows:
        """Thermo documents of one type, in any of the chemical systems."""
        keys = self._guarded(lambda: self._searches.members(chemsys))
        documents = self._documents("thermo", keys)
        # the Project writes r2SCAN in two ways
        wanted = (d for d in documents if d.get("thermo_type", "").upper() == thermo_type.upper())
        told = (_picked(document, _ENTRY_FIELDS) for document in wanted)
        return Rows(tuple(document | {"thermo_type": thermo_type} for document in told))

    def structures(self, material_ids: tuple[str, ...]) -> dict[str, Document]:
        """The structures on file, by id, for those of the ids that have one."""
        keys = list(self._keys(material_ids).values())
        origin = {"source": self.header["source"]} if "source" in self.header else {}
        found = self._bodies(layout.STRUCTURE, keys)
        return {name: origin | project.compact(record) for name, record in found}

    def spectrum(self, material_id: str, kind: SpectrumKind) -> Document:
        """A spectrum as the dictionary of pymatgen's object.

        Raises:
            NotFound: The file has none of this entry.
        """
        sql = "SELECT body FROM spectrum WHERE kind = ? AND material_id = ?"
        rows = self._select(sql, (kind, material_id))
        if rows:
            document: Document = self._guarded(lambda: layout.unpack(rows[0][0]))
            return document
        here = self.header.get("here", "this file")
        raise NotFound(
            f"There is no spectrum {kind} of {material_id} in {here}, which says nothing about the "
            "Materials Project itself",
            next_step=self.header.get("next_step", ""),
        )

    def recipes(self, query: RecipeQuery) -> Recipes:
        """Synthesis recipes from the literature, in the order they were written."""
        rows = self._select("SELECT body FROM recipe ORDER BY number")
        held = self._guarded(lambda: [layout.unpack(body) for (body,) in rows])
        found = [document for document in held if matches(document, query)]
        return Recipes(len(found), tuple(found[: query.limit]))

    @cached_property
    def _searches(self) -> Index:
        return Index(self._select)

    def _guarded(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except (ValueError, zlib.error) as error:
            raise self._unreadable(str(error)) from error

    def _keys(self, material_ids: tuple[str, ...]) -> dict[str, int]:
        """Key by id, in the order of the ids, for those that are in the file."""
        found = dict(
            self._select(
                "SELECT material_id, key FROM material "
                "WHERE material_id IN (SELECT value FROM json_each(?))",
                (json.dumps(material_ids),),
            )
        )
        return {name: found[name] for name in material_ids if name in found}

    def _documents(self, endpoint: str, keys: list[int]) -> list[Document]:
        """Documents in the order of the keys, each under the id it was asked by."""
        return [{"material_id": name, **body} for name, body in self._bodies(endpoint, keys)]

    def _bodies(self, endpoint: str, keys: list[int]) -> list[tuple[str, Document]]:
        number, dictionary = self._endpoints.get(endpoint, (0, b""))
        rows = self._select(
            "SELECT m.material_id, d.body FROM json_each(?) k "
            "JOIN link l ON l.endpoint = ? AND l.key = k.value "
            "JOIN document d ON d.number = l.document JOIN material m ON m.key = l.key "
            "ORDER BY k.key, d.number",
            (json.dumps(keys), number),
        )
        return self._guarded(lambda: [(name, layout.unpack(b, dictionary)) for name, b in rows])

    def _add_structures(self, documents: list[Document]) -> None:
        """Put each structure back into the summary that it came in."""
        keys = self._keys(tuple(document["material_id"] for document in documents))
        structures = dict(self._bodies(layout.STRUCTURE, list(keys.values())))
        for document in documents:
            if document["material_id"] in structures:
                document[layout.STRUCTURE] = structures[document["material_id"]]


def _picked(document: Document, fields: tuple[str, ...]) -> Document:
    """The top-level fields asked for, with what says where they come from."""
    if not fields:
        return document
    wanted = {"material_id", "_notes", *(name.partition(".")[0] for name in fields)}
    picked = {name: value for name, value in document.items() if name in wanted}
    if "_sources" in document:
        sources = document["_sources"]
        picked["_sources"] = {name: sources[name] for name in picked if name in sources}
    return picked

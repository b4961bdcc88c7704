"""The embedded sample as a source: an offline extract that answers by SQL."""

from __future__ import annotations

import json
import sqlite3
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from llamp_mcp.errors import NotFound, SourceError
from llamp_mcp.materials.groups import field_named, fields_of, group_named
from llamp_mcp.materials.index import build_index, index_path, open_index, shipped_data
from llamp_mcp.materials.source import Condition, Document, Page, Query, pick
from llamp_mcp.provenance import SourceMeta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from llamp_mcp.settings import Settings

T = TypeVar("T")

_SORT_COLUMNS = {"material_id": "m.number", "formula_pretty": "m.formula"}


class SampleSource:
    """Reads the shipped extract through its index in the cache of the server's home.

    Any thread may ask; the questions take turns on one connection, which knows the tables already.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = RLock()
        self._connection: sqlite3.Connection | None = None

    @cached_property
    def _data(self) -> bytes:
        return shipped_data()

    @cached_property
    def _path(self) -> Path:
        return index_path(self._settings.open_home() / "cache", self._data)

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Answer from the index; build it where it is missing, and once more where it is broken."""
        with self._turn:
            if not self._path.exists():
                self._rebuild()
            try:
                return question(self._connected())
            except sqlite3.DatabaseError:
                self._rebuild()
            try:
                return question(self._connected())
            except sqlite3.DatabaseError as error:
                raise SourceError(
                    f"The index {str(self._path)!r} of the embedded sample cannot be read: {error}",
                    next_step="Check the disk, delete the file and call again.",
                ) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_index(self._path)
        return self._connection

    def _rebuild(self) -> None:
        self.close()
        build_index(self._data, self._path)

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @cached_property
    def _header(self) -> dict[str, Any]:
        row = self._ask(lambda c: c.execute("SELECT body FROM header").fetchone())
        header: dict[str, Any] = json.loads(row[0])
        return header

    def meta(self) -> SourceMeta:
        """What this extract is; part of every answer."""
        header = self._header
        return SourceMeta(
            kind="sample",
            name=header["name"],
            database_version=header["database_version"],
            licence=header["licence"],
            attribution=header["attribution"],
            materials=header["materials"],
            coverage=header["coverage"],
            notice=self._notice(header["materials"]),
        )

    def _notice(self, materials: int) -> str:
        what = (
            f"offline extract of {materials} Materials Project entries (CC BY 4.0); absence here "
            "means nothing"
        )
        if self._settings.mp_api_key is not None:
            return f"{what}. MP_API_KEY is set, but this version cannot query the live Project yet"
        return (
            f"{what}. For the full database get a key at materialsproject.org/api and set "
            "MP_API_KEY (live queries come with a later version)"
        )

    def citations(self) -> dict[str, dict[str, str]]:
        """The sources that values name."""
        sources: dict[str, dict[str, str]] = self._header["sources"]
        return sources

    def search(self, query: Query) -> Page:
        """The entries that match, those without a value of `sort_by` last."""
        return self._ask(lambda connection: _search(connection, query))

    def documents(
        self, group: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> tuple[Document, ...]:
        """Documents of a group, for those of the ids that have any of the fields."""
        names = fields or tuple(field.name for field in fields_of(group_named(group)))

        def read(connection: sqlite3.Connection) -> tuple[Document, ...]:
            found = _bodies(connection, material_ids)
            if any(field_named(name).heavy for name in names):
                for identifier, fields in _rows(connection, "fields", "heavy", material_ids):
                    found[identifier]["values"] |= json.loads(fields)
            documents = (
                _document(identifier, found[identifier], names)
                for identifier in material_ids
                if identifier in found
            )
            return tuple(d for d in documents if any(pick(d, name) is not None for name in names))

        return self._ask(read)

    def structure(self, material_id: str) -> dict[str, Any]:
        """The structure on file.

        Raises:
            NotFound: The entry is not in the extract, or has no structure here.
        """
        row = self._ask(
            lambda c: c.execute(
                "SELECT structure FROM heavy WHERE material_id = ?", (material_id,)
            ).fetchone()
        )
        if row is None:
            raise NotFound(
                f"{material_id} is not in this offline extract, which says nothing about the "
                "Materials Project itself",
                next_step="Look with search_materials for what is here.",
            )
        if row[0] is None:
            raise NotFound(
                f"This offline extract has no structure for {material_id}, only values",
                next_step="Choose another entry with search_materials, or build the cell with "
                "create_structure from lattice and sites that have a source.",
            )
        structure: dict[str, Any] = json.loads(row[0])
        return structure


def _search(connection: sqlite3.Connection, query: Query) -> Page:
    base = _base_clauses(query)
    clauses = [*base, *(_condition(c) for c in query.conditions)]
    where, arguments = _joined(clauses)
    column = _SORT_COLUMNS.get(query.sort_by, "s.value")
    direction = "DESC" if query.descending else "ASC"
    rows = connection.execute(
        "SELECT m.material_id, m.body FROM material m "
        "LEFT JOIN value s ON s.field = ? AND s.material_id = m.material_id"
        f"{where} ORDER BY {column} IS NULL, {column} {direction}, m.number LIMIT ? OFFSET ?",
        (query.sort_by, *arguments, query.limit, query.offset),
    ).fetchall()
    total = query.offset + len(rows)
    if len(rows) == query.limit or not rows:
        counting = f"SELECT count(*) FROM material m{where}"
        total = connection.execute(counting, arguments).fetchone()[0]
    documents = tuple(_document(row[0], json.loads(row[1]), query.fields) for row in rows)
    return Page(total, documents, _lacking(connection, base, query.conditions))


def _base_clauses(query: Query) -> list[tuple[str, tuple[Any, ...]]]:
    has = "m.material_id IN (SELECT material_id FROM element WHERE symbol = ?)"
    clauses: list[tuple[str, tuple[Any, ...]]] = [(has, (e,)) for e in query.elements]
    clauses += [(has.replace(" IN ", " NOT IN "), (e,)) for e in query.exclude_elements]
    if query.formula:
        clauses.append(("m.composition = ?", (query.formula,)))
    if query.chemsys:
        clauses.append(("m.chemsys = ?", (query.chemsys,)))
    if query.material_ids:
        marks = ", ".join("?" * len(query.material_ids))
        clauses.append((f"m.material_id IN ({marks})", query.material_ids))
    return clauses


def _condition(condition: Condition) -> tuple[str, tuple[Any, ...]]:
    tests, arguments = ["field = ?"], [condition.field]
    for operator, bound in (
        ("=", condition.equals),
        (">=", condition.minimum),
        ("<=", condition.maximum),
    ):
        if bound is not None:
            tests.append(f"value {operator} ?")
            arguments.append(bound)  # type: ignore[arg-type]
    sql = f"m.material_id IN (SELECT material_id FROM value WHERE {' AND '.join(tests)})"
    return sql, tuple(arguments)


def _lacking(
    connection: sqlite3.Connection,
    base: list[tuple[str, tuple[Any, ...]]],
    conditions: tuple[Condition, ...],
) -> dict[str, int]:
    """How many entries only fail because a filtered field has no value here."""
    lacking = {}
    for condition in conditions:
        others = [_condition(c) for c in conditions if c is not condition]
        absent = "m.material_id NOT IN (SELECT material_id FROM value WHERE field = ?)"
        where, arguments = _joined([*base, *others, (absent, (condition.field,))])
        row = connection.execute(f"SELECT count(*) FROM material m{where}", arguments).fetchone()
        lacking[condition.field] = row[0]
    return lacking


def _joined(clauses: list[tuple[str, tuple[Any, ...]]]) -> tuple[str, tuple[Any, ...]]:
    if not clauses:
        return "", ()
    arguments = tuple(value for _, values in clauses for value in values)
    return " WHERE " + " AND ".join(sql for sql, _ in clauses), arguments


def _bodies(
    connection: sqlite3.Connection, material_ids: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    rows = _rows(connection, "body", "material", material_ids)
    return {identifier: json.loads(body) for identifier, body in rows}


def _rows(
    connection: sqlite3.Connection, column: str, table: str, material_ids: tuple[str, ...]
) -> Iterable[tuple[str, str]]:
    marks = ", ".join("?" * len(material_ids))
    sql = f"SELECT material_id, {column} FROM {table} WHERE material_id IN ({marks})"
    return connection.execute(sql, material_ids)


def _document(identifier: str, body: dict[str, Any], names: Iterable[str]) -> Document:
    values = body["values"]
    bases = dict.fromkeys(name.partition(".")[0] for name in names)
    shown = {name: values[name] for name in bases if name in values}
    return {
        "material_id": identifier,
        "formula_pretty": values["formula_pretty"],
        **shown,
        "sources": {name: body["sources"][name] for name in shown if name in body["sources"]},
        "notes": body["notes"] if {"volume", "density"} & shown.keys() else [],
    }

"""The SQLite index of the embedded sample.

The shipped file is compressed JSON. At first use it becomes a read-only SQLite file in the cache,
named after the digest of the data, so that a new release never reads an old index. It is built
beside its final name and moved there in one step: processes that race each build a whole one, and
the last move wins with the same content.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import unusable
from llamp_mcp.materials.groups import FIELDS, GROUPS, fields_of
from llamp_mcp.materials.identifiers import composition_key, id_number

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYOUT = 1
"""Raised when the tables below change, so that an index of the old layout is not read."""

_TABLES = """
CREATE TABLE header (body TEXT NOT NULL);
CREATE TABLE material (
    material_id TEXT PRIMARY KEY, number INTEGER NOT NULL, formula TEXT NOT NULL,
    composition TEXT NOT NULL, chemsys TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE heavy (
    material_id TEXT PRIMARY KEY, fields TEXT NOT NULL, structure TEXT
) WITHOUT ROWID;
CREATE TABLE element (
    symbol TEXT NOT NULL, material_id TEXT NOT NULL, PRIMARY KEY (symbol, material_id)
) WITHOUT ROWID;
CREATE TABLE value (
    field TEXT NOT NULL, material_id TEXT NOT NULL, value NOT NULL,
    PRIMARY KEY (field, material_id)
) WITHOUT ROWID;
CREATE INDEX by_composition ON material (composition);
CREATE INDEX by_chemsys ON material (chemsys);
CREATE INDEX by_value ON value (field, value);
"""


def shipped_data() -> bytes:
    """The sample as it lies in the package."""
    return files("llamp_mcp.materials").joinpath("data/sample.json.xz").read_bytes()


def index_path(cache: Path, data: bytes) -> Path:
    """Where the index of this data lies."""
    return cache / f"sample-{hashlib.sha256(data).hexdigest()[:16]}-{LAYOUT}.sqlite"


def build_index(data: bytes, path: Path) -> None:
    """Write the index and put it in place in one step.

    Raises:
        HomeError: The cache directory cannot be written.
    """
    sample = json.loads(lzma.decompress(data))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            with closing(sqlite3.connect(name)) as connection, connection:
                _fill(connection, sample)
            Path(name).replace(path)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()
    except (OSError, sqlite3.OperationalError) as error:
        raise unusable(f"Cannot write the materials index {str(path)!r}", error) from error


def open_index(path: Path) -> sqlite3.Connection:
    """A read-only connection to an index that is in place, for threads that take turns."""
    uri = f"{path.as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def scalars(values: dict[str, Any]) -> Iterator[tuple[str, float | str]]:
    """Every scalar a material has, by its dotted name."""
    for name, value in values.items():
        field = FIELDS[name]
        if not field.single:
            continue
        if isinstance(value, dict):
            yield from ((f"{name}.{part}", value[part]) for part in field.parts if part in value)
        elif isinstance(value, (int, float, str)):
            yield name, value


def _fill(connection: sqlite3.Connection, sample: dict[str, Any]) -> None:
    connection.executescript(_TABLES)
    coverage = dict.fromkeys((*GROUPS, "structure"), 0)
    for record in sample["materials"]:
        values = _add(connection, record)
        for group in GROUPS.values():
            coverage[group.name] += any(f.name in values for f in fields_of(group))
        coverage["structure"] += "structure" in record
    coverage["summary"] = len(sample["materials"])
    coverage["synthesis_recipes"] = len(sample["recipes"])
    head = {key: sample[key] for key in sample if key not in {"materials", "recipes"}}
    head |= {"coverage": coverage, "materials": len(sample["materials"])}
    connection.execute("INSERT INTO header VALUES (?)", (json.dumps(head),))


def _add(connection: sqlite3.Connection, record: dict[str, Any]) -> dict[str, Any]:
    """Insert one material; returns its values by field."""
    identifier, composition = record["material_id"], record["composition"]
    values = {"formula_pretty": record["formula_pretty"]}
    for fields in record["groups"].values():
        values |= fields
    heavy = {name: value for name, value in values.items() if FIELDS[name].heavy}
    body = {
        "values": {name: value for name, value in values.items() if name not in heavy},
        "sources": {name: key for key, names in record["sources"].items() for name in names},
        "notes": record.get("notes", []),
    }
    structure = json.dumps(record["structure"]) if "structure" in record else None
    connection.execute(
        "INSERT INTO material VALUES (?, ?, ?, ?, ?, ?)",
        (
            identifier,
            id_number(identifier),
            record["formula_pretty"],
            composition_key(composition),
            "-".join(sorted(composition)),
            json.dumps(body),
        ),
    )
    connection.execute(
        "INSERT INTO heavy VALUES (?, ?, ?)", (identifier, json.dumps(heavy), structure)
    )
    connection.executemany(
        "INSERT INTO element VALUES (?, ?)", [(symbol, identifier) for symbol in composition]
    )
    connection.executemany(
        "INSERT INTO value VALUES (?, ?, ?)",
        [(name, identifier, value) for name, value in scalars(values)],
    )
    return values

"""What searches read of a materials file: columns and postings, written once at its end.

A column is one compressed array over all materials with a summary, in the order of their ids: the
numbers of a scalar field, NaN where it has no value; or, for words, their place among the sorted
`terms`. A posting is the positions of the materials that a term holds for. A search loads the few
it names and is then arithmetic on arrays, whatever it combines.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import TYPE_CHECKING, Final, TypeAlias

from llamp_mcp.materials import formulas, identifiers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from llamp_mcp.materials.source import Document

    Numbers: TypeAlias = NDArray[np.float64]
    Positions: TypeAlias = NDArray[np.uint32]

TABLES: Final = (
    "CREATE TABLE field (name TEXT PRIMARY KEY, terms BLOB, data BLOB NOT NULL)",
    "CREATE TABLE posting (kind TEXT NOT NULL, term TEXT NOT NULL, positions BLOB NOT NULL, "
    "PRIMARY KEY (kind, term)) WITHOUT ROWID",
)

KEY: Final = "_key"
FORMULA: Final = "_formula"
CHEMSYS: Final = "chemsys"
ANONYMOUS: Final = "formula_anonymous"
COUNT: Final = "nelements"
ELEMENT, SPECIES, PROPS, WORD = "element", "species", "props", "word"

_NO_COLUMNS: Final = frozenset(
    {
        *("builder_meta", "composition", "composition_reduced", "database_IDs", "phonon_IDs"),
        *("_sources", "has_props", "last_updated", "property_name"),
    }
)
"""Objects of the summary that hold no property of the material, or have a posting of their own."""

_WORD = re.compile(r"\w+")


def words(text: str) -> set[str]:
    """The words of a description or of a search in it."""
    return set(_WORD.findall(text.lower()))


def build(
    summaries: Iterable[tuple[str, int, Document]], descriptions: Iterable[tuple[int, str]]
) -> tuple[list[tuple[str, bytes | None, bytes]], list[tuple[str, str, bytes]]]:
    """The rows of the tables `field` and `posting`.

    Args:
        summaries: Id, key and summary of each material.
        descriptions: Key and text of those that are described.
    """
    columns: dict[str, dict[int, float | str]] = {KEY: {}}
    postings: dict[tuple[str, str], list[int]] = {}
    order: dict[tuple[int, str], int] = {}
    for identifier, key, document in summaries:
        order[identifiers.id_number(identifier), identifier] = key
        columns[KEY][key] = key
        for name, value in _scalars(document):
            columns.setdefault(name, {})[key] = value
        for posting in _postings(document):
            postings.setdefault(posting, []).append(key)
    keys = [order[place] for place in sorted(order)]
    positions = {key: position for position, key in enumerate(keys)}
    for key, text in descriptions:
        if key in positions:
            for word in words(text):
                postings.setdefault((WORD, word), []).append(key)
    fields = [_column(name, values, keys) for name, values in sorted(columns.items())]
    return fields, [
        (kind, term, _ascending(sorted(positions[key] for key in postings[kind, term])))
        for kind, term in sorted(postings)
    ]


def _scalars(document: Document) -> Iterator[tuple[str, float | str]]:
    """Every scalar of a summary by its dotted name, and the keys that searches compare."""
    for name, value in document.items():
        if name in _NO_COLUMNS:
            continue
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, scalar in parts:
            if isinstance(scalar, (int, float, str)):
                yield (f"{name}.{part}" if part else name), scalar
    formula = _formula(document)
    yield FORMULA, formula
    if not document.get(ANONYMOUS):
        yield ANONYMOUS, formulas.anonymous_key(formula)
    yield CHEMSYS, "-".join(_elements(document))
    yield COUNT, len(_elements(document))


def _elements(document: Document) -> list[str]:
    """The symbols in alphabetical order, by the first field that tells them."""
    if document.get(CHEMSYS):
        return sorted(document[CHEMSYS].split("-"))
    return sorted(document.get("elements") or document.get("composition") or ())


def _formula(document: Document) -> str:
    composition = document.get("composition_reduced") or document.get("composition")
    if composition:
        return formulas.amounts_key(composition)
    return formulas.formula_key(document["formula_pretty"])


def _postings(document: Document) -> Iterator[tuple[str, str]]:
    yield from ((ELEMENT, symbol) for symbol in _elements(document))
    yield from ((SPECIES, ion) for ion in set(document.get("possible_species") or ()))
    props = document.get("has_props") or {}
    yield from ((PROPS, name) for name in props if not isinstance(props, dict) or props[name])


def _column(
    name: str, values: dict[int, float | str], keys: list[int]
) -> tuple[str, bytes | None, bytes]:
    if not any(isinstance(value, str) for value in values.values()):
        return name, None, _numbers([float(values.get(key, math.nan)) for key in keys])
    texts = {key: str(value) for key, value in values.items()}
    terms = sorted(set(texts.values()))
    place = {term: float(number) for number, term in enumerate(terms)}
    data = _numbers([place[texts[key]] if key in texts else math.nan for key in keys])
    return name, zlib.compress(json.dumps(terms, ensure_ascii=False).encode()), data


def _numbers(values: list[float]) -> bytes:
    """Doubles, their first bytes together, which compresses better than one after another."""
    import numpy as np

    raw = np.asarray(values, "<f8").view(np.uint8).reshape(-1, 8)
    return zlib.compress(raw.T.tobytes())


def _ascending(positions: list[int]) -> bytes:
    """Positions as their distances, which are small numbers."""
    import numpy as np

    return zlib.compress(np.diff(np.asarray(positions, "<u4"), prepend=np.uint32(0)).tobytes())


def read_numbers(data: bytes) -> Numbers:
    """The values of a column, shape (materials,)."""
    import numpy as np

    raw = np.frombuffer(zlib.decompress(data), np.uint8).reshape(8, -1)
    return np.ascontiguousarray(raw.T).view("<f8").ravel()


def read_terms(data: bytes) -> list[str]:
    """The sorted words of a column."""
    terms: list[str] = json.loads(zlib.decompress(data))
    return terms


def read_positions(data: bytes) -> Positions:
    """The positions of a posting, ascending."""
    import numpy as np

    return np.cumsum(np.frombuffer(zlib.decompress(data), "<u4"), dtype=np.uint32)

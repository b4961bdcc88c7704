"""Searches over the columns and postings of a materials file."""

from __future__ import annotations

import json
from bisect import bisect_left
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.materials.files import index
from llamp_mcp.materials.files.index import (
    ANONYMOUS,
    CHEMSYS,
    COUNT,
    ELEMENT,
    FORMULA,
    KEY,
    PROPS,
    SPECIES,
    WORD,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from llamp_mcp.materials.files.index import Numbers
    from llamp_mcp.materials.source import Condition, Query

    Mask = NDArray[np.bool_]
    Rows = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

WILDCARD: Final = "*"


class Index:
    """What searches know of a file; loaded column by column, kept for the next one.

    Args:
        rows: Answers SQL on the file, from any thread.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._lock = Lock()
        self._columns: dict[str, tuple[Numbers, list[str] | None]] = {}

    @cached_property
    def keys(self) -> list[int]:
        """The key of each material, in the order of the ids."""
        return [int(key) for key in self.column(KEY)[0]]

    def column(self, name: str) -> tuple[Numbers, list[str] | None]:
        """Values of a field, NaN where there is none; for words, their places in the terms."""
        with self._lock:
            if name not in self._columns:
                self._columns[name] = self._load(name)
            return self._columns[name]

    def _load(self, name: str) -> tuple[Numbers, list[str] | None]:
        import numpy as np

        rows = self._rows("SELECT terms, data FROM field WHERE name = ?", (name,))
        if not rows:
            count = len(self._columns[KEY][0]) if KEY in self._columns else len(self._load(KEY)[0])
            return np.full(count, np.nan), None
        (terms, data) = rows[0]
        words = index.read_terms(terms) if terms is not None else None
        return index.read_numbers(data), words

    def search(self, query: Query) -> tuple[int, list[int], dict[str, int]]:
        """How many match, the keys of the page, and how many lack each filtered field."""
        import numpy as np

        base = np.ones(len(self.keys), bool)
        for mask in self._criteria(query):
            base &= mask
        tests = [self._test(condition) for condition in query.conditions]
        matches = base.copy()
        for test in tests:
            matches &= test
        lacking = {
            condition.field: self._lacking(condition, base, [t for t in tests if t is not test])
            for condition, test in zip(query.conditions, tests, strict=True)
        }
        found = np.flatnonzero(matches)
        ordered = self._ordered(found, query)[query.offset : query.offset + query.limit]
        return len(found), [self.keys[position] for position in ordered], lacking

    def members(self, chemsys: tuple[str, ...]) -> list[int]:
        """The keys of the entries in any of the chemical systems."""
        import numpy as np

        return [self.keys[position] for position in np.flatnonzero(self._systems(chemsys))]

    def _lacking(self, condition: Condition, base: Mask, others: list[Mask]) -> int:
        import numpy as np

        lacking = base & np.isnan(self.column(condition.field)[0])
        for test in others:
            lacking &= test
        return int(lacking.sum())

    def _ordered(self, found: NDArray[np.intp], query: Query) -> NDArray[np.intp]:
        """Sorted by the field, those without a value last, ties in the order of the ids."""
        import numpy as np

        if query.limit == 0:
            return found[:0]
        if query.sort_by == "material_id":
            return found[::-1] if query.descending else found
        values = self.column(query.sort_by)[0][found]
        return found[np.argsort(-values if query.descending else values, kind="stable")]

    def _criteria(self, query: Query) -> Iterator[Mask]:
        if query.formulas:
            yield self._words_in(FORMULA, query.formulas)
        if query.anonymous:
            yield self._words_in(ANONYMOUS, (query.anonymous,))
        if query.chemsys:
            yield self._systems(query.chemsys)
        yield from (~self._posting(ELEMENT, symbol) for symbol in query.exclude_elements)
        if query.material_ids:
            yield self._ids(query.material_ids)
        for kind, terms in (
            (ELEMENT, query.elements),
            (SPECIES, query.possible_species),
            (PROPS, query.has_props),
            (WORD, index.words(query.text)),
        ):
            yield from (self._posting(kind, term) for term in terms)
        if query.text.strip() and not index.words(query.text):
            yield self._nothing()

    def _nothing(self) -> Mask:
        import numpy as np

        return np.zeros(len(self.keys), bool)

    def _words_in(self, name: str, wanted: Iterable[str]) -> Mask:
        import numpy as np

        column, terms = self.column(name)
        known = terms or []
        places = {word: bisect_left(known, word) for word in wanted}
        found = [p for word, p in places.items() if p < len(known) and known[p] == word]
        return np.isin(column, found) if len(found) > 1 else column == (found or [-1])[0]

    def _systems(self, chemsys: tuple[str, ...]) -> Mask:
        """Entries in any of the chemical systems; a wildcard is any one further element."""
        mask = self._words_in(CHEMSYS, [system for system in chemsys if WILDCARD not in system])
        for system in chemsys:
            parts = system.split("-")
            if WILDCARD in parts:
                wild = self.column(COUNT)[0] == len(parts)
                for symbol in set(parts) - {WILDCARD}:
                    wild &= self._posting(ELEMENT, symbol)
                mask |= wild
        return mask

    def _ids(self, material_ids: tuple[str, ...]) -> Mask:
        import numpy as np

        sql = "SELECT key FROM material WHERE material_id IN (SELECT value FROM json_each(?))"
        keys = [row[0] for row in self._rows(sql, (json.dumps(material_ids),))]
        return np.isin(self.column(KEY)[0], keys)

    def _posting(self, kind: str, term: str) -> Mask:
        mask = self._nothing()
        rows = self._rows("SELECT positions FROM posting WHERE kind = ? AND term = ?", (kind, term))
        if rows:
            mask[index.read_positions(rows[0][0])] = True
        return mask

    def _test(self, condition: Condition) -> Mask:
        """Entries that have a value, within the bounds."""
        import numpy as np

        values, terms = self.column(condition.field)
        if isinstance(condition.equals, str):
            return self._words_in(condition.field, (condition.equals,))
        mask = ~np.isnan(values)
        if terms is not None and _bounded(condition):
            return self._nothing()  # a number is asked of words
        if condition.equals is not None:
            mask &= values == condition.equals
        if condition.minimum is not None:
            mask &= values >= condition.minimum
        if condition.maximum is not None:
            mask &= values <= condition.maximum
        return mask


def _bounded(condition: Condition) -> bool:
    return any(x is not None for x in (condition.equals, condition.minimum, condition.maximum))

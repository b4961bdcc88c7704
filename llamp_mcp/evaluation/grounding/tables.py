"""Claims in a table of Markdown: properties in the head or in the first column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.grounding.catalogue import WORDS
from llamp_mcp.evaluation.grounding.claims import split_value
from llamp_mcp.evaluation.grounding.figures import Figure
from llamp_mcp.evaluation.grounding.mentions import Subject, mentions
from llamp_mcp.evaluation.grounding.properties import Asked, asked
from llamp_mcp.evaluation.grounding.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_RULE: Final = re.compile(r"[\s|:+-]+")
_NOTHING: Final = frozenset(("", "-", "--", "n/a", "none", "unknown", "?", "nan", "\u2014"))


def is_row(line: str) -> bool:
    """Whether a line is a row of a table."""
    return line.strip().startswith("|") and line.count("|") > 1


def table(
    rows: Sequence[str], known: Collection[str], subject: Subject | None
) -> Iterator[Statement]:
    """The claims of a table.

    Args:
        rows: Its lines; the first is the head.
        known: Keys of compositions that were told.
        subject: What was spoken of before the table.
    """
    cells = [_cells(row) for row in rows if not _RULE.fullmatch(row)]
    if not cells:
        return
    head, *body = cells
    columns = [asked(cell) if cell else None for cell in head]
    if any(column and column.property for column in columns):
        for row in body:
            yield from _across(row, columns, known, subject)
        return
    whose = [_subject(cell, known) or subject for cell in head]
    for row in body:
        topic = asked(row[0]) if row and row[0] else None
        if topic is not None and topic.property is not None:
            for cell, one in zip(row[1:], whose[1:], strict=False):
                yield from _claim(topic, cell, one)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _across(
    row: Sequence[str],
    columns: Sequence[Asked | None],
    known: Collection[str],
    subject: Subject | None,
) -> Iterator[Statement]:
    """The claims of a row about one material, its properties in the head."""
    pairs = list(zip(row, columns, strict=False))
    named = [
        found
        for cell, column in pairs
        if column is None or column.property is None
        for found in [_subject(cell, known)]
        if found is not None
    ]
    materials = {one.material for one in named if one.material}
    formulas = {one.formula for one in named if one.formula}
    if len(materials) > 1 or (not materials and len(formulas) > 1):
        return
    whose = Subject(0, 0, next(iter(materials), ""), next(iter(formulas), ""))
    for cell, column in pairs:
        if column is not None and column.property is not None:
            yield from _claim(column, cell, whose if named else subject)


def _subject(cell: str, known: Collection[str]) -> Subject | None:
    found = mentions(f"of {cell}", known).subjects
    return found[0] if len({one.name for one in found}) == 1 else None


def _claim(topic: Asked, cell: str, subject: Subject | None) -> Iterator[Statement]:
    if cell.casefold() in _NOTHING or topic.property is None:
        return
    value, written = split_value(cell)
    if isinstance(value, Figure) or topic.property.name in WORDS:
        yield Statement(
            property=topic.name,
            value=value,
            shown=cell.removesuffix(written).strip(),
            unit=written,
            material=subject.material if subject else "",
            formula=subject.formula if subject else "",
        )

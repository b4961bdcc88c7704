"""What of a document fits in an answer: the main values, long lists cut, the rest behind a link."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.materials.source import pick

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.materials.groups.table import Field, Group
    from llamp_mcp.materials.source import Document

MAX_VALUES: Final = 200
"""Scalars of one field that an answer holds; more are read from the material's resource."""
_MAX_WORDS: Final = 1_200
"""Characters of a text that is not asked for by name."""
_MAX_TEXT: Final = 6_000
_SHOWN: Final = 8
"""Items given of a list that is too long even when asked for by name."""


@dataclass(slots=True)
class Excerpt:
    """Fields of one document.

    Attributes:
        values: What is given, by field.
        cut: What is not: per field `total` with `shown`, and the `resource` that has it all.
    """

    values: dict[str, Any] = field(default_factory=dict)
    cut: dict[str, dict[str, Any]] = field(default_factory=dict)


def uri(material_id: str, group: str) -> str:
    """The address of all that is known of a material in one group."""
    return f"mp://{material_id}/{group}"


def excerpt(document: Document, group: Group, names: Iterable[str], *, by_name: bool) -> Excerpt:
    """The named fields of a document, as far as they fit.

    Args:
        document: Of `reading.documents`.
        group: Its group.
        names: Fields, dotted or not; a dotted name gives that part alone.
        by_name: Whether the reader named them; else lists come cut and objects in their main parts.
    """
    told = Excerpt()
    address = uri(document["material_id"], group.name)
    for name in dict.fromkeys((*names, *group.always)):
        known = group.resolve(name)
        part = name.partition(".")[2] if known.name == name.partition(".")[0] else ""
        value = pick(document, f"{known.name}.{part}" if part else known.name)
        if value is None or known.name == "formula_pretty":
            continue
        if part:
            value = {part: value}
        if by_name:
            value, cut = _within(_ordered(value, known), known, address)
        else:
            value, cut = _shortened(_main(value, known), known, address)
        if cut:
            told.cut[known.name] = cut
        if value is not None:
            earlier = told.values.get(known.name)
            told.values[known.name] = earlier | value if part and earlier else value
    return told


def _ordered(value: Any, known: Field) -> Any:
    """An object with the parts first that people want."""
    if not (known.parts and isinstance(value, dict)):
        return value
    return {key: value[key] for key in known.parts if key in value} | value


def _main(value: Any, known: Field) -> Any:
    """The parts of an object, or the columns of a list of objects, that people want."""
    keys = known.parts or tuple(key for key, _ in known.columns)
    if keys and isinstance(value, dict):
        return {key: value[key] for key in keys if value.get(key) is not None}
    if keys and isinstance(value, list):
        return [_main(item, known) if isinstance(item, dict) else item for item in value]
    return value


def _shortened(value: Any, known: Field, address: str) -> tuple[Any, dict[str, Any] | None]:
    """A value cut to what is given unasked."""
    if isinstance(value, str) and len(value) > _MAX_WORDS:
        kept = value[:_MAX_WORDS].rpartition(" ")[0] + " …"
        return kept, _cut(len(kept), len(value), address, "characters")
    if known.shown and isinstance(value, (list, dict)) and len(value) > known.shown:
        return _first(value, known.shown), _cut(known.shown, len(value), address)
    return _within(value, known, address)


def _within(value: Any, known: Field, address: str) -> tuple[Any, dict[str, Any] | None]:
    """A value that an answer can hold, else what of it can."""
    if isinstance(value, str):
        if len(value) <= _MAX_TEXT:
            return value, None
        return value[:_MAX_TEXT], _cut(_MAX_TEXT, len(value), address, "characters")
    total = count(value)
    if total <= MAX_VALUES:
        return value, None
    if isinstance(value, list) and value and isinstance(value[0], dict):
        shown = known.shown or _SHOWN
        while shown and count(value[:shown]) > MAX_VALUES:
            shown -= 1
        if shown:
            return value[:shown], _cut(shown, len(value), address)
    return None, _cut(0, total, address, "values")


def _first(value: Any, shown: int) -> Any:
    return dict(list(value.items())[:shown]) if isinstance(value, dict) else value[:shown]


def _cut(shown: int, total: int, address: str, of: str = "items") -> dict[str, Any]:
    return {"shown": shown, "total": total, "of": of, "resource": address}


def count(value: Any) -> int:
    """Scalars in a value, however deep; a text counts by its length."""
    if isinstance(value, dict):
        return sum(map(count, value.values()))
    if isinstance(value, list):
        return sum(map(count, value))
    return 1 + len(value) // 40 if isinstance(value, str) else 1

"""A `Query` as parameters of the Project's summary endpoint.

The server merges what its parameters ask for field by field, and the later one wins:
`formula=Fe2O3` with `elements=Fe` forgets how much iron there is, `chemsys=Fe-O-*` with
`nelements_min=2` finds five elements. What would collide is decided here, and left out there.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.materials.filters import FILTERS, Filter
from llamp_mcp.materials.formulas import anonymous_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.materials.source import Condition, Query

LOWEST: Final = -1e30
"""As a lower bound: any number. Entries without the value do not match it."""

_LOWEST_INTEGER: Final = -(2**31)
_ELEMENTS_CHARACTERS: Final = 60
_AMOUNT: Final = re.compile(r"([A-Za-z]+)([0-9]+)")
_ALWAYS: Final = frozenset({"is_stable", "theoretical", "symmetry"})
_HELD_WITH: Final = {
    "is_gap_direct": "electronic_structure",
    "is_metal": "electronic_structure",
    "has_reconstructed": "surface_properties",
    "ordering": "magnetism",
}
"""Flags and words that an entry has a value of when it has data of the group."""
_SYSTEMS: Final = (
    (2, "Triclinic"),
    (15, "Monoclinic"),
    (74, "Orthorhombic"),
    (142, "Tetragonal"),
    (167, "Trigonal"),
    (194, "Hexagonal"),
    (230, "Cubic"),
)
"""The last space group number of each crystal system (International Tables, volume A)."""


@dataclass(frozen=True, slots=True)
class _Range:
    minimum: float | None = None
    maximum: float | None = None

    def narrowed(self, condition: Condition) -> _Range:
        """The part of the range that a condition leaves."""
        equals = None if condition.equals is None else float(condition.equals)
        lows = [b for b in (self.minimum, condition.minimum, equals) if b is not None]
        highs = [b for b in (self.maximum, condition.maximum, equals) if b is not None]
        return _Range(max(lows, default=None), min(highs, default=None))

    @property
    def is_empty(self) -> bool:
        return None not in (self.minimum, self.maximum) and self.minimum > self.maximum  # type: ignore[operator]

    def __contains__(self, value: float) -> bool:
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


def criteria(query: Query) -> dict[str, Any] | None:
    """Parameters for all of a query but `text`, `material_ids`, order and page.

    Returns:
        The parameters; None where nothing can match.

    Raises:
        InvalidInput: The Project cannot search like this; the text says what it can.
    """
    ranges, words = _conditions(query.conditions)
    if any(asked.is_empty for asked in ranges.values()) or words is None:
        return None
    parameters = _composition(query, ranges)
    if parameters is None:
        return None
    if query.possible_species:
        parameters["possible_species"] = ",".join(query.possible_species)
    held = [*query.has_props, *words.pop("has_props", ())]
    if held:
        parameters["has_props"] = ",".join(dict.fromkeys(held))
    parameters |= words
    for name, asked in ranges.items():
        parameters |= _bounds(FILTERS[name], asked)
    return None if any(value == () for value in parameters.values()) else parameters


def with_value(field: str) -> dict[str, Any]:
    """The parameter that leaves out entries without a value of a number; empty if there is none."""
    filter_ = FILTERS.get(field)
    return _bounds(filter_, _Range()) if filter_ is not None and filter_.is_range else {}


def _composition(query: Query, ranges: dict[str, _Range]) -> dict[str, Any] | None:
    """Parameters of what is in an entry; takes `nelements` out of the ranges where it collides."""
    if set(query.elements) & set(query.exclude_elements):
        return None
    if query.formulas:
        counts = ranges.pop("nelements", _Range())
        fitting = [key for key in query.formulas if _fits(key, query, counts)]
        return {"formula": ",".join(k.replace(" ", "") for k in fitting)} if fitting else None
    parameters: dict[str, Any] = {}
    if query.anonymous:
        parameters["formula"] = query.anonymous
    systems = query.chemsys
    if any("*" in system for system in systems):
        if len(systems) > 1:
            raise InvalidInput(
                f"The Project searches one chemical system with '*' at a time, not {len(systems)}",
                next_step="Call once for each, or name all elements.",
            )
        parts = systems[0].split("-")
        fixed = {part for part in parts if part != "*"}
        if len(parts) not in ranges.pop("nelements", _Range()) or fixed & set(
            query.exclude_elements
        ):
            return None
    if systems:
        parameters["chemsys"] = ",".join(systems)
    for name, symbols in (
        ("elements", query.elements),
        ("exclude_elements", query.exclude_elements),
    ):
        if symbols:
            parameters[name] = _listed_elements(name, symbols)
    return parameters


def _listed_elements(name: str, symbols: tuple[str, ...]) -> str:
    text = ",".join(symbols)
    if len(text) > _ELEMENTS_CHARACTERS:
        raise InvalidInput(
            f"{name} names {len(symbols)} elements; the Project takes "
            f"{_ELEMENTS_CHARACTERS} characters of them, about 20",
            next_step="Name fewer, or name chemical systems with chemsys instead.",
        )
    return text


def _fits(key: str, query: Query, counts: _Range) -> bool:
    """Whether a formula fits everything else that is asked of the composition."""
    amounts = {symbol: int(number) for symbol, number in _AMOUNT.findall(key)}
    return (
        amounts.keys() >= set(query.elements)
        and not amounts.keys() & set(query.exclude_elements)
        and len(amounts) in counts
        and query.anonymous in {"", anonymous_key(key)}
        and (not query.chemsys or any(_in_system(set(amounts), s) for s in query.chemsys))
    )


def _in_system(elements: set[str], system: str) -> bool:
    parts = system.split("-")
    fixed = {part for part in parts if part != "*"}
    return len(elements) == len(parts) and fixed <= elements


def _conditions(
    conditions: Iterable[Condition],
) -> tuple[dict[str, _Range], dict[str, Any] | None]:
    """Ranges by field, and parameters of flags and words; None if those contradict each other."""
    ranges: dict[str, _Range] = {}
    words: dict[str, Any] = {}
    held: list[str] = []
    for condition in conditions:
        filter_ = FILTERS.get(condition.field)
        if filter_ is None:
            raise InvalidInput(
                f"The Project's search cannot filter by {clip(condition.field)}",
                allowed=", ".join(FILTERS),
                next_step="Filter by one of these, then ask get_properties for the rest.",
            )
        if filter_.is_range:
            known = ranges.get(condition.field, _Range())
            ranges[condition.field] = known.narrowed(condition)
        elif condition.equals is None:
            held += _shown_by(condition.field)
        else:
            value = _word(filter_, condition.equals)
            if words.setdefault(filter_.parameter, value) != value:
                return ranges, None
    if not _is_consistent(words):
        return ranges, None
    return ranges, words | ({"has_props": held} if held else {})


def _shown_by(field: str) -> list[str]:
    """The group whose presence shows that a flag or word has a value."""
    if field.partition(".")[0] in _ALWAYS:
        return []
    return [_HELD_WITH[field]]


def _word(filter_: Filter, value: str | float) -> str:
    if filter_.kind == "flag":
        return "true" if value in {True, "true", "True"} else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_consistent(words: dict[str, Any]) -> bool:
    """Whether crystal system and space group agree; the server fails (HTTP 500) if they do not.

    The system is then left out: the space group says it.
    """
    number, system = words.get("spacegroup_number"), words.get("crystal_system")
    if number is None or system is None:
        return True
    del words["crystal_system"]
    return bool(system == next((s for last, s in _SYSTEMS if int(number) <= last), ""))


def _bounds(filter_: Filter, asked: _Range) -> dict[str, Any]:
    """The parameters of a range; without bounds, that there is a value."""
    name, low, high = filter_.parameter, asked.minimum, asked.maximum
    whole = filter_.kind == "integer"
    if low is None and high is None:
        return {f"{name}_min": _LOWEST_INTEGER if whole else LOWEST}
    bounds: dict[str, Any] = {}
    if low is not None:
        bounds[f"{name}_min"] = math.ceil(low) if whole else low
    if high is not None:
        bounds[f"{name}_max"] = math.floor(high) if whole else high
    return bounds

"""Text-mined synthesis recipes, as the Project's synthesis endpoint holds them: how to read one.

Recipes follow emmet-core's `SynthesisSearchResultModel`. They were extracted from papers by
machine: Kononova et al. 2019 (doi 10.1038/s41597-019-0224-1), Wang et al. 2022
(doi 10.1038/s41597-022-01317-2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import identifiers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.materials.source import Document, RecipeQuery

Step = Literal[
    "StartingSynthesis",
    "MixingOperation",
    "ShapingOperation",
    "DryingOperation",
    "HeatingOperation",
    "QuenchingOperation",
]
"""Kinds of steps by the Project's names (emmet-core's `OperationTypeEnum`)."""

CELSIUS_ZERO_K: Final = 273.15

_SLACK_K: Final = 1e-6
"""So that 700 °C is found by a range that begins at 973.15 K, whatever the rounding."""

_SYMBOL = re.compile(r"[A-Z][a-z]?")
_WATER = re.compile(r"[·•⋅∙･*](n?[0-9₀-₉]*\.?[0-9₀-₉]*[HD][2₂]O)$")
_CELSIUS = frozenset({"c", "°c", "ºc", "˚c", "oc", "℃", "degc"})
_KELVIN = frozenset({"k", "°k"})


def kelvin(value: float | None, units: str) -> float | None:
    """A printed temperature in kelvin; None where there is none or its unit is not known."""
    unit = "".join(units.split()).lower()
    if value is None or unit not in _CELSIUS | _KELVIN:
        return None
    return value + CELSIUS_ZERO_K if unit in _CELSIUS else value


def conditions(step: Document) -> Document:
    """The conditions of a step; empty where none are given."""
    found: Document = step.get("conditions") or {}
    return found


def matches(document: Document, query: RecipeQuery) -> bool:
    """Whether a recipe is an answer to a query, as the Project's endpoint decides it.

    * target and precursors: equal compositions, water of crystallisation left out; all of the
      precursors;
    * operations: all of them, in any order;
    * temperature: one printed value of any step lies in the range. The endpoint compares bare
      numbers; here the printed unit counts. A printed interval without values does not match;
    * keywords: at least one stands in the paragraph, as far as it is held, or among the words that
      were taken from it.
    """
    return (
        _has_formulas(document, query)
        and set(query.operations) <= {step.get("type") for step in _steps(document)}
        and _in_range(document, query.temperature_k)
        and (not query.keywords or found_keywords(document, query.keywords) > 0)
    )


def found_keywords(document: Document, keywords: tuple[str, ...]) -> int:
    """How many of the keywords stand in a recipe as whole words, upper or lower case alike."""
    text = " ".join(" ".join(_words(document)).split()).casefold()
    return sum(_stands_in(" ".join(word.split()).casefold(), text) for word in keywords)


def without_water(formula: str) -> tuple[str, str]:
    """A formula without its water of crystallisation, which the Project leaves out; and the water.

    `FeC2O4·2H2O` gives `FeC2O4` and `2H2O`.
    """
    match = _WATER.search(joined := "".join(formula.split()))
    return (joined[: match.start()], match[1]) if match else (joined, "")


def _has_formulas(document: Document, query: RecipeQuery) -> bool:
    targets = document.get("targets_formula_s") or ()
    precursors = document.get("precursors_formula_s") or ()
    return (not query.target or _among(query.target, targets)) and all(
        _among(formula, precursors) for formula in query.precursors
    )


def _among(wanted: str, held: Iterable[str]) -> bool:
    return any(
        text == wanted
        or (
            _symbols(dry := without_water(text)[0]) == _symbols(wanted)
            and _key(dry) == _key(wanted)
        )
        for text in held
    )


def _symbols(formula: str) -> set[str]:
    """Its elements: a test that spares most formulas the slower one."""
    return set(_SYMBOL.findall(formula))


def _key(formula: str) -> str:
    """What is equal for all ways to write a formula; the text itself where it is not one."""
    try:
        return identifiers.formula_key(formula)
    except InvalidInput:
        return formula


def _in_range(document: Document, temperature_k: tuple[float | None, float | None]) -> bool:
    lowest, highest = temperature_k
    if lowest is None and highest is None:
        return True
    return any(
        (lowest is None or value >= lowest - _SLACK_K)
        and (highest is None or value <= highest + _SLACK_K)
        for value in _values_k(document)
    )


def _values_k(document: Document) -> Iterator[float]:
    for step in _steps(document):
        for printed in conditions(step).get("heating_temperature") or ():
            for value in printed.get("values") or ():
                if (found := kelvin(value, str(printed.get("units") or ""))) is not None:
                    yield found


def _steps(document: Document) -> list[dict[str, Any]]:
    return document.get("operations") or []


def _words(document: Document) -> Iterator[str]:
    yield document.get("paragraph_string") or ""
    yield document.get("synthesis_type") or ""
    for step in _steps(document):
        found = conditions(step)
        yield step.get("token") or ""
        yield from found.get("heating_atmosphere") or ()
        yield found.get("mixing_device") or ""
        yield found.get("mixing_media") or ""


def _stands_in(word: str, text: str) -> bool:
    return bool(word) and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None

"""What a sentence names: materials, properties, and numbers with their units."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.grounding.catalogue import WORDS
from llamp_mcp.evaluation.grounding.evidence import composition
from llamp_mcp.evaluation.grounding.figures import NUMBER, Figure, between, quoted
from llamp_mcp.evaluation.grounding.properties import MENTION, Asked, asked
from llamp_mcp.evaluation.grounding.quantities import conversion, unit
from llamp_mcp.provenance import named_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_SUPERSCRIPT: Final = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b\u207a", "0123456789-+"
)
_TYPOGRAPHY: Final = str.maketrans(
    "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u2212\u2012\u2013\u00a0\u202f\u2009\u2192",
    "0123456789---   >",
)
_MARKUP: Final = re.compile(r"\*\*|`|\$|\\[,;]|(?<![\w])[*_](?=\w)|(?<=\w)[*_](?![\w])")
_POWER: Final = re.compile("(10)([\u207b\u207a]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)")

_BASE: Final = (
    r"(?:meV|eV|kJ|kcal|mJ|J|GPa|MPa|kPa|TPa|Pa|kbar|\u00c5|[Aa]ngstroms?|A(?=\^?[23]|/)|nm|pm|"
    r"[\u03bc\u00b5]_?B|mu_?B|Bohr magnetons?|kg|g|K|\u00b0C|\u00b0|degrees? Celsius|degrees?|deg|"
    r"THz|cm|[\u03bc\u00b5]C|C|W|km|mol|m|s|cubic [Aa]ngstroms?|%)"
)
_POWERED: Final = rf"{_BASE}(?:\^?\(?[-\u207b]?[0-9\u00b9\u00b2\u00b3]\)?)?"
_THINGS: Final = r"(?:of\s)?(?:atoms?|formula[ -]units?|f\.\s?u\.)"
_COUNTED: Final = (
    rf"(?:mol(?:e)?(?:\s{_THINGS}|\s?\({_THINGS}\))?|atoms?|at\.|f\.\s?u\.|"
    r"formula[ -]units?|formula|(?:unit |primitive |conventional )?cell)"
)
_BELOW: Final = rf"(?:{_COUNTED}|{_POWERED})(?:[\s\u00b7](?:{_COUNTED}|{_POWERED}))?"
_UNIT: Final = re.compile(
    rf"\s?(?P<unit>{_POWERED}(?:\s?(?:/|per\s)\s?(?:\({_BELOW}\)|{_COUNTED}|{_POWERED})"
    rf"|\s(?:{_POWERED}(?<=[-\u207b][0-9\u00b9\u00b2\u00b3])|(?:atom|mol)\^?-1))*)(?![A-Za-z0-9])"
)
_NOT_ALONE: Final = frozenset(("g", "m", "s", "C", "W", "J", "cm", "km", "kg", "mol", "A"))
_QUOTED: Final = re.compile(
    rf"(?<![\w.)\]^/])(?<!\w-)(?P<whole>[+-]?{NUMBER}(?:\s?(?:\u00b1|\+/-)\s?{NUMBER})?)"
    rf"(?:\s?(?P<joint>-|to|and)\s?(?P<second>[+-]?{NUMBER}))?"
)
_ABOUT: Final = re.compile(
    r"(?:\babout|\bapprox(?:\.|imately)?|\bca\.|\bcirca|~|\u2248|\u2243|\baround|\broughly"
    r"|\bnearly|\balmost|\bclose to)\s*$",
    re.IGNORECASE,
)
_BETWEEN: Final = re.compile(r"\bbetween\s*$", re.IGNORECASE)
_FORMULA: Final = re.compile(
    r"(?<![\w+-])[A-Z][a-z]?[0-9.]*(?:[A-Z][a-z]?[0-9.]*|\((?:[A-Z][a-z]?[0-9]*)+\)[0-9]*)*(?<!\.)"
    r"(?![\w+]|-\w|\s?(?:\+|->|=>)\s)"
)
_ELEMENT_WORD: Final = r"(?!\s+\w*(?:ide|ate|ite)s?\b)(?![\w-])"
_ENGLISH: Final = frozenset(("I", "In", "As", "At", "No", "He", "Be", "Am"))
_IS_NAMED: Final = re.compile(r"\s*(?:[(:|=']|has\b|is\b|in the\b)")
_OF: Final = re.compile(r"\b(?:of|for)\s*$", re.IGNORECASE)
_JOINED: Final = re.compile(r"[\s(\[:|/]{0,4}(?:(?:materials project )?(?:id|entry):?\s*)?", re.I)


_ASIDE: Final = re.compile(
    r"\b(?:from|than|to|into|with|against|versus|vs\.?|unlike|by|like)\s+(?:the\s+)?"
    r"(?:[\w()]+(?:,|\s(?:and|or|\+))\s+){0,3}$",
    re.IGNORECASE,
)
_CHAINED: Final = re.compile(r"\s*(?:and|or|,|\+|\(|\)|\s)*\s*", re.I)
_NEAR: Final = 120
"""Characters before a number that may say what it is."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A material that is named, by an id, a formula, or both."""

    start: int
    end: int
    material: str = ""
    formula: str = ""

    @property
    def name(self) -> tuple[str, str]:
        """What it is called, wherever it stands."""
        return self.material, self.formula


@dataclass(frozen=True, slots=True)
class Mention:
    """A property that is named."""

    start: int
    end: int
    asked: Asked


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit."""

    start: int
    end: int
    figure: Figure
    shown: str
    unit: str

    def fits(self, asked_for: Asked) -> bool:
        """Whether a property may be told in this unit."""
        if asked_for.property is None or asked_for.property.name in WORDS:
            return False
        known, expected = unit(self.unit), unit(asked_for.property.unit)
        assert expected is not None
        return known is not None and conversion(expected.base, known.base) is not None


@dataclass(frozen=True, slots=True)
class Mentions:
    """Everything a sentence names, in order.

    Attributes:
        text: The sentence.
        subjects: The materials.
        meant: Those of them that are spoken of, not only mentioned along (`from Ga and N2`).
        properties: The properties.
        numbers: The numbers outside of names.
    """

    text: str
    subjects: tuple[Subject, ...]
    meant: tuple[Subject, ...]
    properties: tuple[Mention, ...]
    numbers: tuple[Number, ...]


def plain(text: str) -> str:
    """A text without markup and typography that would hide numbers and formulas."""
    powers = _POWER.sub(lambda match: f"{match[1]}^{match[2].translate(_SUPERSCRIPT)}", text)
    return re.sub(r"[ \t]{2,}", " ", _MARKUP.sub("", powers.translate(_TYPOGRAPHY)))


def mentions(text: str, known: Collection[str]) -> Mentions:
    """What a sentence names.

    Args:
        text: A sentence, as `plain` gives it.
        known: Keys of compositions that were told; a word that could be one of these is one.
    """
    ids = [Subject(found.start, found.end, found.name) for found in named_ids(text)]
    rest = without(text, ids)
    properties = tuple(
        Mention(m.start(), m.end(), asked(m.group())) for m in MENTION.finditer(rest)
    )
    rest = without(rest, properties)
    numbers = tuple(_numbers(rest))
    rest = without(rest, numbers)
    found = sorted((*ids, *_formulas(rest, known)), key=lambda subject: subject.start)
    subjects = tuple(_merged(text, found))
    return Mentions(text, subjects, tuple(_meant(text, subjects)), properties, numbers)


def near(text: str, position: int) -> str:
    """The words before a position, as far back as they bear on what stands there."""
    return text[max(0, position - _NEAR) : position]


def _meant(text: str, subjects: Collection[Subject]) -> Iterator[Subject]:
    """The materials that are spoken of: not those beside another, nor those joined to such."""
    end, aside = 0, False
    for subject in subjects:
        joined = aside and _CHAINED.fullmatch(text, end, subject.start) is not None
        aside = joined or _ASIDE.search(near(text, subject.start)) is not None
        end = subject.end
        if not aside:
            yield subject


def without(text: str, spans: Collection[Subject | Mention | Number]) -> str:
    """The text with blanks where something was found; the spans in order, without overlap."""
    parts, end = [], 0
    for span in spans:
        parts += [text[end : span.start], " " * (span.end - span.start)]
        end = span.end
    return "".join((*parts, text[end:]))


def _numbers(text: str) -> Iterator[Number]:
    position = 0
    while match := _QUOTED.search(text, position):
        end = match.end("whole")
        ranged = match["second"] and (
            match["joint"] != "and" or _BETWEEN.search(near(text, match.start()))
        )
        if ranged:
            end = match.end("second")
        position = end
        about = _ABOUT.search(near(text, match.start())) is not None
        figure = quoted(match["whole"], about=about)
        second = quoted(match["second"], about=about) if ranged else None
        if figure is None:
            continue
        written = _UNIT.match(text, end)
        told = written["unit"].strip() if written else ""
        if told and (told in _NOT_ALONE or unit(told) is None):
            continue
        if not told and text[end : end + 1].isalpha():
            continue
        stop = written.end() if written else end
        figure = between(figure, second) if second else figure
        yield Number(match.start("whole"), stop, figure, text[match.start("whole") : end], told)
        position = stop


def _formulas(text: str, known: Collection[str]) -> Iterator[Subject]:
    for match in _FORMULA.finditer(text):
        if _is_formula(match, text, known):
            yield Subject(match.start(), match.end(), formula=match.group())
    for word, symbol in _elements(tuple(sorted(known))).items():
        for match in re.finditer(rf"\b{word}{_ELEMENT_WORD}", text, re.IGNORECASE):
            yield Subject(match.start(), match.end(), formula=symbol)


def _is_formula(match: re.Match[str], text: str, known: Collection[str]) -> bool:
    """Whether a word in capitals is a formula: certainly, or because one was told."""
    word = match.group()
    symbols = re.findall("[A-Z][a-z]?", word)
    has_digit, has_small = any(map(str.isdigit, word)), any(map(str.islower, word))
    key = composition(word)
    if not key:
        return False
    if has_digit or (len(symbols) > 1 and has_small):
        return True
    if key not in known:
        return False
    if len(symbols) > 1:
        return True
    named = _IS_NAMED.match(text, match.end())
    if word in _ENGLISH:
        return bool(named and named.group().strip() in ("(", ":", "|"))
    of = _OF.search(near(text, match.start()))
    return len(word) > 1 or bool(named or of) or not text[match.end() :].strip()


@lru_cache(maxsize=8)
def _elements(known: tuple[str, ...]) -> dict[str, str]:
    """English names of the elements among the compositions."""
    symbols = [key.rstrip("0123456789") for key in known if " " not in key]
    if not symbols:
        return {}
    from pymatgen.core.periodic_table import Element

    names = {str(Element(symbol).long_name).lower(): symbol for symbol in symbols}
    return {name: symbol for name, symbol in names.items() if name not in ("lead", "tin")}


def _merged(text: str, subjects: list[Subject]) -> Iterator[Subject]:
    """Subjects, those that are one id with its formula beside it made one."""
    waiting: Subject | None = None
    for subject in subjects:
        if waiting is None:
            waiting = subject
        elif _are_one(text, waiting, subject):
            yield replace(
                waiting,
                end=subject.end,
                material=waiting.material or subject.material,
                formula=waiting.formula or subject.formula,
            )
            waiting = None
        else:
            yield waiting
            waiting = subject
    if waiting is not None:
        yield waiting


def _are_one(text: str, first: Subject, second: Subject) -> bool:
    if bool(first.material) == bool(second.material):
        return False
    return _JOINED.fullmatch(text, first.end, second.start) is not None or (
        bool(first.formula) and text[first.end : second.start] in (", ", " - ")
    )

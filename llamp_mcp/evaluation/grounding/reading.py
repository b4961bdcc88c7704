"""Claims found in a text. What is not plainly a claim is left alone: a false alarm costs more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.grounding.mentions import (
    Mention,
    Mentions,
    Number,
    Subject,
    mentions,
    near,
    plain,
    without,
)
from llamp_mcp.evaluation.grounding.properties import asked
from llamp_mcp.evaluation.grounding.quantities import unit
from llamp_mcp.evaluation.grounding.statements import Statement
from llamp_mcp.evaluation.grounding.tables import is_row, table
from llamp_mcp.evaluation.grounding.words import is_group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.evaluation.grounding.evidence import Evidence

_SENTENCE: Final = re.compile(
    r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bca\.)(?<!\bvs\.)(?<!\bNo\.)(?<!\bal\.)(?<!\bFig\.)"
    r"(?<!\bapprox\.)(?<!\bf\.u\.)(?<=[.!?;])\s+"
)
_PART: Final = re.compile(r".{1,2000}(?!\S)|\S{2000}\S*")
_BULLET: Final = re.compile(r"\s*(?:[-*\u2022+]|[0-9]{1,3}[.)])\s+")
_HEADING: Final = re.compile(r"\s*#{1,6}\s+")
_SKIPPED: Final = re.compile(
    r"(?:[<>\u2264\u2265]|\b(?:less|more|greater|larger|smaller|higher|lower) than|\babove|\bbelow"
    r"|\bunder|\bover|\bexceed(?:s|ing)|\bat (?:least|most)|\bup to|\bwithin|\bby|\bnot"
    r"|\b(?:difference|change|error|deviation|uncertainty|increase|decrease|pressure|temperature)"
    r"(?: is| of)?|\b(?:cut-?off(?: energy)?|smearing|spacing|tolerance|threshold|shift|width|U)"
    r"(?: is| of)?)\s*(?:=|:|~|about|approximately)?\s*$",
    re.IGNORECASE,
)
_NOT_VALUE: Final = re.compile(
    r"\s*(?:[\w-]+\s){0,2}?(?:cut-?off|smearing|mesh|threshold|larger|smaller|higher|lower|more"
    r"|less|wider|narrower|greater|above|below|different|difference)\b",
    re.IGNORECASE,
)
_AVERAGED: Final = re.compile(
    r"(?<!hill )(?<!vrh )\b(?:average[ds]?|mean|median|sum|ratio)\b(?! of voigt)", re.IGNORECASE
)
_CONDITION: Final = re.compile(r"\b(?:at|to|under|from)\s*$", re.IGNORECASE)
_ELSEWHERE: Final = re.compile(
    r"\b(?:experiment\w*|measur\w+|literature|accepted|known|typical\w*|expected|handbook)\b", re.I
)
_ASSIGNED: Final = re.compile(
    r"(?<![\w.])(?P<symbol>[A-Za-z][\w.]{0,60})\s*(?P<joint>[=:\u2248])\s*$"
)
_PLAINLY: Final = re.compile(
    r"\s*(?:\([^)]{0,24}\))?\s*(?:(?:of|for)\s+\S+(?:\s+\([^)]{0,24}\))?)?"
    r"\s*(?:is|=|:|\u2248|of|was|equals|being|number)\s*(?:about|approximately|~|\u2248)?\s*",
    re.IGNORECASE,
)
_BEHIND: Final = re.compile(r"\W*(?:[\w'-]+\s){0,4}?(?:for|in|of)\s(?:\w+\s){0,2}?\(?")
_DIRECTLY: Final = re.compile(r"[\s([:=~\u2248|-]*")
_SYMBOL: Final = "[PIFABCR](?:[-_/0-9a-z\u2080-\u2089\u0304\u0305]){1,12}"
_PHRASES: Final = (
    (
        "space group",
        re.compile(
            rf"\b(?i:space[ -]?group(?:\s|is|:|=|symbol|number|no\.|\(|,)*)(?P<value>{_SYMBOL}"
            r"(?:\s?\((?:no\. ?)?[0-9]{1,3}\))?|[0-9]{1,3}\b)"
        ),
    ),
    ("space group", re.compile(rf"(?<![\w-])(?P<value>{_SYMBOL})(?: \([0-9]+\))? space[ -]?group")),
    (
        "magnetic ordering",
        re.compile(
            r"(?:\bis|\bare|:|=|\bordering(?: is)?)\s+(?:\w+ly\s)?(?P<value>(?:anti)?ferromagnetic"
            r"|ferrimagnetic|non-?magnetic|FM|AFM|FiM|NM)\b"
        ),
    ),
    (
        "stability",
        re.compile(
            r"\b(?:is|are)\s+(?:thermodynamically\s)?(?P<value>stable|unstable|metastable)\b"
            r"(?!\s(?:to|up))"
        ),
    ),
    (
        "is_metal",
        re.compile(
            r"\bis\s+(?:an?\s)?(?P<value>metallic|metal|semiconductor|insulator)\b(?!\s\w+ide)"
        ),
    ),
    ("is_gap_direct", re.compile(r"\b(?P<value>(?:in)?direct)\s(?:band\s?)?gap")),
)


def read_text(text: str, evidence: Evidence) -> list[Statement]:
    """The claims of a text: values of properties, of materials that are named.

    A sentence that names no material speaks of the last one, if that was one alone; an item of a
    list, or a row of a table, that names no property speaks of that of the line above the list.
    """
    return list(_Reader(evidence).read(text))


class _Reader:
    """Goes through a text line by line, and remembers what was spoken of last."""

    def __init__(self, evidence: Evidence) -> None:
        self._known = evidence.keys()
        self._subject: Subject | None = None
        self._topic: Mention | None = None

    def read(self, text: str) -> Iterator[Statement]:
        rows: list[str] = []
        for line in (*plain(text).split("\n"), ""):
            if is_row(line):
                rows.append(line)
                continue
            if rows:
                yield from table(rows, self._known, self._subject)
                rows = []
            if line.strip():
                yield from self._line(line)

    def _line(self, line: str) -> Iterator[Statement]:
        bullet = _BULLET.match(line)
        body = line[bullet.end() :] if bullet else _HEADING.sub("", line)
        announces = body.rstrip().endswith(":") or (body != line and not bullet)
        for sentence in _sentences(body):
            found = mentions(sentence, self._known)
            if "respectively" in sentence:
                self._subject = None
                continue
            yield from self._sentence(found, is_item=bullet is not None)
            self._remember(found)
            if announces:
                only = len({one.asked.property for one in found.properties}) == 1
                self._topic = found.properties[0] if only and not found.numbers else None
            elif bullet is None:
                self._topic = None

    def _remember(self, found: Mentions) -> None:
        names = {subject.name for subject in found.meant}
        if names:
            self._subject = found.meant[0] if len(names) == 1 else None

    def _sentence(self, found: Mentions, *, is_item: bool) -> Iterator[Statement]:
        bare = without(found.text, found.properties)
        for number in found.numbers:
            before = near(bare, number.start)
            if _SKIPPED.search(before) or _is_condition(number, before):
                continue
            if _NOT_VALUE.match(bare, number.end) or _AVERAGED.search(before):
                continue
            name = self._property(number, found, is_item=is_item)
            if name is not None:
                subject = self._whose(number.start, number.end, found)
                yield Statement(
                    property=name,
                    value=number.figure,
                    shown=number.shown,
                    unit=number.unit,
                    material=subject.material if subject else "",
                    formula=subject.formula if subject else "",
                    elsewhere=_is_elsewhere(number, found),
                )
        yield from self._phrases(found)

    def _property(self, number: Number, found: Mentions, *, is_item: bool) -> str | None:
        """What a number is the value of, or None when that is not plain."""
        assigned = _ASSIGNED.search(near(found.text, number.start))
        before = [one for one in found.properties if one.end <= number.start]
        ends = (*(one.end for one in before), *(one.end for one in found.subjects))
        start = number.start - len(assigned.group()) if assigned else 0
        if assigned and not any(start < end <= number.start for end in ends):
            return assigned["symbol"] if number.fits(asked(assigned["symbol"])) else None
        for one in reversed(before):
            if number.fits(one.asked) and (number.unit or _is_plain(one, number, found)):
                return one.asked.name
        for one in found.properties:
            gap = found.text[number.end : one.start]
            if one.start >= number.end and number.unit and number.fits(one.asked):
                return one.asked.name if re.fullmatch(r"\s*(?:\w+\s+){0,2}", gap) else None
        return self._announced(number, found) if is_item else None

    def _announced(self, number: Number, found: Mentions) -> str | None:
        """The property of the line above a list, where an item names a material and none itself."""
        topic = self._topic
        if topic is None or not found.subjects or found.properties:
            return None
        stands_alone = re.search(r"[:=|-]\s*$", near(found.text, number.start)) is not None
        fits = number.fits(topic.asked) if number.unit else stands_alone
        return topic.asked.name if fits else None

    def _whose(self, start: int, end: int, found: Mentions) -> Subject | None:
        """Whom a value is said of: `for X` behind it, else the last one named before it."""
        if not found.subjects:
            return self._subject
        behind = next((s for s in found.subjects if s.start >= end), None)
        if behind and _BEHIND.fullmatch(found.text, end, behind.start):
            return behind
        before = [s for s in found.subjects if s.end <= start]
        if before and _DIRECTLY.fullmatch(found.text, before[-1].end, start):
            return before[-1]
        before = [s for s in found.meant if s.end <= start]
        if before:
            return before[-1]
        meant = {s.name: s for s in found.meant}
        return next(iter(meant.values())) if len(meant) == 1 else None

    def _phrases(self, found: Mentions) -> Iterator[Statement]:
        """What is said in words."""
        for name, pattern in _PHRASES:
            for match in pattern.finditer(found.text):
                value, before = match["value"], near(found.text, match.start("value"))
                symbol = re.split(r"[\s(]", value)[0]
                if name == "space group" and not symbol.isdecimal() and not is_group(symbol):
                    continue
                if re.search(r"\b(?:not|if|whether|most|more|less)\s+(?:\w+\s+)?$", before):
                    continue
                subject = self._whose(match.start(), match.end(), found)
                if subject is not None:
                    yield Statement(
                        property=name,
                        value=value,
                        shown=value,
                        material=subject.material,
                        formula=subject.formula,
                    )


def _sentences(line: str) -> Iterator[str]:
    """The sentences of a line; one of great length in parts, cut where there is a blank."""
    for sentence in _SENTENCE.split(line):
        yield from _PART.findall(sentence)


def _is_plain(one: Mention, number: Number, found: Mentions) -> bool:
    """Whether a number without a unit stands where the value of a property does."""
    return _PLAINLY.fullmatch(found.text, one.end, number.start) is not None


def _is_condition(number: Number, before: str) -> bool:
    """Whether a number says under which temperature or pressure something holds."""
    known = unit(number.unit)
    names = {name for name, _ in known.base} if known else set()
    hot = names <= {"kelvin", "degree_Celsius", "gigapascal", "kilobar", "megapascal"}
    return bool(names) and hot and _CONDITION.search(before) is not None


def _is_elsewhere(number: Number, found: Mentions) -> bool:
    """Whether a value is said to come from an experiment or the like."""
    start = max((one.end for one in found.numbers if one.end <= number.start), default=0)
    stop = min((one.start for one in found.numbers if one.start >= number.end), default=None)
    around = found.text[start : number.start] + "|" + found.text[number.end : stop][:30]
    return _ELSEWHERE.search(around) is not None

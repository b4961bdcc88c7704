"""Numbers in prose: which of them is the value that was asked for, in the unit it was asked in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.arithmetic.conversion import factor
from llamp_mcp.evaluation.self_consistency import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGITS: Final = r"(?:[0-9]{1,3}(?:[,\u2009\u202f][0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_PLAIN_DIGITS: Final = str.maketrans(_RAISED, "0123456789-+")
_TEN: Final = (
    rf"\s?[x*·\u00d7]\s?10\s?(?:\^\s?\(?(?P<power>[+-]?[0-9]{{1,3}})\)?|(?P<raised>[{_RAISED}]+))"
)
_NUMBER: Final = re.compile(
    rf"""
    (?<![\w.])(?<![\w)\]]-)                        # no part of Fe2O3, Fm-3m or 2.3.3
    (?P<sign>(?<![\w)\]])[+-])?
    (?P<digits>{_DIGITS})(?:[eE](?P<e>[+-]?[0-9]{{1,3}})(?![\w]))?(?:{_TEN})?
    (?:\([0-9]+\))?                                # 0.61(2)
    (?:\s?(?:±|\+/-)\s?(?:{_DIGITS}))?
    (?P<range>\s?(?:[-\u2013\u2014~]|to|and|or|\.\.\.?)\s?[+-]?(?:{_DIGITS})(?![\w]))?
    """,
    re.VERBOSE,
)
_WORDS: Final = {
    "zero": 0.0,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "twelve": 12.0,
}
"""Counts as words; `one` is mostly none."""
_NOT_A_VALUE: Final = re.compile(
    r"(?:[<>≤≥]|(?:less|more|greater|higher|lower|smaller|larger) than|at (?:least|most)|up to"
    r"|below|above|over|under|between|from|\bNo\.? of)\s*$",
    re.IGNORECASE,
)
_COUNTED_ATOMS: Final = re.compile(r"\s?(?:[A-Z][a-z]?\s)?(?:atoms?|neighbou?rs?|ions?)\b")
_UNIT: Final = re.compile(r"\s?([^\s\d;:!?=,\"][^;:!?=,\"\n]{0,40})")
_PER: Final = re.compile(r"\s?(?:/|per\b)")
_STOPS: Final = frozenset(
    ("in", "at", "a", "as", "is", "for", "to", "and", "or", "by", "on", "of", "with", "was", "are")
)
"""Words behind a number that are not its unit."""
_ASIDE: Final = re.compile(
    r"experiment|measured|literature|underestimat|overestimat|typical|other\b|next\b|second\b|while"
    r"|whereas|instead|rather|tolerance|uncertaint|error|difference|compare|unphysical|hypothetic",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*[0-9]*")
_SENTENCE: Final = re.compile(r"[.!?](?=\s|$)|[\n;|]")
_OR: Final = re.compile(r"[\s,(]*or\s+(?:\w+\s+){0,2}", re.IGNORECASE)
_REACH: Final = 600
"""Characters of a sentence on either side of a number that tell what it is of."""
_INDENT: Final = 8
EXACT, CONVERTED, BARE = 3, 2, 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number of a text that may be the answer.

    Attributes:
        value: In the wanted unit.
        start: Where it stands.
        end: Behind its unit.
        tier: `EXACT` in the wanted unit, `CONVERTED` from another, `BARE` without any.
    """

    value: float
    start: int
    end: int
    tier: int


def candidates(text: str, unit: str) -> list[Candidate]:
    """Every number of a text that may be a value in a unit.

    Left out: numbers in units of another kind, ranges, alternatives (`207 or 295 GPa`), bounds
    (`> 5 eV`), numbering of lists.

    Args:
        text: Without ids and markup; see `extraction.plain`.
        unit: That was asked for; empty for plain numbers and counts.
    """
    found = [one for match in _NUMBER.finditer(text) if (one := _candidate(text, match, unit))]
    if not unit:
        found += _spelt(text)
        found.sort(key=lambda one: one.start)
    either = {
        at
        for at, (one, other) in enumerate(pairwise(found))
        if one.value != other.value and _OR.fullmatch(text[one.end : other.start])
    }
    return [one for at, one in enumerate(found) if not {at, at - 1} & either]


def best(text: str, unit: str, topic: frozenset[str], *, bare: bool) -> float | None:
    """The value that a text gives, or None.

    Values in the wanted unit come before values in another and before bare numbers; values told in
    passing (an experiment's, the next entry's) come last; then those beside the words of the
    question; then the one stated last.

    Args:
        text: See `candidates`.
        unit: That was asked for.
        topic: Beginnings of words that say what was asked for.
        bare: Whether a number without a unit counts where no word of the topic stands beside it.
    """
    ranked = []
    found = candidates(text, unit)
    for at, one in enumerate(found):
        before = max(_sentence_start(text, one.start), found[at - 1].end if at else 0)
        after = min(
            _sentence_end(text, one.end), found[at + 1].start if at + 1 < len(found) else len(text)
        )
        near = 2 * len(words(text[before : one.start]) & topic) + len(
            words(text[one.end : after]) & topic
        )
        if one.tier == BARE and not (bare or near):
            continue
        sentence = text[_sentence_start(text, one.start) : one.start]
        ranked.append((one.tier, not _ASIDE.search(sentence), near, one.start, one.value))
    return max(ranked)[-1] if ranked else None


def _candidate(text: str, match: re.Match[str], unit: str) -> Candidate | None:
    start, end = match.span()
    before = text[max(0, start - _INDENT) : start].rpartition("\n")
    begins = not before[2].strip() and (bool(before[1]) or start <= _INDENT)
    if begins and re.match(r"[.)]\s", text[end : end + 2]):
        return None  # the number of an item in a list
    if match["range"] or _NOT_A_VALUE.search(text[max(0, start - 16) : start]):
        return None
    value = _value(match)
    scale, end, tier = _unit(text, end, unit)
    if not tier or not abs(value * scale) <= LARGEST:
        return None
    return Candidate(value * scale, start, end, tier)


def _value(match: re.Match[str]) -> float:
    digits = re.sub(r"[,\u2009\u202f]", "", match["digits"])
    power = match["power"] or (match["raised"] or "").translate(_PLAIN_DIGITS) or match["e"] or "0"
    return float(f"{match['sign'] or ''}{digits}e{power}")


def _unit(text: str, end: int, wanted: str) -> tuple[float, int, int]:
    """By what the number before `end` is multiplied, where its unit ends, and its tier; 0: none."""
    if not wanted and (counted := _COUNTED_ATOMS.match(text, end)):
        return 1.0, counted.end(), EXACT
    follows = _UNIT.match(text, end)
    if follows is None:
        return 1.0, end, BARE
    for piece in _prefixes(follows[1]):
        scale = _scale(piece, wanted)
        if scale is not None:
            stop = follows.start(1) + len(piece)
            if _PER.match(text, stop):
                return 0.0, end, 0  # per something that is not understood
            same = piece == wanted or (bool(wanted) and scale == 1.0)
            return scale, stop, (EXACT if same else CONVERTED) if scale else 0
    word = follows[1].split()[0]
    glued = text[end : end + 1].isalpha() and not word[:1].isspace()
    return 1.0, end, 0 if glued else BARE


def _prefixes(text: str) -> Iterator[str]:
    """`GPa at 0 K` may begin with a unit of up to four words: the longest first."""
    ends = [match.end() for match in re.finditer(r"\S+", text)][:4]
    for end in reversed(ends):
        piece = text[:end].rstrip(".,;:)]}*'\"")
        if piece.count("(") > piece.count(")"):
            piece += ")" * text[len(piece) :].startswith(")")
        if piece.endswith(("f.u", "f. u")):
            piece += "."
        if piece and piece.split()[0] not in _STOPS and piece.split()[-1] not in _STOPS:
            yield piece


@lru_cache(4096)
def _scale(piece: str, wanted: str) -> float | None:
    """What a value in one unit is in the wanted: 0 for a unit of another kind, None for no unit.

    An energy of a question per atom may be answered in eV alone; a unit that says what it is per
    is held to it.
    """
    if re.match(r"[\d(^+\-*/·]", piece):
        return None
    try:
        own = factor(piece, "") if not wanted else factor(piece, piece)
    except InvalidInput as error:
        return 0.0 if "cannot be converted" in error.what else None
    if not wanted:
        return own if piece in ("%", "percent") else 0.0
    for target in (wanted, re.split(r"\s*(?:/|\bper\b)\s*(?:atom|f\.u\.|formula unit)", wanted)[0]):
        try:
            return factor(piece, target)
        except InvalidInput:
            continue
    return 0.0


def _spelt(text: str) -> Iterator[Candidate]:
    for match in re.finditer(r"(?<![\w-])(\w+)(?![\w-])", text):
        if (count := _WORDS.get(match[1].lower())) is not None:
            yield Candidate(count, match.start(), match.end(), BARE)


def _sentence_start(text: str, at: int) -> int:
    ends = [match.end() for match in _SENTENCE.finditer(text, max(0, at - _REACH), at)]
    return ends[-1] if ends else max(0, at - _REACH)


def _sentence_end(text: str, at: int) -> int:
    match = _SENTENCE.search(text, at, at + _REACH)
    return match.start() if match else min(len(text), at + _REACH)


def words(text: str) -> frozenset[str]:
    """Beginnings of the words of a text; of `Voigt-Reuss-Hill` the initials."""
    found = set()
    for word in _WORD.findall(text):
        parts = word.split("-")
        if len(parts) > 2:
            found.add("".join(part[0] for part in parts).lower())
        else:
            found.update(part[:5].lower() for part in parts if len(part) > 2)
    return frozenset(found)

"""What an answer in words says: the number in the wanted unit, the class, the ids.

An answer that gives no value, several, or a range has none: it is not guessed which was meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.benchmark.numbers import best, candidates, words
from llamp_mcp.materials.identifiers import plain_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.evaluation.benchmark.questions import Item, QuestionSet

MAX_CHARACTERS: Final = 20_000
"""Of an answer, from its end; a model that repeats itself may write any number."""
_MATERIAL: Final = re.compile(r"\b(?:mp|mvc)-(?:[0-9]{1,8}|aa[a-z]{6})\b", re.IGNORECASE)
_DOI: Final = re.compile(r"\b10\.[0-9]{4,9}/[^\s\"'<>|,;\]}]+")
_OTHER_IDS: Final = re.compile(
    r"\bs-[0-9a-f]{16}\b|\b(?:mp|mvc)-[\w-]+|\barXiv:\S+|https?://\S+|\bv?\d+\.\d+\.\d+\b"
    r"|\b\d{4}-\d\d-\d\d\b|\[\d{1,3}\]",
    re.IGNORECASE,
)
_MARKUP: Final = (
    (re.compile(r"<think>.*?</think>", re.DOTALL), " "),
    (re.compile(r"\\(?:bar|overline)\s*\{?([0-9])\}?|([0-9])[\u0304\u0305]"), r"-\1\2"),
    (re.compile(r"_\{([0-9])\}"), r"_\1"),
    (re.compile(r"₁"), "_1"),
    (re.compile(r"₃"), "_3"),
    (re.compile(r"\\(?:text|mathrm|mathbf|rm|si|unit)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\boxed\s*\{([^{}]*)\}"), r"\nAnswer: \1\n"),
    (re.compile(r"\\(?:times)\b"), "\u00d7"),
    (re.compile(r"\\(?:cdot)\b"), "·"),
    (re.compile(r"\\(?:pm)\b"), "±"),
    (re.compile(r"\\(?:approx|sim)\b"), " "),
    (re.compile(r"\\AA\b|\\(?:r|mathring)\s*\{?A\}?|\u212b|A\u030a"), "Å"),
    (re.compile(r"\\mu(?![a-z])|\u03bc"), "µ"),
    (re.compile(r"µ_?\{?B\}?|\bmu_B\b"), "µB"),
    (re.compile(r"\^\{([^{}]*)\}"), r"^\1"),
    (re.compile(r"\\[,;:! ()\[\]]|\\quad|&nbsp;|\u00a0"), " "),
    (re.compile(r"\*\*|__|`|\$"), ""),
    (re.compile(r"\u2212"), "-"),
    (re.compile(r"(?<![\w)])[\u2013\u2014](?=[0-9])"), "-"),
    (re.compile(r"~(?=[A-Za-zµÅ])"), " "),
    (re.compile(r"[~≈≃](?=\s?[+-]?[0-9.])"), " "),
    (re.compile(r"(?<![0-9])0,(?=[0-9])"), "0."),
    (re.compile(r"\belectron[ -]?volts?\b", re.IGNORECASE), "eV"),
    (re.compile(r"\bgiga-?pascals?\b", re.IGNORECASE), "GPa"),
    (re.compile(r"\b[åÅ]ngstr[öo]ms?\b|\bangstr[öo]ms?\b", re.IGNORECASE), "Å"),
    (re.compile(r"\bBohr magnetons?\b", re.IGNORECASE), "µB"),
    (re.compile(r"\bcubic Å"), "Å^3"),
    (re.compile(r"\bper cent\b"), "percent"),
    (re.compile(r"(?<=[\s(])zero (?=eV|band|gap)|(?<=\bis )zero\b", re.IGNORECASE), "0 "),
)
"""LaTeX, markdown, symbols of space groups and spelt-out units, as plain text."""
_ANSWER: Final = re.compile(
    r"(?:(?:final|short)\s+)?\banswer\b[\"'*_]*(?:\s+is)?\s*[:=]\s*|\banswer\s+is\b", re.IGNORECASE
)
_NOTHING: Final = re.compile(
    r"\bunknown\b|(?<!\w)n/a\b|\b(?:un|not )available\b"
    r"|\bno (?:(?:single|unique|one|such|reliable|definite)\s+)*"
    r"(?:value|answer|data|entry|entries|tensor|result|record|information)\b"
    r"|\b(?:cannot|can't|could not|couldn't|unable to|not able to)\s+(?:be\s+)?"
    r"(?:give|stat|determin|provid|answer|choos|chosen|report|f[io]u?nd|say|select|retriev|tell)"
    r"|\b(?:do|does|did)(?: not|n't) (?:know|have|hold|contain|give|list)\b"
    r"|\bnone (?:was|is|of|were|can)\b|\bnot (?:known|found|listed|reported|in the database)\b",
    re.IGNORECASE,
)
_NONE: Final = re.compile(r"\W*(?:none|null|nan|unknown|n/a|no)\b", re.IGNORECASE)
_YET: Final = re.compile(
    r"\b(?:but|however|approximately|about|roughly|around|estimated?|nevertheless)\b", re.IGNORECASE
)
_COMMON: Final = frozenset(
    (
        *("the", "and", "for", "are", "its", "has", "was", "how", "one", "that", "this", "what"),
        *("which", "with", "from", "where", "says", "state", "name", "have", "give", "take"),
        *("value", "entry", "stabl", "most", "mater", "proje", "answe", "unit", "then", "than"),
        *("next", "such", "singl", "chose", "candi", "datab", "compu", "made", "struc", "atoms"),
    )
)
"""Words of a question, cut to five letters, that do not say what is asked."""
_SYNONYMS: Final = {
    "FM": r"FM|(?i:ferromagnet\w*)",
    "AFM": r"AFM|afm|(?i:antiferromagnet\w*)",
    "FiM": r"FiM|FIM|(?i:ferrimagnet\w*)",
    "NM": r"NM|(?i:nonmagnet\w*|not magnetic)",
    "trigonal": r"(?i:trigonal|rhombohedral)",
}
"""Classes that go by several names, as patterns; the abbreviations only as they are written."""
_NOT: Final = re.compile(
    r"(?:\bnot|n't|rather than|instead of|\bthan|neither|\bnor)\W+(?:\w+\W+)?$"
)
_SAID: Final = re.compile(r"(?:\bis|\bare|\bas|[:=])\W*(?:an?\W+)?(?:\w+ly\W+)?$", re.IGNORECASE)


def extract(question_set: QuestionSet, item: Item, answer: str) -> float | str | None:
    """What an answer says, by the kind of its question; None where it says nothing.

    Args:
        question_set: Which kind, unit or classes.
        item: Which question of it.
        answer: In words.

    Returns:
        A number in the unit of the set, one of its classes, or the ids joined by commas.
    """
    if question_set.answer == "ids":
        return ", ".join(ids_in(answer)) or None
    text = plain(answer)
    if question_set.answer == "class":
        return _class(text, question_set.classes)
    return _number(question_set, item, text)


def ids_in(text: str) -> tuple[str, ...]:
    """Material ids and DOIs that a text names, each once, in its order, in one spelling."""
    found = [(match.start(), plain_id(match[0].lower())) for match in _MATERIAL.finditer(text)]
    found += [(match.start(), _doi(match[0])) for match in _DOI.finditer(text)]
    return tuple(dict.fromkeys(name for _, name in sorted(found)))


def plain(text: str) -> str:
    """The end of an answer without markup, ids, DOIs and versions, whose digits are no values."""
    text = text[-MAX_CHARACTERS:]
    for pattern, instead in _MARKUP:
        text = pattern.sub(instead, text)
    for pattern in (_DOI, _MATERIAL, _OTHER_IDS):
        text = pattern.sub("\u00a4", text)
    return text


def _doi(text: str) -> str:
    text = text.rstrip(".:*_`")
    while text.endswith(")") and text.count(")") > text.count("("):
        text = text[:-1].rstrip(".")
    return text.lower()


def _final(text: str) -> str | None:
    """What stands behind the last `Answer:`, up to the end of its line."""
    marks = list(_ANSWER.finditer(text))
    if not marks:
        return None
    behind = text[marks[-1].end() :].strip()
    return behind.partition("\n")[0]


def _number(question_set: QuestionSet, item: Item, text: str) -> float | None:
    unit, topic = question_set.unit, _topic(question_set, item)
    line = _final(text)
    if line:
        found = best(line, unit, topic, bare=True)
        if found is not None and not _NONE.match(line):
            return found
        if _NONE.match(line) or _NOTHING.search(line):
            return None
        if candidates(line, unit) or re.search(r"\d", line):
            return None  # a range, alternatives, or another quantity
    if refusal := _NOTHING.search(text):
        return _in_spite(text, refusal, unit)
    return best(text, unit, topic, bare=False)


def _in_spite(text: str, refusal: re.Match[str], unit: str) -> float | None:
    """The one value told before a refusal, or after a `but`; None where there are several."""
    yet = _YET.search(text, refusal.end())
    begin = yet.start() if yet else len(text)
    values = {
        one.value
        for one in candidates(text, unit)
        if one.tier > 1 and (one.end <= refusal.start() or one.start >= begin)
    }
    return values.pop() if len(values) == 1 else None


def _topic(question_set: QuestionSet, item: Item) -> frozenset[str]:
    """Beginnings of the words that say what is asked."""
    return words(f"{question_set.title} {question_set.asked(item)}") - _COMMON


def _class(text: str, classes: tuple[str, ...]) -> str | None:
    """The class that is named; where several are, the one that is said to be it."""
    text = re.sub(r"\b(anti|non)[- ](?=ferro|magnet)", r"\1", text, flags=re.IGNORECASE)
    line = _final(text)
    if line:
        if _NONE.match(line):
            return None
        text = line
    named = sorted(_named(text, classes))
    if len({name for _, name in named}) == 1:
        return named[0][1]
    said = [name for at, name in named if _SAID.search(text[:at])]
    return said[-1] if said else None


def _named(text: str, classes: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for name in classes:
        pattern = _SYNONYMS.get(name) or rf"(?i:{re.escape(name).replace('_', '_?')})"
        for match in re.finditer(rf"(?<![\w-])(?:{pattern})(?!\w)", text):
            if not _NOT.search(text[: match.start()]):
                yield match.start(), name

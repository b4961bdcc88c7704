"""Worked calls: the questions a brief answers by example, and the calls that answer them.

A question is matched against patterns such as `bulk modulus of {material}`; the calls and the
answer of the pattern are templates, whose placeholders are the pattern's slots (`{material}`) and
parts of earlier results (`{1.results.0.material_id}`: call 1, then a path; `*` goes through a
list). A model reads them as examples, and a plan can be made from them without a model.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from llamp_mcp.errors import NotFound, clip
from llamp_mcp.experts.brief import NAMES, read_brief
from llamp_mcp.materials.presentation import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llamp_mcp.experts.brief import Brief, Expert

_FORMULA: Final = r"(?:(?:[A-Z][a-z]?|\((?:[A-Z][a-z]?[\d.]*)+\)|\[[\w()]+\])\d*(?:\.\d+)?)+"
_KINDS: Final = {
    "material": rf"(?:\w+\s+\(mp-\w+\)|mp-\w+|{_FORMULA}(?:\s+\(mp-\w+\))?)(?!\w|-\w|\([A-Z])",
    "species": r"[A-Z][a-z]?(?:\d*[+-])?(?!\w)",
    "number": r"-?\d+(?:\.\d+)?",
    "digit": r"-?\d",
    "chemsys": r"(?:[A-Z][a-z]?[-\u2013])+[A-Z][a-z]?(?!\w)",
    "word": r"\w+",
    "words": r"[^?;]+?",
}
"""What a slot may hold. `{height:number}` names the kind; `{number}` is its own."""
_SKIPPED: Final = (
    *("the", "a", "an", "most", "stable", "entry", "of", "for"),
    *("diamond", "fcc", "bcc", "hcp"),
)
"""Words that may stand or lack anywhere, in a pattern as in a question."""
_GAP: Final = rf"(?:\s+\([^()]*\))?[\s,]+(?:(?i:{'|'.join(_SKIPPED)})[\s,]+)*"
"""Between two words of a pattern: also such words, or a remark in brackets."""
_ANYTHING: Final = r".*?(?<!\w)"
_END: Final = r"\s*(?:[?.;]|$)"
_ID: Final = re.compile(r"\bmp-\w+")
_SLOT: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_PARTS: Final = re.compile(r"\s+|\{[^{}]*\}|[()]|\.\.\.|[^\s{}()]+")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Call(_Strict):
    """A tool, and templates of its arguments."""

    tool: str
    arguments: dict[str, Any]


class Case(_Strict):
    """One answer of several: that of the first case whose conditions hold."""

    when: dict[str, str] = Field(
        default_factory=dict, description="words that a part of the results must contain, by path"
    )
    say: str


class WorkedCall(_Strict):
    """Questions of one form, the calls that answer them, and the answer.

    In a pattern `from/by` is either word, and `...` is anything. Articles and the like do not
    count, and the question may have remarks in brackets between its words.
    """

    asked: tuple[str, ...]
    calls: tuple[Call, ...]
    answer: tuple[Case, ...] = Field(description="`fill` takes the first that holds")

    @model_validator(mode="after")
    def _always_answers(self) -> WorkedCall:
        if not self.answer or self.answer[-1].when:
            raise ValueError("the last case of an answer must hold always")
        return self


class Match(NamedTuple):
    """What a question was understood as."""

    expert: Expert
    worked: WorkedCall
    slots: dict[str, str]


def worked_calls(brief: Brief) -> tuple[WorkedCall, ...]:
    """The worked calls of a brief, in its order.

    Raises:
        pydantic.ValidationError: One is not written as it should be.
    """
    return tuple(_worked(item) for item in brief.worked())


def _worked(item: dict[str, Any]) -> WorkedCall:
    """One as written: a single pattern, calls `{tool: {arguments}}`, a single sentence."""
    asked, answer = item["asked"], item["answer"]
    calls = [
        {"tool": tool, "arguments": given} for call in item["calls"] for tool, given in call.items()
    ]
    return WorkedCall.model_validate(
        {
            **item,
            "asked": [asked] if isinstance(asked, str) else asked,
            "calls": calls,
            "answer": [{"say": answer}] if isinstance(answer, str) else answer,
        }
    )


def match(question: str) -> Match | None:
    """The worked call whose pattern fits a question best: the one with the most words in it.

    The pattern may stand anywhere in the question. Case does not matter in words, and is kept in
    slots. Of equally long patterns that of the earlier expert and line is taken.
    """
    for pattern, expert, worked in _by_length():
        if found := pattern.search(question):
            return Match(expert, worked, {k: _slot(v) for k, v in found.groupdict().items()})
    return None


def _slot(text: str) -> str:
    """What was said: of `silicon (mp-149)` the id; plain dashes."""
    named = _ID.search(text)
    return named[0] if named else text.strip().replace("\u2013", "-")


@cache
def _by_length() -> tuple[tuple[re.Pattern[str], Expert, WorkedCall], ...]:
    found = [
        (text, expert, worked)
        for expert in NAMES
        for worked in worked_calls(read_brief(expert))
        for text in worked.asked
    ]
    found.sort(key=lambda one: len(_SLOT.sub(" ", one[0]).split()), reverse=True)
    return tuple((compiled(text), expert, worked) for text, expert, worked in found)


def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern.

    Raises:
        ValueError: A slot is of no known kind.
    """
    made, glue = "", ""
    for part in _PARTS.findall(pattern):
        if part.isspace():
            glue = glue or _GAP
        elif part == "...":
            glue = _ANYTHING
        elif part.casefold() not in _SKIPPED:
            made += (r"\s*" if part == "(" and glue == _GAP else glue) + _part(part)
            glue = ""
    end = _END if pattern.endswith(":words}") else ""
    return re.compile(rf"(?<![\w(]){made}{end}", re.DOTALL)


def _part(part: str) -> str:
    if not (slot := _SLOT.fullmatch(part)):
        return f"(?i:{'|'.join(map(re.escape, part.split('/')))})"
    name, kind = slot[1], slot[2] or slot[1]
    if kind not in _KINDS:
        raise ValueError(f"slot {part} is of no kind {sorted(_KINDS)}")
    return f"(?P<{name}>{_KINDS[kind]})"


def fill(template: Any, slots: Mapping[str, str], results: Sequence[Mapping[str, Any]]) -> Any:
    """A template with its placeholders filled: text, a list, a mapping, or the cases of an answer.

    A text that is one placeholder takes its value with its type; in longer text numbers are written
    with six digits. A slot that reads as a number is one.

    Args:
        template: Arguments or an answer of a worked call.
        slots: Of the pattern.
        results: Structured results of the calls so far; of long-running tools the job's `result`.

    Raises:
        NotFound: There is no such slot, call, or part of a result.
    """
    if isinstance(template, tuple):
        holding = (case.say for case in template if _holds(case, slots, results))
        if (said := next(holding, None)) is None:
            raise NotFound("No case of this answer fits what the tools returned")
        return fill(said, slots, results)
    if isinstance(template, dict):
        return {key: fill(value, slots, results) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, slots, results) for value in template]
    if not isinstance(template, str):
        return template
    if whole := _PLACEHOLDER.fullmatch(template):
        return _value(whole[1], slots, results)
    return _PLACEHOLDER.sub(lambda found: _words(_value(found[1], slots, results)), template)


def _holds(case: Case, slots: Mapping[str, str], results: Sequence[Mapping[str, Any]]) -> bool:
    try:
        return all(
            words.casefold() in _words(_value(path, slots, results)).casefold()
            for path, words in case.when.items()
        )
    except NotFound:
        return False


def _value(path: str, slots: Mapping[str, str], results: Sequence[Mapping[str, Any]]) -> Any:
    call, *keys = path.split(".")
    if not call.isdecimal():
        if path not in slots:
            raise NotFound(f"There is no slot {path!r}", allowed=", ".join(slots) or "none")
        return _typed(slots[path])
    if not 1 <= int(call) <= len(results):
        raise NotFound(f"There is no result of call {call}", allowed=f"1 to {len(results)}")
    return _walk(results[int(call) - 1], keys, path)


def _walk(node: Any, keys: list[str], path: str) -> Any:
    for depth, key in enumerate(keys):
        if key == "*" and isinstance(node, list):
            return [_walk(item, keys[depth + 1 :], path) for item in node]
        try:
            node = node[int(key)] if isinstance(node, list) else node[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NotFound(f"The results have no {path!r}", allowed=_here(node, key)) from None
    return node


def _here(node: Any, key: str) -> str:
    if isinstance(node, dict):
        return f"in place of {key!r}: {', '.join(map(str, node)) or 'nothing'}"
    return f"{len(node)} items" if isinstance(node, list) else f"nothing within {clip(node)}"


def _typed(text: str) -> str | int | float:
    if not re.fullmatch(_KINDS["number"], text):
        return text
    return float(text) if "." in text else int(text)


def _words(value: Any) -> str:
    """A value as an answer says it."""
    if isinstance(value, list):
        nested = any(isinstance(item, list | dict) for item in value)
        return ("; " if nested else ", ").join(_items(value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    return number(value)


def _items(value: list[Any]) -> Iterator[str]:
    for item in value:
        yield f"[{_words(item)}]" if isinstance(item, list) else _words(item)

"""Recordings and evaluations as rows of chat: only answers whose every number a tool had given."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.evaluation.benchmark.record import Record, Trial
from llamp_mcp.evaluation.distillation.rows import Call, Conversation
from llamp_mcp.evaluation.distillation.verify import ID, NUMBER, all_texts, without
from llamp_mcp.materials.formulas import formula_key
from llamp_mcp.recording import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from llamp_mcp.recording import Redaction

MAX_CALLS: Final = 20
CHECK: Final = "check_grounding"
_DOI: Final = re.compile(r"\b10\.\d{4,9}/[^\s\"'<>)\]]+")
_LIST_ITEM: Final = re.compile(r"(?m)^\s*\d+[.)]\s")
_TOLD: Final = re.compile(r"\b((?:mp|mvc)-\w+) ([A-Z][A-Za-z0-9()]*)")
"""An id and its formula, as the tools tell them."""
_COMPOUND: Final = re.compile(r"\b(?:[A-Z][a-z]?\d*|\((?:[A-Z][a-z]?\d*)+\)\d*){2,}")
_ROUNDED_FROM: Final = 100
"""A whole number below it must be the very same; from it on it may be a rounded one."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A question, the calls that followed, and an answer.

    Attributes:
        flaw: Why it teaches nothing; empty: it may.
    """

    name: str
    origin: str
    model: str
    question: str
    answer: str
    calls: tuple[Call, ...]
    flaw: str = ""


def from_recordings(folder: Path, redaction: Redaction) -> Iterator[Spoken]:
    """What was recorded (`llamp_mcp.recording`), oldest first, and redacted once more.

    Answers of experts and evaluations come as they are. A draft that was given to
    `check_grounding` comes as the answer to the calls before it; the user's question is not known
    to a server, so the calls themselves are named in its place.

    Raises:
        NotFound: There is no such folder.
    """
    if not folder.is_dir():
        raise NotFound(
            f"There are no recordings in {str(folder)!r}",
            next_step="Serve with LLAMP_RECORD=1 first.",
        )
    for path in sorted(folder.glob("*.jsonl")):
        calls: list[Call] = []
        for number, line in enumerate(_lines(path), 1):
            told = redaction.value(line)
            name = f"{path.name} {number}"
            if told.get("kind") == "answer":
                yield _answered(name, told)
            elif told.get("tool") == CHECK and "text" in told:
                yield _draft(name, told, calls)
                calls = []
            elif told.get("kind") == "tool_call" and "text" in told and not told["failed"]:
                calls.append(Call(told["tool"], told["arguments"], told["text"]))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a recording; one that was cut off by a full disk is passed over."""
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and line.get("format") == FORMAT:
            yield line


def _answered(name: str, told: dict[str, Any]) -> Spoken:
    if "answer" not in told:
        return Spoken(name, "", "", "", "", (), flaw="too long")
    calls = tuple(
        Call(s["tool"], s.get("arguments", {}), s["observation"], failed=bool(s.get("failed")))
        for s in told["steps"]
    )
    return Spoken(name, told["origin"], told["model"], told["question"], told["answer"], calls)


def _draft(name: str, told: dict[str, Any], calls: list[Call]) -> Spoken:
    """The draft of a host, held as an answer only when every claim in it was supported."""
    structured = told.get("structured") or {}
    claims = structured.get("claims") or []
    sound = bool(claims) and all(claim.get("verdict") == "supported" for claim in claims)
    draft = told["arguments"].get("text") or ""
    asked = "; ".join(f"{call.tool}({_arguments(call.arguments)})" for call in calls)
    flaw = ""
    if told["failed"] or not sound or structured.get("unknown_ids"):
        flaw = "not supported"
    question = f"Look this up, and report with ids, units and sources what you find: {asked}"
    return Spoken(name, CHECK, "", question, draft, tuple(calls), flaw)


def _arguments(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def from_records(paths: Iterable[Path], redaction: Redaction) -> Iterator[Spoken]:
    """Trials of evaluations that used tools.

    Raises:
        NotFound: There is no such file.
        InvalidInput: A file is not the record of an evaluation.
    """
    for path in paths:
        if not path.is_file():
            raise NotFound(f"There is no record {str(path)!r}")
        try:
            record = Record.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InvalidInput(
                f"{str(path)!r} is not the record of an evaluation",
                next_step="`llamp-mcp evaluate` writes one as record.json.",
            ) from error
        for arm in record.arms:
            for trial in arm.trials:
                if trial.steps:
                    yield _trial(f"{arm.name} {record.started}", record.model, trial, redaction)


def _trial(where: str, model: str, trial: Trial, redaction: Redaction) -> Spoken:
    flaw = ""
    if trial.error or trial.correct is False or trial.extracted is None:
        flaw = "not correct"
    elif trial.ungrounded_ids:
        flaw = "invented an id"
    calls = tuple(
        Call(
            step.tool,
            redaction.value(step.arguments),
            redaction.text(step.observation),
            failed=step.failed,
        )
        for step in trial.steps
    )
    name = f"{where} {model} {trial.set_name} {trial.key} {trial.trial}"
    question, answer = redaction.text(trial.question), redaction.text(trial.answer)
    return Spoken(name, "evaluation", model, question, answer, calls, flaw)


def judged(spoken: Spoken) -> Spoken:
    """The same, with its flaw noted where it has one."""
    if spoken.flaw:
        return spoken
    flaw = ""
    if not spoken.answer.strip() or not spoken.question.strip():
        flaw = "no answer"
    elif not spoken.calls or len(spoken.calls) > MAX_CALLS:
        flaw = "no calls, or too many"
    elif any(call.failed for call in spoken.calls):
        flaw = "a call failed"
    elif not supported(spoken):
        flaw = "a number or id that no tool gave"
    return replace(spoken, flaw=flaw)


def supported(spoken: Spoken) -> bool:
    """Whether every id, DOI and number of the answer stands in what the tools told.

    A number agrees within half a unit of its last digit; a whole number below a hundred only
    exactly, since hardly any would else be wrong. What the question says may be said again.
    """
    given = "\n".join([spoken.question, *(call.text for call in spoken.calls)])
    names = _names(given)
    if not _names(spoken.answer) <= names:
        return False
    known = {float(number) for number in NUMBER.findall(without(given, names))}
    text = _LIST_ITEM.sub("", without(spoken.answer, names))
    return all(_agrees(number, known) for number in NUMBER.findall(text))


def _names(text: str) -> set[str]:
    """Ids and DOIs in a text."""
    return {*ID.findall(text), *(doi.rstrip(".,;:") for doi in _DOI.findall(text))}


def _agrees(number: str, known: set[float]) -> bool:
    value = float(number)
    if value in known or -value in known:
        return True
    mantissa, _, exponent = number.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    if decimals <= 0 and abs(value) < _ROUNDED_FROM:
        return False
    allowed = 0.5 * 10.0**-decimals * (1 + 1e-9)
    return any(abs(abs(value) - abs(one)) <= allowed for one in known)


def mentioned(spoken: Spoken, keys: Mapping[str, str], known: frozenset[str]) -> set[str]:
    """Keys of every formula that a conversation is about; an unknown id stands for itself.

    Args:
        spoken: The conversation.
        keys: Key of the formula by id, of what the source holds.
        known: Keys of the formulas that the source holds.
    """
    texts = all_texts(spoken.question, spoken.answer, spoken.calls)
    told = {
        identifier: key
        for text in texts
        for identifier, formula in _TOLD.findall(text)
        if (key := _key(formula))
    }
    found = {keys.get(i) or told.get(i) or i for text in texts for i in ID.findall(text)}
    for call in spoken.calls:
        found |= {key for word in _words(call.arguments) if (key := _key(word))}
    compounds = {_key(word) for text in texts for word in _COMPOUND.findall(text)}
    return found | (compounds & known)


def _words(value: Any) -> Iterator[str]:
    """Texts among arguments that may be formulas."""
    if isinstance(value, str):
        yield from value.replace(",", " ").split()
    elif isinstance(value, dict):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)


def _key(text: str) -> str:
    """The key of a formula; empty where it is none."""
    try:
        return formula_key(text)
    except InvalidInput:
        return ""


def conversation(spoken: Spoken, formulas: Iterable[str]) -> Conversation:
    """The row that it makes."""
    texts = all_texts(spoken.question, spoken.answer, spoken.calls)
    ids = dict.fromkeys(identifier for text in texts for identifier in ID.findall(text))
    return Conversation(
        name=spoken.name,
        kind="recorded",
        question=spoken.question,
        answer=spoken.answer,
        calls=spoken.calls,
        formulas=tuple(sorted(formulas)),
        materials=tuple(ids),
        origin=spoken.origin,
        model=spoken.model,
    )

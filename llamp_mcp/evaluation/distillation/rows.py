"""What a row of the data set is made of, and the rows as they are written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from llamp_mcp.materials import presentation

Row = dict[str, Any]
T = TypeVar("T")

SYSTEM: Final = (
    "You answer questions about materials with the tools of llamp-mcp. Every number comes from a "
    "tool, with its unit, material id, method and source. A value that no tool gives is missing: "
    "say so and never fill it in from memory."
)


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class CitedFact(_Plain):
    """A value that an answer states, as the source has it."""

    material_id: str
    formula: str
    property: str = Field(description="by its dotted name: bulk_modulus.vrh")
    value: float | None = Field(description="null: it is a word, not a number")
    text: str = Field(description="as the answer prints it")
    unit: str | None
    source: str = Field(description="where the value is from, in words")


class Derived(_Plain):
    """A number that an answer states and that follows from its facts.

    `scale`: the fact times the factor. `quotient`: the factor by the fact. `difference`: the first
    fact less the second. `count`: of what `about` says. `constant`: the factor itself.
    """

    text: str
    value: float
    unit: str | None
    operation: Literal["scale", "quotient", "difference", "count", "constant"]
    of: tuple[int, ...] = Field(description="positions of the facts")
    factor: float | None
    about: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, and the text that came back."""

    tool: str
    arguments: dict[str, Any]
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question, the calls that answer it, and the answer with all it rests on.

    Attributes:
        name: Names the exchange among all; part of its id.
        kind: value, polymorph, overview, ranking, comparison, conversion, unphysical, ambiguous,
            refusal.
        formulas: Every formula it is about, as the source writes it.
        materials: Every id it is about.
        remarks: Fixed sentences in the answer (method, caveat, warning) that may hold numbers.
    """

    name: str
    kind: str
    question: str
    answer: str
    formulas: tuple[str, ...]
    materials: tuple[str, ...]
    calls: tuple[Call, ...] = ()
    facts: tuple[CitedFact, ...] = ()
    derived: tuple[Derived, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A row of chat: a question, calls with their results, an answer.

    Attributes:
        origin: template, or who answered in a recording: ask_expert, evaluation, check_grounding.
        model: That gave the answer; empty: none did.
    """

    name: str
    kind: str
    question: str
    answer: str
    calls: tuple[Call, ...]
    formulas: tuple[str, ...]
    materials: tuple[str, ...]
    origin: str = "template"
    model: str = ""
    system: str = field(default=SYSTEM)


def pair_row(exchange: Exchange) -> Row:
    """A question, its answer, and every fact, number and citation in it."""
    return {
        "id": row_id("pair", exchange.name),
        "kind": exchange.kind,
        "question": exchange.question,
        "answer": exchange.answer,
        "citations": list(dict.fromkeys(fact.source for fact in exchange.facts)),
        "facts": [fact.model_dump() for fact in exchange.facts],
        "derived": [one.model_dump(mode="json") for one in exchange.derived],
        "remarks": list(exchange.remarks),
        "materials": list(exchange.materials),
        "formulas": list(exchange.formulas),
    }


def chat_row(conversation: Conversation) -> Row:
    """The same as messages, in the form of OpenAI's chat completions."""
    messages = [
        _message("system", conversation.system),
        _message("user", conversation.question),
    ]
    for number, call in enumerate(conversation.calls, 1):
        asked = {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": call.tool,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            },
        }
        messages.append(_message("assistant", "", tool_calls=[asked]))
        messages.append(_message("tool", call.text, call_id=f"call_{number}"))
    messages.append(_message("assistant", conversation.answer))
    return {
        "id": row_id("chat", conversation.name),
        "kind": conversation.kind,
        "origin": conversation.origin,
        "model": conversation.model or None,
        "messages": messages,
        "tools": list(dict.fromkeys(call.tool for call in conversation.calls)),
        "materials": list(conversation.materials),
        "formulas": list(conversation.formulas),
    }


def conversation(exchange: Exchange) -> Conversation:
    """An exchange as it would be held."""
    return Conversation(
        name=exchange.name,
        kind=exchange.kind,
        question=exchange.question,
        answer=exchange.answer,
        calls=exchange.calls,
        formulas=exchange.formulas,
        materials=exchange.materials,
    )


def _message(role: str, content: str, *, tool_calls: Any = None, call_id: str | None = None) -> Row:
    """A message; every one has the same keys, so that all rows have one schema."""
    return {"role": role, "content": content, "tool_calls": tool_calls, "tool_call_id": call_id}


def row_id(config: str, name: str) -> str:
    """A short id that stays the same as long as the question does."""
    return f"{config}-{digest(name):064x}"[: len(config) + 17]


def digest(text: str) -> int:
    """A number that a text always has, on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def pick(options: tuple[T, ...], text: str) -> T:
    """One of the options, always the same for the same text."""
    return options[digest(text) % len(options)]


_TEXT: Final[dict[str, Any]] = {"dtype": "string"}
_TEXTS: Final[dict[str, Any]] = {"list": "string"}
_NUMBER: Final[dict[str, Any]] = {"dtype": "float64"}


def _feature(name: str, what: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, **what}


def features(config: str) -> list[dict[str, Any]]:
    """The columns of a config as the front matter of a data card declares them.

    Declared, because a column that is empty throughout one file would else have another type there.
    """
    texts = dict.fromkeys(("id", "kind"), _TEXT)
    if config == "pairs":
        columns = {
            **texts,
            "question": _TEXT,
            "answer": _TEXT,
            "citations": _TEXTS,
            "facts": {"list": _columns(CitedFact)},
            "derived": {"list": _columns(Derived)},
            "remarks": _TEXTS,
        }
    else:
        function = {"struct": [_feature("name", _TEXT), _feature("arguments", _TEXT)]}
        call = [_feature("id", _TEXT), _feature("type", _TEXT), _feature("function", function)]
        message = [
            _feature("role", _TEXT),
            _feature("content", _TEXT),
            _feature("tool_calls", {"list": call}),
            _feature("tool_call_id", _TEXT),
        ]
        columns = {
            **texts,
            "origin": _TEXT,
            "model": _TEXT,
            "messages": {"list": message},
            "tools": _TEXTS,
        }
    columns |= {"materials": _TEXTS, "formulas": _TEXTS}
    return [_feature(name, what) for name, what in columns.items()]


def _columns(model: type[BaseModel]) -> list[dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = {
        "value": _NUMBER,
        "factor": _NUMBER,
        "of": {"list": "int64"},
    }
    return [_feature(name, kinds.get(name, _TEXT)) for name in model.model_fields]


def printed(value: float | str, unit: str | None) -> str:
    """A value with its unit as a sentence has it: no unit where it would read as a noun."""
    if unit in {None, "", "dimensionless", "relative permittivity"}:
        return presentation.number(value)
    if value == 1 and unit in _SINGULAR:
        unit = _SINGULAR[unit]
    return f"{presentation.number(value)} {unit}"


_SINGULAR: Final = {"atoms per cell": "atom per cell", "sites": "site", "elements": "element"}

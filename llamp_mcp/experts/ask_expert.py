"""Ask an expert: a nested loop over its part of the tools, or, without a model, its brief."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.experts.brief import Expert, read_brief
from llamp_mcp.experts.react import Conversation, Step
from llamp_mcp.operation import Operation, Params, Result

Mode = Literal["sampling", "provider", "brief"]
TOLD_CHARACTERS: Final = 300
"""Of each observation in the answer: enough to see what it was; the caller can call it again."""
TASK: Final = """

You were asked by another model. It sees your answer and nothing else: give every value with its \
unit, material id, method and source, as a tool said it; say what you could not find. End when the \
question is answered."""


class AskExpertParams(Params):
    """Whom to ask what, and for how long."""

    expert: Expert = Field(description="whom")
    question: str = Field(max_length=8000, description="complete: ids, units, what to return")
    max_rounds: int = Field(default=8, ge=1, le=10, description="of thought")
    max_seconds: float = Field(default=120, ge=5, le=900, description="seconds")


class Citation(Params):
    """An id in the answer, and where the values that were told of it come from."""

    id: str
    sources: tuple[str, ...]


class AskExpertResult(Result):
    """The answer with the steps that led to it; or the brief, to be followed by who asked."""

    answer: str
    mode: Mode
    steps: tuple[Step, ...] = ()
    citations: tuple[Citation, ...] = ()
    warnings: tuple[str, ...] = ()
    model: SkipJsonSchema[str] = ""
    stopped: SkipJsonSchema[str] = Field(default="", description="answered, rounds, tokens or time")
    rounds: SkipJsonSchema[int] = 0
    tokens: SkipJsonSchema[int] = 0
    brief: SkipJsonSchema[str] = ""

    def text(self) -> str:
        """The answer, what spoke against it, the steps, the sources."""
        if self.mode == "brief":
            return "\n".join((*self.warnings, self.brief))
        told = [self.answer or "(no answer)"]
        told += [f"Warning: {warning}" for warning in self.warnings]
        told.append(
            f"Steps ({self.mode}, {self.model}, {self.rounds} rounds, {self.tokens} tokens):"
        )
        told += [_line(number, step) for number, step in enumerate(self.steps, 1)]
        told += [f"{c.id}: {'; '.join(c.sources)}" for c in self.citations]
        return "\n".join(told)


def ask_expert(params: AskExpertParams) -> AskExpertResult:
    """Let an expert answer a question of its field with the tools; its steps come back.

    Where no model is at hand you get the brief: follow it yourself.
    """
    return AskExpertResult(
        answer="",
        mode="brief",
        warnings=(
            "No model is at hand to play this expert (the client offers no sampling with tools, "
            "and LLAMP_LLM_MODEL is not set). Play it yourself, by this brief:",
        ),
        brief=f"{read_brief(params.expert).text}\n\nQuestion: {params.question}",
    )


def system_prompt(expert: Expert) -> str:
    """What a nested model is told before the question."""
    return read_brief(expert).text + TASK


def answered(conversation: Conversation, mode: Mode) -> AskExpertResult:
    """A conversation that has ended, in the shape of the tool."""
    warnings: list[str] = []
    if conversation.stopped != "answered":
        warnings.append(f"stopped by its limit of {conversation.stopped}: it may be incomplete")
    if not conversation.steps:
        warnings.append("answered without calling any tool: nothing in it is grounded")
    return AskExpertResult(
        answer=conversation.answer or "",
        mode=mode,
        steps=tuple(
            step.model_copy(update={"observation": _clipped(step.observation)})
            for step in conversation.steps
        ),
        warnings=tuple(warnings),
        model=conversation.model,
        stopped=conversation.stopped,
        rounds=conversation.rounds,
        tokens=conversation.usage.total,
    )


def _line(number: int, step: Step) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in step.arguments.items())
    failed = "failed: " if step.failed else ""
    return f"{number}. {step.tool}({given}) → {failed}{step.observation}"


def _clipped(text: str) -> str:
    return text if len(text) <= TOLD_CHARACTERS else f"{text[:TOLD_CHARACTERS]}…"


OPERATION = Operation(
    name="ask_expert",
    title="Ask an expert",
    params=AskExpertParams,
    result=AskExpertResult,
    run=ask_expert,
    toolset="experts",
    read_only=False,
    idempotent=False,
    open_world=True,
    quotes=True,
)

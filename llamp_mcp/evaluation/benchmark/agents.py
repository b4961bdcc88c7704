"""Who answers the questions: a model that reasons and acts, with the tools or from memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from llamp_mcp.experts.react import Conversation, Limits, Observation, Step, converse
from llamp_mcp.providers.chat import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from llamp_mcp.providers.chat import Provider, ToolSpec

LAST_LINE: Final = """\
End with a line of its own: `Answer: `, then the value with its unit, the class, or the ids, and \
nothing else; `Answer: unknown` where there is no single value to give."""
"""Asked of both arms alike; the extraction of answers prefers this line."""
WITH_TOOLS: Final = f"""\
You answer questions about materials with the tools given. Take every value and id from what a \
tool returned in this conversation, never from memory, and name the material id it belongs to. \
Pass formulas and ids as the question has them: of a formula, the tools choose the most stable \
entry that has the property, and say which. Where they chose none, or have no value, say so. Stop \
as soon as the results hold the answer. {LAST_LINE}"""
FROM_MEMORY: Final = f"""\
You answer questions about materials from what you know; there are no tools. Give your best value \
if you know one; say `unknown` if you do not. {LAST_LINE}"""


@dataclass(frozen=True)
class Called(Observation):
    """What a tool answered, for a model and typed."""

    structured: dict[str, Any] = field(default_factory=dict)


class Caller(Protocol):
    """Calls a tool by its name, and follows a job to its end."""

    def __call__(self, name: str, arguments: dict[str, Any], /) -> Awaitable[Called]:
        """What the tool answered; a failure is an answer, too."""


@dataclass(frozen=True)
class Answer:
    """An answer and how it was come by.

    Attributes:
        text: The last word; may be empty.
        steps: Calls of tools on the way.
        usage: Tokens of a model.
        stopped: Why it ended: answered, rounds, tokens or time.
    """

    text: str
    steps: tuple[Step, ...] = ()
    usage: Usage = field(default_factory=Usage)
    stopped: str = "answered"


class Agent(Protocol):
    """Whoever answers."""

    @property
    def name(self) -> str:
        """Scripted, tool calls or constrained."""

    @property
    def model(self) -> str:
        """Which model answers, for the record."""

    async def answer(
        self, question: str, tools: tuple[ToolSpec, ...], caller: Caller | None
    ) -> Answer:
        """Answer a question in a conversation of its own.

        Args:
            question: As it is put.
            tools: What may be called.
            caller: How; None: from memory.

        Raises:
            ProviderError: The model could not answer.
        """


@dataclass(frozen=True)
class ModelAgent:
    """A language model that calls tools until it answers.

    Attributes:
        provider: The model.
        limits: Rounds, tokens and seconds of each answer.
        name: How it calls tools: `tool calls`, or `constrained` by a grammar.
    """

    provider: Provider
    limits: Limits = field(default_factory=Limits)
    name: str = "tool calls"

    @property
    def model(self) -> str:
        """Which model answers."""
        return self.provider.model

    async def answer(
        self, question: str, tools: tuple[ToolSpec, ...], caller: Caller | None
    ) -> Answer:
        """Let the model reason and act within the limits. See `Agent.answer`."""
        begun = Conversation.begin(FROM_MEMORY if caller is None else WITH_TOOLS, question)
        ended = await converse(self.provider, begun, tools, caller or _no_tools, self.limits)
        return Answer(ended.answer or "", ended.steps, ended.usage, ended.stopped)


async def _no_tools(name: str, _arguments: dict[str, Any], /) -> Observation:
    return Observation(f"There is no tool {name!r}: answer from what you know.", failed=True)

"""The nested loop: a model reasons and acts with tools until it answers, within limits.

A conversation is a value. The loop can hold it (`converse`), or a server that is asked anew for
each round can carry it in between (`Conversation.model_dump_json`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio
from pydantic import BaseModel, ConfigDict, Field

from llamp_mcp.errors import clip
from llamp_mcp.experts.observation import shorten
from llamp_mcp.providers.chat import Message, Reply, ToolCall, ToolSpec, Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llamp_mcp.providers.chat import Provider

MAX_CALLS: Final = 8
"""Calls of one round that are made; a model that asks for more is told so."""
CHARACTERS_PER_TOKEN: Final = 4
"""Of English text and numbers, roughly; for clients that do not count tokens."""
OLD_CHARACTERS: Final = 800
"""What is kept of observations before the last round, once the conversation is long."""
LAST_SHARE: Final = 1 / 6
"""Of the time, kept for the last answer."""
AGAIN: Final = (
    "You made this very call before, and the result is the same as above. Answer from it, or make "
    "another call."
)


@dataclass(frozen=True)
class Observation:
    """What a tool answered, as a model reads it."""

    text: str
    failed: bool = False


class CallTool(Protocol):
    """Calls a tool by its name."""

    def __call__(self, name: str, arguments: dict[str, Any], /) -> Awaitable[Observation]:
        """What the tool answered; a failure is an observation, too."""


class Limits(BaseModel):
    """Bounds of a conversation; the last round of each is for an answer without tools."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    rounds: int = Field(default=8, ge=1, description="answers of the model")
    tokens: int = Field(default=60_000, ge=1000, description="read and written, of all rounds")
    seconds: float = Field(default=120.0, gt=0)
    reply_tokens: int = Field(default=1500, ge=16, description="of one answer of the model")
    observation_characters: int = Field(default=6000, ge=200)


class Step(BaseModel):
    """One call of a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tool: str
    arguments: dict[str, Any]
    observation: str
    failed: bool = False


class Conversation(BaseModel):
    """Where a conversation stands.

    Attributes:
        question: What was asked.
        messages: All so far; the system's first.
        steps: The calls, with what came back.
        rounds: Answers of the model so far.
        usage: Tokens so far; estimated where the model's host does not count.
        started: Unix time of the beginning.
        model: Which model answered last.
        answer: The last word; None while there is none.
        stopped: Why it ended: answered, rounds, tokens or time; empty while it goes on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    question: str
    messages: tuple[Message, ...]
    steps: tuple[Step, ...] = ()
    rounds: int = 0
    usage: Usage = Field(default_factory=Usage)
    started: float
    model: str = ""
    answer: str | None = None
    stopped: str = ""

    @classmethod
    def begin(cls, system: str, question: str) -> Conversation:
        """A new one."""
        messages = (Message(role="system", text=system), Message(role="user", text=question))
        return cls(question=question, messages=messages, started=time.time())

    def seconds_left(self, limits: Limits) -> float:
        """Until the time is up."""
        return limits.seconds - (time.time() - self.started)

    def must_answer(self, limits: Limits) -> bool:
        """Whether the next reply has to be the answer, because there is no room for another."""
        return bool(self._why(limits))

    def told(self, limits: Limits) -> tuple[Message, ...]:
        """The messages as they are sent: older observations shortened once there is little room."""
        if self._size() * limits.rounds * 2 <= limits.tokens:
            return self.messages
        last = max((i for i, m in enumerate(self.messages) if m.role == "assistant"), default=0)
        return tuple(
            message.model_copy(
                update={"text": shorten(message.text, self.question, OLD_CHARACTERS)}
            )
            if message.role == "tool" and position < last
            else message
            for position, message in enumerate(self.messages)
        )

    async def after(self, reply: Reply, call_tool: CallTool, limits: Limits) -> Conversation:
        """The conversation after a reply, with the tools it wished for called side by side."""
        usage = reply.usage if reply.usage.total else self._estimate(reply)
        why = self._why(limits)
        calls = () if why else reply.tool_calls[:MAX_CALLS]
        spoken = Message(role="assistant", text=reply.text, tool_calls=calls)
        advanced = self.model_copy(
            update={
                "messages": (*self.messages, spoken),
                "rounds": self.rounds + 1,
                "usage": self.usage + usage,
                "model": reply.model or self.model,
            }
        )
        if not calls:
            return advanced.ended(why or "answered", reply.text)
        return await advanced._observe(calls, call_tool, limits, len(reply.tool_calls))

    def ended(self, why: str, answer: str = "") -> Conversation:
        """The conversation with its last word."""
        return self.model_copy(update={"answer": answer, "stopped": why})

    async def _observe(
        self, calls: tuple[ToolCall, ...], call_tool: CallTool, limits: Limits, wished: int
    ) -> Conversation:
        seen: list[Observation | None] = [None] * len(calls)

        async def observe(position: int, call: ToolCall) -> None:
            seen[position] = await _observation(call, call_tool)

        time_for_tools = self.seconds_left(limits) - limits.seconds * LAST_SHARE
        with anyio.move_on_after(max(0.0, time_for_tools)):
            async with anyio.create_task_group() as group:
                for position, call in enumerate(calls):
                    group.start_soon(observe, position, call)
        late = Observation("The time for this question was up before the tool answered.", True)
        found = [one or late for one in seen]
        if wished > len(calls):
            extra = f"\nOnly the first {len(calls)} of {wished} calls were made."
            found[-1] = Observation(found[-1].text + extra, found[-1].failed)
        steps = [self._step(call, one, limits) for call, one in zip(calls, found, strict=True)]
        messages = [
            Message(role="tool", text=step.observation, call_id=call.call_id, failed=step.failed)
            for call, step in zip(calls, steps, strict=True)
        ]
        return self.model_copy(
            update={"messages": (*self.messages, *messages), "steps": (*self.steps, *steps)}
        )

    def _step(self, call: ToolCall, found: Observation, limits: Limits) -> Step:
        asked = f"{self.question} {call.arguments}"
        made = Step(
            tool=call.name,
            arguments=call.arguments,
            observation=shorten(found.text, asked, limits.observation_characters),
            failed=found.failed,
        )
        # Small models repeat a call for ever; a job that is followed changes its answer.
        return made.model_copy(update={"observation": AGAIN}) if made in self.steps else made

    def _size(self) -> int:
        """Tokens of the messages, about."""
        return sum(len(message.text) for message in self.messages) // CHARACTERS_PER_TOKEN

    def _estimate(self, reply: Reply) -> Usage:
        written = len(reply.text) + sum(len(str(call.arguments)) for call in reply.tool_calls)
        return Usage(
            prompt_tokens=self._size(), completion_tokens=written // CHARACTERS_PER_TOKEN + 1
        )

    def _why(self, limits: Limits) -> str:
        """The limit that leaves room for one more reply only, if there is one."""
        if self.rounds >= limits.rounds - 1:
            return "rounds"
        if self.seconds_left(limits) < limits.seconds * LAST_SHARE:
            return "time"
        observed = limits.observation_characters // CHARACTERS_PER_TOKEN
        two_rounds = 2 * (self._size() + limits.reply_tokens) + observed
        return "tokens" if self.usage.total + two_rounds > limits.tokens else ""


async def converse(
    provider: Provider,
    conversation: Conversation,
    tools: tuple[ToolSpec, ...],
    call_tool: CallTool,
    limits: Limits,
    report: Callable[[Conversation], Awaitable[None]] | None = None,
) -> Conversation:
    """Let a model reason and act until it answers, or a limit is reached.

    Args:
        provider: The model.
        conversation: Where to begin.
        tools: What it may call.
        call_tool: How.
        limits: Rounds, tokens and time.
        report: Told of the conversation after each round.

    Returns:
        The conversation, ended; `stopped` says why. An answer may be empty when the time was up.

    Raises:
        ProviderError: The model could not answer.
    """
    while not conversation.stopped:
        reply = None
        with anyio.move_on_after(max(0.0, conversation.seconds_left(limits))):
            reply = await provider.complete(
                conversation.told(limits),
                tools,
                max_tokens=limits.reply_tokens,
                must_answer=conversation.must_answer(limits),
            )
        if reply is None:
            return conversation.ended("time")
        conversation = await conversation.after(reply, call_tool, limits)
        if report is not None:
            await report(conversation)
    return conversation


async def _observation(call: ToolCall, call_tool: CallTool) -> Observation:
    if call.malformed:
        told = f"The arguments of {call.name} are not a JSON object: {clip(call.malformed, 200)}"
        return Observation(told, failed=True)
    return await call_tool(call.name, call.arguments)

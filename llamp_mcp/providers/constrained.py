"""Tool calls for small models: each step is held to a grammar.

Small models fail on the syntax of calls before they fail on the task. Here they write none: first
a thought and the name of a tool (or `answer`), out of those there are; then that tool's arguments,
by its own schema. Both come through the endpoint's constrained decoding (`response_format`), which
llama.cpp's server, vLLM and hosted models have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from llamp_mcp.providers.chat import Message, Provider, Reply, ToolCall, ToolSpec, Usage

ANSWER = "answer"
THOUGHT_CHARS = 300
STEP_TOKENS = 200

HOW = """

Tools:
{tools}
- answer: end, because a result holds what was asked or nothing will.

Work step by step. In each step you give a thought and one tool; its result comes back."""


class Structured(Provider, Protocol):
    """An endpoint that can hold a model to a schema."""

    async def structured(
        self, messages: tuple[Message, ...], schema: dict[str, Any], *, max_tokens: int
    ) -> tuple[dict[str, Any], Usage]:
        """An object that fits the schema."""


@dataclass
class Constrained:
    """A provider whose model is led through each step by grammar.

    Attributes:
        endpoint: What runs the model.
    """

    endpoint: Structured

    @property
    def model(self) -> str:
        """Which model answers."""
        return self.endpoint.model

    async def complete(
        self,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        *,
        max_tokens: int,
        must_answer: bool = False,
    ) -> Reply:
        """The next step: a call with arguments that fit, or the answer. See `Provider.complete`.

        Raises:
            ProviderError: The endpoint could not answer.
        """
        plain = _plain(messages, tools)
        if not tools:
            return await self.endpoint.complete(plain, (), max_tokens=max_tokens)
        usage = Usage()
        again = _repeated(messages)
        if not (must_answer or (again and not messages[-1].failed)):
            step, usage = await self.endpoint.structured(
                plain, _choice(tools, messages, without=again), max_tokens=STEP_TOKENS
            )
            chosen = next((tool for tool in tools if tool.name == step["tool"]), None)
            if chosen is not None:
                return await self._call(plain, chosen, step["thought"], usage, max_tokens)
        asked = Message(role="user", text="Answer the question now, from the results above only.")
        reply = await self.endpoint.complete((*plain, asked), (), max_tokens=max_tokens)
        return reply.model_copy(update={"usage": usage + reply.usage})

    async def _call(
        self,
        plain: tuple[Message, ...],
        tool: ToolSpec,
        thought: str,
        usage: Usage,
        max_tokens: int,
    ) -> Reply:
        step = f"Thought: {thought}\nTool: {tool.name}"
        asked = f"{tool.description}\nGive the arguments of {tool.name} that the question needs:"
        arguments, more = await self.endpoint.structured(
            (*plain, Message(role="assistant", text=step), Message(role="user", text=asked)),
            tool.parameters,
            max_tokens=max_tokens,
        )
        call = ToolCall(call_id=f"call-{uuid4().hex[:8]}", name=tool.name, arguments=arguments)
        return Reply(text=thought, tool_calls=(call,), usage=usage + more, model=self.model)


def _repeated(messages: tuple[Message, ...]) -> str:
    """The tool of the last call, if it was made like this before.

    A small model would go on so for ever: it has the result and does not see that it may answer,
    or an error and does not see what to change.
    """
    calls = [(call.name, call.arguments) for m in messages for call in m.tool_calls]
    return calls[-1][0] if calls and calls[-1] in calls[:-1] else ""


def _choice(
    tools: tuple[ToolSpec, ...], messages: tuple[Message, ...], *, without: str
) -> dict[str, Any]:
    """The schema of a choice. There is nothing to answer from before a first call."""
    names = [tool.name for tool in tools if tool.name != without]
    called = any(message.role == "tool" for message in messages)
    return {
        "type": "object",
        "properties": {
            "thought": {"type": "string", "maxLength": THOUGHT_CHARS},
            "tool": {"enum": [*names, ANSWER] if called else names},
        },
        "required": ["thought", "tool"],
        "additionalProperties": False,
    }


def _plain(messages: tuple[Message, ...], tools: tuple[ToolSpec, ...]) -> tuple[Message, ...]:
    """The conversation in words alone: such models were rarely taught a format of calls."""
    catalogue = "\n".join(f"- {tool.name}: {_first_line(tool.description)}" for tool in tools)
    made: list[Message] = []
    for message in messages:
        text = message.text
        if message.role == "system" and tools:
            text += HOW.format(tools=catalogue)
        for call in message.tool_calls:
            text = f"Thought: {text}\nTool: {call.name} {json.dumps(call.arguments)}"
        if message.role == "tool":
            text = f"Result:\n{text}"
        role = "user" if message.role == "tool" else message.role
        made.append(Message(role=role, text=text))
    return tuple(made)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]

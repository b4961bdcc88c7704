"""A conversation with a language model: messages, tools, replies; the same for every provider."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ToolCall(_Plain):
    """A model's wish to call a tool."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    malformed: str = Field(default="", description="the arguments, where they are no JSON object")


class Message(_Plain):
    """One message. An assistant's may carry tool calls; a tool's answers one of them."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str = Field(default="", description="of the call that a tool's message answers")
    failed: bool = Field(default=False, description="whether that call failed")


class ToolSpec(_Plain):
    """What a model is told of a tool."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON schema of the arguments")


class Usage(_Plain):
    """Tokens counted by the provider; 0 where it does not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )

    @property
    def total(self) -> int:
        """Both kinds."""
        return self.prompt_tokens + self.completion_tokens


class Reply(_Plain):
    """What a model answered: text, tool calls, or both."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Field(default_factory=Usage)
    model: str = ""
    stopped: str = Field(default="", description="why it stopped, by the provider's word")


class Provider(Protocol):
    """A language model behind some endpoint."""

    @property
    def model(self) -> str:
        """Which model answers, for the record."""

    async def complete(
        self,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        *,
        max_tokens: int,
        must_answer: bool = False,
    ) -> Reply:
        """The model's next message.

        Args:
            messages: So far, the system's first.
            tools: What it may call.
            max_tokens: Of the reply.
            must_answer: Whether it has to answer now, in words, without a tool.

        Raises:
            ProviderError: The endpoint could not answer.
        """

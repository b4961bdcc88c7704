"""Any endpoint that speaks OpenAI's chat completions: hosted, vLLM, Ollama, llama.cpp's server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from llamp_mcp.errors import ProviderError, address, clip
from llamp_mcp.providers.chat import Message, Reply, ToolCall, ToolSpec, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion
    from pydantic import SecretStr

OPENAI = "https://api.openai.com/v1"
TRIES = 3


@dataclass(frozen=True)
class Sampling:
    """How a model picks its words; None leaves it to the endpoint."""

    temperature: float | None = None
    seed: int | None = None


@dataclass
class OpenAICompatible:
    """A model behind an endpoint, through the `openai` client library.

    Attributes:
        model: Name of the model, as the endpoint knows it.
        url: Base address of the API, such as `http://127.0.0.1:8080/v1`.
        key: Secret of the endpoint; None where it asks for none.
        timeout_s: Seconds a single answer may take.
        sampling: How it picks its words.
    """

    model: str
    url: str = OPENAI
    key: SecretStr | None = None
    timeout_s: float = 120.0
    sampling: Sampling = field(default_factory=Sampling)

    async def complete(
        self,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        *,
        max_tokens: int,
        must_answer: bool = False,
    ) -> Reply:
        """The model's next message. See `Provider.complete`.

        Raises:
            ProviderError: The endpoint could not answer.
        """
        given: dict[str, Any] = {}
        if tools:
            given["tools"] = [_tool(tool) for tool in tools]
            given["tool_choice"] = "none" if must_answer else "auto"
        return self._reply(await self._ask(messages, max_tokens, given))

    async def structured(
        self, messages: tuple[Message, ...], schema: dict[str, Any], *, max_tokens: int
    ) -> tuple[dict[str, Any], Usage]:
        """An object that fits a JSON schema; the endpoint constrains the model to it by grammar.

        Raises:
            ProviderError: The endpoint could not answer, or answered something else.
        """
        wanted = {"name": "step", "schema": schema, "strict": True}
        given = {"response_format": {"type": "json_schema", "json_schema": wanted}}
        reply = self._reply(await self._ask(messages, max_tokens, given))
        try:
            made = json.loads(reply.text)
        except ValueError as error:
            raise ProviderError(
                f"The model {self.model!r} did not finish its JSON: {clip(reply.text)}",
                next_step="Allow more tokens, or use an endpoint that honours response_format.",
            ) from error
        return made, reply.usage

    async def _ask(
        self, messages: tuple[Message, ...], max_tokens: int, given: dict[str, Any]
    ) -> ChatCompletion:
        # The import takes a second, in which a server would answer nobody else.
        client = await anyio.to_thread.run_sync(lambda: self._client)
        from openai import APIConnectionError, APIStatusError, OpenAIError

        # OpenAI's own newer models know the limit by another name than everybody else's.
        limit = "max_completion_tokens" if self.url.startswith(OPENAI) else "max_tokens"
        given[limit] = max_tokens
        for name in ("temperature", "seed"):
            if (value := getattr(self.sampling, name)) is not None:
                given[name] = value
        told: Any = [_message(message) for message in messages]
        try:
            made: ChatCompletion = await client.chat.completions.create(
                model=self.model, messages=told, stream=False, **given
            )
            return made
        except APIConnectionError as error:
            raise ProviderError(
                f"The language model at {address(self.url)!r} did not answer within "
                f"{self.timeout_s:g} s",
                next_step="Check that it runs there and that LLAMP_LLM_URL names it.",
            ) from error
        except APIStatusError as error:
            raise ProviderError(
                f"The language model at {address(self.url)!r} refused: HTTP {error.status_code}, "
                f"{clip(self._redacted(_reason(error)), 200)}",
                next_step="Check LLAMP_LLM_MODEL and LLAMP_LLM_KEY.",
            ) from error
        except (OpenAIError, ValueError) as error:
            raise ProviderError(
                f"The language model at {address(self.url)!r} answered what cannot be read: "
                f"{clip(self._redacted(str(error)))}"
            ) from error

    @cached_property
    def _client(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        # The library refuses to start without a key; servers of one's own ask for none.
        key = self.key.get_secret_value() if self.key else "none"
        return AsyncOpenAI(
            api_key=key, base_url=self.url, timeout=self.timeout_s, max_retries=TRIES - 1
        )

    def _reply(self, completion: ChatCompletion) -> Reply:
        if not getattr(completion, "choices", None):  # the library hands on whatever JSON came
            said = clip(self._redacted(str(completion)))
            raise ProviderError(f"The endpoint answered, but not with a completion: {said}")
        choice, usage = completion.choices[0], completion.usage
        calls = [call for call in choice.message.tool_calls or () if call.type == "function"]
        return Reply(
            text=self._redacted(choice.message.content or ""),
            tool_calls=tuple(
                read_call(call.id, call.function.name, self._redacted(call.function.arguments))
                for call in calls
            ),
            usage=Usage(
                prompt_tokens=usage.prompt_tokens if usage else 0,
                completion_tokens=usage.completion_tokens if usage else 0,
            ),
            model=completion.model,
            stopped=choice.finish_reason,
        )

    def _redacted(self, text: str) -> str:
        """Endpoints like to quote a wrong key in their refusal.

        Before anything is cut: a part of the key tells of the rest.
        """
        return text.replace(self.key.get_secret_value(), "***") if self.key else text


def _reason(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or error.message)


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": tool.model_dump()}


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        made["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": call.malformed or json.dumps(call.arguments),
                },
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        made["tool_call_id"] = message.call_id
    return made


def read_call(call_id: str, name: str, arguments: str) -> ToolCall:
    """A tool call whose arguments are JSON text; what is no JSON object is kept as it stands."""
    try:
        read = json.loads(arguments or "{}")
    except ValueError:
        read = None
    if isinstance(read, dict):
        return ToolCall(call_id=call_id, name=name, arguments=read)
    return ToolCall(call_id=call_id, name=name, arguments={}, malformed=arguments)

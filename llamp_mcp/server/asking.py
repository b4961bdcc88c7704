"""`ask_expert`: written by hand, because it calls other tools, and the client's own model.

Three routes, tried in this order: the client's model, where it declares sampling with tools; the
model that the host has set; else the expert's brief. A client of the 2025-11-25 protocol is asked
while its call waits. One of 2026-07-28 is asked by the answer to its call, which it then repeats:
the conversation travels with it, sealed by the SDK, so that any worker can go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResultWithTools,
    InputRequiredResult,
    SamplingMessage,
    SamplingMessageContentBlock,
    TextContent,
    ToolChoice,
    ToolResultContent,
    ToolUseContent,
)
from mcp_types import Tool as SampledTool
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from llamp_mcp.errors import ProviderError
from llamp_mcp.evaluation.check_grounding import MAX_TEXT, GroundingParams, check_grounding
from llamp_mcp.experts.ask_expert import (
    OPERATION,
    AskExpertParams,
    AskExpertResult,
    Citation,
    Mode,
    answered,
    system_prompt,
)
from llamp_mcp.experts.brief import read_brief
from llamp_mcp.experts.react import Conversation, Limits, Observation, converse
from llamp_mcp.operation import Params, Result
from llamp_mcp.provenance import ids_in
from llamp_mcp.providers.chat import Message, Reply, ToolCall, ToolSpec
from llamp_mcp.providers.open_provider import open_provider
from llamp_mcp.server.register import build, caller
from llamp_mcp.server.services import Services

AnyContext = Context[Any, Any]
REPLY_TOKENS = 2000
MODERN = frozenset(MODERN_PROTOCOL_VERSIONS)


class NestedContext(Context[Any, Any]):
    """Of a tool that an expert calls: its progress is a message of the expert's round."""

    _told: Callable[[str], Any]

    @classmethod
    def within(cls, outer: AnyContext, tell: Callable[[str], Any]) -> NestedContext:
        """The context of a call made during another."""
        made = cls(request_context=outer.request_context, mcp_server=outer.mcp_server)
        made._told = tell
        return made

    async def report_progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Pass on what is being done; counts of different tools would run backwards."""
        await self._told(message or f"{progress:g} of {total or 0:g}")


class ClientModel:
    """The model of a connected client (2025-11-25), as a provider."""

    model = "the client's model"

    def __init__(self, context: AnyContext) -> None:
        self._context = context

    async def complete(
        self,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        *,
        max_tokens: int,
        must_answer: bool = False,
    ) -> Reply:
        """Ask while the call waits. See `Provider.complete`.

        Raises:
            ProviderError: The client refused, or could not.
        """
        request = _request(messages, tools, max_tokens, must_answer=must_answer)
        related = ServerMessageMetadata(related_request_id=self._context.request_id)
        try:
            result = await self._context.session.send_request(
                request, CreateMessageResultWithTools, metadata=related
            )
        except MCPError as error:
            raise ProviderError(f"The client's model did not answer: {error}") from error
        return _reply(result)


class Asking:
    """The tool.

    Args:
        services: Those of the server.
        tools: The tools that this server has, by name.
    """

    def __init__(self, services: Services, tools: Mapping[str, Tool]) -> None:
        self._services, self._tools = services, tools

    def tool(self) -> Tool:
        """`ask_expert`, as clients get it."""
        return build(OPERATION, self._services, self._ask, AskExpertParams, AskExpertResult)

    async def _ask(self, params: Params, context: AnyContext) -> Result | InputRequiredResult:
        asked = cast("AskExpertParams", params)
        limits = Limits(
            rounds=asked.max_rounds, seconds=asked.max_seconds, reply_tokens=REPLY_TOKENS
        )
        specs = await anyio.to_thread.run_sync(self._specs, asked)
        if not _samples(context):
            return await self._without_client(asked, specs, limits, context)
        if context.request_context.protocol_version in MODERN:
            return await self._next_round(asked, specs, limits, context)
        try:
            begun = Conversation.begin(system_prompt(asked.expert), asked.question)
            ended = await self._converse(ClientModel(context), begun, specs, limits, context)
        except ProviderError as error:
            found = await self._without_client(asked, specs, limits, context)
            return found.model_copy(update={"warnings": (*found.warnings, str(error))})
        return await self._checked(ended, "sampling", context)

    async def _without_client(
        self,
        asked: AskExpertParams,
        specs: tuple[ToolSpec, ...],
        limits: Limits,
        context: AnyContext,
    ) -> AskExpertResult:
        provider = open_provider(self._services.settings)
        if provider is None:
            return OPERATION.run(asked)
        begun = Conversation.begin(system_prompt(asked.expert), asked.question)
        ended = await self._converse(provider, begun, specs, limits, context)
        return await self._checked(ended, "provider", context)

    async def _converse(
        self,
        provider: Any,
        begun: Conversation,
        specs: tuple[ToolSpec, ...],
        limits: Limits,
        context: AnyContext,
    ) -> Conversation:
        async def report(conversation: Conversation) -> None:
            await context.report_progress(conversation.rounds, limits.rounds, "thinking")

        return await converse(
            provider, begun, specs, self._caller(context, begun, specs, limits), limits, report
        )

    async def _next_round(
        self,
        asked: AskExpertParams,
        specs: tuple[ToolSpec, ...],
        limits: Limits,
        context: AnyContext,
    ) -> Result | InputRequiredResult:
        """Take the reply to what was asked last, and ask on, or answer."""
        if context.request_state is None:
            conversation = Conversation.begin(system_prompt(asked.expert), asked.question)
        else:
            conversation = Conversation.model_validate_json(context.request_state)
            response = (context.input_responses or {}).get(_key(conversation))
            if response is not None:
                call = self._caller(context, conversation, specs, limits)
                conversation = await conversation.after(_reply(response), call, limits)
        if not conversation.stopped and conversation.seconds_left(limits) <= 0:
            conversation = conversation.ended("time")
        if conversation.stopped:
            return await self._checked(conversation, "sampling", context)
        request = _request(
            conversation.told(limits),
            specs,
            limits.reply_tokens,
            must_answer=conversation.must_answer(limits),
        )
        return InputRequiredResult(
            input_requests={_key(conversation): request},
            request_state=conversation.model_dump_json(),
        )

    async def _checked(
        self, conversation: Conversation, mode: Mode, context: AnyContext
    ) -> AskExpertResult:
        """The answer with its sources, held against what the tools said."""
        result = answered(conversation, mode)
        whom = caller(context.headers)
        return await anyio.to_thread.run_sync(self._with_sources, result, whom)

    def _with_sources(self, result: AskExpertResult, whom: str) -> AskExpertResult:
        sources: dict[str, dict[str, None]] = {name: {} for name in ids_in(result.answer)}
        for fact in self._services.ledger.facts(whom):
            if fact.subject in sources:
                sources[fact.subject][fact.source] = None
        return result.model_copy(
            update={
                "citations": tuple(
                    Citation(id=name, sources=tuple(told)) for name, told in sources.items() if told
                ),
                "warnings": (*result.warnings, *self._objections(result.answer, whom)),
            }
        )

    def _objections(self, answer: str, whom: str) -> Iterable[str]:
        """What of the answer is not what the tools said."""
        if not answer.strip():
            return
        given = self._services.supply(check_grounding, whom)
        found = check_grounding(GroundingParams(text=answer[:MAX_TEXT]), **given)
        for claim in found.claims:
            if claim["verdict"] == "contradicted":
                yield f"contradicted by a tool: {claim['claim']}; {_found(claim)}"
        if found.unknown_ids:
            yield f"no tool returned {', '.join(found.unknown_ids)}"

    def _specs(self, asked: AskExpertParams) -> tuple[ToolSpec, ...]:
        """The tools of the brief that are served here. An expert asks no expert: no recursion."""
        return tuple(
            ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters)
            for name in read_brief(asked.expert).tools
            if (tool := self._tools.get(name)) is not None and name != OPERATION.name
        )

    def _caller(
        self,
        context: AnyContext,
        conversation: Conversation,
        specs: tuple[ToolSpec, ...],
        limits: Limits,
    ) -> Any:
        """Calls the expert's part of this server's tools, with the facts and rights of its client.

        What the expert was not given it cannot call, whatever it read.
        """
        given = {spec.name for spec in specs}

        async def call(name: str, arguments: dict[str, Any]) -> Observation:
            async def tell(message: str) -> None:
                done = f"{name}: {message}"
                await context.report_progress(conversation.rounds, limits.rounds, done)

            if name not in given:
                told = f"This expert has no tool {name!r}. Allowed: {', '.join(sorted(given))}"
                return Observation(told, failed=True)
            try:
                inner = NestedContext.within(context, tell)
                result = await self._tools[name].run(arguments, inner, convert_result=False)
            except ToolError as error:
                return Observation(str(error), failed=True)
            return Observation(_text(cast("CallToolResult", result).content))

        return call


def _found(claim: Mapping[str, Any]) -> str:
    value = f"{claim['value']} {claim['unit']}".rstrip() if "value" in claim else ""
    return "; ".join(part for part in (value, claim.get("note", "")) if part)


def _samples(context: AnyContext) -> bool:
    """Whether the client lends its model, with tools."""
    capabilities = context.client_capabilities
    sampling = capabilities.sampling if capabilities else None
    return sampling is not None and sampling.tools is not None


def _key(conversation: Conversation) -> str:
    return f"round-{conversation.rounds + 1}"


def _request(
    messages: tuple[Message, ...],
    tools: tuple[ToolSpec, ...],
    max_tokens: int,
    *,
    must_answer: bool,
) -> CreateMessageRequest:
    system = "\n\n".join(message.text for message in messages if message.role == "system")
    return CreateMessageRequest(
        params=CreateMessageRequestParams(
            messages=list(_sampling_messages(messages)),
            system_prompt=system,
            max_tokens=max_tokens,
            tools=[
                SampledTool(
                    name=tool.name, description=tool.description, input_schema=tool.parameters
                )
                for tool in tools
            ],
            tool_choice=ToolChoice(mode="none" if must_answer else "auto"),
        )
    )


def _sampling_messages(messages: Iterable[Message]) -> Iterable[SamplingMessage]:
    """As MCP has them: the results of all calls of a round are one message of the user."""
    results: list[SamplingMessageContentBlock] = []
    for message in messages:
        if message.role == "tool":
            told = TextContent(text=message.text)
            results.append(ToolResultContent(tool_use_id=message.call_id, content=[told]))
            continue
        if results:
            yield SamplingMessage(role="user", content=results)
            results = []
        if message.role == "user":
            yield SamplingMessage(role="user", content=TextContent(text=message.text))
        elif message.role == "assistant":
            said = [TextContent(text=message.text)] if message.text else []
            calls = [
                ToolUseContent(id=call.call_id, name=call.name, input=call.arguments)
                for call in message.tool_calls
            ]
            yield SamplingMessage(role="assistant", content=[*said, *calls])
    if results:
        yield SamplingMessage(role="user", content=results)


def _reply(result: Any) -> Reply:
    content = result.content if isinstance(result.content, list) else [result.content]
    return Reply(
        text=_text(content),
        tool_calls=tuple(
            ToolCall(call_id=block.id, name=block.name, arguments=block.input)
            for block in content
            if isinstance(block, ToolUseContent)
        ),
        model=result.model,
        stopped=result.stop_reason or "",
    )


def _text(content: Iterable[Any]) -> str:
    return "\n".join(block.text for block in content if isinstance(block, TextContent))

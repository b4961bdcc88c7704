"""`ask_expert` by each of its routes, through a real client, against scripted models."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResultWithTools,
    ErrorData,
    SamplingCapability,
    SamplingToolsCapability,
    TextContent,
    ToolUseContent,
)

from llamp_mcp.client import text_of
from llamp_mcp.experts.brief import read_brief
from llamp_mcp.server.app import create_server
from llamp_mcp.server.services import Services
from tests.providers.endpoint import answering, said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.client.client import ConnectMode

    from llamp_mcp.settings import Settings

pytestmark = pytest.mark.anyio

QUESTION = {"expert": "electronic", "question": "What is the band gap of silicon (mp-149), in eV?"}
LOOK_UP = {"materials": ["mp-149"], "fields": ["band_gap"]}
ANSWER = "Silicon (mp-149) has a band gap of 0.6105 eV."
ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
WITH_TOOLS = SamplingCapability(tools=SamplingToolsCapability())


def using(
    name: str, arguments: dict[str, Any], call_id: str = "u1"
) -> CreateMessageResultWithTools:
    call = ToolUseContent(id=call_id, name=name, input=arguments)
    return CreateMessageResultWithTools(
        role="assistant", content=[call], model="host-model", stop_reason="toolUse"
    )


def saying(text: str) -> CreateMessageResultWithTools:
    return CreateMessageResultWithTools(
        role="assistant", content=TextContent(text=text), model="host-model", stop_reason="endTurn"
    )


class Host:
    """A client's model: answers in turn, the last for ever, and keeps what it was asked."""

    def __init__(self, *replies: CreateMessageResultWithTools | ErrorData) -> None:
        self.replies = list(replies)
        self.asked: list[Any] = []

    async def __call__(
        self, context: Any, params: CreateMessageRequestParams
    ) -> CreateMessageResultWithTools | ErrorData:
        self.asked.append(params)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@asynccontextmanager
async def hosted(
    settings: Settings,
    host: Host | None,
    mode: ConnectMode = "auto",
    lends: SamplingCapability | None = WITH_TOOLS,
) -> AsyncIterator[tuple[Any, Services]]:
    services = Services(settings)
    server = create_server(settings, services)
    async with Client(
        server, mode=mode, sampling_callback=host, sampling_capabilities=lends if host else None
    ) as client:
        yield client, services


@ERAS
async def test_the_clients_model_reasons_and_acts_with_our_tools(
    settings: Settings, mode: ConnectMode
) -> None:
    host = Host(using("get_properties", LOOK_UP), saying(ANSWER))
    async with hosted(settings, host, mode) as (client, services):
        result = await client.call_tool("ask_expert", QUESTION)
        told = {(fact.subject, fact.property) for fact in services.ledger.facts("local")}
    found = result.structured_content
    assert not result.is_error
    assert (found["mode"], found["answer"], found["stopped"]) == ("sampling", ANSWER, "answered")
    assert found["model"] == "host-model"
    (step,) = found["steps"]
    assert (step["tool"], step["arguments"]) == ("get_properties", LOOK_UP)
    assert "band_gap = 0.6105 eV" in step["observation"]
    assert found["warnings"] == []
    (citation,) = found["citations"]
    assert citation["id"] == "mp-149"
    assert citation["sources"]
    assert ("mp-149", "band_gap") in told
    text = text_of(result)
    assert ANSWER in text
    assert "1. get_properties(" in text


@ERAS
async def test_the_host_is_sent_the_brief_its_tools_and_each_result(
    settings: Settings, mode: ConnectMode
) -> None:
    host = Host(using("get_properties", LOOK_UP), saying(ANSWER))
    async with hosted(settings, host, mode) as (client, _):
        await client.call_tool("ask_expert", QUESTION)
    first, second = host.asked
    brief = read_brief("electronic")
    assert first.system_prompt.startswith(brief.text)
    assert {tool.name for tool in first.tools} <= set(brief.tools)
    assert "get_properties" in {tool.name for tool in first.tools}
    assert first.tool_choice.mode == "auto"
    question, wish, outcome = second.messages
    assert question.content.text == QUESTION["question"]
    (call,) = wish.content
    (told,) = outcome.content
    assert (call.type, told.type, told.tool_use_id) == ("tool_use", "tool_result", call.id)
    assert "0.6105 eV" in told.content[0].text


@ERAS
async def test_wrong_arguments_come_back_to_the_model_to_be_corrected(
    settings: Settings, mode: ConnectMode
) -> None:
    wrong = using("get_properties", {"material": "mp-149"})
    host = Host(wrong, using("get_properties", LOOK_UP, "u2"), saying(ANSWER))
    async with hosted(settings, host, mode) as (client, _):
        result = await client.call_tool("ask_expert", QUESTION)
    first, second = result.structured_content["steps"]
    assert first["failed"]
    assert "Unknown argument 'material'" in first["observation"]
    assert "Did you mean 'materials'?" in first["observation"]
    assert not second["failed"]


@ERAS
async def test_the_last_round_forbids_tools_and_the_answer_says_that_it_was_cut(
    settings: Settings, mode: ConnectMode
) -> None:
    host = Host(using("get_properties", LOOK_UP), using("get_properties", LOOK_UP, "u2"))
    async with hosted(settings, host, mode) as (client, _):
        result = await client.call_tool("ask_expert", {**QUESTION, "max_rounds": 2})
    assert [params.tool_choice.mode for params in host.asked] == ["auto", "none"]
    assert result.structured_content["stopped"] == "rounds"
    assert "stopped by its limit of rounds" in text_of(result)


@ERAS
async def test_an_invented_id_and_a_wrong_value_are_warned_of(
    settings: Settings, mode: ConnectMode
) -> None:
    invented = "Silicon (mp-149) has a band gap of 1.12 eV; stiffer is mp-9258."
    host = Host(using("get_properties", LOOK_UP), saying(invented))
    async with hosted(settings, host, mode) as (client, _):
        result = await client.call_tool("ask_expert", QUESTION)
        after = await client.call_tool("check_grounding", {"text": "See mp-9258."})
    warnings = " ".join(result.structured_content["warnings"])
    assert "no tool returned mp-9258" in warnings
    assert "contradicted by a tool" in warnings
    assert "0.6105" in warnings
    assert after.structured_content["unknown_ids"] == ["mp-9258"]  # the answer is no tool's word


@ERAS
async def test_an_answer_without_any_tool_is_said_to_be_ungrounded(
    settings: Settings, mode: ConnectMode
) -> None:
    async with hosted(settings, Host(saying("About 1.1 eV.")), mode) as (client, _):
        result = await client.call_tool("ask_expert", QUESTION)
    assert "without calling any tool" in text_of(result)


@ERAS
async def test_an_expert_asks_no_expert(settings: Settings, mode: ConnectMode) -> None:
    host = Host(using("ask_expert", QUESTION), saying("I cannot."))
    asked = {"expert": "materials_scientist", "question": "Gap of Si?"}
    async with hosted(settings, host, mode) as (client, _):
        result = await client.call_tool("ask_expert", asked)
    assert "ask_expert" not in {tool.name for tool in host.asked[0].tools}
    assert "has no tool 'ask_expert'" in result.structured_content["steps"][0]["observation"]


@ERAS
async def test_an_expert_calls_only_the_tools_of_its_brief(
    settings: Settings, mode: ConnectMode
) -> None:
    started = using("run_md", {"structure_id": "s-0", "steps": 10})
    host = Host(started, saying("I cannot."))
    async with hosted(settings, host, mode) as (client, _):
        result = await client.call_tool("ask_expert", QUESTION)
    (step,) = result.structured_content["steps"]
    assert step["failed"]
    assert "This expert has no tool 'run_md'. Allowed: " in step["observation"]


@ERAS
async def test_the_time_of_a_question_is_bounded(settings: Settings, mode: ConnectMode) -> None:
    class Slow(Host):
        async def __call__(self, context: Any, params: Any) -> CreateMessageResultWithTools:
            await anyio.sleep(5.3)
            return using("get_properties", LOOK_UP)

    async with hosted(settings, Slow(saying("never")), mode) as (client, _):
        result = await client.call_tool("ask_expert", {**QUESTION, "max_seconds": 5})
    assert result.structured_content["stopped"] == "time"


async def test_a_refusal_of_the_client_falls_back_and_says_so(settings: Settings) -> None:
    host = Host(ErrorData(code=-1, message="the user declined"))
    async with hosted(settings, host, "legacy") as (client, _):
        result = await client.call_tool("ask_expert", QUESTION)
    assert result.structured_content["mode"] == "brief"
    assert "the user declined" in text_of(result)


async def test_a_state_that_was_tampered_with_is_refused(settings: Settings) -> None:
    host = Host(using("get_properties", LOOK_UP))
    async with hosted(settings, host, "2026-07-28") as (client, _):
        first = await client.session.call_tool("ask_expert", QUESTION, allow_input_required=True)
        ((key, _),) = first.input_requests.items()
        with pytest.raises(MCPError, match="requestState"):
            await client.session.call_tool(
                "ask_expert",
                {**QUESTION, "question": "Something else?"},
                input_responses={key: saying("ok")},
                request_state=first.request_state,
                allow_input_required=True,
            )


@pytest.mark.parametrize("lends", [None, SamplingCapability()], ids=["nothing", "no tools"])
@ERAS
async def test_without_any_model_the_brief_comes_back_to_be_played(
    settings: Settings, mode: ConnectMode, lends: SamplingCapability | None
) -> None:
    host = Host(saying("never asked")) if lends else None
    async with hosted(settings, host, mode, lends) as (client, _):
        result = await client.call_tool("ask_expert", QUESTION)
    assert result.structured_content["mode"] == "brief"
    assert result.structured_content["answer"] == ""
    text = text_of(result)
    assert read_brief("electronic").text.strip() in text
    assert QUESTION["question"] in text
    assert "Play it yourself" in text
    assert host is None or host.asked == []


async def test_the_hosts_provider_answers_where_the_client_lends_no_model(
    settings: Settings,
) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def seen(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    def reply(body: dict[str, Any], number: int) -> dict[str, Any]:
        return said("", ("get_properties", LOOK_UP)) if number == 0 else said(ANSWER)

    with answering(reply) as endpoint:
        own = settings.model_copy(update={"llm_model": "m", "llm_url": endpoint.url})
        async with hosted(own, None) as (client, _):
            result = await client.call_tool("ask_expert", QUESTION, progress_callback=seen)
    found = result.structured_content
    assert (found["mode"], found["answer"], found["model"]) == ("provider", ANSWER, "loopback-1")
    assert (found["rounds"], found["tokens"]) == (2, 220)
    assert "0.6105 eV" in json.dumps(endpoint.asked[1]["messages"], ensure_ascii=False)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][:2] == (2, 8)


async def test_a_provider_that_is_down_is_a_tool_error_with_what_to_do(settings: Settings) -> None:
    with answering(lambda *_: 500) as endpoint:
        gone = endpoint.url
    own = settings.model_copy(update={"llm_model": "m", "llm_url": gone, "llm_timeout_s": 2.0})
    async with hosted(own, None) as (client, _):
        result = await client.call_tool("ask_expert", QUESTION)
    assert result.is_error
    assert "LLAMP_LLM_URL" in text_of(result)


async def test_a_read_only_server_has_the_briefs_but_asks_no_expert(settings: Settings) -> None:
    own = settings.model_copy(update={"read_only": True})
    async with hosted(own, None) as (client, _):
        names = {tool.name for tool in (await client.list_tools()).tools}
    assert "expert_brief" in names
    assert "ask_expert" not in names

"""Steps held to a grammar: what the endpoint is asked for, and what a reply becomes."""

from __future__ import annotations

from typing import Any

import pytest

from llamp_mcp.providers.chat import Message, Reply, ToolCall, ToolSpec, Usage
from llamp_mcp.providers.constrained import Constrained

pytestmark = pytest.mark.anyio

SCHEMA = {"type": "object", "properties": {"materials": {"type": "array"}}}
TOOLS = (
    ToolSpec(name="get_properties", description="Read values.\nMore.", parameters=SCHEMA),
    ToolSpec(name="search_materials", description="Find.", parameters={"type": "object"}),
)
ASKED = (Message(role="system", text="Be brief."), Message(role="user", text="Gap of Si?"))
CALL = ToolCall(call_id="c", name="get_properties", arguments={"materials": ["Si"]})
RESULT = (
    Message(role="assistant", text="Look it up.", tool_calls=(CALL,)),
    Message(role="tool", text="0.6105 eV", call_id="c"),
)


class Scripted:
    """An endpoint that answers objects in turn and keeps what it was asked for."""

    model = "small"

    def __init__(self, *objects: dict[str, Any]) -> None:
        self.objects = list(objects)
        self.schemas: list[dict[str, Any]] = []
        self.messages: tuple[Message, ...] = ()

    async def structured(
        self, messages: tuple[Message, ...], schema: dict[str, Any], *, max_tokens: int
    ) -> tuple[dict[str, Any], Usage]:
        self.schemas.append(schema)
        self.messages = messages
        return self.objects.pop(0), Usage(prompt_tokens=10, completion_tokens=1)

    async def complete(
        self,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        *,
        max_tokens: int,
        must_answer: bool = False,
    ) -> Reply:
        assert not tools
        self.messages = messages
        return Reply(text="0.6105 eV", usage=Usage(prompt_tokens=5, completion_tokens=1))


async def test_a_step_is_a_choice_then_arguments_by_the_schema_of_the_tool() -> None:
    endpoint = Scripted({"thought": "Look.", "tool": "get_properties"}, {"materials": ["Si"]})
    reply = await Constrained(endpoint).complete(ASKED, TOOLS, max_tokens=50)
    (call,) = reply.tool_calls
    assert (call.name, call.arguments) == ("get_properties", {"materials": ["Si"]})
    assert endpoint.schemas[1] == SCHEMA
    assert reply.usage.total == 22
    catalogue = endpoint.messages[0].text
    assert "- get_properties: Read values.\n- search_materials: Find." in catalogue


async def test_before_a_first_call_there_is_nothing_to_answer_from() -> None:
    endpoint = Scripted({"thought": "", "tool": "get_properties"}, {})
    await Constrained(endpoint).complete(ASKED, TOOLS, max_tokens=50)
    assert endpoint.schemas[0]["properties"]["tool"]["enum"] == [
        "get_properties",
        "search_materials",
    ]


async def test_after_a_call_the_model_may_answer_in_words() -> None:
    endpoint = Scripted({"thought": "Done.", "tool": "answer"})
    reply = await Constrained(endpoint).complete((*ASKED, *RESULT), TOOLS, max_tokens=50)
    assert endpoint.schemas[0]["properties"]["tool"]["enum"][-1] == "answer"
    assert (reply.text, reply.tool_calls, reply.usage.total) == ("0.6105 eV", (), 17)
    told = [message.text for message in endpoint.messages]
    assert 'Tool: get_properties {"materials": ["Si"]}' in told[2]
    assert told[3] == "Result:\n0.6105 eV"


async def test_a_tool_that_failed_twice_alike_is_not_offered_a_third_time() -> None:
    failed = (RESULT[0], RESULT[1].model_copy(update={"failed": True}))
    endpoint = Scripted({"thought": "Done.", "tool": "answer"})
    await Constrained(endpoint).complete((*ASKED, *failed, *failed), TOOLS, max_tokens=50)
    assert endpoint.schemas[0]["properties"]["tool"]["enum"] == ["search_materials", "answer"]


async def test_a_model_that_repeats_a_call_has_its_result_and_answers() -> None:
    endpoint = Scripted()
    reply = await Constrained(endpoint).complete((*ASKED, *RESULT, *RESULT), TOOLS, max_tokens=50)
    assert reply.text == "0.6105 eV"
    assert endpoint.schemas == []


async def test_when_it_has_to_answer_it_is_offered_no_tool() -> None:
    endpoint = Scripted()
    reply = await Constrained(endpoint).complete(
        (*ASKED, *RESULT), TOOLS, max_tokens=50, must_answer=True
    )
    assert reply.text == "0.6105 eV"
    assert endpoint.schemas == []


async def test_without_tools_it_is_a_plain_question() -> None:
    reply = await Constrained(Scripted()).complete(ASKED, (), max_tokens=50)
    assert reply.text == "0.6105 eV"

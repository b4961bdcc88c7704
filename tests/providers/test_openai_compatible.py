"""The endpoint of OpenAI's shape, through the real client library, on loopback."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from llamp_mcp.errors import ProviderError
from llamp_mcp.providers.chat import Message, ToolCall, ToolSpec
from llamp_mcp.providers.open_provider import open_provider
from llamp_mcp.providers.openai_compatible import OpenAICompatible, Sampling
from llamp_mcp.settings import Settings
from tests.providers.endpoint import answering, said

pytestmark = pytest.mark.anyio

ASKED = (Message(role="system", text="Be brief."), Message(role="user", text="Gap of Si?"))
TOOL = ToolSpec(name="get_properties", description="Read.", parameters={"type": "object"})
CANARY = "sk-canary-0123456789abcdef"


async def test_a_question_with_tools_comes_back_as_text_and_calls() -> None:
    with answering(lambda *_: said("Looking.", ("get_properties", {"materials": ["Si"]}))) as end:
        provider = OpenAICompatible("m", end.url, sampling=Sampling(temperature=0.0, seed=3))
        reply = await provider.complete(ASKED, (TOOL,), max_tokens=50)
    assert reply.text == "Looking."
    assert reply.tool_calls == (
        ToolCall(call_id="call-0", name="get_properties", arguments={"materials": ["Si"]}),
    )
    assert (reply.usage.total, reply.model) == (110, "loopback-1")
    (asked,) = end.asked
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Gap of Si?"},
    ]
    assert asked["tools"][0]["function"]["name"] == "get_properties"
    assert asked["tool_choice"] == "auto"
    assert (asked["max_tokens"], asked["temperature"], asked["seed"]) == (50, 0.0, 3)


async def test_calls_and_their_results_are_sent_back_as_the_endpoint_knows_them() -> None:
    call = ToolCall(call_id="call-0", name="get_properties", arguments={"materials": ["Si"]})
    talk = (
        *ASKED,
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", text="0.6105 eV", call_id="call-0"),
    )
    with answering(lambda *_: said("0.6105 eV")) as end:
        await OpenAICompatible("m", end.url).complete(talk, (TOOL,), max_tokens=5, must_answer=True)
    sent = end.asked[0]["messages"][2:]
    assert sent[0]["tool_calls"][0]["function"] == {
        "name": "get_properties",
        "arguments": '{"materials": ["Si"]}',
    }
    assert sent[1] == {"role": "tool", "content": "0.6105 eV", "tool_call_id": "call-0"}
    assert end.asked[0]["tool_choice"] == "none"


async def test_arguments_that_are_no_object_are_kept_as_they_stand() -> None:
    with answering(lambda *_: said("", ("get_properties", '{"materials": ["Si"'))) as end:
        reply = await OpenAICompatible("m", end.url).complete(ASKED, (TOOL,), max_tokens=5)
    assert reply.tool_calls[0].malformed == '{"materials": ["Si"'
    assert reply.tool_calls[0].arguments == {}


async def test_a_schema_is_sent_and_its_object_comes_back() -> None:
    schema = {"type": "object", "properties": {"gap": {"type": "number"}}}
    with answering(lambda *_: said('{"gap": 0.6105}')) as end:
        made, usage = await OpenAICompatible("m", end.url).structured(ASKED, schema, max_tokens=9)
    assert made == {"gap": 0.6105}
    assert usage.total == 110
    assert end.asked[0]["response_format"]["json_schema"]["schema"] == schema


async def test_an_unfinished_object_is_an_error_that_says_so() -> None:
    unfinished = pytest.raises(ProviderError, match="did not finish its JSON")
    with answering(lambda *_: said('{"gap": 0.61')) as end, unfinished:
        await OpenAICompatible("m", end.url).structured(ASKED, {}, max_tokens=9)


async def test_a_refusal_is_told_without_the_key_that_the_endpoint_quotes() -> None:
    with answering(lambda *_: 401) as end:
        provider = OpenAICompatible("m", end.url, SecretStr(CANARY))
        with pytest.raises(ProviderError) as raised:
            await provider.complete(ASKED, (), max_tokens=5)
    assert end.keys == [f"Bearer {CANARY}"]
    assert "HTTP 401" in str(raised.value)
    assert CANARY not in str(raised.value)
    assert CANARY not in repr(provider)


async def test_a_busy_endpoint_is_asked_again() -> None:
    with answering(lambda _, n: 503 if n == 0 else said("Yes.")) as end:
        reply = await OpenAICompatible("m", end.url).complete(ASKED, (), max_tokens=5)
    assert reply.text == "Yes."
    assert len(end.asked) == 2


async def test_nobody_listening_is_an_error_with_what_to_do() -> None:
    with answering(lambda *_: 500) as end:
        gone = end.url
    with pytest.raises(ProviderError, match="LLAMP_LLM_URL"):
        await OpenAICompatible("m", gone, timeout_s=2).complete(ASKED, (), max_tokens=5)


@pytest.mark.parametrize("answer", ['{"choices": []}', '"words"', "not JSON"])
async def test_an_answer_of_another_shape_is_an_error(answer: str) -> None:
    with answering(lambda *_: answer) as end, pytest.raises(ProviderError):
        await OpenAICompatible("m", end.url).complete(ASKED, (), max_tokens=5)


def test_no_model_is_called_unless_one_is_set() -> None:
    assert open_provider(Settings()) is None


def test_the_settings_name_the_model_and_its_address() -> None:
    made = open_provider(Settings(llm_model="m", llm_url="http://127.0.0.1:1/v1"))
    assert isinstance(made, OpenAICompatible)
    assert (made.model, made.url) == ("m", "http://127.0.0.1:1/v1")

"""The nested loop against a scripted model: steps, limits, shortening, and going on elsewhere."""

from __future__ import annotations

import anyio
import pytest

from llamp_mcp.experts.react import (
    AGAIN,
    MAX_CALLS,
    Conversation,
    Limits,
    Observation,
    converse,
)
from llamp_mcp.providers.chat import Message, Reply, ToolCall, ToolSpec, Usage

pytestmark = pytest.mark.anyio

TOOLS = (ToolSpec(name="get_properties", description="Read.", parameters={"type": "object"}),)
LIMITS = Limits(rounds=4, seconds=30)


def calling(*materials: str, text: str = "") -> Reply:
    return Reply(
        text=text,
        tool_calls=tuple(
            ToolCall(call_id=f"c{n}", name="get_properties", arguments={"material": material})
            for n, material in enumerate(materials)
        ),
        model="scripted",
    )


class Scripted:
    """A model that says what it is told to, the last line for ever."""

    model = "scripted"

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[tuple[Message, ...], bool]] = []

    async def complete(
        self,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        *,
        max_tokens: int,
        must_answer: bool = False,
    ) -> Reply:
        self.asked.append((messages, must_answer))
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


async def look_up(name: str, arguments: dict[str, str]) -> Observation:
    return Observation(f"{arguments['material']}: value", failed=arguments["material"] == "Xx")


def begin() -> Conversation:
    return Conversation.begin("Be brief.", "Compare Si and Ge")


async def test_calls_of_a_round_are_made_side_by_side_and_told_in_order() -> None:
    waiting = anyio.Event()

    async def slow_first(name: str, arguments: dict[str, str]) -> Observation:
        if arguments["material"] == "Si":
            await waiting.wait()  # ends only if the second call is under way as well
        else:
            waiting.set()
        return Observation(arguments["material"])

    model = Scripted(calling("Si", "Ge"), Reply(text="Ge is smaller.", model="scripted"))
    ended = await converse(model, begin(), TOOLS, slow_first, LIMITS)
    assert (ended.answer, ended.stopped, ended.rounds) == ("Ge is smaller.", "answered", 2)
    assert [step.observation for step in ended.steps] == ["Si", "Ge"]
    told = model.asked[1][0]
    assert [(m.role, m.call_id, m.text) for m in told[-2:]] == [
        ("tool", "c0", "Si"),
        ("tool", "c1", "Ge"),
    ]


async def test_a_failed_call_is_an_observation_the_model_can_correct() -> None:
    model = Scripted(calling("Xx"), calling("Si"), Reply(text="Done."))
    ended = await converse(model, begin(), TOOLS, look_up, LIMITS)
    assert [step.failed for step in ended.steps] == [True, False]


async def test_the_last_round_is_for_an_answer() -> None:
    model = Scripted(calling("Si"), calling("Ge"), calling("C"), calling("Sn", text="So far: …"))
    ended = await converse(model, begin(), TOOLS, look_up, LIMITS)
    assert [must for _, must in model.asked] == [False, False, False, True]
    assert (ended.answer, ended.stopped) == ("So far: …", "rounds")
    assert len(ended.steps) == 3


async def test_tokens_are_bounded_even_where_nobody_counts_them() -> None:
    limits = Limits(rounds=50, tokens=6000, seconds=30, reply_tokens=100)

    async def long(name: str, arguments: dict[str, str]) -> Observation:
        return Observation("word " * 800)

    replies = [calling(str(n)) for n in range(50)]
    ended = await converse(Scripted(*replies), begin(), TOOLS, long, limits)
    assert ended.stopped == "tokens"
    assert ended.usage.total <= limits.tokens


async def test_counted_tokens_are_taken_as_counted() -> None:
    counted = Reply(text="Done.", usage=Usage(prompt_tokens=7, completion_tokens=2))
    ended = await converse(Scripted(counted), begin(), TOOLS, look_up, LIMITS)
    assert ended.usage == Usage(prompt_tokens=7, completion_tokens=2)


async def test_a_tool_that_takes_too_long_ends_with_the_time() -> None:
    async def forever(name: str, arguments: dict[str, str]) -> Observation:
        await anyio.sleep_forever()
        raise AssertionError

    model = Scripted(calling("Si"), Reply(text="Nothing came back."))
    ended = await converse(model, begin(), TOOLS, forever, Limits(seconds=0.4))
    assert "time for this question was up" in ended.steps[0].observation
    assert ended.steps[0].failed
    assert ended.stopped == "time"


async def test_a_model_that_never_answers_ends_with_the_time() -> None:
    class Silent(Scripted):
        async def complete(self, *_: object, **__: object) -> Reply:
            await anyio.sleep_forever()
            raise AssertionError

    ended = await converse(Silent(), begin(), TOOLS, look_up, Limits(seconds=0.2))
    assert (ended.answer, ended.stopped) == ("", "time")


async def test_the_same_call_with_the_same_result_is_said_to_be_one() -> None:
    model = Scripted(calling("Si"), calling("Si"), Reply(text="Done."))
    ended = await converse(model, begin(), TOOLS, look_up, LIMITS)
    assert [step.observation for step in ended.steps] == ["Si: value", AGAIN]


async def test_a_job_that_is_followed_by_the_same_call_is_not_cut_short() -> None:
    states = iter(("running", "completed"))

    async def follow(name: str, arguments: dict[str, str]) -> Observation:
        return Observation(next(states))

    model = Scripted(calling("job"), calling("job"), Reply(text="Done."))
    ended = await converse(model, begin(), TOOLS, follow, LIMITS)
    assert [step.observation for step in ended.steps] == ["running", "completed"]


async def test_too_many_calls_at_once_are_cut_and_said_to_be() -> None:
    wished = [str(number) for number in range(MAX_CALLS + 3)]
    model = Scripted(calling(*wished), Reply(text="Done."))
    ended = await converse(model, begin(), TOOLS, look_up, LIMITS)
    assert len(ended.steps) == MAX_CALLS
    assert f"Only the first {MAX_CALLS} of {MAX_CALLS + 3} calls" in ended.steps[-1].observation
    assert len(model.asked[1][0][2].tool_calls) == MAX_CALLS


async def test_malformed_arguments_are_told_and_no_tool_is_called() -> None:
    broken = ToolCall(call_id="c", name="get_properties", arguments={}, malformed='{"material"')
    model = Scripted(Reply(tool_calls=(broken,)), Reply(text="Done."))
    ended = await converse(model, begin(), TOOLS, look_up, LIMITS)
    assert "not a JSON object" in ended.steps[0].observation


async def test_older_observations_are_shortened_once_the_conversation_is_long() -> None:
    table = "\n".join(f"mp-{n} compound {n}: band_gap = {n} eV" for n in range(200))

    async def tables(name: str, arguments: dict[str, str]) -> Observation:
        return Observation(f"{arguments['material']}\n{table}")

    limits = Limits(rounds=4, tokens=12_000, seconds=30, reply_tokens=200)
    model = Scripted(calling("Si"), calling("Ge"), Reply(text="Done."))
    await converse(model, begin(), TOOLS, tables, limits)
    told = [m.text for m in model.asked[2][0] if m.role == "tool"]
    assert len(told[0]) < 1000 < len(told[1])
    assert "lines left out" in told[0]
    assert set(told[0].splitlines()[:-1]) <= {"Si", *table.splitlines()}


async def test_a_conversation_goes_on_from_where_it_was_written_down() -> None:
    first = await begin().after(calling("Si"), look_up, LIMITS)
    again = Conversation.model_validate_json(first.model_dump_json())
    assert again == first
    ended = await converse(Scripted(Reply(text="Done.")), again, TOOLS, look_up, LIMITS)
    assert (ended.rounds, len(ended.steps)) == (2, 1)

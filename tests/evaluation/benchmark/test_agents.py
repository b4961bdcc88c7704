from __future__ import annotations

import pytest

from llamp_mcp.errors import ProviderError
from llamp_mcp.evaluation.benchmark.agents import FROM_MEMORY, WITH_TOOLS, ModelAgent
from llamp_mcp.experts.react import Limits
from llamp_mcp.providers.chat import Usage
from tests.evaluation.benchmark.answering import (
    SPEC,
    Model,
    calls,
    gaps,
    looks_up,
    says,
    unavailable,
)

pytestmark = pytest.mark.anyio
QUESTION = "What is the band gap of Si in eV?"


async def test_a_model_calls_tools_until_it_answers():
    model = Model(looks_up)
    answer = await ModelAgent(model).answer(QUESTION, (SPEC,), gaps)
    assert answer.text.endswith("Answer: 0.6105 eV")
    [step] = answer.steps
    assert step.tool == "get_properties"
    assert step.arguments == {"materials": ["Si"], "fields": ["band_gap"]}
    assert step.observation == "mp-149 0.6105 eV"
    assert not step.failed
    assert answer.usage == Usage(prompt_tokens=200, completion_tokens=20)
    assert answer.stopped == "answered"


async def test_each_question_is_a_conversation_of_its_own():
    model = Model(looks_up)
    agent = ModelAgent(model)
    for _ in range(2):
        await agent.answer(QUESTION, (SPEC,), gaps)
    assert [len(told) for told in model.told] == [2, 4, 2, 4]


async def test_both_arms_are_asked_for_the_same_last_line_and_only_one_is_given_tools():
    model = Model(looks_up)
    agent = ModelAgent(model)
    await agent.answer(QUESTION, (SPEC,), gaps)
    answer = await agent.answer(QUESTION, (), None)
    assert [told[0].text for told in model.told] == [WITH_TOOLS, WITH_TOOLS, FROM_MEMORY]
    assert [told[1].text for told in model.told] == [QUESTION] * 3
    assert model.tools == [(SPEC,), (SPEC,), ()]
    assert answer.text == "Answer: unknown"
    assert "Answer: unknown" in WITH_TOOLS
    assert "Answer: unknown" in FROM_MEMORY


async def test_a_model_that_imagines_tools_is_told_that_there_are_none():
    model = Model(
        lambda messages, _: says("0.6") if messages[-1].role == "tool" else calls("look", at="Si")
    )
    answer = await ModelAgent(model).answer(QUESTION, (), None)
    [step] = answer.steps
    assert step.failed
    assert "no tool 'look'" in step.observation
    assert answer.text == "0.6"


async def test_a_model_that_never_answers_is_stopped_by_its_rounds():
    model = Model(lambda *_: calls("get_properties", materials=["Si"]))
    answer = await ModelAgent(model, Limits(rounds=3)).answer(QUESTION, (SPEC,), gaps)
    assert answer.stopped == "rounds"
    assert answer.text == ""
    assert len(answer.steps) == 2


async def test_a_failing_provider_is_an_error():
    with pytest.raises(ProviderError, match="503"):
        await ModelAgent(Model(unavailable)).answer(QUESTION, (SPEC,), gaps)

from __future__ import annotations

import pytest

from llamp_mcp.evaluation.benchmark.agents import Called
from llamp_mcp.evaluation.benchmark.questions import known, read_questions
from llamp_mcp.evaluation.benchmark.scripted import ScriptedAgent
from llamp_mcp.experts.planning import match

pytestmark = pytest.mark.anyio
AGENT = ScriptedAgent()
MODULUS = "What is the bulk modulus of Sc in GPa?"
EOS = (
    "What is the bulk modulus of fcc Cu in GPa, from an equation of state computed with the EMT "
    "calculator?"
)


def answering(*answers: Called):
    """A caller that gives these answers in turn, and the calls that were made."""
    made = []

    async def call(name, arguments, /):
        made.append((name, arguments))
        return answers[len(made) - 1]

    return call, made


@pytest.mark.parametrize("name", tuple(known()))
def test_every_question_has_a_worked_call_and_models_are_given_its_tools(name):
    read = read_questions(name)
    for item in read.items:
        found = match(read.asked(item))
        assert found is not None, read.asked(item)
        assert {call.tool for call in found.worked.calls} <= set(read.tools)


async def test_without_tools_it_knows_nothing():
    answer = await AGENT.answer(MODULUS, (), None)
    assert answer.text.endswith("Answer: unknown")
    assert answer.steps == ()


async def test_a_question_that_no_brief_answers_is_not_answered():
    call, made = answering()
    answer = await AGENT.answer("Who discovered scandium?", (), call)
    assert answer.text.endswith("Answer: unknown")
    assert made == []


async def test_the_answer_is_what_the_tool_said_with_the_call_as_a_step():
    row = {
        "material_id": "mp-1",
        "formula": "Sc",
        "selection": "only candidate",
        "warnings": [],
        "groups": {"elasticity": {"bulk_modulus": {"vrh": 12.5}}},
    }
    call, made = answering(Called("mp-1 Sc: 12.5 GPa", structured={"results": [row]}))
    answer = await AGENT.answer(MODULUS, (), call)
    assert "12.5 GPa" in answer.text
    assert "mp-1" in answer.text
    [(tool, arguments)] = made
    assert tool == "get_properties"
    assert arguments["materials"] == ["Sc"]
    [step] = answer.steps
    assert (step.tool, step.arguments) == (tool, arguments)
    assert (step.observation, step.failed) == ("mp-1 Sc: 12.5 GPa", False)


async def test_a_value_that_is_not_in_the_result_is_not_replaced_by_another():
    row = {"material_id": "mp-1", "formula": "Sc", "selection": "", "warnings": [], "groups": {}}
    call, _ = answering(Called("mp-1 Sc: no values", structured={"results": [row]}))
    answer = await AGENT.answer(MODULUS, (), call)
    assert answer.text.startswith("There is no single value")
    assert "mp-1 Sc: no values" in answer.text
    assert answer.text.endswith("Answer: unknown")


async def test_a_tool_that_fails_ends_the_plan_with_what_it_said():
    call, made = answering(Called("No values: Cu is not here.", failed=True))
    answer = await AGENT.answer(EOS, (), call)
    assert len(made) == 1
    assert answer.steps[0].failed
    assert "No values: Cu is not here." in answer.text
    assert answer.text.endswith("Answer: unknown")


async def test_of_a_job_its_result_is_used_and_handles_are_passed_on():
    job = {"job_id": "j-1", "state": "completed", "error": None}
    result = {"bulk_modulus_gpa": 99.5, "model": "birch_murnaghan", "formula": "Cu"}
    call, made = answering(
        Called("s-1", structured={"structure_id": "s-1", "formula": "Cu"}),
        Called("done", structured=job | {"result": result}),
    )
    answer = await AGENT.answer(EOS, (), call)
    assert [tool for tool, _ in made] == ["create_structure", "fit_eos"]
    assert made[1][1]["structure_id"] == "s-1"
    assert "99.5 GPa" in answer.text

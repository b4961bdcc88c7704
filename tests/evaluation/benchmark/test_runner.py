from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.benchmark.agents import Answer, Called, ModelAgent
from llamp_mcp.evaluation.benchmark.questions import QuestionSet
from llamp_mcp.evaluation.benchmark.runner import Plan, Prices, Toolbox, evaluate
from tests.evaluation.benchmark.answering import (
    OTHER,
    SPEC,
    TOOLBOX,
    Model,
    looks_up,
    says,
    unavailable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from llamp_mcp.evaluation.benchmark.record import Record, Trial
    from llamp_mcp.evaluation.benchmark.runner import ArmName

pytestmark = pytest.mark.anyio
WITH: tuple[ArmName, ...] = ("with tools",)
GAPS = QuestionSet.model_validate(
    {
        "name": "gaps",
        "title": "Gaps",
        "source": "made up",
        "question": "What is the band gap of {key} in eV?",
        "answer": "number",
        "unit": "eV",
        "tools": ["get_properties"],
        "items": [
            {"key": "Si", "reference": 0.6105, "ids": ["mp-149"]},
            {"key": "Ge", "reference": 0.0, "ids": ["mp-32"]},
        ],
    }
)


async def put(
    does: Any, folder: Path, *, toolbox: Toolbox = TOOLBOX, fresh=False, **plan
) -> Record:
    chosen = Plan(**{"sets": (GAPS,), "trials": 2, "pause_s": 0.0, **plan})
    agent = ModelAgent(Model(does)) if callable(does) else does
    return await evaluate(chosen, agent, toolbox, folder, lambda *_: None, fresh=fresh)


def trials(record: Record, arm: int = 0) -> list[Trial]:
    return list(record.arms[arm].trials)


async def test_a_model_that_reads_the_tools_is_right_with_them_and_silent_without(tmp_path):
    record = await put(looks_up, tmp_path)
    having, lacking = record.arms
    assert (having.name, lacking.name) == ("with tools", "without tools")
    [score] = having.scores
    assert (score.scor, score.confidence, score.accuracy, score.mae) == (1, 1, 1, 0)
    assert (score.items, score.trials, score.tool_calls, score.failed_calls) == (2, 2, 4, 0)
    [score] = lacking.scores
    assert (score.scor, score.confidence, score.accuracy) == (0, 0, 0)
    assert score.scor_strict == 0
    for trial in trials(record):
        assert trial.correct
        assert trial.ungrounded_ids == ()
        assert trial.error is None
        assert trial.steps[0].observation.startswith(trial.ids[0])
    assert [trial.extracted for trial in trials(record)] == [0.6105, 0.0, 0.6105, 0.0]
    assert [trial.trial for trial in trials(record)] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("answer", "extracted"),
    [
        ("mp-149 has 1.12 eV.\nAnswer: 1.12 eV", 1.12),
        ("I do not know.\nAnswer: unknown", None),
        ("Answer: 0.6105 eV", 0.6105),  # without the id that was asked for
    ],
)
async def test_what_is_wrong_missing_or_without_its_id_is_not_right(tmp_path, answer, extracted):
    record = await put(lambda *_: says(answer), tmp_path, arms=WITH, trials=1)
    assert [trial.correct for trial in trials(record)] == [False, False]
    assert trials(record)[0].extracted == extracted
    assert record.arms[0].scores[0].accuracy == 0


async def test_the_same_wrong_answer_each_time_is_consistent_and_not_accurate(tmp_path):
    record = await put(lambda *_: says("Answer: 1.5 eV"), tmp_path, arms=WITH, trials=3)
    [score] = record.arms[0].scores
    assert (score.scor, score.accuracy) == (1, 0)
    assert score.mae == pytest.approx((abs(1.5 - 0.6105) + 1.5) / 2)


async def test_an_id_that_no_tool_returned_in_this_trial_is_named(tmp_path):
    def invents(messages, has_tools):
        if messages[-1].role == "tool":
            return says("Answer: mp-149 has 0.6105 eV, and mp-14 and mp-9258 have more")
        return looks_up(messages, has_tools)

    record = await put(invents, tmp_path, arms=WITH, trials=1)
    silicon, germanium = trials(record)
    assert silicon.ungrounded_ids == ("mp-14", "mp-9258")
    assert germanium.ungrounded_ids == ("mp-149", "mp-14", "mp-9258")
    assert record.arms[0].scores[0].invented_ids == 3


async def test_an_id_of_the_question_is_no_invention(tmp_path):
    item = {"key": "mp-149", "reference": 0.6105}
    named = GAPS.model_copy(update={"items": (type(GAPS.items[0]).model_validate(item),)})
    record = await put(lambda *_: says("mp-149: 0.6105 eV"), tmp_path, sets=(named,))
    assert all(trial.ungrounded_ids == () for trial in trials(record))
    assert trials(record)[0].correct


async def test_no_value_is_the_right_answer_where_there_is_none(tmp_path):
    missing = GAPS.model_copy(update={"items": (type(GAPS.items[0])(key="Ge"),)})
    honest = await put(lambda *_: says("Answer: unknown"), tmp_path / "a", sets=(missing,))
    assert honest.arms[0].scores[0].accuracy == 1
    certain = await put(lambda *_: says("Answer: 0.7 eV"), tmp_path / "b", sets=(missing,))
    assert certain.arms[0].scores[0].accuracy == 0


async def test_a_failing_provider_is_written_down_and_ends_nothing(tmp_path):
    asked = []

    def fails_for_silicon(messages, has_tools):
        asked.append(messages[1].text)
        return (unavailable if "Si" in messages[1].text else looks_up)(messages, has_tools)

    record = await put(fails_for_silicon, tmp_path, arms=WITH, trials=1, repeats=2)
    silicon, germanium = trials(record)
    assert silicon.error == "The endpoint answers 503."
    assert (silicon.answer, silicon.extracted, silicon.correct) == ("", None, False)
    assert sum("Si" in text for text in asked) == 3
    assert germanium.correct
    assert record.arms[0].scores[0].confidence == 0.5


async def test_a_provider_that_recovers_is_asked_again(tmp_path):
    states = iter((True, False, False, False, False))

    def recovers(messages, has_tools):
        return (unavailable if next(states) else looks_up)(messages, has_tools)

    record = await put(recovers, tmp_path, arms=WITH, trials=1)
    assert [trial.error for trial in trials(record)] == [None, None]


async def test_a_tool_that_fails_is_an_observation(tmp_path):
    async def fails(_name, _arguments, /):
        return Called("mp-149: no band_gap here", failed=True)

    def gives_up(messages, has_tools):
        return says("unknown") if messages[-1].role == "tool" else looks_up(messages, has_tools)

    box = Toolbox((SPEC,), fails, TOOLBOX.source)
    record = await put(gives_up, tmp_path, arms=WITH, trials=1, toolbox=box)
    assert record.arms[0].scores[0].failed_calls == 2
    assert trials(record)[0].steps[0].failed


class Slow:
    """An agent that takes its time."""

    name, model = "slow", "slow"

    def __init__(self, seconds: float) -> None:
        self.seconds, self.running, self.most = seconds, 0, 0

    async def answer(self, question, tools, caller):
        self.running += 1
        self.most = max(self.most, self.running)
        await anyio.sleep(self.seconds)
        self.running -= 1
        return Answer("Answer: 0.6105 eV")


async def test_an_answer_that_takes_too_long_is_given_up(tmp_path):
    record = await put(Slow(5), tmp_path, arms=WITH, trials=1, seconds=0.05)
    assert [trial.error for trial in trials(record)] == ["no answer within 0.05 s"] * 2
    assert all(trial.seconds < 2 for trial in trials(record))


@pytest.mark.parametrize("at_a_time", [1, 3])
async def test_no_more_trials_than_allowed_run_at_a_time(tmp_path, at_a_time):
    agent = Slow(0.01)
    record = await put(agent, tmp_path, trials=3, concurrency=at_a_time)
    assert agent.most == at_a_time
    assert [trial.key for trial in trials(record)] == ["Si", "Ge"] * 3


async def test_an_evaluation_that_was_interrupted_goes_on_where_it_was(tmp_path):
    asked = []

    def breaks(messages, has_tools):
        asked.append(messages)
        if len(asked) > 5:
            raise RuntimeError("killed")
        return looks_up(messages, has_tools)

    with pytest.raises(ExceptionGroup):
        await put(breaks, tmp_path, arms=WITH)
    written = (tmp_path / "trials.jsonl").read_text().splitlines()
    assert len(written) == 2
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write(written[0][:40])  # a line that was cut off

    again = []

    def counts(messages, has_tools):
        again.append(messages)
        return looks_up(messages, has_tools)

    record = await put(counts, tmp_path, arms=WITH)
    assert len(again) == 4  # two trials of two replies
    assert len(trials(record)) == 4
    assert record.arms[0].scores[0].accuracy == 1
    lines = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    assert [line["trial"]["key"] for line in lines] == ["Si", "Ge"] * 2


async def test_more_trials_and_another_arm_are_added_to_what_is_there(tmp_path):
    await put(looks_up, tmp_path, arms=WITH, trials=1)
    record = await put(looks_up, tmp_path, trials=2)
    assert [len(arm.trials) for arm in record.arms] == [4, 4]
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 8


async def test_trials_whose_provider_failed_are_made_again(tmp_path):
    await put(unavailable, tmp_path, arms=WITH, trials=1, repeats=0)
    record = await put(looks_up, tmp_path, arms=WITH, trials=1)
    assert [trial.correct for trial in trials(record)] == [True, True]


async def test_a_folder_of_another_evaluation_is_refused_and_kept(tmp_path):
    await put(looks_up, tmp_path, trials=1)
    kept = (tmp_path / "trials.jsonl").read_bytes()
    other = GAPS.model_copy(update={"tolerance": 0.5})
    with pytest.raises(InvalidInput, match="differs in its questions"):
        await put(looks_up, tmp_path, sets=(other,))
    with pytest.raises(InvalidInput, match=r"differs in its model, agent.*--fresh"):
        await put(Slow(0), tmp_path)
    assert (tmp_path / "trials.jsonl").read_bytes() == kept


async def test_a_fresh_evaluation_begins_anew(tmp_path):
    await put(lambda *_: says("Answer: 9 eV"), tmp_path, trials=1)
    record = await put(looks_up, tmp_path, arms=WITH, trials=1, fresh=True)
    assert record.arms[0].scores[0].accuracy == 1
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("name", ["evaluation.json", "trials.jsonl"])
async def test_a_damaged_folder_is_refused(tmp_path, name):
    await put(looks_up, tmp_path, trials=1)
    (tmp_path / name).write_text('{"no": "trial"}\n')
    with pytest.raises(InvalidInput, match=name):
        await put(looks_up, tmp_path)


@pytest.mark.parametrize(
    ("wanted", "given"), [((), {SPEC.name}), (("search_materials",), {OTHER.name})]
)
async def test_a_model_is_given_the_tools_of_the_set_or_those_of_the_plan(tmp_path, wanted, given):
    model = Model(lambda *_: says("unknown"))
    await put(ModelAgent(model), tmp_path, arms=WITH, trials=1, tools=wanted)
    assert {tool.name for tool in model.tools[0]} == given


async def test_a_tool_that_is_not_served_is_named_before_anything_is_asked(tmp_path):
    with pytest.raises(InvalidInput, match=r"'gaps' needs .*: fit_eos.*LLAMP_TOOLSETS"):
        await put(unavailable, tmp_path, tools=("fit_eos",))
    assert not list(tmp_path.iterdir())


async def test_cost_is_tokens_at_the_prices_given(tmp_path):
    free = await put(looks_up, tmp_path)
    assert free.cost is None
    paid = await put(looks_up, tmp_path, prices=Prices(2.0, 10.0, "EUR"))
    # With tools two replies of 100 and 10 tokens a trial, without one; four trials in each arm.
    assert paid.cost == pytest.approx(12 * (100 * 2 + 10 * 10) / 1e6)
    assert paid.currency == "EUR"


async def test_progress_ends_with_all_trials(tmp_path):
    told = []
    plan = Plan((GAPS,), trials=1)
    await evaluate(plan, Slow(0), TOOLBOX, tmp_path, lambda *news: told.append(news))
    assert told[0] == (0, 4, "with tools: gaps Si")
    assert told[-1] == (4, 4, "")


async def test_the_record_says_who_answered_from_what(tmp_path):
    record = await put(looks_up, tmp_path, trials=1)
    assert (record.model, record.agent) == ("stand-in", "tool calls")
    assert record.source == TOOLBOX.source
    assert record.seconds == pytest.approx(
        sum(trial.seconds for arm in record.arms for trial in arm.trials), abs=1e-3
    )

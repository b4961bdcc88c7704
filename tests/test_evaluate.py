"""The evaluation through a real client of a real server over stdio."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from PIL import Image

from llamp_mcp.client import follow, tool_specs
from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluate import Options, caller, choose, open_toolbox, run, table
from llamp_mcp.evaluation.benchmark.agents import ModelAgent
from llamp_mcp.evaluation.benchmark.questions import select
from llamp_mcp.evaluation.benchmark.record import Record
from llamp_mcp.settings import Settings
from tests.providers.endpoint import answering, said

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Driver

COMPUTED = ("s12-copper-eos", "s13-annealing", "s15-elastic-tensor")
RETRIEVED = tuple(one.name for one in select((), "sample") if one.name not in COMPUTED)
SERVER = {"LLAMP_SOURCE": "sample", "LLAMP_WORKER_IDLE_S": "5"}
COPPER = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615, "cubic": True}


def scripted(folder: Path, questions: tuple[str, ...], **options: Any) -> Record:
    chosen = Options(out=folder, questions=questions, trials=2, scripted=True, **options)
    return run(chosen, Settings(), lambda *_: None, SERVER)


def all_right(record: Record) -> None:
    """Every answer has the value and the ids that were written down beforehand."""
    having, lacking = record.arms
    for score in having.scores:
        assert score.accuracy == 1, score
        assert score.scor in (1, None), score
        assert score.invented_ids == 0, score
    for trial in having.trials:
        assert trial.correct, trial
        assert trial.error is None
        assert trial.steps
    assert all(not score.confidence for score in lacking.scores)
    assert all(trial.extracted is None for trial in lacking.trials)


def test_the_scripted_agent_answers_every_question_that_the_sample_can_answer(tmp_path):
    record = scripted(tmp_path, RETRIEVED)
    all_right(record)
    numbers = [score for score in record.arms[0].scores if score.scor is not None]
    assert len(numbers) >= 14
    assert all(score.scor_strict == 1 for score in numbers)
    assert {score.set_name for score in record.arms[0].scores} == set(RETRIEVED)
    assert record.source["kind"] == "sample"

    assert Record.model_validate_json((tmp_path / "record.json").read_bytes()) == record
    report = (tmp_path / "report.md").read_text()
    assert "| Bulk moduli of Sc to Zn (GPa) | with tools | 10 x 2 | 1.000 |" in report
    assert "Wrong or missing answers with tools: 0 of" in report
    with Image.open(tmp_path / "scores.png") as picture:
        picture.verify()


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_scripted_agent_answers_every_question_that_is_computed(tmp_path):
    record = scripted(tmp_path, COMPUTED)
    all_right(record)
    assert all(score.scor == 1 for score in record.arms[0].scores)


def test_the_scripted_agent_shows_both_entries_where_none_or_the_next_is_taken(tmp_path):
    record = scripted(tmp_path, ("s1-bulk-moduli",), only="with")
    said = {trial.key: trial for trial in record.arms[0].trials}
    assert said["Mn"].extracted is None
    assert "280.959" in said["Mn"].answer
    assert "248.693" in said["Mn"].answer
    assert said["Co"].extracted == 200.587
    assert "unphysical" in said["Co"].answer
    assert "-1127.579" in said["Co"].answer


def test_an_evaluation_goes_on_through_a_new_server(tmp_path):
    first = scripted(tmp_path, ("basics-ids",))
    kept = (tmp_path / "trials.jsonl").read_bytes()
    again = scripted(tmp_path, ("basics-ids",))
    assert (tmp_path / "trials.jsonl").read_bytes() == kept
    assert again == first
    with pytest.raises(InvalidInput, match="differs in its questions"):
        scripted(tmp_path, ("basics-band-gaps",))


def test_the_table_has_a_row_for_each_set_of_each_arm(tmp_path):
    record = scripted(tmp_path, ("basics-ids", "basics-band-gaps"))
    drawn = table(record)
    names = list(drawn.columns[0].cells)
    assert names[1:3] == ["basics-ids", "basics-band-gaps"]
    assert len(names) == 6
    assert list(drawn.columns[3].cells)[1:3] == ["n/a", "1"]  # SCoR


def test_without_a_model_it_is_said_how_to_set_one(tmp_path):
    with pytest.raises(InvalidInput, match=r"LLAMP_LLM_MODEL.*--scripted"):
        choose(Options(out=tmp_path), Settings())


@pytest.mark.parametrize(("held", "name"), [(False, "tool calls"), (True, "constrained")])
def test_the_model_of_the_settings_answers(tmp_path, held, name):
    settings = Settings(llm_model="some-model", llm_constrained=held)
    agent = choose(Options(out=tmp_path), settings)
    assert isinstance(agent, ModelAgent)
    assert (agent.model, agent.name) == ("some-model", name)


def test_a_model_at_an_endpoint_is_scored_with_the_tools_and_without(tmp_path):
    """It reads the gap out of the tool's text; without tools it is sure of a wrong one."""

    def reply(body: dict[str, Any], _number: int) -> dict[str, Any]:
        last, formula = body["messages"][-1], body["messages"][1]["content"].split()[6]
        if last["role"] == "tool":
            [gap] = re.findall(r"band_gap = (\S+) eV", last["content"])
            return said(f"As the tool says.\nAnswer: {gap} eV")
        if "tools" not in body:
            return said("It is mp-1 for sure.\nAnswer: 1.12 eV")
        return said("", ("get_properties", {"materials": [formula], "fields": ["band_gap"]}))

    with answering(reply) as endpoint:
        record = run(
            Options(
                out=tmp_path,
                questions=("basics-band-gaps",),
                trials=2,
                concurrency=2,
                prices=(1.0, 2.0),
            ),
            Settings(llm_model="loopback-1", llm_url=endpoint.url),
            lambda *_: None,
            SERVER,
        )
    having, lacking = (arm.scores[0] for arm in record.arms)
    assert (having.accuracy, having.scor, having.mae, having.invented_ids) == (1, 1, 0, 0)
    assert (lacking.accuracy, lacking.scor, lacking.invented_ids) == (0, 1, 1)
    assert lacking.mae == pytest.approx((0.5095 + 0.6065 + 3.2483 + 0.2999) / 4)
    assert record.model == "loopback-1"
    assert record.cost == pytest.approx(24 * (100 * 1 + 10 * 2) / 1e6)
    given = {tool["function"]["name"] for body in endpoint.asked for tool in body.get("tools", ())}
    assert given == {"search_materials", "get_properties", "get_structure"}


@pytest.mark.anyio
async def test_a_toolbox_has_the_tools_and_the_source_of_the_server(server: Driver):
    box = await open_toolbox(server.client)
    listed = await server.client.list_tools()
    assert [tool.name for tool in box.specs] == [tool.name for tool in listed.tools]
    assert box.specs[0].parameters["additionalProperties"] is False
    assert box.source["kind"] == "sample"


@pytest.mark.anyio
async def test_a_failure_of_a_tool_is_an_answer(server: Driver):
    call = caller(server.client, await tool_specs(server.client))
    unknown = await call("get_gap", {})
    assert unknown.failed
    assert "no tool 'get_gap'" in unknown.text
    assert "get_properties" in unknown.text
    wrong = await call("get_properties", {"materials": ["Xx"]})
    assert wrong.failed
    assert "Xx" in wrong.text


@pytest.mark.anyio
async def test_a_job_is_followed_to_its_end(server: Driver):
    call = caller(server.client, await tool_specs(server.client))
    made = await call("create_structure", {"prototype": COPPER})
    arguments = {"structure_id": made.structured["structure_id"], "calculator": "emt", "wait_s": 0}
    fitted = await call("fit_eos", arguments)
    assert not fitted.failed
    assert fitted.structured["state"] == "completed"
    assert f"{fitted.structured['result']['bulk_modulus_gpa']:.5g}" in fitted.text


@pytest.mark.anyio
async def test_a_job_that_is_no_longer_wanted_is_cancelled(server: Driver):
    made = await server.call("create_structure", prototype=COPPER)
    arguments = {
        "structure_id": made["structure_id"],
        "calculator": "emt",
        "ensemble": "nve",
        "temperature_k": [300],
        "steps": 100_000,
        "wait_s": 0,
    }
    with anyio.move_on_after(4):
        await follow(server.client, "run_md", arguments)
    [job] = (await server.call("get_job"))["jobs"]
    standing = await server.call("get_job", job_id=job["job_id"], wait_s=20)
    assert standing["state"] == "cancelled", json.dumps(standing)

"""Recordings and evaluations: only grounded answers, each on the side of what it is about."""

from __future__ import annotations

import json

import pytest

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.evaluation.benchmark.record import Arm, Record, Trial
from llamp_mcp.evaluation.distillation.distill import distill
from llamp_mcp.evaluation.distillation.rows import Call
from llamp_mcp.evaluation.distillation.splits import Division
from llamp_mcp.evaluation.distillation.traffic import (
    Spoken,
    from_recordings,
    from_records,
    judged,
    supported,
)
from llamp_mcp.experts.react import Step
from llamp_mcp.recording import Recorder, Redaction, recordings
from tests.evaluation.distillation.conftest import SIDES, read

TOLD = "mp-30 Cu: bulk_modulus.vrh = 151.394 GPa [a]\n'Cu': of 4 entries; doi 10.1063/1.4812323"
CALL = Call("get_properties", {"materials": ["Cu"], "fields": ["bulk_modulus.vrh"]}, TOLD)


def _spoken(answer, calls=(CALL,), question="How hard is Cu to compress?"):
    return Spoken("n", "ask_expert", "m", question, answer, tuple(calls))


@pytest.mark.parametrize(
    "answer",
    [
        "Cu (mp-30) has 151.394 GPa.",
        "Cu has 151.4 GPa, about 151 GPa; doi 10.1063/1.4812323.",
        "1. Cu (mp-30): 151.39 GPa\n2. one of 4 entries",
        "It is hard.",
    ],
)
def test_what_the_tools_told_is_supported(answer):
    assert supported(_spoken(answer))


@pytest.mark.parametrize(
    "answer",
    [
        "Cu has 140 GPa.",
        "Cu has 151.5 GPa.",
        "Cu (mp-31) has 151.394 GPa.",
        "It is one of 5 entries.",
        "See doi 10.1103/PhysRevB.1.1.",
        "Cu has 0.9449 eV/Å³.",
    ],
)
def test_what_they_did_not_tell_is_not(answer):
    assert not supported(_spoken(answer))


@pytest.mark.parametrize(
    ("spoken", "flaw"),
    [
        (_spoken("Cu has 151.394 GPa."), ""),
        (_spoken(" "), "no answer"),
        (_spoken("Cu is hard.", calls=()), "no calls, or too many"),
        (_spoken("Cu is hard.", calls=(Call("t", {}, "x", failed=True),)), "a call failed"),
        (_spoken("Cu has 999 GPa."), "a number or id that no tool gave"),
    ],
)
def test_a_flaw_is_named(spoken, flaw):
    assert judged(spoken).flaw == flaw


def _record(tmp_path, **changes):
    step = Step(tool=CALL.tool, arguments=CALL.arguments, observation=TOLD)
    trial = Trial(
        set_name="bulk_moduli",
        key="Cu",
        trial=0,
        question="Bulk modulus of Cu?",
        answer="Cu (mp-30): 151.394 GPa",
        extracted=151.394,
        correct=True,
        steps=(step,),
        seconds=1.0,
    ).model_copy(update=changes)
    record = Record(
        model="small-model",
        agent="tool calls",
        version="0",
        source={},
        started="now",
        seconds=1.0,
        arms=(Arm(name="with tools", scores=(), trials=(trial,)),),
    )
    path = tmp_path / "record.json"
    path.write_text(record.model_dump_json())
    return path


def test_a_right_answer_of_an_evaluation_becomes_a_chat(tmp_path, sample_settings):
    path = _record(tmp_path, question="For marie@sorbonne.fr: bulk modulus of Cu?")
    told = distill(sample_settings, tmp_path / "out", limit=50, records=[path])
    assert told.left_out.keys() == {"formulas beyond the limit of pairs"}
    (row,) = [
        row
        for row in read(tmp_path / "out", "chat", Division().side("Cu"))
        if row["origin"] == "evaluation"
    ]
    assert row["model"] == "small-model"
    assert row["messages"][1]["content"] == "For [e-mail]: bulk modulus of Cu?"
    assert row["messages"][-1]["content"] == "Cu (mp-30): 151.394 GPa"
    assert (row["formulas"], row["materials"]) == (["Cu"], ["mp-30"])


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"correct": False}, "not correct"),
        ({"error": "time-out"}, "not correct"),
        ({"ungrounded_ids": ("mp-31",)}, "invented an id"),
    ],
)
def test_a_wrong_answer_of_an_evaluation_is_left_out(tmp_path, changes, flaw):
    (spoken,) = from_records([_record(tmp_path, **changes)], Redaction())
    assert judged(spoken).flaw == flaw


def test_a_trial_without_tools_teaches_no_tool_call(tmp_path):
    assert list(from_records([_record(tmp_path, steps=())], Redaction())) == []


def test_a_file_that_is_no_record_is_refused(tmp_path):
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"record\.json"):
        list(from_records([tmp_path / "record.json"], Redaction()))
    with pytest.raises(NotFound):
        list(from_records([tmp_path / "nowhere.json"], Redaction()))


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path / "recordings", Redaction())


def _record_call(recorder, caller="me"):
    recorder.tool_call(caller, CALL.tool, CALL.arguments, TOLD)


def _check(recorder, text, verdicts, unknown=(), caller="me"):
    claims = [{"verdict": verdict} for verdict in verdicts]
    structured = {"claims": claims, "unknown_ids": list(unknown)}
    recorder.tool_call(caller, "check_grounding", {"text": text}, "…", structured=structured)


def test_the_answer_of_an_expert_is_taken_whole(recorder):
    step = {"tool": CALL.tool, "arguments": CALL.arguments, "observation": TOLD, "failed": False}
    recorder.answer("me", "Q?", "Cu: 151.394 GPa", origin="ask_expert", model="m", steps=[step])
    (spoken,) = from_recordings(recorder.folder, Redaction())
    assert (spoken.origin, spoken.question, spoken.answer) == (
        "ask_expert",
        "Q?",
        "Cu: 151.394 GPa",
    )
    assert spoken.calls == (CALL,)
    assert judged(spoken).flaw == ""


def test_a_checked_draft_answers_the_calls_before_it(recorder):
    _record_call(recorder)
    _check(recorder, "Cu (mp-30): 151.394 GPa", ["supported"])
    _check(recorder, "Nothing was called in between.", ["supported"])
    first, second = from_recordings(recorder.folder, Redaction())
    assert judged(first).flaw == ""
    assert "get_properties(materials=['Cu'], fields=['bulk_modulus.vrh'])" in first.question
    assert first.answer == "Cu (mp-30): 151.394 GPa"
    assert judged(second).flaw == "no calls, or too many"


@pytest.mark.parametrize(
    ("verdicts", "unknown"),
    [(["supported", "contradicted"], []), (["unknown"], []), ([], []), (["supported"], ["mp-9"])],
)
def test_a_draft_that_was_not_fully_supported_is_no_answer(recorder, verdicts, unknown):
    _record_call(recorder)
    _check(recorder, "Cu (mp-30): 151.394 GPa", verdicts, unknown)
    (spoken,) = from_recordings(recorder.folder, Redaction())
    assert spoken.flaw == "not supported"


def test_conversations_of_two_callers_are_not_mixed(recorder):
    _record_call(recorder, "one")
    _check(recorder, "Cu (mp-30): 151.394 GPa", ["supported"], caller="two")
    (spoken,) = from_recordings(recorder.folder, Redaction())
    assert spoken.calls == ()


def test_a_line_that_was_cut_off_is_passed_over(recorder):
    _record_call(recorder)
    (path,) = recorder.folder.iterdir()
    with path.open("a") as file:
        file.write('{"format": "llamp-mcp-rec')
    _check(recorder, "Cu (mp-30): 151.394 GPa", ["supported"])
    assert [judged(one).flaw for one in from_recordings(recorder.folder, Redaction())] == []


def test_recordings_are_redacted_once_more(recorder):
    step = {"tool": "t", "arguments": {"k": "late-secret"}, "observation": "late-secret"}
    recorder.answer("me", "late-secret?", "late-secret", origin="ask_expert", steps=[step])
    (spoken,) = from_recordings(recorder.folder, Redaction(("late-secret",)))
    assert "late-secret" not in str(spoken)


def _answered(recorder, formulas):
    text = "\n".join(f"{i} {f}: density = {n}.5 g/cm³" for n, (i, f) in enumerate(formulas, 101))
    arguments = {"materials": [f for _, f in formulas], "fields": ["density"]}
    step = {"tool": "get_properties", "arguments": arguments, "observation": text}
    recorder.answer("me", "How dense?", text, origin="ask_expert", model="m", steps=[step])


@pytest.mark.parametrize(
    ("formulas", "side", "left_out"),
    [
        ([("mp-2605", "CaO")], "test", ""),
        ([("mp-1265", "MgO"), ("mp-149", "Si")], "train", ""),
        ([("mp-1265", "MgO"), ("mp-2605", "CaO")], "", "about formulas of two sides"),
        ([("mp-134", "Al"), ("mp-149", "Si")], "", "about formulas of two sides"),
    ],
)
def test_a_recording_is_on_the_side_of_what_it_mentions(
    recorder, tmp_path, sample_settings, formulas, side, left_out
):
    _answered(recorder, formulas)
    told = distill(sample_settings, tmp_path / "out", limit=20, recordings=recorder.folder)
    found = [
        one
        for one in SIDES
        for row in read(tmp_path / "out", "chat", one)
        if row["origin"] == "ask_expert"
    ]
    assert found == ([side] if side else [])
    assert left_out in str(told.left_out)


def test_an_id_whose_formula_is_unknown_keeps_a_recording_out(recorder, tmp_path, sample_settings):
    step = {"tool": "t", "arguments": {}, "observation": "mp-3999999 is like mp-149"}
    recorder.answer("me", "Q?", "mp-3999999", origin="ask_expert", steps=[step])
    told = distill(sample_settings, tmp_path / "out", limit=20, recordings=recorder.folder)
    assert told.left_out["recorded answers: an id whose formula is not known here"] == 1


@pytest.mark.anyio
async def test_what_a_server_records_can_be_distilled(drive, sample_settings, tmp_path):
    """From a real client to the data set: a call, and a draft that was checked."""
    settings = sample_settings.model_copy(update={"record": True, "home": tmp_path / "home"})
    draft = "Cu (mp-30) has a bulk modulus of 151.394 GPa."
    async with drive(settings) as driver:
        arguments = {"materials": ["mp-30"], "fields": ["bulk_modulus.vrh"]}
        text = await driver.text("get_properties", **arguments)
        await driver.text("check_grounding", text=draft)
    told = distill(sample_settings, tmp_path / "out", limit=20, recordings=recordings(settings))
    (row,) = [
        row
        for side in SIDES
        for row in read(tmp_path / "out", "chat", side)
        if row["origin"] == "check_grounding"
    ]
    assert told.rows["chat"]["train"] > told.rows["pairs"]["train"]
    _system, _user, asked, answered, last = row["messages"]
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == arguments
    assert (answered["content"], last["content"]) == (text, draft)

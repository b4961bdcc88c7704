"""Recording is off by default, private, bounded, redacted, and never in the way."""

from __future__ import annotations

import json
import logging
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from llamp_mcp.recording import Recorder, Redaction, recordings
from llamp_mcp.settings import Settings

KEY = "canaryCANARY0123456789canaryABCD"
CANARIES = (
    KEY,
    "sk-proj-abcdefghijklmnop1234",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "hf_abcdefghijklmnopqrstuvwx",
    "AKIAABCDEFGHIJKLMNOP",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Q7x2Lm9Kp4Zt8Rw1Vn6Bs3Yd5Hf0Gj2A",
    "marie.curie@sorbonne.fr",
    "hunter2hunter2",
    "/home/marie",
    "/Users/marie",
)


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path / "recordings", Redaction((KEY,)))


def test_nothing_is_recorded_unless_the_user_asks_for_it(tmp_path):
    assert Recorder.of(Settings(home=tmp_path, source="sample")) is None


def test_making_a_recorder_touches_no_disk(tmp_path):
    recorder = Recorder.of(Settings(home=tmp_path / "home", source="sample", record=True))
    assert recorder is not None
    assert not (tmp_path / "home").exists()


def test_a_call_is_recorded_whole(recorder):
    recorder.tool_call(
        "me", "get_properties", {"materials": ["NaCl"]}, "1 match", structured={"total": 1}
    )
    (line,) = _lines(recorder.folder)
    assert line["kind"] == "tool_call"
    assert (line["tool"], line["arguments"]) == ("get_properties", {"materials": ["NaCl"]})
    assert (line["text"], line["structured"], line["failed"]) == ("1 match", {"total": 1}, False)


def test_an_answer_is_recorded_with_its_steps(recorder):
    step = {"tool": "calculate", "arguments": {}, "observation": "4", "failed": False}
    recorder.answer("me", "2+2?", "4", origin="ask_expert", model="m", steps=[step])
    (line,) = _lines(recorder.folder)
    assert (line["kind"], line["origin"], line["steps"]) == ("answer", "ask_expert", [step])


def test_no_canary_reaches_the_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_TOKEN", "environment-token-value")
    settings = Settings(
        home=tmp_path / "home",
        source="sample",
        record=True,
        mp_api_key=SecretStr(KEY),
        http_token=SecretStr("short-http-token"),
    )
    recorder = Recorder.of(settings)
    assert recorder is not None
    private = (
        *CANARIES,
        "short-http-token",
        "environment-token-value",
        str(tmp_path / "home"),
        str(Path.home()),
    )
    text = (
        f"X-API-KEY: {KEY}, {CANARIES[1]} {CANARIES[2]} {CANARIES[3]} {CANARIES[4]}\n"
        f"Authorization: Bearer {CANARIES[5]} then {CANARIES[6]}; write to {CANARIES[7]}\n"
        f"postgres://marie:{CANARIES[8]}@host/db password={CANARIES[8]} "
        f"{CANARIES[9]}/thesis.cif {CANARIES[10]}/thesis.cif "
        f"short-http-token environment-token-value {tmp_path}/home/workspace/a.cif "
        f"in {Path.home()}."
    )
    arguments = {"text": text, "api_key": "opaque value", text: [text, {"deep": text}]}
    recorder.tool_call(f"session {KEY}", "create_structure", arguments, text, structured=arguments)
    recorder.answer(text, text, text, origin="ask_expert", model=text, steps=[arguments])
    written = "".join(path.read_text() + path.name for path in recorder.folder.iterdir())
    assert [canary for canary in (*private, "opaque value") if canary in written] == []
    assert "<workspace>/a.cif" in written
    assert "~/thesis.cif" in written


@pytest.mark.parametrize(
    "text",
    [
        "mp-149 Si: bulk_modulus.vrh = 88.9 GPa [a]; s-0123456789abcdef",
        "doi 10.1103/PhysRevLett.77.3865 and 10.1038/s41597-019-0224-1",
        "sha256 " + "0123456789abcdef" * 4,
        "Ba(PdS2)2, Li10GeP2S12, CuSO4·5H2O, K3Fe5(CN)6, /api/materials/summary",
        "VZJVWSHVAAUDJP-UHFFFAOYSA-N",
        "max_tokens 512, prompt_tokens 12",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text):
    assert Redaction((KEY,)).text(text) == text


def test_a_place_is_not_the_beginning_of_another_name():
    redaction = Redaction(places={"~": Path("/data/marie")})
    assert redaction.text("/data/marie/a, /data/marie. /data/marie-2/b") == (
        "~/a, ~. /data/marie-2/b"
    )


def test_files_are_for_their_owner_only(recorder):
    recorder.tool_call("me", "calculate", {}, "4")
    (path,) = recorder.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(recorder.folder.stat().st_mode) == 0o700


def test_every_conversation_has_a_file_that_does_not_name_its_session(recorder):
    for caller in ("session-a", "session-b", "session-a"):
        recorder.tool_call(caller, "calculate", {}, caller)
    files = sorted(recorder.folder.iterdir(), key=lambda path: path.stat().st_size)
    assert [len(path.read_text().splitlines()) for path in files] == [1, 2]
    assert not any("session" in path.name for path in files)


def test_threads_never_mix_their_lines(recorder):
    def work(number: int) -> None:
        for count in range(40):
            recorder.tool_call("me", "t", {"n": number}, f"{number}-{count} " + "x" * 2000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = {line["text"].split()[0] for line in _lines(recorder.folder)}
    assert told == {f"{number}-{count}" for number in range(8) for count in range(40)}


def test_the_oldest_recordings_go_when_there_are_too_many(tmp_path):
    recorder = Recorder(tmp_path, Redaction(), file_bytes=5_000, total_bytes=20_000)
    for count in range(60):
        recorder.tool_call("me", "t", {}, f"{count} " + "x" * 900)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 5_000
    kept = [int(line["text"].split()[0]) for line in _lines(tmp_path)]
    assert kept == list(range(kept[0], 60))
    assert len(kept) >= 10


def test_a_line_that_is_too_long_is_not_kept_in_part(recorder):
    recorder.tool_call("me", "export_structure", {}, "x" * 2_000_000)
    (line,) = _lines(recorder.folder)
    assert line["too_long"] > 2_000_000
    assert "text" not in line


def test_values_that_json_does_not_have_do_no_harm(recorder):
    recorder.tool_call("me", "t", {"a": float("nan"), "b": Path("x")}, "\ud800")
    (line,) = _lines(recorder.folder)
    assert line["arguments"] == {"a": None, "b": "x"}


def test_a_failure_to_write_is_logged_once_and_breaks_nothing(tmp_path, caplog):
    (tmp_path / "recordings").write_text("a file where the folder should be")
    recorder = Recorder(tmp_path / "recordings", Redaction())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            recorder.tool_call("me", "t", {}, "text")
    assert len(caplog.records) == 1
    assert "cannot be recorded" in caplog.text


def test_recordings_lie_in_the_home(tmp_path):
    assert recordings(Settings(home=tmp_path, source="sample")) == tmp_path / "recordings"


@pytest.mark.parametrize("text", ["x", "a@", "api_key ", "aB3-", "://a:b", "-----BEGIN A-----"])
@pytest.mark.timeout(30)
def test_a_long_text_is_redacted_in_proportion_to_its_length(text):
    """A rule that took quadratic time would need an hour for it, and a call would hang."""
    Redaction((KEY,)).text(text * (1_000_000 // len(text)))

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llamp_mcp import cli, doctor
from llamp_mcp.materials.live.cache import open_cache
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.jobs import JobStore

README = Path(__file__).parents[1] / "README.md"
runner = CliRunner()


def test_tools_prints_the_table_of_the_readme() -> None:
    printed = runner.invoke(cli.app, ["tools", "--markdown"])
    assert printed.exit_code == 0
    assert printed.stdout.strip() in README.read_text(encoding="utf-8"), "run make readme"


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMP_QUEUE_LIMIT", "many")
    printed = runner.invoke(cli.app, ["tools"])
    assert printed.exit_code == 2
    assert "LLAMP_QUEUE_LIMIT" in printed.output


def test_an_unknown_toolset_is_a_usage_error() -> None:
    printed = runner.invoke(cli.app, ["--toolsets", "kitchen", "tools"])
    assert printed.exit_code == 2
    assert "kitchen" in printed.output


def test_doctor_reports_and_never_shows_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_KEY", "canary-key")
    monkeypatch.setenv("MP_API_ENDPOINT", "http://127.0.0.1:9/")
    printed = runner.invoke(cli.app, ["doctor"], env={"COLUMNS": "200"})
    assert printed.exit_code == 1, "with a key the live source is asked for, and nobody answers"
    assert "canary-key" not in printed.output
    for word in ("home", "source", "network", "chgnet", "emt"):
        assert word in printed.output


def test_doctor_misses_nothing_that_the_sample_needs(settings: Settings) -> None:
    offline = settings.model_copy(update={"mp_api_endpoint": "http://127.0.0.1:9/"})
    found = {what: state for state, what, _ in doctor.findings(offline)}
    assert found["source"] == "ok"
    assert found["network"] == "missing"


def test_a_snapshot_needs_a_bound_and_a_key(tmp_path: Path) -> None:
    out = str(tmp_path / "x.sqlite")
    unbounded = runner.invoke(cli.app, ["snapshot", "--out", out])
    assert unbounded.exit_code == 1
    assert "--chemsys" in unbounded.output
    keyless = runner.invoke(cli.app, ["snapshot", "--out", out, "--chemsys", "Li-Fe-O"])
    assert keyless.exit_code == 1
    assert "MP_API_KEY" in keyless.output
    assert not list(tmp_path.glob("x.sqlite*"))


def test_cache_tells_what_it_holds_and_clears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = open_cache(Settings())
    kept.get_or("key", lambda: {"a": 1}, tag="2026.1")
    kept.close()
    assert "database 2026.1: 1 answers" in runner.invoke(cli.app, ["cache"]).output
    assert "1 answers deleted" in runner.invoke(cli.app, ["cache", "--clear"]).output
    assert ": 0 answers" in runner.invoke(cli.app, ["cache"]).output


def test_jobs_lists_and_removes_what_has_ended(settings: Settings) -> None:
    store = JobStore.of(settings)
    ended, waiting = (store.submit("fit_eos", {"structure_id": "s-0"}) for _ in range(2))
    store.request_cancel(ended.job_id)
    with sqlite3.connect(store.home / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET finished = finished - 86400 WHERE job_id = ?", (ended.job_id,))

    listed = runner.invoke(cli.app, ["jobs"]).output
    assert ended.job_id in listed
    assert waiting.job_id in listed
    assert ended.job_id not in runner.invoke(cli.app, ["jobs", "--state", "queued"]).output
    assert "0 jobs removed" in runner.invoke(cli.app, ["jobs", "--clean"]).output
    assert "1 jobs removed" in runner.invoke(cli.app, ["jobs", "--clean", "--days", "0.5"]).output
    assert [job.job_id for job in store.newest()] == [waiting.job_id]
    assert not store.directory(ended.job_id).exists()


def test_doctor_calls_a_wrong_model_file_broken(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "x.model"
    path.write_bytes(b"not the model")
    models = {"x": {"family": "mace", "path": path, "sha256": "0" * 64}}
    found = doctor.findings(Settings(home=settings.home, source="sample", models=models))
    assert ("broken", "model x") in {(state, what) for state, what, _ in found}


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(300)
def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "llamp_mcp", "demo", "--steps", "60", "--home", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "temperature against time" in ran.stdout
    assert {path.name for path in tmp_path.rglob("*.png")} == {"structure.png", "plot.png"}
    assert len(list(tmp_path.rglob("*.traj"))) >= 1

"""The Dask engine against a real scheduler and real workers, each a process of its own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from llamp_mcp.errors import JobError
from llamp_mcp.simulation.engines import dask as module
from llamp_mcp.simulation.engines import dispatcher
from llamp_mcp.simulation.engines.dask import DaskEngine
from llamp_mcp.simulation.engines.parcels import pack
from tests.simulation.conftest import copper
from tests.simulation.counting import WORK
from tests.simulation.engines.conftest import computing, until, worked

ENDLESS = {"how": "steps", "count": 100_000, "each_s": 0.02}


def test_structures_travel_by_value_and_come_back_with_their_lineage(
    shared, serve, jobs, structures, put
):
    handle = put(copper(a=3.65))
    job_id = jobs.submit("relax_structure", {"structure_id": handle, "calculator": "emt"}).job_id
    serve(shared).start()
    job = until(jobs, job_id)

    assert job.state == "completed", job.error
    assert job.result is not None
    relaxed = job.result["structure_id"]
    assert structures.get(relaxed).volume == pytest.approx(job.result["volume_a3"], rel=1e-9)
    assert [step.action for step in structures.history(relaxed)] == ["test", "relax_structure"]
    assert structures.history(relaxed)[-1].parent == handle


def test_one_warm_process_of_a_worker_runs_one_job_after_the_other(shared, serve, jobs):
    ids = [jobs.submit("count", {"count": 2}).job_id for _ in range(4)]
    serve(shared).start()
    done = [until(jobs, job_id) for job_id in ids]

    assert {job.state for job in done} == {"completed"}
    assert len({pid for job_id in ids for _, pid in worked(jobs, job_id)}) == 1


def test_cancelled_jobs_stop_within_two_seconds_deaf_ones_too(shared, serve, jobs):
    """A waiting one, one that heeds, and one whose interpreter is stopped as in a native call."""
    heeds = jobs.submit("count", ENDLESS).job_id
    waits = jobs.submit("count", ENDLESS).job_id
    serve(shared).start()
    until(jobs, heeds, computing)
    assert jobs.get(waits).state == "queued"
    jobs.request_cancel(waits)
    asked = time.monotonic()
    jobs.request_cancel(heeds)
    assert until(jobs, heeds).state == "cancelled"
    assert time.monotonic() - asked < 2

    deaf = jobs.submit("count", {"how": "frozen"}).job_id
    until(jobs, deaf, computing)
    asked = time.monotonic()
    jobs.request_cancel(deaf)
    assert until(jobs, deaf).state == "cancelled"
    assert time.monotonic() - asked < 2.5  # a kill in the midst of it: 1 s of grace, and looks
    assert not (jobs.directory(waits) / WORK).exists(), "cancelled before it began"


def test_job_whose_process_dies_again_and_again_is_given_up(shared, serve, jobs, monkeypatch):
    monkeypatch.setattr(jobs, "_fair_s", 0.0)
    job_id = jobs.submit("count", {"how": "crash"}).job_id
    serve(shared).start()
    job = until(jobs, job_id)

    assert job.state == "failed"
    assert "Given up: 3 workers in a row" in str(job.error)
    assert f"ended by signal {int(signal.SIGSEGV)}" in str(job.error)
    assert job.attempts == 3


def test_only_one_of_two_servers_on_a_home_dispatches_and_the_other_takes_over(shared, serve, jobs):
    first, second = serve(shared), serve(shared)
    one = jobs.submit("count", {"count": 3}).job_id
    first.start()
    second.start()
    assert until(jobs, one).state == "completed"
    assert second._thread is None or not second._thread.is_alive()

    first.stop()
    two = jobs.submit("count", {"count": 3}).job_id
    second.recover()
    assert until(jobs, two).state == "completed"
    second.stop()


def test_scheduler_that_does_not_answer_is_said_within_seconds_and_the_job_waits(
    settings, jobs, monkeypatch
):
    nowhere = settings.model_copy(update={"engine": "tcp://127.0.0.1:9"})
    monkeypatch.setattr(dispatcher, "CONNECT_S", 1.0)
    engine = DaskEngine(nowhere, jobs)
    job_id = jobs.submit("count", {}).job_id
    began = time.monotonic()
    with pytest.raises(
        JobError, match=r"No Dask scheduler answers at 'tcp://127\.0\.0\.1:9'.*\(1 wait\)"
    ):
        engine.start()
    assert time.monotonic() - began < 15, "most of it importing distributed"
    engine.stop()
    assert jobs.get(job_id).state == "queued"


def test_missing_extra_is_answered_with_the_command_that_installs_it(settings, jobs, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(JobError, match=r"pip install 'llamp-mcp\[dask\]'"):
        DaskEngine(settings, jobs).start()


def test_worker_that_does_not_see_the_home_says_so(shared, serve, jobs, tmp_path, monkeypatch):
    job_id = jobs.submit("count", {}).job_id

    def pack_for_elsewhere(*arguments):
        return {**pack(*arguments), "home": str(tmp_path / "another")}

    monkeypatch.setattr(dispatcher, "pack", pack_for_elsewhere)
    serve(shared).start()
    job = until(jobs, job_id)

    assert job.state == "failed"
    assert "LLAMP_HOME must lie, at the same path, on a disk that all machines share" in str(
        job.error
    )


def test_no_secret_of_the_server_or_of_the_machine_travels(shared, serve, jobs, monkeypatch):
    seen: list[str] = []

    def looked_at(*arguments):
        parcel = pack(*arguments)
        seen.append(repr(parcel))
        return parcel

    monkeypatch.setattr(dispatcher, "pack", looked_at)
    monkeypatch.setenv("MP_API_KEY", "canary")
    job_id = jobs.submit("count", {"count": 200, "each_s": 0.05}).job_id
    serve(shared).start()
    until(jobs, job_id, computing)
    _, pid = worked(jobs, job_id)[0]
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    os.kill(pid, signal.SIGKILL)
    jobs.request_cancel(job_id)
    until(jobs, job_id)

    assert seen
    assert "canary" not in seen[0]
    assert b"canary" not in environment
    assert b"OMP_WAIT_POLICY" in environment

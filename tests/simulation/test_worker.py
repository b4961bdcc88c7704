"""The worker process for real: started, shared, cancelled, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from filelock import FileLock
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from llamp_mcp.errors import JobError
from llamp_mcp.settings import ModelFile
from llamp_mcp.simulation.engines import local
from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import WORKER_LOCK, Job, JobStore, answer
from llamp_mcp.simulation.run_md import MdResult
from tests.simulation.conftest import SI_MACE, SI_MACE_SHA256, copper, silicon, wait

LONG = {"calculator": "emt", "steps": 1_000_000, "timestep_fs": 1}
SHORT = {"calculator": "emt", "steps": 3}


def running(job: Job) -> bool:
    return job.state == "running" and job.done > 0


def test_job_goes_on_and_its_result_stays_when_the_server_ends(settings, jobs, engine, put):
    """The server is a process that submits, starts the worker and ends."""
    handle = put(copper())
    code = (
        "import sys\n"
        "from llamp_mcp.settings import Settings\n"
        "from llamp_mcp.simulation.engines.local import LocalEngine\n"
        "from llamp_mcp.simulation.jobs import JobStore\n"
        "settings = Settings(home=sys.argv[1], min_free_mb=0, worker_idle_s=0.5)\n"
        "jobs = JobStore.of(settings)\n"
        "params = {'structure_id': sys.argv[2], 'calculator': 'emt', 'steps': 100}\n"
        "print(jobs.submit('run_md', params).job_id)\n"
        "LocalEngine(settings, jobs).start()\n"
    )
    server = [sys.executable, "-c", code, str(settings.home), handle]
    job_id = subprocess.run(
        server, capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()
    deadline = time.monotonic() + 60
    while not jobs.get(job_id).finished and time.monotonic() < deadline:
        time.sleep(0.05)

    result = answer(jobs.get(job_id), MdResult)
    assert result.state == "completed"
    assert result.result is not None
    assert result.result.steps == 100
    assert next(iter(result.images())).startswith(b"\x89PNG")
    # Idle, it ends by itself and drops its lease.
    with FileLock(settings.home / WORKER_LOCK, timeout=20):
        assert engine.worker_pid is None


def test_two_servers_on_one_home_share_one_worker(settings, jobs, put):
    handle = put(copper())
    other_jobs = JobStore.of(settings)
    first, second = LocalEngine(settings, jobs), LocalEngine(settings, other_jobs)
    try:
        ours = jobs.submit("run_md", {"structure_id": handle, **SHORT})
        theirs = other_jobs.submit("run_md", {"structure_id": handle, **SHORT})
        first.start()
        second.start()
        done = [wait(jobs, first, ours.job_id), wait(other_jobs, second, theirs.job_id)]
        assert [job.state for job in done] == ["completed", "completed"]
        assert done[0].worker == done[1].worker
        deadline = time.monotonic() + 10
        while first.worker_pid and second.worker_pid and time.monotonic() < deadline:
            time.sleep(0.05)
        assert {first.worker_pid, second.worker_pid} == {done[0].worker, None}, "the other left"
    finally:
        first.stop()
        second.stop()
        other_jobs.close()


def test_running_job_stops_within_two_seconds_of_its_cancellation(jobs, engine, put):
    job_id = jobs.submit("run_md", {"structure_id": put(copper(2)), **LONG}).job_id
    engine.start()
    worker = wait(jobs, engine, job_id, running).worker
    asked = time.monotonic()
    jobs.request_cancel(job_id)
    job = wait(jobs, engine, job_id)

    assert job.state == "cancelled"
    assert time.monotonic() - asked < 2
    assert "Kept: the trajectory" in answer(job, MdResult).text()
    assert engine.worker_pid == worker, "it stopped by itself and stays warm"


def test_job_deaf_in_one_long_force_call_is_cancelled_too_and_the_next_one_runs(jobs, engine, put):
    """16,384 atoms of EMT take seconds for a single force call: the process is replaced."""
    deaf = jobs.submit(
        "relax_structure",
        {"structure_id": put(copper(16)), "calculator": "emt", "cell": "fixed"},
    ).job_id
    small = put(copper())
    engine.start()
    wait(jobs, engine, deaf, lambda job: job.message == "loading the calculator")
    time.sleep(0.5)
    after = jobs.submit("run_md", {"structure_id": small, **SHORT}).job_id
    asked = time.monotonic()
    jobs.request_cancel(deaf)
    job = wait(jobs, engine, deaf)
    took = time.monotonic() - asked

    assert job.state == "cancelled"
    assert took < 2, took
    assert "stopped in the midst of it" in job.message, "not by the step's own check"
    assert wait(jobs, engine, after).state == "completed"


def test_killed_worker_leaves_an_interrupted_job_that_says_what_was_kept(jobs, engine, put):
    handle = put(copper())
    killed = jobs.submit("run_md", {"structure_id": handle, **LONG, "sample_every": 1}).job_id
    waiting = jobs.submit("run_md", {"structure_id": handle, **SHORT}).job_id
    engine.start()
    worker = wait(jobs, engine, killed, running).worker
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    job = wait(jobs, engine, killed)
    text = answer(job, MdResult).text()

    assert job.state == "interrupted"
    assert f"worker process {worker} ended before the job did" in text
    assert "trajectory.traj" in text
    assert "Submit it again" in text
    assert wait(jobs, engine, waiting).state == "completed", "the queue goes on by itself"


@pytest.mark.timeout(180)
def test_mace_model_runs_in_the_worker_and_its_elements_are_known_afterwards(
    settings, jobs, engine, put
):
    """The real Si model, and a copy of it that is not what was pinned."""
    forged = settings.home / "forged.model"
    forged.write_bytes(SI_MACE.read_bytes() + b"!")
    models = {
        **settings.models,
        "forged": ModelFile(family="mace", path=forged, sha256=SI_MACE_SHA256),
    }
    store = JobStore.of(settings.model_copy(update={"models": models}))
    si, handle = put(silicon()), {"steps": 5, "temperature_k": [300]}
    good = store.submit("run_md", {"structure_id": si, **handle}).job_id
    bad = store.submit("run_md", {"structure_id": si, "calculator": "forged", **handle}).job_id
    engine.start()
    done, refused = (wait(store, engine, job_id, timeout_s=120) for job_id in (good, bad))
    store.close()

    assert done.result is not None, done.error
    assert done.result["calculator"]["sha256"] == SI_MACE_SHA256
    assert done.result["calculator"]["dtype"] == "float32"
    assert refused.state == "failed"
    assert f"but {SI_MACE_SHA256} was pinned" in str(refused.error)


def test_domain_error_fails_the_job_with_its_text_and_a_bug_only_with_where_to_look(
    jobs, engine, put
):
    xenon = put(Structure(Lattice.cubic(8), ["Xe", "Xe"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]))
    lacking = jobs.submit("run_md", {"structure_id": xenon, **SHORT}).job_id
    broken = jobs.submit("run_md", {"structure_id": xenon, "steps": "many"}).job_id
    unknown = jobs.submit("fit_moon", {}).job_id
    engine.start()
    errors = [str(wait(jobs, engine, job_id).error) for job_id in (lacking, broken, unknown)]

    assert "'emt' does not cover Xe" in errors[0]
    assert errors[1] == f"Internal error; the traceback is in job://{broken}/log"
    assert "Traceback" in (jobs.directory(broken) / "log.txt").read_text()
    assert "Unknown kind of job 'fit_moon'" in errors[2]


def test_worker_gets_no_secret_of_the_server(settings, jobs, monkeypatch):
    monkeypatch.setenv("MP_API_KEY", "secret")
    monkeypatch.setenv("LLAMP_HTTP_TOKEN", "secret")
    environment = LocalEngine(settings, jobs)._environment()

    assert "secret" not in environment.values()
    assert environment["OMP_NUM_THREADS"] == "1"


def test_worker_that_cannot_start_is_reported_instead_of_tried_for_ever(
    settings, jobs, monkeypatch
):
    monkeypatch.setattr(
        "llamp_mcp.simulation.worker.command", lambda _home: [sys.executable, "-c", "raise OSError"]
    )
    engine = LocalEngine(settings, jobs)
    jobs.submit("run_md", {})
    for _ in range(local._MAX_FAILED_STARTS):
        engine.start()
        assert engine._process is not None
        engine._process.wait(20)
    with pytest.raises(JobError, match=r"failed to start 3 times.*worker\.log"):
        engine.start()

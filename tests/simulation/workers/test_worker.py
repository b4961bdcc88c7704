"""The worker process for real: started, shared, cancelled, killed."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from llamp_mcp.settings import ModelFile
from llamp_mcp.simulation.dynamics.result import MdResult
from llamp_mcp.simulation.jobs import Job, JobStore, answer
from llamp_mcp.simulation.jobs.leases import lease
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
    with lease(settings.home, "0").acquire(timeout=20):
        assert engine.worker_pids == []


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
    assert engine.worker_pids == [worker], "it stopped by itself and stays warm"


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

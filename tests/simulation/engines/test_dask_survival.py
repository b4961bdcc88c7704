"""The Dask engine when a worker, the scheduler or the server is killed."""

from __future__ import annotations

import time
from typing import Any

from tests.simulation.counting import expected
from tests.simulation.engines.conftest import computing, until, worked

COUNT = 60
STEPS: dict[str, Any] = {"how": "steps", "count": COUNT, "each_s": 0.05}


def test_killed_worker_loses_at_most_a_checkpoint_and_the_job_goes_on_elsewhere(
    fragile, serve, jobs
):
    first = fragile.add_worker(LLAMP_CHECKPOINT_S="0.2")
    job_id = jobs.submit("count", STEPS).job_id
    serve(fragile).start()
    until(jobs, job_id, lambda job: job.state == "running" and job.done > 15)
    fragile.kill(first)
    fragile.add_worker()
    job = until(jobs, job_id)

    assert job.state == "completed", job.error
    assert job.result is not None
    assert job.result["numbers"] == expected(COUNT)
    steps, processes = zip(*worked(jobs, job_id), strict=True)
    assert len(set(processes)) == 2
    again = len(steps) - COUNT
    assert again <= 15, f"{again} steps of 0.05 s were computed twice: more than an interval"


def test_scheduler_that_is_started_again_gets_the_job_again(fragile, serve, jobs):
    """Its workers go with it, as Dask has it; new ones come with the new one."""
    fragile.add_worker(LLAMP_CHECKPOINT_S="0.2")
    job_id = jobs.submit("count", STEPS).job_id
    serve(fragile).start()
    until(jobs, job_id, lambda job: job.state == "running" and job.done > 15)
    fragile.kill(fragile.scheduler)
    fragile.kill(fragile.workers[0])
    until(jobs, job_id, lambda job: "scheduler does not answer" in job.message)
    fragile.start_scheduler()
    fragile.add_worker()
    job = until(jobs, job_id)

    assert job.state == "completed", job.error
    assert job.result is not None
    assert job.result["numbers"] == expected(COUNT)
    assert len(worked(jobs, job_id)) < COUNT + 15


def test_server_that_is_started_again_adopts_what_runs_and_takes_what_ended(fragile, serve, jobs):
    """The first server stops; one job ends without any server, the other still runs."""
    for _ in range(2):
        fragile.add_worker()
    server = serve(fragile)
    long = jobs.submit("count", {**STEPS, "count": 200}).job_id
    server.start()
    until(jobs, long, computing)
    short = jobs.submit("count", STEPS).job_id
    until(jobs, short, computing)
    server.stop()
    outcome = jobs.directory(short) / "outcome.json"
    deadline = time.monotonic() + 60
    while not outcome.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [jobs.get(job_id).state for job_id in (short, long)] == ["running", "running"]

    serve(fragile).recover()
    ended = [until(jobs, job_id) for job_id in (short, long)]

    assert [job.state for job in ended] == ["completed", "completed"]
    for job_id, count in ((short, COUNT), (long, 200)):
        steps = [step for step, _ in worked(jobs, job_id)]
        assert steps == list(range(count)), "nothing was computed twice"

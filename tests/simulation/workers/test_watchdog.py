"""A worker told to stop, whatever it is doing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import answer
from llamp_mcp.simulation.jobs.leases import is_held
from tests.simulation.conftest import wait
from tests.simulation.counting import CountResult, expected, numbers_of

pytestmark = pytest.mark.usefixtures("counting")


def started(job):
    return job.state == "running" and job.done > 0


@pytest.mark.parametrize("how", ["deaf", "frozen"])
def test_job_that_heeds_nothing_is_cancelled_and_its_slot_goes_on(jobs, engine, how):
    """Deaf: its watchdog replaces the process. Frozen: the engine kills it."""
    deaf = jobs.submit("count", {"how": how}).job_id
    after = jobs.submit("count", {"count": 3}).job_id
    engine.start()
    wait(jobs, engine, deaf, started)
    asked = time.monotonic()
    jobs.request_cancel(deaf)
    job = wait(jobs, engine, deaf)

    assert job.state == "cancelled"
    assert time.monotonic() - asked < 2
    assert numbers_of(wait(jobs, engine, after)) == expected(3)


def test_worker_told_to_end_hands_its_job_back_at_once(jobs, engine):
    job_id = jobs.submit("count", {"how": "deaf"}).job_id
    engine.start()
    worker = int(wait(jobs, engine, job_id, started).worker or 0)
    os.kill(worker, signal.SIGTERM)
    deadline = time.monotonic() + 2
    while jobs.get(job_id).state == "running" and time.monotonic() < deadline:
        time.sleep(0.01)
    job = jobs.get(job_id)
    text = answer(job, CountResult).text()

    assert job.state == "interrupted"
    assert f"its worker process {worker} was told to end" in text
    assert "It goes on by itself. Call get_job" in text
    assert jobs.request_cancel(job_id).state == "cancelled", "as one that waits"


def test_job_that_takes_too_much_memory_ends_and_leaves_the_next_a_fresh_process(
    settings, jobs, request
):
    engine = LocalEngine(settings.model_copy(update={"worker_memory_mb": 400}), jobs)
    request.addfinalizer(engine.stop)
    first = jobs.submit("count", {"count": 2}).job_id
    hog = jobs.submit("count", {"how": "hog"}).job_id
    engine.start()
    ended = wait(jobs, engine, hog)
    after = jobs.submit("count", {"count": 2}).job_id

    assert ended.state == "failed"
    assert "more than the 400 MB allowed (LLAMP_WORKER_MEMORY_MB)" in str(ended.error)
    assert "'misbehaving'" in str(ended.error)
    assert jobs.get(first).state == "completed"
    # The first time the process was not fresh, and what the other job had left might have been it.
    assert ended.attempts == 2
    assert wait(jobs, engine, after).state == "completed"


def test_idle_worker_told_to_end_leaves_its_slot(jobs, engine):
    wait(jobs, engine, jobs.submit("count", {"count": 1}).job_id)
    assert is_held(jobs.home, "0")
    engine.stop()
    assert not is_held(jobs.home, "0")

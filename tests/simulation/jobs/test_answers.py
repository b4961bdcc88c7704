from __future__ import annotations

from llamp_mcp.simulation.jobs import answer
from llamp_mcp.simulation.list_calculators import CalculatorList

RESULT = {"default": "emt", "calculators": []}


def test_answer_has_one_shape_in_every_state(jobs):
    job = jobs.submit("x", {})
    queued = answer(job, CalculatorList)
    assert f"get_job with job_id '{job.job_id}'" in queued.text()

    jobs.claim(1)
    jobs.report(job.job_id, 3, 9, "300 K", 0)
    running = answer(jobs.get(job.job_id), CalculatorList)
    assert "3 of 9 steps; 300 K" in running.text()

    jobs.finish(job.job_id, "completed", result=RESULT)
    done = answer(jobs.get(job.job_id), CalculatorList)
    assert done.result == CalculatorList(default="emt", calculators=[])
    assert "Default calculator: emt" in done.text()

    failed = jobs.submit("x", {})
    jobs.claim(1)
    jobs.finish(failed.job_id, "failed", error="it exploded")
    over = answer(jobs.get(failed.job_id), CalculatorList)
    assert over.text() == f"Job {failed.job_id} failed: it exploded"
    keys = {"job_id", "state", "progress", "result", "error"}
    assert all(set(a.model_dump()) == keys for a in (queued, running, done, over))


def test_interrupted_job_says_that_it_goes_on_and_how_to_follow_it(jobs):
    job = jobs.submit("x", {})
    jobs.claim(1)
    jobs.report(job.job_id, 3, 9, "300 K", 0)
    jobs.interrupt(job.job_id, "its worker process 1 was told to end")
    told = answer(jobs.get(job.job_id), CalculatorList)

    assert told.error is None
    assert told.text() == (
        f"Job {job.job_id} interrupted: 3 of 9 steps; 300 K; its worker process 1 was told to end. "
        f"Nothing was kept. It goes on by itself. Call get_job with job_id {job.job_id!r} to "
        "follow it."
    )

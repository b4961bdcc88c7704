from __future__ import annotations

import errno
import shutil
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from llamp_mcp.errors import HomeError, JobError, NotFound
from llamp_mcp.simulation.jobs import JobStore, answer
from llamp_mcp.simulation.list_calculators import CalculatorList

RESULT = {"default": "emt", "calculators": []}


def test_job_waits_runs_and_keeps_its_result(jobs):
    job = jobs.submit("run_md", {"steps": 5}, caller="me")
    assert (job.state, job.params, job.caller) == ("queued", {"steps": 5}, "me")
    assert (jobs.directory(job.job_id) / "params.json").is_file()

    claimed = jobs.claim(4711)
    assert (claimed.job_id, claimed.state, claimed.worker) == (job.job_id, "running", 4711)
    assert jobs.claim(4711) is None
    jobs.report(job.job_id, 3, 5, "warm", 1)
    assert jobs.finish(job.job_id, "completed", result=RESULT)

    done = jobs.get(job.job_id)
    assert (done.state, done.done, done.result, done.finished) == ("completed", 3, RESULT, True)


def test_jobs_are_taken_oldest_first_and_listed_newest_first(jobs):
    ids = [jobs.submit("run_md", {"n": n}).job_id for n in range(3)]

    assert [job.params["n"] for job in jobs.newest()] == [2, 1, 0] or len(set(ids)) == 3
    assert {job.job_id for job in jobs.newest(2)} <= set(ids)
    assert jobs.claim(1).job_id == min(ids)


def test_another_store_on_the_same_home_sees_the_same_jobs(jobs, settings):
    job_id = jobs.submit("run_md", {}).job_id
    jobs.close()
    other = JobStore.of(settings)

    assert other.get(job_id).state == "queued"
    other.close()


def test_many_threads_and_stores_lose_no_job_and_take_none_twice(settings):
    stores = [JobStore.of(settings) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        submitted = set(pool.map(lambda n: stores[n % 4].submit("x", {}).job_id, range(24)))
        claimed = [job.job_id for job in pool.map(lambda n: stores[n % 4].claim(n), range(24))]
    for store in stores:
        store.close()

    assert len(submitted) == 24
    assert sorted(claimed) == sorted(submitted)


def test_full_queue_refuses_and_says_what_to_do(settings):
    store = JobStore(settings.open_home(), queue_limit=2, min_free_mb=0)
    first = store.submit("x", {})
    store.claim(1)
    store.submit("x", {})

    with pytest.raises(JobError, match=r"queue is full: 2 jobs.*at most 2.*cancel_job"):
        store.submit("x", {})
    store.finish(first.job_id, "failed", error="over")
    assert store.submit("x", {}).state == "queued"
    store.close()


def test_too_little_disk_space_refuses_before_anything_is_written(settings, monkeypatch):
    store = JobStore(settings.open_home(), min_free_mb=200)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5 * 2**20))

    with pytest.raises(HomeError, match=r"no disk space for a job: 5 MB.*at least 200 MB"):
        store.submit("x", {})
    assert not (settings.home / "jobs").exists()


def test_disk_that_fills_up_while_submitting_leaves_no_job(jobs, monkeypatch):
    jobs.newest()

    def full(*_arguments, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(HomeError, match="no space is left"):
        jobs.submit("x", {})
    assert jobs.newest() == []


def test_waiting_job_is_cancelled_at_once_and_a_finished_one_stays_as_it_is(jobs):
    waiting, running = jobs.submit("x", {}), jobs.submit("x", {})
    assert jobs.request_cancel(waiting.job_id).state == "cancelled"
    assert jobs.claim(1).job_id == running.job_id
    assert jobs.request_cancel(running.job_id).state == "running", "the worker has to stop it"
    assert jobs.cancel_requested(running.job_id)
    jobs.finish(running.job_id, "completed", result=RESULT)
    assert jobs.request_cancel(running.job_id).state == "completed"


def test_job_ends_only_once(jobs):
    job = jobs.submit("x", {})
    jobs.claim(1)

    assert jobs.finish(job.job_id, "cancelled")
    assert not jobs.finish(job.job_id, "completed", result=RESULT)
    assert jobs.get(job.job_id).state == "cancelled"


@pytest.mark.parametrize("job_id", ["", "j-1", "../../etc", "j-" + "0" * 15, "x" * 5000])
def test_unknown_job_is_answered_with_what_an_id_looks_like(jobs, job_id):
    for ask in (jobs.get, jobs.request_cancel):
        with pytest.raises(NotFound, match="no job") as caught:
            ask(job_id)
        assert len(str(caught.value)) < 400


def test_only_job_ids_name_directories(jobs):
    with pytest.raises(NotFound, match="is not a job id"):
        jobs.directory("../../etc")


def test_result_that_is_not_a_number_is_never_stored(jobs):
    job = jobs.submit("x", {})
    jobs.claim(1)

    with pytest.raises(ValueError, match="not JSON compliant"):
        jobs.finish(job.job_id, "completed", result={"energy": float("nan")})
    assert jobs.get(job.job_id).state == "running"


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

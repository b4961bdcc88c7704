from __future__ import annotations

import errno
import shutil
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from llamp_mcp.errors import HomeError, JobError, NotFound
from llamp_mcp.simulation.jobs import JobStore, rows
from llamp_mcp.simulation.workers.checkpoints import Checkpoints

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
    assert done.message == "", "what was reported on the way is no result"


def test_jobs_are_taken_oldest_first_and_listed_newest_first(jobs):
    ids = [jobs.submit("run_md", {"n": n}).job_id for n in range(3)]

    assert [job.params["n"] for job in jobs.newest()] == [2, 1, 0]
    assert [job.job_id for job in jobs.newest(2)] == ids[:0:-1]
    assert [job.job_id for job in jobs.waiting()] == ids
    assert jobs.claim(1).job_id == ids[0]


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


def test_batch_is_queued_as_a_whole_and_in_order(jobs):
    batch = jobs.submit_batch(
        "relax", [{"n": n} for n in range(5)], caller="me", environment="sevenn"
    )
    alone = jobs.submit("relax", {})
    members = jobs.members(batch)

    assert len(batch) == 17
    assert batch.startswith("b-")
    assert [job.params["n"] for job in members] == [0, 1, 2, 3, 4]
    assert {(job.batch, job.caller, job.environment) for job in members} == {
        (batch, "me", "sevenn")
    }
    assert alone.batch == ""
    assert [job.job_id for job in jobs.newest(batch=batch)] == [j.job_id for j in members][::-1]


def test_batch_that_the_queue_cannot_take_leaves_no_member(settings):
    store = JobStore(settings.open_home(), queue_limit=4, min_free_mb=0)
    store.submit("x", {})
    with pytest.raises(JobError, match=r"cannot take 4 more jobs: 1 wait or run.*at most 4"):
        store.submit_batch("x", [{}] * 4)
    assert len(store.newest()) == 1
    store.submit_batch("x", [{}] * 3)
    assert len(store.newest()) == 4
    store.close()


@pytest.mark.parametrize("batch", ["", "b-1", "j-" + "0" * 15, "' OR 1 --"])
def test_unknown_batch_is_answered_with_what_an_id_looks_like(jobs, batch):
    jobs.submit("x", {})
    with pytest.raises(NotFound, match="'b-' and 15 hex digits"):
        jobs.members(batch)


def test_list_is_filtered_by_state_kind_and_caller(jobs):
    first = jobs.submit("a", {}, caller="me").job_id
    second = jobs.submit("b", {}, caller="me").job_id
    third = jobs.submit("b", {}, caller="you").job_id
    jobs.claim(1)

    def ids(**filters):
        return [job.job_id for job in jobs.newest(**filters)]

    assert ids() == [third, second, first]
    assert ids(state="running") == [first]
    assert ids(state="queued", caller="me") == [second]
    assert ids(kind="b") == [third, second]
    assert ids(kind="c") == []


def test_job_is_taken_only_by_its_environment_and_below_the_limit(jobs):
    here = jobs.submit("x", {}).job_id
    there = jobs.submit("x", {}, environment="sevenn").job_id
    more = jobs.submit("x", {}).job_id

    assert jobs.claim(1, slot="sevenn.0", environment="sevenn", limit=2).job_id == there
    assert jobs.claim(1, slot="sevenn.0", environment="sevenn", limit=2) is None
    assert jobs.claim(2, slot="0", limit=2).job_id == here
    assert jobs.claim(3, slot="1", limit=2) is None, "two run"
    assert jobs.claim(3, slot="1", limit=3).job_id == more
    assert {(s.environment, s.state, s.slot, s.count) for s in jobs.standing()} == {
        ("sevenn", "running", "sevenn.0", 1),
        ("", "running", "0", 1),
        ("", "running", "1", 1),
    }


def test_orphan_is_interrupted_and_taken_again_with_what_it_was_told(jobs):
    job_id = jobs.submit("x", {"n": 1}).job_id
    jobs.claim(4711, slot="0")
    jobs.report(job_id, 3, 9, "step 3", 0)
    jobs.interrupt_orphans("1")
    assert jobs.get(job_id).state == "running", "of another slot"
    jobs.interrupt_orphans("0")
    job = jobs.get(job_id)
    assert (job.state, job.finished, job.error) == ("interrupted", False, None)
    assert job.message.startswith("step 3; its worker process 4711 ended before the job did")
    assert not jobs.finish(job_id, "completed", result=RESULT), "it is nobody's now"

    again = jobs.claim(4712, slot="1")
    assert (again.job_id, again.params, again.attempts) == (job_id, {"n": 1}, 2)
    assert (again.done, again.total) == (3, 9)


def test_job_that_loses_worker_after_worker_without_getting_further_is_given_up(settings):
    store = JobStore(settings.open_home(), min_free_mb=0, fair_s=0)
    job_id = store.submit("x", {}).job_id
    states = []
    for n in range(6):
        store.claim(1)
        if n == 2:  # it got further in its third attempt
            Checkpoints(store.directory(job_id)).save({"n": n})
        states.append(store.interrupt(job_id, "its worker was lost"))
        if states[-1] == "failed":
            break
    store.close()
    assert states == ["interrupted"] * 4 + ["failed"]


def test_worker_lost_too_soon_to_get_further_is_not_held_against_a_job(settings):
    store = JobStore(settings.open_home(), min_free_mb=0, fair_s=1000)
    job_id = store.submit("x", {}).job_id
    for _ in range(rows.LOST_IN_NO_TIME_LIMIT - 1):
        store.claim(1)
        assert store.interrupt(job_id, "lost") == "interrupted"
    store.claim(1)
    assert store.interrupt(job_id, "lost") == "failed", "but not for ever"
    store.close()


def test_job_that_keeps_losing_workers_lets_others_go_first(jobs):
    unlucky, other = jobs.submit("x", {}).job_id, jobs.submit("x", {}).job_id
    for _ in range(2):
        assert jobs.claim(1).job_id == unlucky, "once is no reason"
        jobs.interrupt(unlucky, "lost")
    assert [job.job_id for job in jobs.waiting()] == [other, unlucky]
    assert jobs.claim(1).job_id == other


def test_interrupted_job_is_cancelled_at_once_and_an_orphan_that_was_to_stop_too(jobs):
    first, second = jobs.submit("x", {}).job_id, jobs.submit("x", {}).job_id
    jobs.claim(1, slot="0")
    jobs.interrupt(first, "lost")
    job = jobs.request_cancel(first)
    assert (job.state, job.finished_at is not None) == ("cancelled", True)
    jobs.claim(1, slot="0")
    jobs.request_cancel(second)
    assert jobs.deaf_workers(60) == []
    assert jobs.deaf_workers(0) == [1]
    jobs.interrupt_orphans("0")
    assert jobs.get(second).state == "cancelled"
    assert not jobs.has_waiting()


def test_waiting_jobs_of_an_environment_that_cannot_run_are_ended_with_the_reason(jobs):
    here = jobs.submit("x", {}).job_id
    there = jobs.submit("x", {}, environment="sevenn").job_id
    jobs.fail_waiting("sevenn", "no such interpreter")

    assert jobs.get(there).error == "no such interpreter"
    assert jobs.get(there).finished
    assert jobs.get(here).state == "queued"
    assert not jobs.has_waiting("sevenn")
    assert jobs.has_waiting("")

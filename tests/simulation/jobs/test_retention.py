from __future__ import annotations

import os
import time

import pytest

from llamp_mcp.simulation.jobs.retention import DAY_S, size_of


@pytest.fixture
def ended(jobs):
    """Makes a job that ended some days ago and left so many kilobytes."""

    def make(days, kilobytes=1, params=None, state="completed"):
        job_id = jobs.submit("x", params or {}).job_id
        jobs.claim(1)
        (jobs.directory(job_id) / "data").write_bytes(bytes(1024 * kilobytes))
        jobs.finish(job_id, state, result={})
        with jobs._writer.transaction() as db:
            moment = time.time() - days * DAY_S
            db.execute("UPDATE jobs SET finished = ? WHERE job_id = ?", (moment, job_id))
        return job_id

    return make


def test_jobs_that_ended_long_ago_go_with_their_directory(jobs, ended):
    old = [ended(31, state=state) for state in ("completed", "failed", "cancelled")]
    young = ended(29)
    gone = jobs.prune(days=30, limit_mb=1000)

    assert [removed.job_id for removed in gone] == old
    assert {(removed.kind, removed.why) for removed in gone} == {("x", "age")}
    assert [job.job_id for job in jobs.newest()] == [young]
    assert [path.name for path in (jobs.home / "jobs").iterdir()] == [young]
    assert jobs.prune(days=30, limit_mb=1000) == []


def test_no_job_is_too_old_when_no_age_is_set(jobs, ended):
    ended(3650)
    assert jobs.prune(days=0, limit_mb=1000) == []


def test_oldest_ended_jobs_go_until_the_rest_fits_and_no_more(jobs, ended):
    ids = [ended(days, 400) for days in (1, 4, 3, 2)]
    gone = jobs.prune(days=30, limit_mb=1)

    assert [removed.job_id for removed in gone] == [ids[1], ids[2]]
    assert {removed.why for removed in gone} == {"quota"}
    assert all(removed.size > 400 * 1024 for removed in gone)
    assert size_of(jobs.home / "jobs") < 2**20
    assert len(jobs.newest()) == 2


def test_unfinished_jobs_stay_whatever_they_take_and_count(jobs, ended):
    running = jobs.submit("x", {}).job_id
    jobs.claim(1)
    (jobs.directory(running) / "data").write_bytes(bytes(2**21))
    interrupted = jobs.submit("x", {}).job_id
    jobs.claim(1)
    jobs.interrupt(interrupted, "lost")
    queued = jobs.submit("x", {}).job_id
    # The queue is first come, first served: this one is made to end without its turn.
    with jobs._writer.transaction() as db:
        db.execute("UPDATE jobs SET created = 0")
    gone = jobs.prune(days=1, limit_mb=1)

    assert gone == []
    assert {job.job_id for job in jobs.newest()} == {running, interrupted, queued}


def test_job_that_a_waiting_one_is_about_stays(jobs, ended):
    needed, other = ended(50), ended(50)
    jobs.submit("analyze_trajectory", {"job_id": needed})
    gone = jobs.prune(days=30, limit_mb=1)

    assert [removed.job_id for removed in gone] == [other]
    assert jobs.get(needed).finished


def test_result_that_nobody_can_have_read_yet_stays_above_the_quota(jobs, ended):
    fresh = ended(0, 2000)
    assert jobs.prune(days=30, limit_mb=1) == []
    assert [removed.job_id for removed in jobs.prune(days=30, limit_mb=1, unread_s=-1)] == [fresh]


def test_directory_without_a_row_goes_once_it_is_no_longer_new(jobs, ended):
    kept = ended(0)
    stray = jobs.home / "jobs" / ("j-" + "0" * 15)
    other = jobs.home / "jobs" / "notes of the user"
    for path in (stray, other):
        path.mkdir()
    jobs.prune(days=30, limit_mb=1000)
    assert stray.is_dir(), "a job may be being submitted"
    for path in (stray, other):
        os.utime(path, (1, 1))
    jobs.prune(days=30, limit_mb=1000)

    assert not stray.exists()
    assert other.is_dir()
    assert jobs.directory(kept).is_dir()


def test_job_of_an_older_version_is_measured_where_no_size_was_written_down(jobs, ended):
    job_id = ended(2, 1500)
    with jobs._writer.transaction() as db:
        db.execute("UPDATE jobs SET bytes = NULL")
    assert [removed.job_id for removed in jobs.prune(days=30, limit_mb=1)] == [job_id]


def test_hundreds_of_ended_jobs_are_looked_through_without_walking_their_directories(
    jobs, ended, monkeypatch
):
    for _ in range(3):
        ended(1)
    monkeypatch.setattr("llamp_mcp.simulation.jobs.retention.size_of", pytest.fail)
    assert jobs.prune(days=30, limit_mb=1000) == []

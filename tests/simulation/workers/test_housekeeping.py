from __future__ import annotations

import logging
import os
import time

from llamp_mcp.simulation.jobs.retention import DAY_S
from llamp_mcp.simulation.workers import housekeeping
from llamp_mcp.simulation.workers.housekeeping import shorten, tidy


def test_old_jobs_go_with_a_word_in_the_log_and_at_most_once_a_minute(
    settings, jobs, monkeypatch, caplog
):
    old, other = (jobs.submit("x", {}).job_id for _ in range(2))
    jobs.claim(1)
    jobs.finish(old, "failed", error="over")
    started = time.time()
    monkeypatch.setattr(time, "time", lambda: started + 31 * DAY_S)
    caplog.set_level(logging.INFO)
    tidy(jobs, settings)
    assert [job.job_id for job in jobs.newest()] == [other]
    assert f"removed job {old} (x, failed, 0.0 MB): ended more than 30 days ago" in caplog.text

    jobs.claim(1)
    jobs.finish(other, "failed", error="over")
    monkeypatch.setattr(time, "time", lambda: started + 63 * DAY_S)
    marker = jobs.home / "workers" / "tidied"
    os.utime(marker, (time.time() - 59, time.time() - 59))
    tidy(jobs, settings)
    assert len(jobs.newest()) == 1, "too soon to look again"
    os.utime(marker, (time.time() - 61, time.time() - 61))
    tidy(jobs, settings)
    assert jobs.newest() == []


def test_trouble_with_old_jobs_is_logged_and_stops_no_worker(settings, jobs, caplog):
    (jobs.home / "workers").write_text("a file where a directory should be")
    tidy(jobs, settings)
    assert "old jobs could not be removed" in caplog.text


def test_long_log_is_cut_to_its_end_and_whoever_appends_goes_on(tmp_path):
    log = tmp_path / "worker.log"
    shorten(log)
    assert not log.exists()
    lines = [f"line {n:07d}\n" for n in range(housekeeping._MAX_LOG_BYTES // 13 + 1)]
    log.write_text("".join(lines))
    with log.open("a", buffering=1) as worker:
        shorten(log)
        worker.write("the next\n")
    kept = log.read_text().splitlines(keepends=True)

    assert (
        housekeeping._KEPT_LOG_BYTES - 13 <= log.stat().st_size <= housekeeping._KEPT_LOG_BYTES + 9
    )
    assert kept[:-1] == lines[-len(kept) + 1 :]
    assert kept[-1] == "the next\n"


def test_short_log_stays_as_it_is(tmp_path):
    log = tmp_path / "worker.log"
    log.write_text("short\n")
    shorten(log)
    assert log.read_text() == "short\n"

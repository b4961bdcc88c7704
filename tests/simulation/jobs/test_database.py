from __future__ import annotations

import sqlite3
import threading
import time

import pytest

from llamp_mcp.errors import HomeError
from llamp_mcp.simulation.jobs import JobStore
from llamp_mcp.simulation.jobs.database import Database

VERSION_0 = """
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, params TEXT NOT NULL, caller TEXT NOT NULL,
    settings TEXT NOT NULL, state TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
    frames INTEGER NOT NULL DEFAULT 0, result TEXT, error TEXT,
    cancel INTEGER NOT NULL DEFAULT 0, worker INTEGER, created REAL NOT NULL, finished REAL
);
CREATE INDEX jobs_by_state ON jobs (state);
"""
ADD = (
    "INSERT INTO jobs (job_id, kind, params, caller, settings, state, error, result, created) "
    "VALUES (?, 'run_md', '{\"steps\": 5}', 'me', '{}', ?, ?, ?, 1.5)"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "jobs.sqlite"


def test_store_of_an_older_version_is_taken_over_and_nothing_is_lost(path):
    old = sqlite3.connect(path)
    old.executescript(VERSION_0)
    states = ("queued", "running", "completed", "failed", "interrupted")
    for n, state in enumerate(states):
        error = "Submit it again" if state == "interrupted" else None
        result = '{"x": 1}' if state == "completed" else None
        old.execute(ADD, (f"j-{n:015x}", state, error, result))
    old.commit()
    old.close()
    store = JobStore(path.parent, min_free_mb=0)
    jobs = store.newest()[::-1]

    assert [job.state for job in jobs] == ["queued", "running", "completed", "failed", "failed"]
    assert {(job.kind, job.caller, job.created) for job in jobs} == {("run_md", "me", 1.5)}
    assert all(job.params == {"steps": 5} for job in jobs)
    assert jobs[2].result == {"x": 1}
    assert jobs[4].error == "Submit it again", "its user may have done so"
    assert {(job.batch, job.environment, job.slot, job.attempts) for job in jobs} == {
        ("", "", "", 0)
    }
    claimed = store.claim(1)
    assert claimed is not None
    assert claimed.job_id == jobs[0].job_id
    store.close()


def test_many_may_open_an_old_or_new_store_at_once(path):
    sqlite3.connect(path).executescript(VERSION_0)
    together, failures = threading.Barrier(6), []

    def open_it():
        database = Database(path)
        together.wait()
        try:
            database.rows("SELECT batch, attempts FROM jobs")
        except HomeError as error:
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_writer_waits_for_another_one_and_a_reader_does_not(path):
    busy, store = Database(path), JobStore(path.parent, min_free_mb=0)
    store.submit("x", {})
    ended = []
    with busy.transaction():
        thread = threading.Thread(target=lambda: ended.append(store.submit("x", {})))
        thread.start()
        time.sleep(0.2)
        assert len(store.newest()) == 1, "answered meanwhile"
        assert ended == []
    thread.join(10)
    assert len(store.newest()) == 2
    busy.close()
    store.close()


def test_writer_whose_patience_ends_says_what_was_wrong_and_can_write_later(path):
    busy, other = Database(path), Database(path)
    with (
        busy.transaction(),
        pytest.raises(HomeError, match="database is locked"),
        other.transaction(patience_s=0.05),
    ):
        pytest.fail("two writers at once")
    with other.transaction() as db:
        db.execute(ADD, ("j-1", "queued", None, None))
    assert len(busy.rows("SELECT * FROM jobs")) == 1
    busy.close()
    other.close()


def test_failed_transaction_leaves_nothing_and_the_next_one_works(path):
    database = Database(path)
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as db:
        db.executemany(ADD, [("j-1", "queued", None, None)] * 2)
    assert database.rows("SELECT * FROM jobs") == []
    with database.transaction() as db:
        db.execute(ADD, ("j-1", "queued", None, None))
    assert len(database.rows("SELECT * FROM jobs")) == 1
    database.close()


def test_what_was_promised_is_synced_and_a_report_is_not(path):
    """2 is FULL, 1 is NORMAL in SQLite's words."""
    database = Database(path)
    with database.transaction() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    with database.transaction(durable=False) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (1,)
    database.close()


def test_damaged_file_is_told_and_left_alone(path):
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(HomeError, match=r"cannot be used.*is not damaged"):
        JobStore(path.parent).newest()
    assert path.read_bytes().startswith(b"this is not")

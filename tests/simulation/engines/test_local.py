"""The pool for real: started, shared, limited, killed, in other interpreters."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

import llamp_mcp
from llamp_mcp.errors import JobError
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.engines import local
from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import JobStore
from llamp_mcp.simulation.jobs.leases import CLUSTER, lease
from tests.simulation.conftest import wait
from tests.simulation.counting import ROOT, expected, numbers_of


@pytest.fixture
def pool(settings, jobs, counting, request):
    """Makes engines that are stopped at the end."""

    def make(store=jobs, **update):
        engine = LocalEngine(settings.model_copy(update=update), store)
        request.addfinalizer(engine.stop)
        return engine

    return make


def test_as_many_jobs_run_at_once_as_there_are_workers_whoever_started_them(settings, jobs, pool):
    """Two servers on one home, three workers allowed in all, six jobs."""
    other = JobStore.of(settings)
    first, second = pool(workers=3), pool(other, workers=3)
    ids = [jobs.submit("count", {"count": 8, "each_s": 0.1}).job_id for _ in range(6)]
    most, slots = 0, set()
    while not all(jobs.get(job_id).finished for job_id in ids):
        first.recover()
        second.recover()
        running = jobs.newest(state="running")
        most = max(most, len(running))
        slots |= {job.slot for job in running}
    ended = [jobs.get(job_id) for job_id in ids]
    other.close()

    assert [job.state for job in ended] == ["completed"] * 6
    assert most == 3
    assert slots == {"0", "1", "2"}
    assert len({job.worker for job in ended}) == 3


def test_cancel_and_kill_of_one_slot_disturb_no_other(jobs, pool):
    engine = pool(workers=2)
    job_id = jobs.submit("count", {"count": 60, "each_s": 0.05}).job_id
    deaf = jobs.submit("count", {"how": "deaf"}).job_id
    engine.start()
    started = [wait(jobs, engine, one, lambda job: job.done > 0) for one in (job_id, deaf)]
    jobs.request_cancel(deaf)
    assert wait(jobs, engine, deaf).state == "cancelled"
    lost = jobs.submit("count", {"count": 30, "each_s": 0.05}).job_id
    killed = int(wait(jobs, engine, lost, lambda job: job.done > 3).worker or 0)
    os.kill(killed, signal.SIGKILL)
    ended = wait(jobs, engine, lost)

    assert ended.state == "completed"
    assert ended.attempts == 2
    assert numbers_of(ended) == expected(30)
    undisturbed = wait(jobs, engine, job_id)
    assert (undisturbed.worker, undisturbed.attempts) == (started[0].worker, 1)


def test_orphan_goes_on_by_itself_without_a_server(jobs, pool):
    """The other worker finds it, since no server asks."""
    engine = pool(workers=2)
    ids = [jobs.submit("count", {"count": 40, "each_s": 0.05}).job_id for _ in range(2)]
    engine.start()
    first = wait(jobs, engine, ids[0], lambda job: job.done > 3)
    wait(jobs, engine, ids[1], lambda job: job.done > 0)
    os.kill(int(first.worker or 0), signal.SIGKILL)
    deadline = time.monotonic() + 40
    while not jobs.get(ids[0]).finished and time.monotonic() < deadline:
        time.sleep(0.05)
    job = jobs.get(ids[0])

    assert job.state == "completed"
    assert job.worker == jobs.get(ids[1]).worker
    assert numbers_of(job) == expected(40)


def test_crash_over_and_over_ends_as_failed_and_says_what_to_do(settings, counting, request):
    store = JobStore(settings.open_home(), min_free_mb=0, fair_s=0)
    engine = LocalEngine(settings, store)
    request.addfinalizer(engine.stop)
    crash = store.submit("count", {"how": "crash"}).job_id
    behind = store.submit("count", {"count": 2}).job_id
    job = wait(store, engine, crash)
    second = store.get(behind)
    store.close()

    assert job.state == "failed"
    assert job.attempts == 3
    assert "Given up: 3 workers in a row were lost without the job getting any further" in str(
        job.error
    )
    assert "'misbehaving'" in str(job.error)
    assert "more memory" in str(job.error)
    assert second.finished_at is not None
    assert job.finished_at is not None
    assert second.finished_at < job.finished_at, "the third try waited behind it"


def test_job_of_another_interpreter_runs_there_and_nowhere_else(settings, jobs, pool, tmp_path):
    """A script that starts ours is another interpreter as far as the pool can tell."""
    python = tmp_path / "theirs"
    python.write_text(
        f'#!/bin/sh\nTHEIRS=1 PYTHONPATH="$PYTHONPATH:{ROOT}" exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    engine = pool(environments={"sevenn": python})
    ours = jobs.submit("count", {"count": 2}).job_id
    theirs = jobs.submit("count", {"count": 2}, environment="sevenn").job_id
    unknown = jobs.submit("count", {"count": 2}, environment="nobody").job_id
    ended = [wait(jobs, engine, job_id) for job_id in (ours, theirs)]

    assert [(job.slot, job.state) for job in ended] == [
        ("0", "completed"),
        ("sevenn.0", "completed"),
    ]
    assert ended[0].worker != ended[1].worker
    environ = Path(f"/proc/{ended[1].worker}/environ")
    if environ.is_file():
        assert b"\0THEIRS=1\0" in b"\0" + environ.read_bytes()
    other = jobs.get(unknown)
    assert other.state == "queued", "another server may know it"
    assert "an interpreter for 'nobody' in LLAMP_ENVIRONMENTS" in other.message


def test_workers_leave_the_jobs_to_a_cluster_while_one_has_them(settings, jobs, pool):
    engine = pool(workers=1)
    warm = wait(jobs, engine, jobs.submit("count", {"count": 1}).job_id)
    with lease(jobs.home, CLUSTER).acquire(timeout=5):
        later = jobs.submit("count", {"count": 1}).job_id
        engine.start()
        time.sleep(1)
        assert jobs.get(later).state == "queued"
        assert engine.worker_pids == [warm.worker], "the one that was there"

    assert wait(jobs, engine, later).worker == warm.worker


def test_other_interpreter_sees_our_package_and_nothing_else_of_ours(settings, jobs):
    engine = LocalEngine(settings, jobs)
    path = Path(engine._environment("sevenn")["PYTHONPATH"])
    for _ in range(2):
        assert [entry.name for entry in path.iterdir()] == ["llamp_mcp"]
        assert (path / "llamp_mcp").samefile(Path(llamp_mcp.__file__).parent)
        (path / "llamp_mcp").unlink()
        (path / "llamp_mcp").symlink_to("/gone")
        engine._environment("sevenn")


def test_interpreter_that_cannot_start_fails_its_jobs_and_no_other(settings, jobs, pool, tmp_path):
    python = tmp_path / "broken"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    engine = pool(environments={"sevenn": python})
    theirs = jobs.submit("count", {"count": 2}, environment="sevenn").job_id
    ours = jobs.submit("count", {"count": 2}).job_id
    failed = wait(jobs, engine, theirs)

    assert failed.state == "failed"
    assert f"'{python}' failed to start 3 times" in str(failed.error)
    assert "llamp-mcp is installed, too" in str(failed.error)
    assert wait(jobs, engine, ours).state == "completed"


def test_worker_that_cannot_start_is_reported_instead_of_tried_for_ever(
    settings, jobs, monkeypatch
):
    monkeypatch.setattr(
        "llamp_mcp.simulation.workers.worker.command",
        lambda *_arguments: [sys.executable, "-c", "raise OSError"],
    )
    engine = LocalEngine(settings, jobs)
    jobs.submit("run_md", {})
    for _ in range(local._MAX_FAILED_STARTS):
        engine.start()
        engine._processes["0"].wait(20)
    with pytest.raises(JobError, match=r"failed to start 3 times.*worker\.log"):
        engine.start()


def test_worker_gets_the_settings_and_no_secret_of_the_server(settings, jobs, monkeypatch):
    monkeypatch.setenv("MP_API_KEY", "secret")
    monkeypatch.setenv("LLAMP_HTTP_TOKEN", "secret")
    told = settings.model_copy(
        update={"threads": 3, "checkpoint_s": 2.5, "worker_memory_mb": 900, "device": "cuda"}
    )
    environment = LocalEngine(told, jobs)._environment()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MP_API_KEY")
    monkeypatch.delenv("LLAMP_HTTP_TOKEN")
    theirs = type(told)(home=told.home)

    assert "secret" not in environment.values()
    assert environment["OMP_NUM_THREADS"] == "3"
    for name in (*local._HANDED_ON, "threads", "workspace_path"):
        assert getattr(theirs, name) == getattr(told, name), name


@pytest.mark.parametrize(
    ("update", "cores", "threads"),
    [
        ({}, 8, "2"),
        ({"workers": 4}, 8, "2"),
        ({"workers": 8}, 8, "1"),
        ({"workers": 16}, 8, "1"),
        ({"workers": 8, "threads": 3}, 8, "3"),
    ],
)
def test_workers_share_the_cores_unless_the_host_says_otherwise(
    tmp_path, jobs, monkeypatch, update, cores, threads
):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    settings = Settings(home=tmp_path, **update)
    environment = LocalEngine(settings, jobs)._environment()
    assert {environment[n] for n in ("LLAMP_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")} == {
        threads
    }
    assert environment["OPENBLAS_NUM_THREADS"] == "1", "more are slower on 3 by 3 matrices"

"""Workers and servers killed at random moments: no job is lost, no result is wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from llamp_mcp.simulation.engines.local import LocalEngine
from tests.simulation.conftest import wait
from tests.simulation.counting import ROOT, WORK, expected, numbers_of

pytestmark = pytest.mark.usefixtures("counting")


def test_workers_killed_five_times_lose_no_job_and_repeat_little(settings, jobs, request):
    """One job keeps its parts, the other checkpoints; two workers, both killed each time."""
    engine = LocalEngine(settings.model_copy(update={"checkpoint_s": 0.05, "workers": 2}), jobs)
    request.addfinalizer(engine.stop)
    count = 120
    ids = {
        how: jobs.submit("count", {"how": how, "count": count, "each_s": 0.02}).job_id
        for how in ("parts", "steps")
    }
    chance = random.Random(3)
    for _ in range(5):
        done = {job_id: jobs.get(job_id).done for job_id in ids.values()}
        for job_id, before in done.items():
            _further(jobs, engine, job_id, before)
        time.sleep(chance.uniform(0, 0.2))
        for pid in engine.worker_pids:
            os.kill(pid, signal.SIGKILL)
    ended = {how: wait(jobs, engine, job_id) for how, job_id in ids.items()}

    for how, job in ended.items():
        assert job.state == "completed", job.error
        assert numbers_of(job) == expected(count)
        assert job.attempts > 3
        work = (jobs.directory(job.job_id) / WORK).read_text().splitlines()
        # Each kill costs at most the part in hand, or the steps since the last checkpoint.
        assert count <= len(work) <= count + (job.attempts - 1) * (1 if how == "parts" else 20)


def _further(jobs, engine, job_id, done):
    wait(jobs, engine, job_id, lambda job: job.done > done or job.finished)


def test_server_killed_over_and_over_takes_no_job_with_it(settings, jobs, request):
    home = settings.open_home()
    command = [sys.executable, "-m", "tests.simulation.counting", "server", str(home), "2"]
    chance = random.Random(5)
    ids = [jobs.submit("count", {"count": 20, "each_s": 0.05}).job_id for _ in range(4)]

    def serve_until(over):
        server = subprocess.Popen(command, cwd=ROOT)
        try:
            deadline = time.monotonic() + 60
            while not over() and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            server.kill()
            server.wait()

    for _ in range(2):
        moment = time.monotonic() + chance.uniform(1.5, 3)
        serve_until(lambda moment=moment: time.monotonic() > moment)
        running = {job.worker for job in jobs.newest(state="running")}
        for worker in list(running)[:1]:
            os.kill(worker, signal.SIGKILL)
    serve_until(lambda: all(job.finished for job in jobs.newest()))
    ended = [jobs.get(job_id) for job_id in ids]
    for worker in {job.worker for job in ended}:
        with suppress(ProcessLookupError):  # it ended a job before it was killed with another
            os.kill(worker, signal.SIGTERM)

    assert [job.state for job in ended] == ["completed"] * 4
    assert all(numbers_of(job) == expected(20) for job in ended)

from __future__ import annotations

import subprocess
import sys

import pytest

from llamp_mcp.simulation.jobs.leases import (
    environment_of,
    is_held,
    lease,
    release_orphans,
    slot_name,
    turn,
)


@pytest.mark.parametrize(
    ("environment", "number", "slot"),
    [("", 0, "0"), ("", 12, "12"), ("sevenn", 0, "sevenn.0"), ("my.own", 3, "my.own.3")],
)
def test_slot_names_its_environment(environment, number, slot):
    assert slot_name(environment, number) == slot
    assert environment_of(slot) == environment


def test_only_jobs_whose_lease_is_free_are_taken_back(jobs):
    ids = {slot: jobs.submit("x", {}).job_id for slot in ("0", "1", "")}
    for slot in ids:
        jobs.claim(1, slot=slot)
    with lease(jobs.home, "1").acquire():
        assert is_held(jobs.home, "1")
        assert not is_held(jobs.home, "0")
        release_orphans(jobs)
    states = {slot: jobs.get(job_id).state for slot, job_id in ids.items()}

    assert states == {"0": "interrupted", "1": "running", "": "interrupted"}


def test_worker_of_an_older_version_keeps_its_job_while_it_lives(jobs):
    """It held worker.lock, and its jobs have no slot."""
    job_id = jobs.submit("x", {}).job_id
    jobs.claim(1)
    code = (
        "import sys, filelock\n"
        "with filelock.FileLock(sys.argv[1]):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(jobs.home / "worker.lock")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as old:
        assert old.stdout is not None
        assert old.stdout.readline() == "held\n"
        release_orphans(jobs)
        assert jobs.get(job_id).state == "running"
        old.kill()
    release_orphans(jobs)
    assert jobs.get(job_id).state == "interrupted"


def test_no_more_processes_of_a_pool_compute_at_once_than_it_has_workers(tmp_path):
    with turn(tmp_path, 2) as first, turn(tmp_path, 2) as second, turn(tmp_path, 2) as third:
        assert (first, second, third) == (True, True, False)
    with turn(tmp_path, 1) as again:
        assert again


def test_a_home_on_its_own_waits_for_nobody():
    with turn(None, 1) as first, turn(None, 1) as second:
        assert (first, second) == (True, True)

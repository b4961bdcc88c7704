"""The Dask task and its process, without Dask: it is a function."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp import __version__
from llamp_mcp.provenance import LineageStep
from llamp_mcp.simulation.engines import task
from llamp_mcp.simulation.engines.parcels import Parcel, pack, unpack
from llamp_mcp.simulation.engines.shared_files import SharedFiles
from llamp_mcp.simulation.engines.task import Shelf, run_here
from llamp_mcp.structures.identity import structure_id
from tests.simulation.conftest import copper
from tests.simulation.counting import WORK, expected
from tests.simulation.engines import counting_child
from tests.simulation.engines.cluster import ROOT
from tests.simulation.engines.conftest import worked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llamp_mcp.simulation.jobs import JobStore


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """This process as a Dask worker; its warm processes are ended."""
    made = Shelf()
    monkeypatch.setattr(task, "_shelf", made)
    monkeypatch.setattr(task, "command", counting_child.command)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield made
    for one in made._idle:
        one.end()


@pytest.fixture
def parcel(jobs: JobStore, structures, shelf: Shelf) -> Callable[..., Parcel]:
    """A job of `count`, handed out."""

    def parcel(**params: Any) -> Parcel:
        job = jobs.submit("count", params)
        SharedFiles(jobs.directory(job.job_id)).hand_out("key")
        return pack(job, "key", str(jobs.home), structures)

    return parcel


def test_later_attempt_takes_over_and_no_two_ever_write_at_once(parcel, jobs, monkeypatch):
    """As when a scheduler takes a worker for dead that is only out of reach."""
    monkeypatch.setenv("LLAMP_CHECKPOINT_S", "0.1")
    handed = parcel(how="steps", count=40, each_s=0.05)
    work = jobs.directory(handed["job_id"]) / WORK
    with ThreadPoolExecutor(2) as machines:
        first = machines.submit(run_here, handed)
        while not work.exists() or len(work.read_text().splitlines()) < 10:
            assert not first.done()
        second = machines.submit(run_here, handed)
        outcomes = [first.result(90), second.result(90)]

    assert [outcome["state"] for outcome in outcomes] == ["superseded", "completed"]
    assert outcomes[1]["result"]["numbers"] == expected(40)
    processes = [pid for _, pid in worked(jobs, handed["job_id"])]
    changes = sum(a != b for a, b in itertools.pairwise(processes))
    assert changes == 1, "one after the other, never by turns"


def test_job_that_has_ended_is_not_computed_again(parcel, jobs):
    """Dask runs a task again when the machine that holds its result is lost."""
    handed = parcel(count=3)
    first = run_here(handed)
    before = worked(jobs, handed["job_id"])

    assert first["state"] == "completed"
    assert run_here(handed) == first
    assert worked(jobs, handed["job_id"]) == before


def test_hog_is_stopped_with_how_much_it_took(parcel, monkeypatch):
    monkeypatch.setenv("LLAMP_WORKER_MEMORY_MB", "400")
    outcome = run_here(parcel(how="hog"))

    assert outcome["state"] == "failed"
    assert "more than the 400 MB allowed" in outcome["error"]
    assert "LLAMP_WORKER_MEMORY_MB" in outcome["error"]


def test_another_version_on_the_machine_is_refused_with_what_to_do(parcel):
    handed = parcel()
    handed["version"] = "0.0.1"
    outcome = run_here(handed)

    assert outcome["state"] == "failed"
    assert f"has llamp-mcp {__version__}, the server 0.0.1" in outcome["error"]


def test_parcel_holds_the_structures_it_names_with_their_histories_bit_for_bit(
    jobs, structures, put
):
    parent = put(copper(a=3.6123456789))
    child = structures.put(
        copper(a=3.7), LineageStep(action="strain", parent=parent, parameters={"by": 0.024})
    )
    other = put(copper(a=3.8))
    job = jobs.submit("x", {"structure_id": child, "reference_ids": [other], "steps": 3})
    carried = json.loads(json.dumps(pack(job, "key", "/home", structures)))
    found = list(unpack(carried["structures"]))

    assert [structure_id(structure) for structure, _ in found] == [parent, child, other]
    assert found[0][0] == structures.get(parent)
    assert [step.action for _, step in found] == ["test", "strain", "test"]
    assert found[1][1].parent == parent
    assert "device" not in carried["settings"], "each machine has its own"

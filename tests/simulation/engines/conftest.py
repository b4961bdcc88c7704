"""A cluster for each test that may break it, and a server of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from llamp_mcp.simulation.engines.dask import DaskEngine
from tests.simulation.counting import WORK
from tests.simulation.engines.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.jobs import Job, JobStore


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and one worker, for tests that leave them as they are."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.add_worker(LLAMP_HTTP_TOKEN="canary")
    yield made
    made.stop()


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers, for one test that kills processes."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.stop()


@pytest.fixture
def serve(settings: Settings, jobs: JobStore) -> Iterator[Callable[[Cluster], DaskEngine]]:
    """What a server of a cluster has: it goes on by itself, the tests only look."""
    made = []

    def serve(cluster: Cluster) -> DaskEngine:
        made.append(DaskEngine(settings.model_copy(update={"engine": cluster.address}), jobs))
        return made[-1]

    yield serve
    for engine in made:
        engine.stop()


def worked(jobs: JobStore, job_id: str) -> list[list[int]]:
    """Step and process of each piece of work that was done for a job, whoever did it."""
    lines = (jobs.directory(job_id) / WORK).read_text().splitlines()
    return [[int(word) for word in line.split()] for line in lines]


def until(
    jobs: JobStore,
    job_id: str,
    condition: Callable[[Job], bool] = lambda job: job.finished,
    timeout_s: float = 90,
) -> Job:
    """The job once the condition holds; nobody asks the engine meanwhile."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        job = jobs.get(job_id)
        if condition(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"{jobs.get(job_id)} after {timeout_s} s")


def computing(job: Job) -> bool:
    """Whether a calculation has reported a step."""
    return job.state == "running" and job.done > 0

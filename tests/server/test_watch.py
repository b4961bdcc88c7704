"""Opening a home is enough for its jobs to go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from llamp_mcp.provenance import LineageStep
from llamp_mcp.simulation.jobs import STORE, JobStore
from llamp_mcp.structures.store import StructureStore
from tests.simulation.conftest import copper

if TYPE_CHECKING:
    from collections.abc import Callable

    from llamp_mcp.settings import Settings

pytestmark = pytest.mark.anyio


async def test_interrupted_job_goes_on_when_a_server_opens_the_home(
    settings: Settings, drive: Callable[[Settings], Any]
) -> None:
    jobs = JobStore.of(settings)
    step = LineageStep(action="test", origin="built by a test")
    handle = StructureStore(settings.open_home()).put(copper(), step)
    job = jobs.submit("fit_eos", {"structure_id": handle, "calculator": "emt"})
    jobs.claim(0)
    jobs.interrupt(job.job_id, "the machine went down")
    assert jobs.get(job.job_id).state == "interrupted"

    def wait() -> None:
        deadline = time.monotonic() + 60
        while not jobs.get(job.job_id).finished and time.monotonic() < deadline:
            time.sleep(0.1)

    async with drive(settings):  # no tool is called
        await anyio.to_thread.run_sync(wait)
    assert jobs.get(job.job_id).state == "completed"


async def test_home_without_jobs_is_left_alone(
    settings: Settings, drive: Callable[[Settings], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llamp_mcp.server.watch.FIRST_S", 0)
    async with drive(settings) as server:
        await anyio.sleep(0.2)
        assert "engine" not in server.services.home.__dict__
    assert not (settings.home / STORE).exists()

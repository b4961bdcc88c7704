"""A real server process over stdio."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio
import psutil
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from llamp_mcp.client import call, connect
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.jobs import JobStore

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def environment(home: Path) -> dict[str, str]:
    return {"LLAMP_HOME": str(home), "LLAMP_SOURCE": "sample", "LLAMP_WORKER_IDLE_S": "3"}


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_both_protocol_eras_work(tmp_path: Path, mode: Any) -> None:
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "llamp_mcp"], env=environment(tmp_path)
    )
    async with Client(parameters, mode=mode) as client:
        tools = (await client.list_tools()).tools
        assert tools[0].name == "search_materials"
        text, structured = await call(client, "search_materials", {"formula": "Si"})
        assert "mp-149" in text
        assert structured["total"] >= 1
        (read,) = (await client.read_resource("llamp://source")).contents
        assert "CC BY 4.0" in read.model_dump_json()
        prompt = await client.get_prompt("materials_scientist", {"question": "gap of Si?"})
        assert "gap of Si?" in prompt.messages[0].model_dump_json()


async def test_a_run_reports_progress_answers_pings_and_is_cancelled(tmp_path: Path) -> None:
    async with connect(environment(tmp_path)) as client:
        copper = await fcc_copper(client, [4, 4, 4])
        seen: list[float] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            seen.append(progress)

        arguments = {**MD, "structure_id": copper, "steps": 1_000_000, "wait_s": 5}
        _, answer = await call(client, "run_md", arguments, note)
        assert answer["state"] == "running"
        assert len(set(seen)) > 3
        started = time.monotonic()
        await client.list_prompts()
        assert time.monotonic() - started < 2
        started = time.monotonic()
        _, answer = await call(client, "cancel_job", {"job_id": answer["job_id"]})
        assert answer["state"] == "cancelled"
        assert time.monotonic() - started < 4


async def test_a_job_goes_on_when_its_server_ends(tmp_path: Path) -> None:
    async with connect(environment(tmp_path)) as client:
        copper = await fcc_copper(client, [2, 2, 2])
        arguments = {**MD, "structure_id": copper, "steps": 500, "wait_s": 0}
        _, answer = await call(client, "run_md", arguments)
    store = JobStore.of(Settings(home=tmp_path))
    with anyio.fail_after(60):
        while not store.get(answer["job_id"]).finished:  # noqa: ASYNC110 (another process' job)
            await anyio.sleep(0.2)
    assert store.get(answer["job_id"]).state == "completed"
    async with connect(environment(tmp_path)) as client:
        text, again = await call(client, "get_job", {"job_id": answer["job_id"]})
    assert again["result"]["steps"] == 500
    assert "completed" in text


def test_the_server_ends_soon_after_stdin_closes(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "llamp_mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(tmp_path),
    )
    time.sleep(2)
    output, _ = server.communicate(timeout=5)
    assert server.returncode == 0
    assert output == b"", "nothing but the protocol goes to stdout"


@pytest.fixture(autouse=True)
def no_worker_is_left(tmp_path: Path) -> Any:
    yield
    for process in psutil.process_iter(["cmdline"]):
        if str(tmp_path) in (process.info["cmdline"] or []):
            process.kill()


MD = {"calculator": "emt", "ensemble": "nvt", "temperature_k": [300], "timestep_fs": 2}


async def fcc_copper(client: Client, repeats: list[int]) -> str:
    prototype = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615, "cubic": True}
    _, made = await call(client, "create_structure", {"prototype": prototype})
    edit = {"op": "supercell", "repeats": repeats}
    arguments = {"structure_id": made["structure_id"], "edits": [edit]}
    _, grown = await call(client, "edit_structure", arguments)
    structure_id: str = grown["structure_id"]
    return structure_id

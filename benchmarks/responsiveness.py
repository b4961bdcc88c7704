"""Ping while a simulation runs, time to cancel, time to exit: a real server over stdio.

The baseline is the same server idle, in the same run. Prints medians and 95th percentiles in ms.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from typing import TYPE_CHECKING

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPDeprecationWarning

from llamp_mcp.client import call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PINGS = 100
CANCELS = 5


async def timed(action: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Wall milliseconds of each of several calls, 20 ms apart."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await action()
        taken.append(1000 * (time.perf_counter() - started))
        await anyio.sleep(0.02)
    return taken


def row(name: str, taken: list[float]) -> None:
    """Print one line of the table."""
    high = statistics.quantiles(taken, n=20)[-1]
    print(f"{name:32} {statistics.median(taken):10.1f} {high:10.1f}")


async def start_md(client: Client, structure_id: str, calculator: str) -> str:
    """The id of a long job, once it computes."""
    arguments = {"structure_id": structure_id, "calculator": calculator, "steps": 1_000_000}
    _, answer = await call(client, "run_md", {**arguments, "wait_s": 0})
    job_id: str = answer["job_id"]
    while not answer["progress"]["done"]:
        _, answer = await call(client, "get_job", {"job_id": job_id, "wait_s": 0.2})
    return job_id


async def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # ping exists in the older era only
    with tempfile.TemporaryDirectory() as home:
        env = {"LLAMP_HOME": home, "LLAMP_SOURCE": "sample", "LLAMP_WORKER_IDLE_S": "2"}
        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "llamp_mcp"], env=env
        )
        print(f"{'ms':32} {'median':>10} {'95 %':>10}")
        async with Client(parameters, mode="legacy") as client:
            _, silicon = await call(client, "get_structure", {"material": "mp-149"})
            edits = [{"op": "supercell", "target_atoms": 64}]
            arguments = {"structure_id": silicon["structure_id"], "edits": edits}
            _, grown = await call(client, "edit_structure", arguments)
            row("ping, idle", await timed(client.send_ping, PINGS))
            cancels = []
            for _ in range(CANCELS):
                job_id = await start_md(client, grown["structure_id"], "chgnet")
                if not cancels:
                    row("ping while CHGNet runs", await timed(client.send_ping, PINGS))
                started = time.perf_counter()
                _, answer = await call(client, "cancel_job", {"job_id": job_id})
                cancels.append(1000 * (time.perf_counter() - started))
                if answer["state"] != "cancelled":
                    raise SystemExit(f"the job is {answer['state']}")
            row("cancel until stopped", cancels)
            await start_md(client, grown["structure_id"], "chgnet")
            started = time.perf_counter()
        print(f"{'exit with a job running':32} {1000 * (time.perf_counter() - started):10.1f}")
        async with Client(parameters, mode="legacy") as client:
            _, listed = await call(client, "get_job", {})
            job = listed["jobs"][0]
            print(f"after the exit the job is {job['state']} ({job['message']})")
            await call(client, "cancel_job", {"job_id": job["job_id"]})
        await anyio.sleep(4)  # the idle worker ends before its home is removed


if __name__ == "__main__":
    anyio.run(main)

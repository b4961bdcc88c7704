"""Many clients at once over HTTP: a search in the sample, beside a bare server of the SDK.

For each server, one client asks alone, then all ask at once. Both servers run at the same time, and
each number of clients asks one after the other, so that a busy machine is busy for both. Without a
pause between calls the clients, which are one process, keep a core busy and are measured, too; with
one, they come as agents do, which think between calls.

    python benchmarks/load.py --clients 20 --calls 30 --pause 0.5
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client
from soak import free_port, serving, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

BARE = """
import sys
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare", log_level="WARNING")
@server.tool()
def echo(text: str) -> str:
    return text
server.run("streamable-http", port=int(sys.argv[1]))
"""
WARM_UP = 3
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "bare SDK": ("echo", {"text": "Fe2O3"}),
    "llamp-mcp": ("search_materials", {"formula": "Fe2O3"}),
}


@contextmanager
def serving_bare() -> Iterator[str]:
    """The address of a server with one tool that does nothing."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(20)


class Start:
    """Lets all clients begin at the same time, once each is connected and warm."""

    def __init__(self, clients: int) -> None:
        self._missing, self._go = clients, anyio.Event()
        self.at = 0.0

    async def wait(self) -> None:
        """Until the last one is here."""
        self._missing -= 1
        if not self._missing:
            self.at = time.perf_counter()
            self._go.set()
        await self._go.wait()


async def ask(
    address: str, name: str, calls: int, start: Start, pause_s: float, taken: list[float]
) -> None:
    """One client: wall milliseconds of each of its calls."""
    tool, arguments = CALLS[name]
    async with Client(address) as client:
        for _ in range(WARM_UP):
            await client.call_tool(tool, arguments)
        await start.wait()
        for _ in range(calls):
            await anyio.sleep(random.uniform(0, 2 * pause_s))
            started = time.perf_counter()
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                raise SystemExit(f"{name}: {result.content}")
            taken.append(1000 * (time.perf_counter() - started))


async def measure(addresses: dict[str, str], clients: int, calls: int, pause_s: float) -> None:
    """Print a line for each server and number of clients, then how one compares to many."""
    print(f"{'':12} {'clients':>8} {'p50 ms':>8} {'p95 ms':>8} {'worst':>8} {'calls/s':>8}")
    middle: dict[tuple[str, int], float] = {}
    high: dict[tuple[str, int], float] = {}
    for many in (1, clients):
        for name, address in addresses.items():
            taken: list[float] = []
            start = Start(many)
            async with anyio.create_task_group() as group:
                for _ in range(many):
                    group.start_soon(ask, address, name, calls, start, pause_s, taken)
            rate = len(taken) / (time.perf_counter() - start.at)
            key = (name, many)
            middle[key], high[key] = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
            print(
                f"{name:12} {many:8} {middle[key]:8.1f} {high[key]:8.1f} {max(taken):8.1f} "
                f"{rate:8.1f}"
            )
    for name in addresses:
        ratio = high[name, clients] / middle[name, 1]
        print(f"{name}: p95 of {clients} clients is {ratio:.1f} times the p50 of one")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--calls", type=int, default=30, help="of each client")
    parser.add_argument("--pause", type=float, default=0.0, help="mean seconds between calls")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        serving_bare() as bare,
        serving(home) as (address, _),
    ):
        addresses = {"bare SDK": bare, "llamp-mcp": address}
        anyio.run(measure, addresses, options.clients, options.calls, options.pause)


if __name__ == "__main__":
    main()

"""Spawn to `tools/list` over stdio: this server against a bare one-tool `MCPServer`.

Prints CPU seconds of the server process (user + system), wall seconds seen by the client, and
resident memory, as medians of alternating runs.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio
import psutil
from mcp import Client
from mcp.client.stdio import StdioServerParameters

RUNS = 7
BARE = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare", log_level="WARNING")
@server.tool()
def echo(text: str) -> str:
    return text
server.run("stdio")
"""


async def once(arguments: list[str]) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and resident MB of one server until it listed its tools."""
    with tempfile.TemporaryDirectory() as home:
        parameters = StdioServerParameters(
            command=sys.executable, args=arguments, env={"LLAMP_HOME": home}
        )
        started = time.perf_counter()
        async with Client(parameters) as client:
            await client.list_tools()
            wall = time.perf_counter() - started
            (server,) = psutil.Process().children()
            times = server.cpu_times()
            return times.user + times.system, wall, server.memory_info().rss / 2**20


async def main() -> None:
    """Alternate the two servers and print medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        commands = {"bare": [str(script)], "llamp-mcp": ["-m", "llamp_mcp"]}
        seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
        for run in range(RUNS + 1):
            for name, arguments in commands.items():
                measured = await once(arguments)
                if run:  # the first run fills the byte-code cache
                    seen[name].append(measured)
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in seen.items()
    }
    print(f"{'':10} {'CPU s':>8} {'wall s':>8} {'RSS MB':>8}   (medians of {RUNS})")
    for name, row in medians.items():
        print(f"{name:10} {row[0]:8.2f} {row[1]:8.2f} {row[2]:8.1f}")
    ratios = [a / b for a, b in zip(medians["llamp-mcp"], medians["bare"], strict=True)]
    print(f"{'ratio':10} {ratios[0]:8.2f} {ratios[1]:8.2f} {ratios[2]:8.2f}")


if __name__ == "__main__":
    anyio.run(main)

"""How long one retrieval takes through an in-memory client, beside doing the same by hand.

    python benchmarks/retrieval.py [--repeat 200]

Prints medians of this run: the tools as a client calls them, a tool that does nothing (the cost of
the protocol), the same rows by the source alone, and by reading the shipped file anew.
"""

from __future__ import annotations

import argparse
import json
import lzma
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client
from mcp.server.mcpserver import MCPServer

from llamp_mcp.materials.files.sample import SampleSource, shipped_data
from llamp_mcp.materials.source import Query
from llamp_mcp.server.app import create_server
from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

METALS = ["Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "search_materials, 20 oxides": ("search_materials", {"elements": ["O"], "limit": 20}),
    "get_properties, Fe": ("get_properties", {"materials": ["Fe"], "groups": ["elasticity"]}),
    "get_properties, ten metals": (
        "get_properties",
        {"materials": METALS, "fields": ["bulk_modulus"]},
    ),
    "get_structure, mp-149": ("get_structure", {"material": "mp-149"}),
}


async def timed(name: str, call: Callable[[], Awaitable[object]], repeat: int) -> None:
    """Print the median and 95th percentile of milliseconds, after one call to warm up."""
    await call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        await call()
        times.append((time.perf_counter() - start) * 1e3)
    print(f"{name:32} {median(times):8.2f} {quantiles(times, n=20)[-1]:8.2f}")


def bare_json(data: bytes) -> object:
    """The same from the shipped file."""
    oxides = [m for m in json.loads(lzma.decompress(data))["materials"] if "O" in m["composition"]]
    oxides.sort(key=lambda m: m["groups"].get("thermo", {}).get("energy_above_hull", 1e9))
    return oxides[:20]


async def through_a_client(server: MCPServer[None], calls: Any, repeat: int) -> None:
    """Time calls of tools as a client makes them."""
    async with Client(server) as client:
        for name, (tool, arguments) in calls.items():
            await timed(name, lambda t=tool, a=arguments: client.call_tool(t, a), repeat)


async def main(repeat: int) -> None:
    """Print the table."""
    bare: MCPServer[None] = MCPServer("bare", log_level="WARNING")
    bare.tool()(nothing_at_all)
    print(f"{'ms':32} {'median':>8} {'95 %':>8}")
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(home=Path(name), source="sample")
        await through_a_client(create_server(settings), CALLS, repeat)
        nothing = {"baseline: a tool that does nothing": ("nothing_at_all", {})}
        await through_a_client(bare, nothing, repeat)
        data = shipped_data()
        source = SampleSource(settings)

        async def by_source() -> object:
            return source.search(Query(elements=("O",), fields=("energy_above_hull",)))

        async def by_file() -> object:
            return bare_json(data)

        await timed("baseline: 20 oxides by the source", by_source, repeat)
        await timed("baseline: 20 oxides by the file", by_file, min(repeat, 20))


def nothing_at_all() -> str:
    """Do nothing."""
    return ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time of one retrieval")
    parser.add_argument("--repeat", type=int, default=200)
    anyio.run(main, parser.parse_args().repeat)

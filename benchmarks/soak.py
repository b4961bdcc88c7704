"""A long day of a server over HTTP: thousands of mixed calls from many clients at once.

Half of the clients hold a session of the 2025-11-25 protocol, which some of them leave and open
anew; the others are stateless (2026-07-28). Prints memory, threads and open files of the server as
it goes, then latencies by kind of call, failures, and the growth of memory after the warm-up.

    python benchmarks/soak.py --calls 10000 --clients 20
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import psutil
from mcp import Client, MCPError

from llamp_mcp.client import ToolFailed, call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

COPPER = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615, "cubic": True}
FORMULAS = ("Si", "Fe2O3", "LiFePO4", "NaCl", "GaAs", "Cu", "Fe", "TiO2", "BaTiO3", "MgO")
CALLS_PER_SESSION = 250
"""Then a client of the older protocol leaves, and comes back in a new session."""
WARM_UP = 0.2
"""Part of the calls after which memory is expected to stay."""
LOOKS = 25
LOG = "server.log"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the process listens on the port."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise SystemExit("the server ended")
        time.sleep(0.05)


@contextmanager
def serving(home: str) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a server process of its own, and the process."""
    port = free_port()
    settings = {
        "LLAMP_HOME": home,
        "LLAMP_SOURCE": "sample",
        "LLAMP_TOOLSETS": "all",
        "LLAMP_HTTP_RATE": "0",
        "LLAMP_WORKER_IDLE_S": "20",
    }
    log = os.open(Path(home, LOG), os.O_WRONLY | os.O_CREAT)
    process = subprocess.Popen(
        [sys.executable, "-m", "llamp_mcp", "serve", "--http", "--port", str(port)],
        env={**os.environ, **settings},
        stderr=log,
    )
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}/mcp", psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        os.close(log)


@dataclass
class Tally:
    """What came of the calls so far."""

    planned: int
    begun: int = 0
    done: int = 0
    refused: int = 0
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def another(self) -> bool:
        """Whether one more call is to be made; it is counted as begun."""
        self.begun += 1
        return self.begun <= self.planned


class Visitor:
    """One client, asking what comes to its mind."""

    def __init__(self, address: str, legacy: bool, tally: Tally, seed: int) -> None:
        self._address, self._legacy, self._tally = address, legacy, tally
        self._dice = random.Random(seed)
        self._structures: list[str] = []
        self._kinds: dict[str, tuple[int, Callable[[Client], Awaitable[object]]]] = {
            "search": (24, self._search),
            "properties": (18, self._properties),
            "structure": (10, self._structure),
            "edit": (14, self._edit),
            "analysis": (8, self._analysis),
            "export": (5, self._export),
            "calculate": (4, self._calculate),
            "grounding": (3, self._grounding),
            "picture": (1, self._picture),
            "job": (1, self._job),
            "resource": (6, self._resource),
            "prompt": (3, self._prompt),
            "list": (1, lambda client: client.list_tools()),
            "error": (6, self._error),
        }

    async def stay(self) -> None:
        """Come, ask, leave and come again until all calls are made."""
        mode = "legacy" if self._legacy else "2026-07-28"
        while self._tally.begun < self._tally.planned:
            async with Client(self._address, mode=mode) as client:
                for _ in range(CALLS_PER_SESSION):
                    if not self._tally.another():
                        return
                    await self._ask(client)

    async def _ask(self, client: Client) -> None:
        names = list(self._kinds)
        (name,) = self._dice.choices(names, [self._kinds[n][0] for n in names])
        started = time.perf_counter()
        try:
            with anyio.fail_after(120):
                await self._kinds[name][1](client)
        except (ToolFailed, MCPError) as error:
            if name == "error":
                self._tally.refused += 1
            else:
                self._tally.failures[f"{name}: {str(error)[:120]}"] += 1
        except TimeoutError:
            self._tally.failures[f"{name}: no answer within 120 s"] += 1
        self._tally.taken[name].append(1000 * (time.perf_counter() - started))
        self._tally.done += 1

    async def _search(self, client: Client) -> None:
        element = self._dice.choice(("Fe", "Si", "O", "Li", "Cu"))
        arguments: dict[str, Any] = self._dice.choice(
            (
                {"formula": self._dice.choice(FORMULAS)},
                {"elements": [element], "limit": self._dice.randint(1, 20)},
                {"chemsys": "Li-Fe-O", "ranges": {"energy_above_hull": [0, 0.05]}},
                {"ranges": {"band_gap": [self._dice.random(), 5]}, "sort_by": "density"},
            )
        )
        await call(client, "search_materials", arguments)

    async def _properties(self, client: Client) -> None:
        wanted = self._dice.sample(FORMULAS, 2)
        groups = [self._dice.choice(("summary", "thermo", "elasticity")), "summary"]
        arguments = {"materials": ["Si", *wanted], "groups": groups}
        await call(client, "get_properties", arguments)

    async def _structure(self, client: Client) -> None:
        cell = self._dice.choice(("primitive", "conventional"))
        _, made = await call(client, "get_structure", {"material": "mp-149", "cell": cell})
        self._structures.append(made["structure_id"])

    async def _handle(self, client: Client) -> str:
        if not self._structures:
            _, made = await call(client, "create_structure", {"prototype": COPPER})
            self._structures.append(made["structure_id"])
        return self._dice.choice(self._structures[-20:])

    async def _edit(self, client: Client) -> None:
        edits = [
            {"op": "supercell", "repeats": [1, 1, 2]},
            {"op": "perturb", "distance_a": 0.02, "seed": self._dice.randrange(10**6)},
        ]
        _, made = await call(client, "create_structure", {"prototype": COPPER})
        arguments = {"structure_id": made["structure_id"], "edits": edits}
        _, made = await call(client, "edit_structure", arguments)
        self._structures.append(made["structure_id"])

    async def _analysis(self, client: Client) -> None:
        what = self._dice.choice(("symmetry", "density", "coordination", "distances"))
        arguments: dict[str, Any] = {"structure_id": await self._handle(client), "what": [what]}
        if what == "distances":
            arguments["sites"] = [0, 1]
        await call(client, "analyze_structure", arguments)

    async def _export(self, client: Client) -> None:
        form = self._dice.choice(("cif", "poscar", "json"))
        arguments = {"structure_id": await self._handle(client), "format": form}
        await call(client, "export_structure", arguments)

    async def _picture(self, client: Client) -> None:
        await call(client, "view_structure", {"structure_id": await self._handle(client)})

    async def _calculate(self, client: Client) -> None:
        expression = f"{self._dice.random()} eV/angstrom^3"
        await call(client, "calculate", {"expression": expression, "to": "GPa"})

    async def _grounding(self, client: Client) -> None:
        text = f"The band gap of Si (mp-149) is {self._dice.random():.3f} eV."
        await call(client, "check_grounding", {"text": text})

    async def _job(self, client: Client) -> None:
        _, made = await call(client, "create_structure", {"prototype": COPPER})
        arguments = {"structure_id": made["structure_id"], "calculator": "emt", "wait_s": 20}
        await call(client, "calculate_energy", arguments)

    async def _resource(self, client: Client) -> None:
        structure = await self._handle(client)
        addresses = (
            "llamp://source",
            "mp://mp-149",
            "mp://mp-30/elasticity",
            f"structure://{structure}.cif",
            "skill://thermo/SKILL.md",
        )
        await client.read_resource(self._dice.choice(addresses))

    async def _prompt(self, client: Client) -> None:
        arguments = {"question": "How hard is silicon?", "material": "Si"}
        await client.get_prompt("elasticity", arguments)

    async def _error(self, client: Client) -> None:
        wrong = self._dice.choice(
            (
                ("search_materials", {"formula": "Qq2"}),
                ("search_materials", {"bandgap": 1}),
                ("get_structure", {"material": "mp-1299999"}),
                ("edit_structure", {"structure_id": "s-0", "edits": [{"op": "explode"}]}),
                ("get_job", {"job_id": "j-0", "wait_s": 0}),
                ("create_structure", {"text": "data_x", "format": "cif"}),
            )
        )
        await call(client, *wrong)


async def watch(tally: Tally, server: psutil.Process) -> list[tuple[int, float]]:
    """Print a line every now and then; calls made and memory in MB at each."""
    seen: list[tuple[int, float]] = []
    print(f"{'calls':>8} {'s':>7} {'RSS MB':>9} {'threads':>8} {'files':>6} {'failed':>7}")
    started = time.perf_counter()
    while True:
        wanted = tally.planned * len(seen) // LOOKS
        while tally.done < min(wanted, tally.planned):  # noqa: ASYNC110 (a tally, no event)
            await anyio.sleep(0.05)
        rss = server.memory_info().rss / 2**20
        seen.append((tally.done, rss))
        print(
            f"{tally.done:8} {time.perf_counter() - started:7.0f} {rss:9.1f} "
            f"{server.num_threads():8} {server.num_fds():6} {sum(tally.failures.values()):7}",
            flush=True,
        )
        if tally.done >= tally.planned:
            return seen


def report(tally: Tally, seen: list[tuple[int, float]]) -> None:
    """Print latencies, failures and the growth of memory."""
    print(f"\n{'ms':12} {'calls':>7} {'p50':>9} {'p95':>9} {'worst':>9}")
    for name, taken in sorted(tally.taken.items()):
        high = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
        print(
            f"{name:12} {len(taken):7} {statistics.median(taken):9.1f} {high:9.1f} "
            f"{max(taken):9.1f}"
        )
    for told, count in sorted(tally.failures.items()):
        print(f"{count:5} times {told}")
    print(f"{tally.refused} wrong calls were refused, as they should be")
    warm = [rss for done, rss in seen if done >= WARM_UP * tally.planned]
    part = max(1, len(warm) // 5)
    first, last = statistics.median(warm[:part]), statistics.median(warm[-part:])
    print(
        f"RSS after the first {WARM_UP:.0%} of the calls {first:.1f} MB, at the end {last:.1f} MB: "
        f"{100 * (last / first - 1):+.1f} %"
    )


async def soak(calls: int, clients: int) -> None:
    """Run all of it against a server of its own."""
    tally = Tally(calls)
    seen: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        with serving(home) as (address, server):
            visitors = [Visitor(address, n % 2 == 0, tally, n) for n in range(clients)]
            async with anyio.create_task_group() as group:
                for visitor in visitors:
                    group.start_soon(visitor.stay)
                seen = await watch(tally, server)
        errors = await anyio.Path(home, LOG).read_text(errors="replace")
    report(tally, seen)
    print(f"{errors.count('Traceback')} tracebacks in the server's log")
    if "Traceback" in errors:
        print(errors[-4000:])


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=20)
    options = parser.parse_args()
    anyio.run(soak, options.calls, options.clients)


if __name__ == "__main__":
    main()

"""Jobs that last: what the queue costs, and what is lost when workers and servers are killed.

    python benchmarks/jobs.py [--kills 20] [--quick]

1. 100 jobs: time to submit each, time to list them (limits 20 and 50 ms).
2. Relaxations killed at random moments with SIGKILL: the worker, the server, or both, in turn.
   What comes out is compared with the same jobs undisturbed. No job may be lost, no result wrong.
3. Si8 relaxed with CHGNet: the first job of a cold worker, then warm ones (limits 15 and 1.5 s).
   Left out with --quick.

The server is a process of its own that polls as ours do; both phases of 2 use EMT.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase.build import bulk
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.provenance import LineageStep
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import Job, JobStore
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = """
import sys, time
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import JobStore
settings = Settings(home=sys.argv[1], workers=2, worker_idle_s=20, min_free_mb=0)
engine = LocalEngine(settings, JobStore.of(settings))
while True:
    engine.recover()
    time.sleep(0.1)
"""
JOBS = 4


def row(name: str, value: str, limit: str = "") -> None:
    """Print one line of the table."""
    print(f"{name:44} {value:>16} {limit:>12}")


def put(home: Path, atoms: Any) -> str:
    """The handle of a structure."""
    step = LineageStep(action="benchmark", origin="ase.build")
    return StructureStore(home).put(AseAtomsAdaptor.get_structure(atoms), step)


def queue(home: Path) -> None:
    """Submit and list 100 jobs that nobody runs."""
    jobs = JobStore.of(Settings(home=home, min_free_mb=0))
    jobs.newest()
    submitted, listed = [], []
    for n in range(100):
        started = time.perf_counter()
        jobs.submit("relax_structure", {"structure_id": f"s-{n:016x}", "calculator": "emt"})
        submitted.append(1000 * (time.perf_counter() - started))
    for _ in range(20):
        started = time.perf_counter()
        jobs.newest(100)
        listed.append(1000 * (time.perf_counter() - started))
    started = time.perf_counter()
    jobs.submit_batch("relax_structure", [{"structure_id": f"s-{n:016x}"} for n in range(50)])
    batch = 1000 * (time.perf_counter() - started)
    jobs.close()
    median, high = statistics.median(submitted), max(submitted)
    row("submit, each of 100: median, most", f"{median:.1f}, {high:.1f} ms", "20 ms")
    row("submit a batch of 50", f"{batch:.1f} ms")
    row("list 100: median", f"{statistics.median(listed):.1f} ms", "50 ms")


def work(home: Path, store: JobStore) -> list[str]:
    """Jobs of some seconds each: molecular dynamics of copper, each of its own seed."""
    handle = put(home, bulk("Cu", cubic=True).repeat(2))
    common = {"structure_id": handle, "calculator": "emt", "steps": 600, "temperature_k": [300]}
    return [store.submit("run_md", {**common, "seed": n}).job_id for n in range(JOBS)]


def numbers(job: Job) -> Any:
    """What must not depend on how often a job was interrupted."""
    result = dict(job.result or {})
    for name in ("ms_per_step", "wall_s", "resumed_at_steps"):
        result.pop(name, None)
    return _without_uris(result, job.job_id)


def _without_uris(value: Any, job_id: str) -> Any:
    if isinstance(value, dict):
        return {key: _without_uris(one, job_id) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_uris(one, job_id) for one in value]
    return value.replace(job_id, "j-") if isinstance(value, str) else value


@contextmanager
def server(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server, killed in the end."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(home)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def finish(store: JobStore, ids: list[str], timeout_s: float = 600) -> list[Job]:
    """Wait for all."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = [store.get(job_id) for job_id in ids]
        if all(job.finished for job in found):
            return found
        time.sleep(0.1)
    return [store.get(job_id) for job_id in ids]


def kill_workers(store: JobStore) -> int:
    """SIGKILL to whatever runs a job."""
    pids = {job.worker for job in store.newest(100, state="running") if job.worker}
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def survive(home: Path, kills: int) -> None:
    """Kill over and over, and compare with the same jobs undisturbed."""
    store = JobStore.of(Settings(home=home, min_free_mb=0))
    with server(home):
        plain = finish(store, work(home, store))
    chance = random.Random(20)
    done = workers = servers = 0
    ids: list[str] = []
    while done < kills:
        ids += work(home, store)
        while done < kills and not all(store.get(job_id).finished for job_id in ids):
            with server(home) as process:
                time.sleep(chance.uniform(0.5, 6))
                what = done % 3
                if what != 0:
                    process.kill()
                    servers += 1
                if what != 1:
                    workers += kill_workers(store)
                done += 1
    with server(home):
        ended = finish(store, ids)
    store.close()
    lost = [job for job in ended if job.state != "completed"]
    wanted = [numbers(job) for job in plain] * (len(ids) // JOBS)
    wrong = [
        job
        for job, want in zip(ended, wanted, strict=True)
        if job.state == "completed" and numbers(job) != want
    ]
    row("kills in a row: of servers, of workers", f"{servers}, {workers}")
    row("jobs, attempts of all together", f"{len(ids)}, {sum(job.attempts for job in ended)}")
    row("jobs lost", str(len(lost)), "0")
    row("results wrong", str(len(wrong)), "0")
    for job in lost:
        log = (store.directory(job.job_id) / "log.txt").read_text(encoding="utf-8")
        print(f"  lost: {job.job_id} {job.error}\n{log[-2000:]}")
    for job in wrong:
        want, got = wanted[ended.index(job)], numbers(job)
        print("  wrong:", {key: (want[key], got[key]) for key in want if want[key] != got[key]})


def chgnet(home: Path) -> None:
    """Cold and warm relaxations of silicon."""
    settings = Settings(home=home, min_free_mb=0, worker_idle_s=60)
    store = JobStore.of(settings)
    engine = LocalEngine(settings, store)
    taken = []
    for n in range(4):
        atoms = bulk("Si", cubic=True)
        atoms.rattle(0.02, seed=n)
        params = {"structure_id": put(home, atoms), "calculator": "chgnet"}
        started = time.perf_counter()
        job_id = store.submit("relax_structure", params).job_id
        engine.start()
        while not (job := store.get(job_id)).finished:
            time.sleep(0.02)
            engine.recover()
        taken.append(time.perf_counter() - started)
        steps = (job.result or {}).get("steps")
        if job.state != "completed":
            raise SystemExit(str(job.error))
    engine.stop()
    store.close()
    row("Si8 with CHGNet: cold first job", f"{taken[0]:.1f} s", "15 s")
    row(
        f"Si8 with CHGNet: warm, median of 3 ({steps} steps)",
        f"{statistics.median(taken[1:]):.2f} s",
        "1.5 s",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    row("", "measured", "limit")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in ("queue", "survive", "chgnet"):
            (Path(folder) / name).mkdir()
        queue(Path(folder) / "queue")
        if arguments.kills:
            survive(Path(folder) / "survive", arguments.kills)
        if not arguments.quick:
            chgnet(Path(folder) / "chgnet")


if __name__ == "__main__":
    main()

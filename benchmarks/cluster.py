"""The Dask engine in numbers: `python benchmarks/cluster.py [CALCULATOR]`.

Starts a real scheduler and workers on 127.0.0.1, each a process of its own with one thread, and
prints a table: small relaxations on one and on two workers against the local engine, molecular
dynamics whose worker is killed, a scheduler that is started again, and a cancellation.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ase.build import bulk
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.provenance import LineageStep
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.engines.dask import DaskEngine
from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import Job, JobStore
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llamp_mcp.simulation.engines.engine import Engine

RELAXATIONS = 20
MD_STEPS = 2_000
ELEMENT = {"emt": "Cu", "chgnet": "Si"}


class Cluster:
    """A scheduler and its workers."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder, self._port = folder, 0
        self._started: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()
        self.workers = [self.add_worker() for _ in range(workers)]

    def start_scheduler(self) -> None:
        """Its port stays the same when it is started again."""
        told = self._folder / "scheduler.json"
        told.unlink(missing_ok=True)
        self.scheduler = self._start(
            "dask_scheduler", "--port", str(self._port), "--scheduler-file", str(told)
        )
        while not told.is_file() or not told.read_text().endswith("}"):
            time.sleep(0.02)
        self.address: str = json.loads(told.read_text())["address"]
        self._port = int(self.address.rpartition(":")[2])

    def add_worker(self) -> subprocess.Popen[bytes]:
        """One more, of one thread."""
        return self._start(
            "dask_worker",
            *(self.address, "--nthreads", "1", "--no-nanny"),
            *("--local-directory", str(self._folder)),
        )

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As a machine that goes down."""
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Kill all."""
        for process in self._started:
            self.kill(process)

    def _start(self, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        head = [sys.executable, "-m", f"distributed.cli.{command}", "--host", "127.0.0.1"]
        environment = {**os.environ, "LLAMP_THREADS": "1"}
        self._started.append(
            subprocess.Popen(
                [*head, "--no-dashboard", *arguments],
                stdout=quiet,
                stderr=quiet,
                env=environment,
                cwd=self._folder,
            )
        )
        return self._started[-1]


class Server:
    """A home with its stores and an engine."""

    def __init__(self, folder: Path, address: str = "local") -> None:
        self.settings = Settings(
            home=folder / "home", engine=address, threads=1, min_free_mb=0, checkpoint_s=2
        )
        self.jobs = JobStore.of(self.settings)
        self.structures = StructureStore(self.settings.open_home())
        make = LocalEngine if address == "local" else DaskEngine
        self.engine: Engine = make(self.settings, self.jobs)

    def put(self, element: str, repeat: int = 1) -> str:
        """Handle of a rattled cell."""
        atoms = bulk(element, cubic=True) * (repeat, repeat, repeat)
        atoms.rattle(0.05, seed=1)
        structure = AseAtomsAdaptor.get_structure(atoms)
        return self.structures.put(structure, LineageStep(action="benchmark"))

    def submit(self, kind: str, **params: object) -> str:
        """Queue a job and have it run."""
        job_id = self.jobs.submit(kind, params).job_id
        self.engine.start()
        return job_id

    def wait(self, job_id: str, until: Callable[[Job], bool] = lambda job: job.finished) -> Job:
        """Poll as the server does."""
        while True:
            self.engine.recover()
            if until(job := self.jobs.get(job_id)):
                return job
            time.sleep(0.02)


@contextmanager
def on_cluster(workers: int) -> Iterator[tuple[Cluster, Server]]:
    """A cluster and a server of it, both gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        cluster = Cluster(Path(name), workers)
        server = Server(Path(name), cluster.address)
        try:
            yield cluster, server
        finally:
            server.engine.stop()
            cluster.stop()


def throughput(server: Server, workers: int, calculator: str) -> float:
    """Seconds for all relaxations, every worker warm."""
    handle = server.put(ELEMENT[calculator])

    def relax(count: int) -> list[str]:
        params = {"structure_id": handle, "calculator": calculator}
        return [server.jobs.submit("relax_structure", params).job_id for _ in range(count)]

    for job_id in relax(4 * workers):
        server.engine.start()
        server.wait(job_id)
    began = time.perf_counter()
    ids = relax(RELAXATIONS)
    server.engine.start()
    ended = [server.wait(job_id) for job_id in ids]
    assert {job.state for job in ended} == {"completed"}, [job.error for job in ended]
    return time.perf_counter() - began


def relaxations(calculator: str) -> None:
    """The local engine, then one and two Dask workers."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        local = throughput(server, 1, calculator)
        server.engine.stop()
    row(f"{RELAXATIONS} relaxations, {calculator}, local engine, 1 worker", local, "s")
    one = 0.0
    for workers in (1, 2):
        with on_cluster(workers) as (_, server):
            took = throughput(server, workers, calculator)
        one = one or took
        row(f"{RELAXATIONS} relaxations, {calculator}, Dask, {workers} worker(s)", took, "s")
        if workers == 2:
            row("  speed-up of the second worker", one / took, "x")


def killed_worker() -> None:
    """MD goes on elsewhere, and ends where an undisturbed run ends."""
    with on_cluster(1) as (cluster, server):
        params = {
            "structure_id": server.put("Cu", 3),
            "calculator": "emt",
            "steps": MD_STEPS,
            "temperature_k": [300],
            "seed": 1,
        }
        began = time.perf_counter()
        whole = server.wait(server.submit("run_md", **params))
        row(f"MD, {MD_STEPS} steps, undisturbed", time.perf_counter() - began, "s")
        began = time.perf_counter()
        job_id = server.submit("run_md", **params)
        at = server.wait(job_id, lambda job: job.done > MD_STEPS / 2).done
        cluster.kill(cluster.workers[0])
        killed = time.perf_counter()
        cluster.add_worker()
        back = server.wait(job_id, lambda job: job.attempts > 1 or job.done > at)
        row("  worker killed at step", at, "")
        row("  until another worker computed", time.perf_counter() - killed, "s")
        job = server.wait(job_id)
        row("  all in all, with the kill", time.perf_counter() - began, "s")
        assert back is not None
        assert job.result is not None, job.error
        assert whole.result is not None
        same = job.result["structure_id"] == whole.result["structure_id"]
        row("  last structure is that of the undisturbed run", same, "")


def restarted_scheduler() -> None:
    """Scheduler and worker killed and started again."""
    with on_cluster(1) as (cluster, server):
        params = {"structure_id": server.put("Cu", 3), "calculator": "emt", "steps": MD_STEPS}
        job_id = server.submit("run_md", **params)
        at = server.wait(job_id, lambda job: job.done > MD_STEPS / 4).done
        cluster.kill(cluster.scheduler)
        cluster.kill(cluster.workers[0])
        server.wait(job_id, lambda job: "does not answer" in job.message)
        cluster.start_scheduler()
        cluster.add_worker()
        began = time.perf_counter()
        job = server.wait(job_id, lambda job: job.done > at)
        row("scheduler started again: until the job got further", time.perf_counter() - began, "s")
        job = server.wait(job_id)
        row("  state in the end", job.state, "")


def cancellations() -> None:
    """A job between two steps, and one deep in a force call."""
    with on_cluster(1) as (_, server):
        long = server.submit(
            "run_md", structure_id=server.put("Cu", 2), calculator="emt", steps=1_000_000
        )
        server.wait(long, lambda job: job.done > 0)
        row("cancelled between steps", _cancelled(server, long), "s")
        deaf = server.submit(
            "relax_structure", structure_id=server.put("Cu", 16), calculator="emt", cell="fixed"
        )
        server.wait(deaf, lambda job: "loading" in job.message)
        time.sleep(1)
        row("cancelled in a long force call (16,384 atoms)", _cancelled(server, deaf), "s")


def _cancelled(server: Server, job_id: str) -> float:
    began = time.perf_counter()
    server.jobs.request_cancel(job_id)
    assert server.wait(job_id).state == "cancelled"
    return time.perf_counter() - began


def row(what: str, value: object, unit: str) -> None:
    """One line of the table."""
    shown = f"{value:.2f}" if isinstance(value, float) else str(value)
    print(f"{what:<58} {shown:>10} {unit}", flush=True)


def main() -> None:
    """All of it, or only the relaxations with another calculator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calculator", nargs="?", choices=ELEMENT, default="emt")
    calculator = parser.parse_args().calculator
    relaxations(calculator)
    if calculator == "emt":
        killed_worker()
        restarted_scheduler()
        cancellations()


if __name__ == "__main__":
    main()

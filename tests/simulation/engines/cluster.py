"""A real scheduler and real workers, each a process of its own, on 127.0.0.1."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
START_S = 60.0
"""Bound of every wait for a process: a busy machine takes its time to import."""


class Cluster:
    """One scheduler, whose port stays the same when it is started again, and its workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._port = 0
        self.start_scheduler()

    def start_scheduler(self) -> None:
        told = self._folder / "scheduler.json"
        told.unlink(missing_ok=True)
        self.scheduler = self._start(
            "dask_scheduler", "--port", str(self._port), "--scheduler-file", str(told)
        )
        self.address: str = json.loads(_read(told))["address"]
        self._port = int(self.address.rpartition(":")[2])

    def add_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        local = str(self._folder)
        one = self._start(
            "dask_worker",
            *(self.address, "--nthreads", "1", "--no-nanny", "--local-directory", local),
            *("--preload", "tests.simulation.engines.counting_child"),
            **{"PYTHONPATH": str(ROOT), **environment},
        )
        self.workers.append(one)
        return one

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(START_S)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait(START_S)

    def log(self) -> str:
        return (self._folder / "cluster.log").read_text(errors="replace")

    def _start(self, command: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self._folder / "cluster.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", f"distributed.cli.{command}", "--host", "127.0.0.1"),
                    *("--no-dashboard", *arguments),
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                cwd=self._folder,
            )
        self._processes.append(process)
        return process


def _read(path: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if path.is_file() and (text := path.read_text()).endswith("}"):
            return text
        time.sleep(0.02)
    raise AssertionError(f"{path} after {START_S} s")

"""A resumable calculation whose work can be counted, and the processes that run it in tests.

`python -m tests.simulation.counting worker HOME SLOT` is a worker that knows it, too;
`python -m tests.simulation.counting server HOME WORKERS` a server that polls, as ours do.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import Job, JobStore
from llamp_mcp.simulation.workers import execution, worker

if TYPE_CHECKING:
    from llamp_mcp.simulation.workers.monitor import Monitor

WORK = "work.txt"
"""File of a job with a line for each part or step that was computed, whoever computed it."""
ROOT = Path(__file__).parents[2]


class CountParams(Params):
    """How much to compute, how long each takes, and what to do wrong."""

    how: Literal["parts", "steps", "hog", "deaf", "crash", "frozen"] = "parts"
    count: int = 10
    each_s: float = 0.0


class CountResult(Result):
    """What came out."""

    total: int
    numbers: list[int]

    def text(self) -> str:
        """The total."""
        return f"total {self.total}"


def following(number: int) -> int:
    """The next of a chain of numbers in which a lost or doubled step shows."""
    return (6364136223846793005 * number + 1442695040888963407) % 2**63


def expected(count: int) -> list[int]:
    """The chain from 1."""
    chain = [1]
    for _ in range(count):
        chain.append(following(chain[-1]))
    return chain[1:]


def numbers_of(job: Job) -> list[int]:
    """Those of a job that completed."""
    assert job.result is not None, job
    numbers: list[int] = job.result["numbers"]
    return numbers


def count(params: CountParams, *, monitor: Monitor) -> CountResult:
    """Compute the chain, in parts or in steps."""
    steps = {"parts": _parts, "steps": _steps}.get(params.how, _misbehave)
    numbers = steps(params, monitor)
    return CountResult(total=sum(numbers), numbers=numbers)


def _worked(monitor: Monitor, params: CountParams, n: int) -> None:
    time.sleep(params.each_s)
    with (monitor.directory / WORK).open("a", encoding="utf-8") as stream:
        stream.write(f"{n} {os.getpid()}\n")


def _parts(params: CountParams, monitor: Monitor) -> list[int]:
    numbers = [1]
    for n in range(params.count):

        def compute(n: int = n) -> int:
            _worked(monitor, params, n)
            return following(numbers[-1])

        numbers.append(monitor.once(f"part {n}", compute))
        monitor.progress(n + 1, params.count, f"part {n + 1}")
    return numbers[1:]


def _steps(params: CountParams, monitor: Monitor) -> list[int]:
    state = monitor.restore() or {"n": 0, "numbers": np.array([1], dtype=np.int64)}
    n, numbers = int(state["n"]), [int(number) for number in state["numbers"]]
    while n < params.count:
        monitor.check()
        _worked(monitor, params, n)
        numbers.append(following(numbers[-1]))
        n += 1
        if monitor.checkpoint_due():
            monitor.save({"n": n, "numbers": np.array(numbers, dtype=np.int64)})
        monitor.progress(n, params.count, f"step {n}")
    return numbers[1:]


def _misbehave(params: CountParams, monitor: Monitor) -> list[int]:
    monitor.progress(1, 2, "misbehaving")
    if params.how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if params.how == "frozen":  # as a native call that keeps the interpreter's lock
        os.kill(os.getpid(), signal.SIGSTOP)
    hoard = []
    while True:
        if params.how == "hog":
            hoard.append(np.ones(2**22))
        time.sleep(0.02)


OPERATION: Operation[Any, Any] = Operation(
    name="count",
    title="Count",
    params=CountParams,
    result=CountResult,
    run=count,
    toolset="simulation",
    read_only=True,
    long_running=True,
)


def only_count(settings: Settings) -> dict[str, Operation[Any, Any]]:
    """In place of `kinds`."""
    return {"count": OPERATION}


def command(home: str, slot: str, python: str = sys.executable) -> list[str]:
    """How a worker that knows `count` is started."""
    return [python, "-P", "-m", "tests.simulation.counting", "worker", home, slot]


def main() -> None:
    """Be a worker, or a server."""
    role, home, argument = sys.argv[1:]
    if role == "worker":
        vars(execution)["kinds"] = only_count
        sys.argv = ["worker", home, argument]
        worker.main()
    else:
        worker.command = command
        settings = Settings(home=Path(home), workers=int(argument), worker_idle_s=30, min_free_mb=0)
        engine = LocalEngine(settings, JobStore.of(settings))
        while True:
            engine.recover()
            time.sleep(0.05)


if __name__ == "__main__":
    main()

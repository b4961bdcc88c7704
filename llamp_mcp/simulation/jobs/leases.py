"""Who looks after a running job: file locks that the system drops when a process ends.

A worker process holds the lease of its slot while it lives, however it ends. So whoever can take
the lease of a running job knows that the job is an orphan. `0`, `1`, … are slots of this
interpreter; `sevenn.0` is one of the interpreter of the calculator family sevenn.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llamp_mcp.simulation.jobs.store import JobStore

WORKERS: Final = "workers"
CLUSTER: Final = "dask"
"""The lease of the server that hands the jobs of a home to a cluster; workers then take none."""
_COMPUTING: Final = "computing"
_ONE_WORKER: Final = "worker.lock"
"""The lease of the one worker that version 0 of the store knew; its jobs have no slot."""


def slot_name(environment: str, number: int) -> str:
    """The slot of the worker of that number."""
    return f"{environment}.{number}" if environment else str(number)


def environment_of(slot: str) -> str:
    """Calculator family in whose interpreter the worker of a slot runs; empty: this one."""
    return slot.rpartition(".")[0]


def lease(home: Path, slot: str) -> FileLock:
    """The lock of a slot, not taken."""
    if not slot:
        return FileLock(home / _ONE_WORKER)
    directory = home / WORKERS
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return FileLock(directory / f"{slot}.lock")


def is_held(home: Path, slot: str) -> bool:
    """Whether a process holds this lease."""
    with suppress(Timeout), lease(home, slot).acquire(timeout=0):
        return False
    return True


@contextmanager
def turn(pool: Path | None, workers: int) -> Iterator[bool]:
    """Within it, this process may compute, unless so many of the homes of a pool do already.

    Args:
        pool: Home that keeps the leases; None: a home on its own, where nobody need wait.
        workers: Processes of all homes that may compute at once.
    """
    with ExitStack() as stack:
        free = pool is None or any(
            stack.enter_context(_taken(lease(pool, f"{_COMPUTING}.{n}"))) for n in range(workers)
        )
        yield free


@contextmanager
def _taken(lock: FileLock) -> Iterator[bool]:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def release_orphans(jobs: JobStore) -> None:
    """Take running jobs back whose lease nobody holds; another worker goes on with them."""
    for slot in {standing.slot for standing in jobs.standing() if standing.state == "running"}:
        with suppress(Timeout), lease(jobs.home, slot).acquire(timeout=0):
            jobs.interrupt_orphans(slot)

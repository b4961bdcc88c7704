"""What the server asks of whatever runs jobs: the local worker pool, or a Dask cluster."""

from __future__ import annotations

from typing import Protocol


class Engine(Protocol):
    """Sees to it that the jobs of one store run.

    An engine never answers questions about a job: those go to the store, which every engine keeps
    up to date. A job that is `running` names, in `slot`, a lease: a file lock that its engine's
    process holds while the job is looked after. When the lease is free, the job is an orphan, and
    any engine on the same home may take it back (`leases.release_orphans`).
    """

    def start(self) -> None:
        """Have something to run the waiting jobs: call after submitting, returns at once.

        Raises:
            JobError: Nothing could be started, several times in a row.
            HomeError: The home directory cannot be written.
        """

    def recover(self) -> None:
        """Notice what is gone, and have waiting and interrupted jobs run.

        Cheap; call before answering with the state of a job, and when a server starts.

        Raises:
            JobError: As `start`.
            HomeError: As `start`.
        """

    def stop(self, grace: float = 5.0) -> None:
        """End what this engine started; its running jobs become `interrupted`. For tests.

        Args:
            grace: Seconds a process has before it is killed.
        """

"""The one shape in which every long-running tool answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from llamp_mcp.operation import ResourceLink, Result
from llamp_mcp.simulation.jobs.job import FINISHED, Job, State

if TYPE_CHECKING:
    from collections.abc import Iterable


class Progress(BaseModel):
    """How far a job is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    done: int
    total: int
    message: str


R = TypeVar("R", bound=Result)


class JobAnswer(Result, Generic[R]):
    """The one shape in which every long-running tool answers."""

    job_id: str
    state: State
    progress: Progress
    result: R | None = None
    error: str | None = None

    def text(self) -> str:
        """The result when there is one; else where the job stands and what to do."""
        head = f"Job {self.job_id} {self.state}"
        if self.result is not None:
            return f"{head}.\n{self.result.text()}"
        if self.error is not None:
            return f"{head}: {self.error}"
        progress = self.progress
        where = f"{progress.done} of {progress.total} steps; {progress.message}"
        if self.state in FINISHED:
            return f"{head} after {where}"
        again = " It goes on by itself." if self.state == "interrupted" else ""
        return (
            f"{head}: {where.rstrip('.')}.{again} "
            f"Call get_job with job_id {self.job_id!r} to follow it."
        )

    def links(self) -> Iterable[ResourceLink]:
        """Those of the result."""
        return () if self.result is None else self.result.links()

    def images(self) -> Iterable[bytes]:
        """Those of the result."""
        return () if self.result is None else self.result.images()


def answer(job: Job, result: type[R]) -> JobAnswer[R]:
    """What a tool returns of a job whose operation has this result."""
    progress = Progress(done=job.done, total=job.total, message=job.message)
    return JobAnswer[result](  # type: ignore[valid-type]
        job_id=job.job_id,
        state=job.state,
        progress=progress,
        result=None if job.result is None else result.model_validate(job.result),
        error=job.error,
    )

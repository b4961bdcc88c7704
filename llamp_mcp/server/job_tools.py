"""`get_job` and `cancel_job`: written by hand, because they wait on jobs instead of being ones."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from pydantic import Field, PrivateAttr

from llamp_mcp.errors import JobError
from llamp_mcp.operation import Operation, Params, ResourceLink, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.server.register import WAIT_LIMIT_S, build
from llamp_mcp.server.services import Services
from llamp_mcp.server.waiting import wait
from llamp_mcp.simulation import OPERATIONS
from llamp_mcp.simulation.jobs import Job, JobAnswer, Progress, answer

CANCEL_WITHIN_S = 3.0
NEWEST = 20
_KINDS: dict[str, Operation[Any, Any]] = {
    operation.name: operation for operation in OPERATIONS if operation.long_running
}


class GetJobParams(Params):
    """Which job, and how long to wait for it."""

    job_id: str = Field(default="", description="Job id; empty: list the newest jobs")
    wait_s: float = Field(
        default=WAIT_LIMIT_S, ge=0, le=WAIT_LIMIT_S, description="Seconds to wait for its end"
    )


class CancelJobParams(Params):
    """Which job to stop."""

    job_id: str = Field(description="Job id, as a long-running tool or get_job gave it")


class JobView(Result):
    """A job in the one shape of all long-running tools, or the newest jobs when none was named."""

    job_id: str | None = None
    state: str | None = None
    progress: Progress | None = None
    result: dict[str, Any] | None = Field(default=None, description="of the tool that started it")
    error: str | None = None
    jobs: list[dict[str, Any]] = Field(
        default_factory=list, description="without job_id: job_id, kind, state, message"
    )
    _answer: JobAnswer[Any] | None = PrivateAttr(default=None)
    _facts: tuple[Fact, ...] = PrivateAttr(default=())

    def text(self) -> str:
        """The job in the words of its own tool, or a line for each of the newest."""
        if self._answer is not None:
            return self._answer.text()
        lines = [" ".join(str(value) for value in row.values()) for row in self.jobs]
        return "\n".join(lines) or "There are no jobs yet."

    def links(self) -> list[ResourceLink]:
        """Those of the job's result."""
        return list(self._answer.links()) if self._answer else []

    def images(self) -> list[bytes]:
        """Those of the job's result."""
        return list(self._answer.images()) if self._answer else []


def view(job: Job) -> JobView:
    """A job as its own tool would have answered it."""
    operation = _KINDS.get(job.kind)
    if operation is None:
        raise JobError(
            f"Job {job.job_id} is of a kind {job.kind!r} that this version does not know",
            next_step="Read it with the version of llamp-mcp that made it.",
        )
    own = answer(job, operation.result)
    made = JobView(
        job_id=job.job_id,
        state=job.state,
        progress=own.progress,
        result=None if own.result is None else own.result.model_dump(mode="json"),
        error=own.error,
    )
    made._answer = own
    made._facts = tuple(operation.facts(own.result)) if own.result is not None else ()
    return made


def newest(services: Services) -> JobView:
    """The newest jobs, one row each."""
    services.engine.recover()
    return JobView(
        jobs=[
            {"job_id": j.job_id, "kind": j.kind, "state": j.state, "message": j.message}
            for j in services.jobs.newest(NEWEST)
        ]
    )


def get_job(params: GetJobParams, *, services: Services) -> JobView:
    """Follow a job that a long-running tool handed back.

    Waits up to wait_s seconds for its end, then gives state, progress and, once completed, the
    result with all its numbers. Without job_id: the newest jobs.
    """
    return view(services.jobs.get(params.job_id)) if params.job_id else newest(services)


def cancel_job(params: CancelJobParams, *, services: Services) -> JobView:
    """Stop a queued or running job within 2 s. What it has written so far is kept.

    A job that has ended already stays as it is.
    """
    services.engine.recover()
    return view(services.jobs.request_cancel(params.job_id))


def _facts(result: JobView) -> tuple[Fact, ...]:
    return result._facts


def job_tools(services: Services) -> list[Tool]:
    """The two tools."""

    async def get(params: Params, context: Context[Any, Any]) -> Result:
        assert isinstance(params, GetJobParams)
        if params.job_id:
            await wait(services, params.job_id, params.wait_s, context)
        return await anyio.to_thread.run_sync(lambda: get_job(params, services=services))

    async def cancel(params: Params, context: Context[Any, Any]) -> Result:
        assert isinstance(params, CancelJobParams)
        await anyio.to_thread.run_sync(lambda: cancel_job(params, services=services))
        job = await wait(services, params.job_id, CANCEL_WITHIN_S, context)
        return await anyio.to_thread.run_sync(view, job)

    return [
        build(GET_JOB, services, get, GetJobParams, JobView),
        build(CANCEL_JOB, services, cancel, CancelJobParams, JobView),
    ]


GET_JOB = Operation(
    name="get_job",
    title="Follow a job",
    params=GetJobParams,
    result=JobView,
    run=get_job,
    toolset="simulation",
    read_only=True,
    facts=_facts,
)
CANCEL_JOB = Operation(
    name="cancel_job",
    title="Stop a job",
    params=CancelJobParams,
    result=JobView,
    run=cancel_job,
    toolset="simulation",
    read_only=False,
    destructive=True,
    facts=_facts,
)

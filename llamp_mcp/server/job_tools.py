"""`get_job` and `cancel_job`: written by hand, because they wait on jobs instead of being ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from pydantic import Field, PrivateAttr

from llamp_mcp.errors import one_of
from llamp_mcp.operation import Operation, Params, ResourceLink, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.server.register import WAIT_LIMIT_S, build
from llamp_mcp.server.services import Services
from llamp_mcp.server.standing import LONG_RUNNING, Standing, look
from llamp_mcp.server.waiting import wait
from llamp_mcp.simulation.jobs import Job, JobAnswer, Progress

CANCEL_WITHIN_S = 3.0
NEWEST = 20


class GetJobParams(Params):
    """Which job, and how long to wait for it."""

    job_id: str = Field(default="", description="or batch; empty: the newest")
    wait_s: float = Field(default=WAIT_LIMIT_S, ge=0, le=WAIT_LIMIT_S, description="s")
    state: Literal[
        "any", "queued", "running", "completed", "failed", "cancelled", "interrupted"
    ] = Field(default="any", description="of the list")
    kind: str = Field(default="", description="of the list: tool")


class CancelJobParams(Params):
    """Which job to stop."""

    job_id: str = Field(description="of a job or batch")


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


def view(standing: Standing) -> JobView:
    """A job as its own tool would have answered it."""
    own = standing.answer()
    made = JobView(
        job_id=standing.job_id,
        state=standing.state,
        progress=own.progress,
        result=None if own.result is None else own.result.model_dump(mode="json"),
        error=own.error,
    )
    made._answer = own
    made._facts = tuple(standing.facts())
    return made


def newest(params: GetJobParams, services: Services) -> JobView:
    """The newest jobs, one row each.

    Raises:
        InvalidInput: No tool that starts jobs has the name of `kind`.
    """
    if params.kind and params.kind not in LONG_RUNNING:
        raise one_of("kind", params.kind, LONG_RUNNING)
    services.engine.recover()
    jobs = services.jobs.newest(
        NEWEST,
        state=None if params.state == "any" else params.state,
        kind=params.kind or None,
    )
    return JobView(jobs=[_row(job) for job in jobs])


def _row(job: Job) -> dict[str, Any]:
    row: dict[str, Any] = {"job_id": job.job_id, "kind": job.kind, "state": job.state}
    row["submitted"] = datetime.fromtimestamp(job.created, UTC).isoformat(" ", "seconds")
    row |= {"batch": job.batch} if job.batch else {}
    return row | {"message": job.error or job.message}


def get_job(params: GetJobParams, *, services: Services) -> JobView:
    """Follow a job or batch that a long-running tool handed back.

    Without job_id: the newest jobs. An interrupted one goes on by itself.
    """
    return view(look(services, params.job_id)) if params.job_id else newest(params, services)


def cancel_job(params: CancelJobParams, *, services: Services) -> JobView:
    """Stop a queued or running job, or a batch, within 2 s. What it has written is kept."""
    for job in look(services, params.job_id).jobs:
        services.jobs.request_cancel(job.job_id)
    return view(look(services, params.job_id))


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
        standing = await wait(services, params.job_id, CANCEL_WITHIN_S, context)
        return await anyio.to_thread.run_sync(view, standing)

    return [
        build(GET_JOB, services, get, GetJobParams, JobView),
        build(CANCEL_JOB, services, cancel, CancelJobParams, JobView),
    ]


GET_JOB = Operation(
    name="get_job",
    title="Get a job",
    params=GetJobParams,
    result=JobView,
    run=get_job,
    toolset="simulation",
    read_only=True,
    facts=_facts,
)
CANCEL_JOB = Operation(
    name="cancel_job",
    title="Cancel a job",
    params=CancelJobParams,
    result=JobView,
    run=cancel_job,
    toolset="simulation",
    read_only=False,
    destructive=True,
    facts=_facts,
)

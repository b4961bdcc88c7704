"""Long-running operations: check, queue, wait a little, answer in the one shape of `get_job`."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context

from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.server.services import Services
from llamp_mcp.simulation.jobs import Job, JobAnswer, answer

POLL_S = 0.1
AnyOperation = Operation[Any, Any]


def answer_model(result: type[Result]) -> type[JobAnswer[Any]]:
    """The shape `{job_id, state, progress, result, error}` with this operation's result in it."""
    return JobAnswer[result]  # type: ignore[valid-type]


async def run_as_job(
    operation: AnyOperation, services: Services, params: Params, context: Context[Any, Any]
) -> Result:
    """Check the arguments here, run them in the worker, and wait up to `wait_s` for the result."""
    arguments = params.model_dump(mode="json")
    wait_s = arguments.pop("wait_s")
    params = operation.params.model_validate(arguments)
    job_id = await anyio.to_thread.run_sync(_submit, operation, services, params)
    job = await wait(services, job_id, wait_s, context)
    return answer(job, operation.result)


def _submit(operation: AnyOperation, services: Services, params: Params) -> str:
    if operation.check is not None:
        operation.check(params, **services.supply(operation.check))
    job = services.jobs.submit(operation.name, params.model_dump(mode="json"))
    services.engine.start()
    return job.job_id


async def wait(services: Services, job_id: str, wait_s: float, context: Context[Any, Any]) -> Job:
    """Poll a job until it ends or the time is up, telling the client of its progress.

    When the client gives up on the call, only the waiting stops: the job goes on, and `cancel_job`
    is what stops it.
    """
    deadline = anyio.current_time() + wait_s
    told: object = None
    while True:
        job = await anyio.to_thread.run_sync(_look, services, job_id)
        if (job.done, job.message) != told:
            told = (job.done, job.message)
            await context.report_progress(job.done, job.total, job.message)
        left = deadline - anyio.current_time()
        if job.finished or left <= 0:
            return job
        await anyio.sleep(min(POLL_S, left))


def _look(services: Services, job_id: str) -> Job:
    """The job as it stands, after its worker's health was checked."""
    services.engine.recover()
    return services.jobs.get(job_id)

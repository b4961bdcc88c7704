"""Long-running operations: check, queue, wait a little, answer in the one shape of `get_job`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context

from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.server.elements import with_elements
from llamp_mcp.server.services import Services
from llamp_mcp.server.standing import Standing, look
from llamp_mcp.simulation.subject import OneOrMany

POLL_S = 0.1
_AT_ONCE: ContextVar[bool] = ContextVar("answering_at_once", default=False)
AnyOperation = Operation[Any, Any]


async def run_as_job(
    operation: AnyOperation, services: Services, params: Params, context: Context[Any, Any]
) -> Result:
    """Check the arguments here, run them in a worker, and wait up to `wait_s` for the result."""
    arguments = params.model_dump(mode="json")
    wait_s = arguments.pop("wait_s")
    params = operation.params.model_validate(arguments)
    job_id = await anyio.to_thread.run_sync(submit, operation, services, params)
    if _AT_ONCE.get():
        standing = await anyio.to_thread.run_sync(look, services, job_id)
    else:
        standing = await wait(services, job_id, wait_s, context)
    return standing.answer()


@contextmanager
def answering_at_once() -> Iterator[None]:
    """Within it, a long-running call hands back its job as soon as it is queued."""
    token = _AT_ONCE.set(True)
    try:
        yield
    finally:
        _AT_ONCE.reset(token)


def submit(operation: AnyOperation, services: Services, params: Params, caller: str = "") -> str:
    """Check the arguments and queue a job, or one for each structure of a batch; all or none.

    Returns:
        The id of the job, or of the batch.
    """
    params = with_elements(params, services)
    each = list(_split(params))
    for one in each:
        if operation.check is not None:
            operation.check(one, **services.supply(operation.check))
    arguments = [one.model_dump(mode="json") for one in each]
    names = getattr(params, "calculators", None) or [getattr(params, "calculator", "")]
    where = services.calculators.environment(*names)
    jobs, kind = services.jobs, operation.name
    if isinstance(params, OneOrMany) and params.structure_ids:
        job_id = jobs.submit_batch(kind, arguments, caller=caller, environment=where)
    else:
        job_id = jobs.submit(kind, arguments[0], caller=caller, environment=where).job_id
    services.engine.start()
    return job_id


def _split(params: Params) -> list[Params]:
    if not (isinstance(params, OneOrMany) and params.structure_ids):
        return [params]
    return [
        params.model_copy(update={"structure_id": handle, "structure_ids": []})
        for handle in params.structure_ids
    ]


async def wait(
    services: Services, job_id: str, wait_s: float, context: Context[Any, Any]
) -> Standing:
    """Poll a job or batch until it ends or the time is up, telling the client of its progress.

    When the client gives up on the call, only the waiting stops: the job goes on, and `cancel_job`
    is what stops it.
    """
    deadline = anyio.current_time() + wait_s
    told: object = None
    while True:
        standing = await anyio.to_thread.run_sync(look, services, job_id)
        progress = standing.progress
        if progress != told:
            told = progress
            await context.report_progress(progress.done, progress.total, progress.message)
        left = deadline - anyio.current_time()
        if standing.finished or left <= 0:
            return standing
        await anyio.sleep(min(POLL_S, left))

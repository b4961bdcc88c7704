"""The Tasks extension of MCP (SEP-2663): a long call becomes a task, for clients that follow tasks.

A task is a job or batch under its own id, as the protocol sees it. It lives in the job store and
nowhere else, so it outlasts the connection and the server, and `get_job` knows it too. A client
that does not declare the extension never meets any of this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import anyio.to_thread
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ValidationError

from llamp_mcp.errors import INTERNAL, NotFound
from llamp_mcp.provenance import ids_in
from llamp_mcp.server.register import caller
from llamp_mcp.server.results import EXPECTED, to_call_result, translate
from llamp_mcp.server.services import Services
from llamp_mcp.server.standing import Standing, look
from llamp_mcp.server.waiting import answering_at_once
from llamp_mcp.simulation.jobs import State
from llamp_mcp.simulation.questions import Questions

TASKS = "io.modelcontextprotocol/tasks"
VERSIONS = frozenset(MODERN_PROTOCOL_VERSIONS)
POLL_MS = (500, 10_000)
"""Shortest and longest suggested time between two looks at a task: a tenth of its age."""

_MS_PER_DAY = 86_400_000
_STATUS: dict[State, str] = {
    "queued": "working",
    "running": "working",
    "interrupted": "working",
    "completed": "completed",
    "failed": "completed",
    "cancelled": "cancelled",
}
_ANSWERS: dict[str, type[BaseModel]] = {
    "elicitation/create": ElicitResult,
    "sampling/createMessage": CreateMessageResult,
    "roots/list": ListRootsResult,
}
_Context = ServerRequestContext[Any, Any]
T = TypeVar("T")


class TaskParams(RequestParams):
    """Which task."""

    task_id: str


class UpdateTaskParams(TaskParams):
    """Answers to what a task asked."""

    input_responses: dict[str, Any]


class Tasks(Extension):
    """Makes tasks of long-running calls, and serves `tasks/get`, `tasks/update`, `tasks/cancel`.

    Args:
        services: Those of the server.
        tools: Names of its long-running tools.
        only_as_task: Those of them that are refused to clients without the extension.
    """

    identifier = TASKS

    def __init__(
        self, services: Services, tools: frozenset[str], only_as_task: frozenset[str] = frozenset()
    ) -> None:
        self._services = services
        self._tools, self._only_as_task = tools, only_as_task

    def methods(self) -> Sequence[MethodBinding]:
        """The three methods; the 2025-11-25 protocol has others of the same names, not these."""
        return (
            MethodBinding("tasks/get", TaskParams, self._get, VERSIONS),
            MethodBinding("tasks/update", UpdateTaskParams, self._update, VERSIONS),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, VERSIONS),
        )

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: _Context, call_next: CallNext
    ) -> HandlerResult:
        """Answer a long-running call with a task, once its arguments were found good."""
        if params.name not in self._tools:
            return await call_next(ctx)
        if ctx.protocol_version not in VERSIONS or not _declared(ctx):
            if params.name in self._only_as_task:
                require_client_extension(ctx, TASKS)
            return await call_next(ctx)
        with answering_at_once():
            result = await call_next(ctx)
        if not isinstance(result, CallToolResult) or result.is_error:
            return result  # a question to the client first, or bad input
        standing = await self._look(result.structured_content["job_id"])
        return {"resultType": "task", **self._task(standing)}

    async def guard_subscriptions(self, ctx: _Context, call_next: CallNext) -> HandlerResult:
        """Middleware: word of tasks is for clients with the extension only, as the spec demands.

        None is sent (it is optional, and said in the acknowledgement): tasks are polled.
        """
        if ctx.method == "subscriptions/listen":
            asked = (ctx.params or {}).get("notifications")
            if isinstance(asked, Mapping) and asked.get("taskIds"):
                require_client_extension(ctx, TASKS)
        return await call_next(ctx)

    async def _get(self, ctx: _Context, params: TaskParams) -> HandlerResult:
        standing = await self._authorised(ctx, params)
        whom = caller(getattr(ctx.request, "headers", None))
        return await _on_thread(lambda: self._detailed(standing, whom))

    async def _update(self, ctx: _Context, params: UpdateTaskParams) -> HandlerResult:
        standing = await self._authorised(ctx, params)
        await _on_thread(lambda: self._answer(standing, params.input_responses))
        return {}

    async def _cancel(self, ctx: _Context, params: TaskParams) -> HandlerResult:
        standing = await self._authorised(ctx, params)

        def cancel() -> None:
            for job in standing.jobs:
                self._services.jobs.request_cancel(job.job_id)

        await _on_thread(cancel)
        return {}

    async def _authorised(self, ctx: _Context, params: TaskParams) -> Standing:
        """The task of a request: the one place that decides whether its sender may have it."""
        request = ctx.request
        if request is not None:
            named = decode_header_value(request.headers.get(MCP_NAME_HEADER))
            if named != params.task_id:
                raise MCPError(
                    HEADER_MISMATCH, f"{MCP_NAME_HEADER} header does not match params.taskId"
                )
        require_client_extension(ctx, TASKS)
        return await self._look(params.task_id)

    async def _look(self, task_id: str) -> Standing:
        return await _on_thread(lambda: look(self._services, task_id))

    def _task(self, standing: Standing) -> dict[str, Any]:
        created = min(job.created for job in standing.jobs)
        updated = max(max(j.created, j.updated, j.finished_at or 0.0) for j in standing.jobs)
        age_ms = int(((updated if standing.finished else time.time()) - created) * 1000)
        keep_ms = int(self._services.settings.job_days * _MS_PER_DAY)
        shortest, longest = POLL_MS
        return {
            "taskId": standing.job_id,
            "status": _status(standing),
            "statusMessage": _message(standing),
            "createdAt": _iso(created),
            "lastUpdatedAt": _iso(updated),
            # Kept so long after its end, which is not known before.
            "ttlMs": age_ms + keep_ms if keep_ms else None,
            "pollIntervalMs": min(max(age_ms // 10, shortest), longest),
        }

    def _detailed(self, standing: Standing, whom: str) -> dict[str, Any]:
        task = self._task(standing)
        if task["status"] == "failed":
            return {**task, "error": {"code": INTERNAL_ERROR, "message": task["statusMessage"]}}
        if task["status"] == "completed":
            result = _result(standing)
            self._services.ledger.record(whom, standing.facts())
            self._services.ledger.saw(whom, ids_in(result["content"][0]["text"]))
            return {**task, "result": result}
        asked = {} if standing.finished else self._questions(standing).pending()
        if asked:
            return {**task, "status": "input_required", "inputRequests": asked}
        return task

    def _answer(self, standing: Standing, answers: Mapping[str, Any]) -> None:
        """Pass answers on; those that nobody waits for are ignored.

        Raises:
            MCPError: One has not the shape that its question asks for.
        """
        if standing.finished:
            return
        questions = self._questions(standing)
        for key, question in questions.pending().items():
            if key in answers:
                _check_answer(key, question["method"], answers[key])
        questions.answer(answers)

    def _questions(self, standing: Standing) -> Questions:
        return Questions(self._services.jobs.directory(standing.jobs[0].job_id))


def _declared(ctx: _Context) -> bool:
    """Whether this very request declares the extension."""
    capabilities = ctx.session.client_capabilities
    return TASKS in ((capabilities.extensions if capabilities else None) or {})


def _status(standing: Standing) -> str:
    """A calculation that failed is a result with an error in it; a bug is a failed task."""
    if standing.state == "failed" and (standing.answer().error or "").startswith(INTERNAL):
        return "failed"
    return _STATUS[standing.state]


def _message(standing: Standing) -> str:
    """Where it stands. Of an ended one not the last progress, whose numbers are no result."""
    progress, error = standing.progress, standing.answer().error
    if standing.state == "cancelled":
        return f"cancelled: {progress.message}"
    if standing.finished:
        return error or standing.state
    steps = f"{progress.done} of {progress.total}; " if progress.total else ""
    return f"{standing.state}: {steps}{progress.message}".rstrip(": ")


def _result(standing: Standing) -> dict[str, Any]:
    """What the tool would have answered, had it waited for the end."""
    result = to_call_result(standing.answer())
    if standing.state == "failed":
        result = result.model_copy(update={"is_error": True})
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)


def _check_answer(key: str, method: str, answer: Any) -> None:
    try:
        _ANSWERS[method].model_validate(answer, by_name=False)
    except ValidationError as error:
        raise MCPError(
            INVALID_PARAMS, f"inputResponses[{key!r}] is not a result of {method}"
        ) from error


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


async def _on_thread(function: Callable[[], T]) -> T:
    """Run what touches the disk, and say what went wrong in the protocol's words."""
    try:
        return await anyio.to_thread.run_sync(function)
    except NotFound as error:
        raise MCPError(INVALID_PARAMS, str(error)) from error
    except EXPECTED as error:
        raise MCPError(INTERNAL_ERROR, str(translate(error))) from error

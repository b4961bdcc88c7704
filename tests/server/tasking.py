"""A client that declares the Tasks extension, and shows what came over the wire."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import anyio
from mcp import Client
from mcp.client.extension import ClientExtension, ResultClaim
from mcp_types import CallToolResult, Request, Result
from pydantic import ConfigDict

from llamp_mcp.server.tasks import TASKS, TaskParams, UpdateTaskParams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TERMINAL = ("completed", "failed", "cancelled")


class Created(Result):
    """`CreateTaskResult`, whatever it holds."""

    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"] = "task"


class Answer(Result):
    """Whatever a method of the extension answers."""

    model_config = ConfigDict(extra="allow")


class _Declared(ClientExtension):
    identifier = TASKS

    def claims(self) -> list[ResultClaim[Any]]:
        async def resolve(_created: Created, _context: Any) -> CallToolResult:
            raise AssertionError("the tests follow tasks by hand")

        return [ResultClaim(result_type="task", model=Created, resolve=resolve)]


class GetTask(Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams
    name_param = "taskId"


class UpdateTask(Request[UpdateTaskParams, Literal["tasks/update"]]):
    method: Literal["tasks/update"] = "tasks/update"
    params: UpdateTaskParams
    name_param = "taskId"


class CancelTask(Request[TaskParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams
    name_param = "taskId"


class TaskClient:
    """Calls of the extension, answered as plain dictionaries."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a tools/call as it came, whichever of its shapes."""
        answer = await self.client.session.call_tool(tool, arguments, allow_claimed=True)
        return answer.model_dump(by_alias=True, mode="json", exclude_none=True)

    async def start(self, tool: str, **arguments: Any) -> str:
        """The id of the task that a call became."""
        created = await self.call(tool, **arguments)
        assert created["resultType"] == "task", created
        return str(created["taskId"])

    async def get(self, task_id: str) -> dict[str, Any]:
        return await self._send(GetTask(params=TaskParams(task_id=task_id)))

    async def update(self, task_id: str, **answers: Any) -> dict[str, Any]:
        params = UpdateTaskParams(task_id=task_id, input_responses=answers)
        return await self._send(UpdateTask(params=params))

    async def cancel(self, task_id: str) -> dict[str, Any]:
        return await self._send(CancelTask(params=TaskParams(task_id=task_id)))

    async def until(self, task_id: str, *statuses: str) -> dict[str, Any]:
        """Poll until the task has one of these statuses (none given: until it has ended)."""
        return await self._poll(task_id, lambda task: task["status"] in (statuses or TERMINAL))

    async def until_computing(self, task_id: str) -> dict[str, Any]:
        """Poll until a worker is at it."""
        return await self._poll(task_id, lambda task: "computing" in task["statusMessage"])

    async def _poll(self, task_id: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        with anyio.fail_after(60):
            while not wanted(task := await self.get(task_id)):  # noqa: ASYNC110 (another process)
                await anyio.sleep(0.03)
        return task

    async def _send(self, request: Request[Any, Any]) -> dict[str, Any]:
        answer = await self.client.session.send_request(request, Answer)
        return {**answer.model_dump(by_alias=True), **(answer.model_extra or {})}


@asynccontextmanager
async def tasking(server: Any, **options: Any) -> AsyncIterator[TaskClient]:
    """A client of a server (or its address) that declares the extension."""
    async with Client(server, extensions=[_Declared()], **options) as client:
        yield TaskClient(client)

"""Tools that the official MCP conformance suite calls by name; served with LLAMP_TEST_FIXTURES=1.

All but two are jobs of `simulation/fixtures.py` behind the same crossing as every long-running
tool, so what passes is the machinery of the product. `greet` is the tool that must not be a task;
`test_tool_with_task` asks the client before there is a job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ElicitRequest, ElicitResult, InputRequiredResult

from llamp_mcp.server.register import tool
from llamp_mcp.server.results import to_call_result
from llamp_mcp.server.services import Services
from llamp_mcp.server.standing import look
from llamp_mcp.server.waiting import submit
from llamp_mcp.simulation.fixtures import FIXTURES, TOOL_WITH_TASK, NameParams, form

TASK_TOOLS = frozenset(fixture.name for fixture in FIXTURES)
Asking = Callable[[Context[Any, Any]], Awaitable[CallToolResult | InputRequiredResult]]
ONLY_AS_TASK = frozenset(("failing_job", "test_tool_with_task"))


def fixture_tools(services: Services) -> Iterable[Tool]:
    """The tools, for `create_server`."""
    yield Tool.from_function(greet)
    yield Tool.from_function(_asking_tool(services), name=TOOL_WITH_TASK.name)
    yield from (tool(fixture, services) for fixture in FIXTURES if fixture is not TOOL_WITH_TASK)


def greet(name: str) -> str:
    """Conformance fixture: answer at once."""
    return f"Hello, {name}!"


def _asking_tool(services: Services) -> Asking:
    async def ask_then_work(
        context: Context[Any, Any],
    ) -> CallToolResult | InputRequiredResult:
        """Conformance fixture: ask for a name, then greet it in a job."""
        answer = (context.input_responses or {}).get("user_name")
        if not isinstance(answer, ElicitResult) or not answer.content:
            question = ElicitRequest.model_validate(form("What is your name?", name="string"))
            return InputRequiredResult(input_requests={"user_name": question})
        params = NameParams(user_name=str(answer.content["name"]))

        def start() -> CallToolResult:
            job_id = submit(TOOL_WITH_TASK, services, params)
            return to_call_result(look(services, job_id).answer())

        return await anyio.to_thread.run_sync(start)

    return ask_then_work

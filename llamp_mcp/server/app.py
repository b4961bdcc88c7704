"""The application: which tools a server has, and the server itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool

from llamp_mcp import __version__, evaluation, experts, materials, simulation, structures
from llamp_mcp.errors import one_of
from llamp_mcp.experts.ask_expert import OPERATION as ASK_EXPERT
from llamp_mcp.operation import Operation, Toolset
from llamp_mcp.providers.chat import ToolSpec
from llamp_mcp.server.asking import Asking
from llamp_mcp.server.gate import identify
from llamp_mcp.server.job_tools import CANCEL_JOB, GET_JOB, job_tools
from llamp_mcp.server.prompts import add_prompts
from llamp_mcp.server.register import tool
from llamp_mcp.server.resources import add_resources
from llamp_mcp.server.services import Services
from llamp_mcp.server.skills import Skills
from llamp_mcp.server.tasks import Tasks
from llamp_mcp.server.views import views
from llamp_mcp.server.watch import watching
from llamp_mcp.settings import Settings

INSTRUCTIONS = """\
Materials data and calculations. Never answer a materials question from memory: every number must \
come from a tool here, with its unit, id and method.
search_materials finds entries; get_properties gives values for ids or formulas; get_structure \
gives a structure_id, which edit_structure and the simulation tools take. Long calculations hand \
back a job_id: follow it with get_job. A missing value is missing: say so."""

ALL_OPERATIONS: tuple[Operation[Any, Any], ...] = (
    *materials.OPERATIONS,
    *structures.OPERATIONS,
    *simulation.OPERATIONS,
    GET_JOB,
    CANCEL_JOB,
    *experts.OPERATIONS,
    *evaluation.OPERATIONS,
)
TOOLSETS: tuple[str, ...] = get_args(Toolset)


def create_server(settings: Settings, services: Services | None = None) -> MCPServer[None]:
    """A server with the tools that the settings choose, in the order of `ALL_OPERATIONS`.

    Args:
        settings: What the host set.
        services: Those to serve with, for a caller that wants to look at them; else new ones.

    Raises:
        InvalidInput: A toolset or tool of that name does not exist.
    """
    services = services or Services(settings)
    services.served = frozenset(operation.name for operation in chosen(settings))
    tasks = _tasks(settings, services)
    server: MCPServer[None] = MCPServer(
        "llamp-mcp",
        title="LLaMP materials tools",
        version=__version__,
        instructions=INSTRUCTIONS,
        tools=list(_tools(services)),
        extensions=[tasks, Skills(), views()],
        middleware=[identify, tasks.guard_subscriptions],
        lifespan=lambda _server: watching(services),
        log_level="WARNING",
    )
    add_resources(server, services)
    add_prompts(server, services)
    if settings.test_fixtures:
        from llamp_mcp.server.fixtures import add_fixtures

        add_fixtures(server)
    return server


def tool_specs(settings: Settings) -> tuple[ToolSpec, ...]:
    """Every tool as a model is told of it, whatever this server was asked to serve."""
    every = settings.model_copy(update={"toolsets": ("all",), "tools": (), "read_only": False})
    return tuple(
        ToolSpec(name=made.name, description=made.description, parameters=made.parameters)
        for made in _tools(Services(every))
    )


def chosen(settings: Settings) -> list[Operation[Any, Any]]:
    """The operations that `toolsets`, `tools` and `read_only` leave, most used first.

    Raises:
        InvalidInput: A toolset or tool of that name does not exist.
    """
    names = {operation.name for operation in ALL_OPERATIONS}
    for toolset in settings.toolsets:
        if toolset not in (*TOOLSETS, "all"):
            raise one_of("toolset", toolset, (*TOOLSETS, "all"))
    for name in settings.tools:
        if name not in names:
            raise one_of("tool", name, names)
    return [operation for operation in ALL_OPERATIONS if _is_chosen(operation, settings)]


def _is_chosen(operation: Operation[Any, Any], settings: Settings) -> bool:
    if settings.read_only and not operation.read_only:
        return False
    if settings.tools:
        return operation.name in settings.tools
    return "all" in settings.toolsets or operation.toolset in settings.toolsets


def _tools(services: Services) -> Iterable[Tool]:
    by_hand = {made.name: made for made in job_tools(services)}
    made: dict[str, Tool] = {}
    for operation in chosen(services.settings):
        if operation is ASK_EXPERT:
            made[operation.name] = Asking(services, made).tool()
        else:
            made[operation.name] = by_hand.get(operation.name) or tool(operation, services)
    yield from made.values()
    if services.settings.test_fixtures:
        from llamp_mcp.server.fixtures import fixture_tools

        yield from fixture_tools(services)


def _tasks(settings: Settings, services: Services) -> Tasks:
    tools = frozenset(operation.name for operation in chosen(settings) if operation.long_running)
    if not settings.test_fixtures:
        return Tasks(services, tools)
    from llamp_mcp.server.fixtures import ONLY_AS_TASK, TASK_TOOLS

    return Tasks(services, tools | TASK_TOOLS, ONLY_AS_TASK)

"""The one crossing from an `Operation` to an MCP tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, cast

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import BaseModel, Field, ValidationError, create_model

from llamp_mcp.operation import Operation, Params, Result, needs
from llamp_mcp.server.remembering import record_failure, remember
from llamp_mcp.server.results import EXPECTED, invalid_arguments, to_call_result, translate
from llamp_mcp.server.schemas import arguments_schema, hints, output_schema, title
from llamp_mcp.server.services import Services
from llamp_mcp.server.views import view_of
from llamp_mcp.server.waiting import run_as_job
from llamp_mcp.simulation.jobs import JobAnswer

AnyOperation = Operation[Any, Any]
Call = Callable[[Params, Context[Any, Any]], Awaitable[Result | InputRequiredResult]]
WAIT_LIMIT_S = 20


def tool(operation: AnyOperation, services: Services) -> Tool:
    """The MCP tool of an operation: on a thread, or as a job when it is long-running."""
    here = operation.check if operation.long_running else operation.run
    if here is not None and (unknown := set(needs(here)) - Services.NAMES):
        raise TypeError(f"{operation.name} asks for services that do not exist: {unknown}")
    if operation.long_running:
        call = partial(run_as_job, operation, services)
        return build(operation, services, call, arguments(operation), JobAnswer)

    async def call_on_thread(params: Params, context: Context[Any, Any]) -> Result:
        given = services.supply(operation.run, caller(context.headers))
        run = partial(operation.run, params, **given)
        return cast("Result", await anyio.to_thread.run_sync(run, abandon_on_cancel=True))

    return build(operation, services, call_on_thread, operation.params, operation.result)


def arguments(operation: AnyOperation) -> type[Params]:
    """What its tool takes: for a long-running one, how long to wait, too."""
    name, base = operation.params.__name__, operation.params
    if not operation.long_running:
        return base
    return cast("type[Params]", create_model(name, __base__=base, wait_s=_WAIT_S))


def build(
    operation: AnyOperation,
    services: Services,
    call: Call,
    params: type[Params],
    result: type[BaseModel],
) -> Tool:
    """A tool with our schemas, our check of arguments, and our translation of errors."""

    def tell(
        outcome: Result | InputRequiredResult, arguments: dict[str, Any], whom: str
    ) -> CallToolResult | InputRequiredResult:
        if isinstance(outcome, InputRequiredResult):
            return outcome
        result = to_call_result(outcome)
        remember(services, operation, outcome, result, arguments, whom)
        return result

    async def fn(
        arguments: dict[str, Any], context: Context[Any, Any]
    ) -> CallToolResult | InputRequiredResult:
        whom = caller(context.headers)
        cause: Exception
        try:
            outcome = await call(params.model_validate(arguments), context)
            return await anyio.to_thread.run_sync(tell, outcome, arguments, whom)
        except ValidationError as error:
            if error.title != params.__name__:
                raise
            failure, cause = translate(invalid_arguments(error, params)), error
        except EXPECTED as error:
            failure, cause = translate(error), error
        note = partial(record_failure, services, operation, arguments, str(failure), whom)
        await anyio.to_thread.run_sync(note)
        raise failure from cause

    return Tool(
        fn=fn,
        name=operation.name,
        title=title(operation),
        description=operation.description,
        parameters=arguments_schema(operation.name, params),
        # The SDK only reads the fields off the model, which need not be one of its own.
        fn_metadata=_OurArguments.model_construct(
            arg_model=cast("Any", params), output_schema=output_schema(result)
        ),
        is_async=True,
        context_kwarg="context",
        annotations=hints(
            operation,
            open_world=operation.open_world or _asks_the_project(operation, services),
        ),
        meta=view_of(operation),
    )


def _asks_the_project(operation: AnyOperation, services: Services) -> bool:
    """Whether the operation reads a source that is reached over the network here."""
    return "source" in needs(operation.run) and services.settings.source_kind == "live"


def caller(headers: Mapping[str, str] | None) -> str:
    """Who is asking: the HTTP session where there is one, else the process' single client."""
    return (headers or {}).get("mcp-session-id") or "local"


class _OurArguments(FuncMetadata):
    """Hands the raw arguments on: the SDK would drop unknown ones and word errors its own way."""

    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        """Only undo the habit of some clients to send lists and objects as JSON text."""
        return {"arguments": self.pre_parse_json(arguments_to_validate)}


_WAIT_S: Any = (
    float,
    Field(
        WAIT_LIMIT_S,
        ge=0,
        le=WAIT_LIMIT_S,
        description="s",
    ),
)

"""What a server keeps of each call: facts and ids in the ledger; on request, a recording."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import CallToolResult, TextContent

from llamp_mcp.experts.ask_expert import AskExpertResult
from llamp_mcp.operation import Operation, Result
from llamp_mcp.provenance import ids_in
from llamp_mcp.server.services import Services
from llamp_mcp.server.standing import facts_of
from llamp_mcp.simulation.jobs import JobAnswer

AnyOperation = Operation[Any, Any]


def remember(
    services: Services,
    operation: AnyOperation,
    outcome: Result,
    told: CallToolResult,
    arguments: dict[str, Any],
    whom: str,
) -> None:
    """Enter what a caller was told into the ledger, and into the recording if there is one.

    An id that only repeats an argument was not returned by a tool: notes quote ids that are not
    there.
    """
    text = "\n".join(block.text for block in told.content if isinstance(block, TextContent))
    result = outcome.result if isinstance(outcome, JobAnswer) else outcome
    if result is not None:
        services.ledger.record(whom, facts_of(operation, result))
    if not operation.quotes:
        given = ids_in(json.dumps(arguments, default=str))
        services.ledger.saw(whom, ids_in(text) - given)
    if services.recorder is None:
        return
    services.recorder.tool_call(
        whom, operation.name, arguments, text, structured=told.structured_content
    )
    if isinstance(outcome, AskExpertResult) and outcome.answer:
        services.recorder.answer(
            whom,
            str(arguments.get("question", "")),
            outcome.answer,
            origin=operation.name,
            model=outcome.model,
            steps=outcome.steps,
        )


def record_failure(
    services: Services, operation: AnyOperation, arguments: dict[str, Any], error: str, whom: str
) -> None:
    """Enter a call that failed into the recording, if there is one."""
    if services.recorder is not None:
        services.recorder.tool_call(whom, operation.name, arguments, error, failed=True)

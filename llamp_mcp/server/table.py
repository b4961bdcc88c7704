"""The table of tools, for the README and for `llamp-mcp tools --markdown`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llamp_mcp.operation import Operation


def markdown_table(operations: Iterable[Operation[Any, Any]]) -> str:
    """One row a tool: name, toolset, whether it runs as a job, first sentence of its manual."""
    rows = ["| tool | toolset | runs as | what it does |", "|---|---|---|---|"]
    for operation in operations:
        first = operation.description.partition("\n\n")[0].replace("\n", " ")
        runs_as = "job" if operation.long_running else "call"
        rows.append(f"| `{operation.name}` | {operation.toolset} | {runs_as} | {first} |")
    return "\n".join(rows)

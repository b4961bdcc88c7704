"""Which calculations run as jobs, by the name of the tool that starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.simulation import OPERATIONS

if TYPE_CHECKING:
    from llamp_mcp.operation import Operation
    from llamp_mcp.settings import Settings


def kinds(settings: Settings) -> dict[str, Operation[Any, Any]]:
    """Those of the product, and those of the conformance suite where `test_fixtures` is set."""
    operations: tuple[Operation[Any, Any], ...] = OPERATIONS
    if settings.test_fixtures:
        from llamp_mcp.simulation.fixtures import FIXTURES

        operations = (*operations, *FIXTURES)
    return {operation.name: operation for operation in operations if operation.long_running}

"""Crystal structures: the store behind handles, formats, prototypes and edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures import create_structure, edit_structure, export_structure

if TYPE_CHECKING:
    from llamp_mcp.operation import Operation

OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (
    create_structure.OPERATION,
    edit_structure.OPERATION,
    export_structure.OPERATION,
)

"""Crystal structures: the store behind handles, formats, prototypes, edits, analyses, pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures import (
    analyze_structure,
    compare_structures,
    create_structure,
    edit_structure,
    export_structure,
    view_structure,
)

if TYPE_CHECKING:
    from llamp_mcp.operation import Operation

OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (
    create_structure.OPERATION,
    edit_structure.OPERATION,
    analyze_structure.OPERATION,
    compare_structures.OPERATION,
    view_structure.OPERATION,
    export_structure.OPERATION,
)

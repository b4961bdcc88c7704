"""Retrieval from materials databases. One file per tool; every number with unit and source."""

from __future__ import annotations

from typing import Final

from llamp_mcp.materials import get_properties, get_structure, search_materials

OPERATIONS: Final = (
    search_materials.OPERATION,
    get_properties.OPERATION,
    get_structure.OPERATION,
)

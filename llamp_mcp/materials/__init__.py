"""Retrieval from materials databases. One file per tool; every number with unit and source."""

from __future__ import annotations

from typing import Final

from llamp_mcp.materials import (
    find_synthesis,
    get_phase_diagram,
    get_properties,
    get_reaction_energy,
    get_spectrum,
    get_structure,
    identify_structure,
    search_literature,
    search_materials,
)

OPERATIONS: Final = (
    search_materials.OPERATION,
    get_properties.OPERATION,
    get_structure.OPERATION,
    get_phase_diagram.OPERATION,
    get_reaction_energy.OPERATION,
    get_spectrum.OPERATION,
    find_synthesis.OPERATION,
    identify_structure.OPERATION,
    search_literature.OPERATION,
)

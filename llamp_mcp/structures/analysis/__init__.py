"""Blocks of an analysis: one module each, listed here.

Each has `block(structure, request) -> dict`, plain values with units in their names. It may raise
`InvalidInput`, or `Undetermined` where the arguments are right and there is no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.analysis import (
    bonds,
    coordination,
    density,
    dimensionality,
    distances,
    oxidation_states,
    packing,
    symmetry,
    xrd,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKS: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    "symmetry": symmetry.block,
    "density": density.block,
    "coordination": coordination.block,
    "bonds": bonds.block,
    "oxidation_states": oxidation_states.block,
    "dimensionality": dimensionality.block,
    "packing": packing.block,
    "xrd": xrd.block,
    "distances": distances.block,
}

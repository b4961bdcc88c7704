"""Blocks of the analysis of a trajectory: one module each, listed here.

Each has `block(trajectory, request) -> Block` and `text(values) -> lines`. It may raise
`InvalidInput`, or `Undetermined` where the arguments are right and there is no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.trajectories import (
    coordination,
    diffusion,
    lindemann,
    msd,
    rdf,
    thermo,
    vacf,
    volume,
)

if TYPE_CHECKING:
    from types import ModuleType

BLOCKS: Final[dict[str, ModuleType]] = {
    "thermo": thermo,
    "volume": volume,
    "msd": msd,
    "diffusion": diffusion,
    "rdf": rdf,
    "coordination": coordination,
    "lindemann": lindemann,
    "vacf": vacf,
}


def lines(name: str, values: dict[str, Any]) -> list[str]:
    """A block in words."""
    if "not_determined" in values:
        return [f"{name}: not determined: {values['not_determined']}"]
    return list(BLOCKS[name].text(values))

"""`perturb`: move every atom by the same distance in a random direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from pymatgen.core import Structure


class PerturbArguments(Arguments):
    """How far, and with which random numbers."""

    distance_a: Annotated[float, Field(gt=0, le=1)] = Field(description="Å each atom moves")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="default 0")


def perturb(structure: Structure, arguments: PerturbArguments) -> Edited:
    """Move the atoms; the same seed moves them the same way."""
    made = structure.copy()
    made.perturb(arguments.distance_a, min_distance=None, seed=arguments.seed)
    report = {
        "distance_a": arguments.distance_a,
        "seed": arguments.seed,
        "moved": "every atom by distance_a, each in a random direction of its own",
    }
    return Edited(made, report)


EDIT = Edit(name="perturb", arguments=PerturbArguments, run=perturb)

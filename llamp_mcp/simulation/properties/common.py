"""Arguments, words and warnings that several kinds share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from llamp_mcp.simulation.relaxation import Minimum
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.simulation.force_field import Found

FMAX_EV_PER_A: Final = 0.02
MAX_STEPS: Final = 500


class RelaxedArguments(Arguments):
    """How far everything is relaxed."""

    fmax_ev_per_a: Annotated[float, Field(gt=0, le=1)] = Field(
        FMAX_EV_PER_A, description="eV/Å, 0.02"
    )
    max_steps: Annotated[int, Field(ge=1, le=10_000)] = Field(MAX_STEPS, description="500")

    @property
    def atoms_only(self) -> Minimum:
        """Atoms move, the cell does not."""
        return Minimum(cell="fixed", fmax_ev_per_a=self.fmax_ev_per_a, max_steps=self.max_steps)

    @property
    def with_cell(self) -> Minimum:
        """Atoms and cell move."""
        return Minimum(cell="full", fmax_ev_per_a=self.fmax_ev_per_a, max_steps=self.max_steps)


def unconverged(found: Iterable[tuple[str, Found]], arguments: RelaxedArguments) -> list[str]:
    """One warning for each relaxation that stopped too early."""
    return [
        f"{name} did not converge in {arguments.max_steps} steps (max force "
        f"{one.max_force_ev_per_a:.3g} eV/Å, asked {arguments.fmax_ev_per_a:g}): raise max_steps"
        for name, one in found
        if not one.converged
    ]

"""How the parts of these calculations relax, and how they report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.relaxation import Minimum
from llamp_mcp.simulation.workers.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llamp_mcp.simulation.force_field import Found

TIGHT: Final = Minimum(fmax_ev_per_a=1e-4, stress_gpa=0.001, max_steps=1000)
"""How far to relax before derivatives are taken.

Measured on C44 of silicon (trained MACE): atoms relaxed to 0.001 eV/Å leave errors up to 3 %, to
0.0001 less than 0.1 %. 0.05 GPa would be 2 % of the bulk modulus of solid argon.
"""


class PartOf(Monitor):
    """A monitor for one part of a calculation, whose progress counts parts, not steps.

    Args:
        whole: The monitor of the calculation.
        done: Parts finished before this one.
        total: Parts in all.
    """

    def __init__(self, whole: Monitor, done: int, total: int) -> None:
        super().__init__(whole.job_id, whole.directory)
        self._whole, self._done, self._total = whole, done, total

    def begin(self, name: str) -> None:
        """Say that this part has begun."""
        self._whole.progress(self._done, self._total, name)

    def check(self) -> None:
        """As of the whole calculation."""
        self._whole.check()

    def due(self) -> bool:
        """As of the whole calculation."""
        return self._whole.due()

    def progress(self, done: int, total: int, message: str) -> None:
        """Report the part, with the step of the part in the message."""
        self._whole.progress(self._done, self._total, f"{message} ({done} of at most {total})")

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """A part of the whole calculation."""
        return self._whole.once(name, compute)

    def checkpoint_due(self) -> bool:
        """As of the whole calculation."""
        return self._whole.checkpoint_due()

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a checkpoint of the whole calculation."""
        self._whole.save(state)

    def restore(self) -> dict[str, Any] | None:
        """The newest checkpoint of the whole calculation."""
        return self._whole.restore()


def how_far(found: Found) -> str:
    """Whether and how far something was relaxed, in words."""
    state = "converged" if found.converged else "NOT converged"
    return f"{state} in {found.steps} steps, max force {found.max_force_ev_per_a:.2g} eV/Å"

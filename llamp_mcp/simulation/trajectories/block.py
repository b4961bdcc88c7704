"""What the blocks of an analysis share: their answer, the panels of its picture, who is meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

    Floats = np.ndarray[Any, np.dtype[np.float64]]


class Undetermined(InvalidInput):
    """The arguments are right, but this trajectory has no answer for this block.

    Other blocks of the same call may have one, so this fails the call only where none has.
    """


class Curve(NamedTuple):
    """One line of a panel; `style` is matplotlib's, such as "-" or "--"."""

    x: Floats
    y: Floats
    label: str = ""
    style: str = "-"


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: curves, and vertical or horizontal lines to read them by."""

    title: str
    x: str
    y: str
    curves: list[Curve]
    at_x: list[float] = field(default_factory=list)
    at_y: list[float] = field(default_factory=list)


class Block(NamedTuple):
    """Plain values with their units in their names, warnings, and what to draw."""

    values: dict[str, Any]
    panels: list[Panel]
    warnings: list[str]


def chosen_species(trajectory: Trajectory, asked: list[str]) -> list[str]:
    """The elements to tell of, in the order of the formula.

    Raises:
        InvalidInput: One is not in the trajectory.
    """
    there = trajectory.species
    for symbol in asked:
        if symbol not in there:
            raise InvalidInput(
                f"There is no {symbol!r} in this trajectory", allowed=", ".join(there)
            )
    return [symbol for symbol in there if not asked or symbol in asked]


def at_least(trajectory: Trajectory, frames: int, what: str) -> None:
    """Hold to trajectories long enough to say anything.

    Raises:
        Undetermined: There are fewer frames.
    """
    if len(trajectory) < frames:
        raise Undetermined(
            f"{what} needs at least {frames} frames after skip_ps; there are {len(trajectory)}",
            next_step="Run longer, write frames more often (sample_every), or skip less.",
        )

"""Distances between atoms, with all their periodic images within a cutoff.

The cost is bounded by looking from some of the atoms only, in evenly chosen frames.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.trajectories.block import Undetermined, chosen_species

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from llamp_mcp.simulation.trajectories.block import Floats
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

    Integers = np.ndarray[Any, np.dtype[np.int64]]

PAIRS_PER_CALL: Final = 12_000_000
"""Distances computed for one pair of elements: about a second."""
MAX_FRAMES: Final = 400
MIN_FRAMES: Final = 40
MAX_PAIRS: Final = 6
"""Pairs of elements told of when none is asked for."""

Pair = tuple[str, str]


def chosen_pairs(trajectory: Trajectory, pair: str, species: list[str]) -> list[Pair]:
    """The pairs of elements to tell of.

    Args:
        trajectory: Whose elements they are.
        pair: Such as "Li-O"; empty: all of these elements.
        species: The elements; empty: all.

    Raises:
        InvalidInput: It is no pair, or an element is not there.
    """
    if pair:
        ends = [end.strip() for end in pair.split("-")]
        if len(ends) != 2:
            raise InvalidInput(f"{pair!r} is no pair", allowed="two elements, such as 'Li-O'")
        chosen_species(trajectory, ends)
        return [(ends[0], ends[1])]
    there = chosen_species(trajectory, species)
    return [(one, other) for at, one in enumerate(there) for other in there[at:]]


def check_periodic(trajectory: Trajectory) -> None:
    """Hold to crystals and liquids, which fill their cell.

    Raises:
        Undetermined: The cell is open on a side, so that there is no density to compare with.
    """
    if not all(trajectory.pbc):
        raise Undetermined("The cell is not periodic in all directions: it has no mean density")


class Sample:
    """Frames and central atoms to look from, chosen evenly and the same at every call.

    Args:
        trajectory: The frames.
        centres: Atoms to look from.
        others: Atoms to look at.
        cutoff_a: How far to look.
    """

    def __init__(
        self, trajectory: Trajectory, centres: Integers, others: Integers, cutoff_a: float
    ) -> None:
        import numpy as np

        self._trajectory, self.others, self._cutoff_a = trajectory, others, cutoff_a
        self._shifts = _shifts(trajectory, cutoff_a)
        dear = len(others) * len(self._shifts)
        affordable = max(1, PAIRS_PER_CALL // dear)
        count = int(np.clip(affordable // len(centres), MIN_FRAMES, MAX_FRAMES))
        self.frames = np.unique(
            np.linspace(0, len(trajectory) - 1, min(count, len(trajectory))).astype(int)
        )
        each = max(1, min(len(centres), affordable // len(self.frames)))
        chosen = np.linspace(0, len(centres) - 1, each).astype(int)
        self.centres = centres[chosen]
        self.complete = each == len(centres)

    def __iter__(self) -> Iterator[Floats]:
        """For each frame, distances below the cutoff: those of each centre, as a matrix.

        Rows are centres; what is beyond the cutoff, and an atom itself, is infinite.
        """
        import numpy as np

        itself = self.centres[:, None] == self.others[None, :]
        for frame in self.frames.tolist():
            cell = self._trajectory.cells[frame]
            scaled = self._trajectory.positions[frame] @ np.linalg.inv(cell)
            between = scaled[self.others][None] - scaled[self.centres][:, None]
            between -= np.round(between) * np.array(self._trajectory.pbc)
            nearest = between @ cell
            found = []
            for shift in self._shifts:
                distances = np.linalg.norm(nearest + shift @ cell, axis=2)
                if not shift.any():
                    distances[itself] = np.inf
                found.append(distances)
            table = np.concatenate(found, axis=1)
            yield np.where(table < self._cutoff_a, table, np.inf)

    def said(self) -> str:
        """How much was looked at, in words."""
        part = "all" if self.complete else f"{len(self.centres)}"
        return f"{len(self.frames)} frames, {part} central atoms"


def _shifts(trajectory: Trajectory, cutoff_a: float) -> Floats:
    """Cell vectors to add to a nearest image to reach all images within a cutoff.

    Below half the shortest width of the cell the image nearest in fractions is the only one.
    """
    import numpy as np

    reach = max(0, int(np.ceil(cutoff_a / trajectory.widths_a.min() - 0.5)))
    ranges = [range(-reach, reach + 1) if periodic else range(1) for periodic in trajectory.pbc]
    return np.array(list(product(*ranges)), dtype=np.float64)

"""Wyckoff positions: which one a point is on, and the point that a letter with x, y, z means.

The table beside this module holds the first representative of every position, as the International
Tables for Crystallography A print it, for the standard setting of each space group and for its
second origin or rhombohedral axes where it has them. `scripts/build_wyckoff.py` makes it with moyo.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TABLE: Final = "wyckoff.json"
TOLERANCE: Final = 1e-4
"""Of fractional coordinates, for points that are meant to be on a position."""

_TERM = re.compile(r"([+-]?)(\d+(?:/\d+)?)?([xyz]?)")


class Position(NamedTuple):
    """A Wyckoff position: `4f (x,x,0)`.

    Attributes:
        letter: Its Wyckoff letter.
        multiplicity: Points per conventional cell.
        form: Coordinates of its first representative.
    """

    letter: str
    multiplicity: int
    form: str

    @property
    def name(self) -> str:
        """Multiplicity and letter."""
        return f"{self.multiplicity}{self.letter}"

    @property
    def free(self) -> tuple[str, ...]:
        """Which of x, y, z it leaves open."""
        return tuple(name for name in "xyz" if name in self.form)

    def __str__(self) -> str:
        return f"{self.name} ({self.form})"

    def point(self, **values: float) -> Floats:
        """Fractional coordinates of the first representative for values of x, y, z."""
        import numpy as np

        linear, constant = _affine(self.form)
        point: Floats = linear @ np.array([values.get(name, 0.0) for name in "xyz"]) + constant
        return point

    def solve(self, images: Floats) -> dict[str, float] | None:
        """The smallest x, y, z in [0, 1) with which one of the points (n, 3) is on the position."""
        import numpy as np

        linear, constant = _affine(self.form)
        values = np.zeros_like(images)
        for column, name in enumerate("xyz"):
            if name in self.free:
                row = _alone(linear, column)
                values[:, column] = linear[row, column] * (images[:, row] - constant[row])
        apart = images - (values @ linear.T + constant)
        fits = np.abs(apart - np.round(apart)).max(axis=1) < TOLERANCE
        if not fits.any():
            return None
        best = min(np.mod(np.round(values[fits], 10), 1.0).tolist())
        return {name: best["xyz".index(name)] for name in self.free}


@cache
def positions_of(hall: int) -> tuple[Position, ...]:
    """The positions of a setting, most special first; none for one that the table lacks."""
    return _table().get(hall, ())


def tabulated() -> tuple[int, ...]:
    """Hall numbers of the settings in the table; of each group the standard one is the first."""
    return tuple(_table())


@cache
def _table() -> dict[int, tuple[Position, ...]]:
    text = files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    lines = (line.split(" ") for line in json.loads(text))
    return {int(hall): tuple(map(_position, positions)) for hall, *positions in lines}


def _position(told: str) -> Position:
    name, _, form = told.partition(":")
    return Position(name[-1], int(name[:-1]), form)


@cache
def _affine(form: str) -> tuple[Floats, Floats]:
    """Matrix and vector of `x,2x,1/4`: a point is matrix @ (x, y, z) + vector."""
    import numpy as np

    linear, constant = np.zeros((3, 3)), np.zeros(3)
    for row, part in enumerate(form.split(",")):
        for sign, number, name in _TERM.findall(part):
            if not number and not name:
                continue
            value = float(Fraction(number or 1)) * (-1 if sign == "-" else 1)
            if name:
                linear[row, "xyz".index(name)] += value
            else:
                constant[row] += value
    return linear, constant


def _alone(linear: Floats, column: int) -> int:
    """The coordinate that is x, -x, x + 1/4 … alone: every form has one for each of its letters."""
    import numpy as np

    return next(
        row
        for row in range(3)
        if abs(linear[row, column]) == 1 and np.count_nonzero(linear[row]) == 1
    )

"""Where on the picture what goes: the title above, the structure, triad and legend below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_USUAL_WIDTH: Final = 700
_TALLEST, _FLATTEST = 1.15, 0.5
"""Bounds of the height of the structure's part over its width."""

_LARGEST_PX_PER_A: Final = 120
"""At the usual width; a cell of one atom need not fill the picture."""

_AIR_A: Final = 2.5
"""Of vacuum, at least so much is shown about the atoms."""

_LEAST_SHOWN: Final = 0.55
"""And at least this part of the cell."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes and places in pixels, y down from the top.

    Attributes:
        width: Of the picture.
        height: Of the picture.
        size: Factor of all letters and lines, 1 at the usual width.
        top: Where the structure's part begins.
        bottom: Where it ends.
        scale: Pixels per Å.
        middle: The point that lies in the middle of the structure's part: right and up, Å.
        cropped: Whether a part of the cell lies outside the picture.
    """

    width: int
    height: int
    size: float
    top: int
    bottom: int
    scale: float
    middle: tuple[float, float]
    cropped: bool

    def place(self, projected: Sequence[float] | Floats) -> tuple[float, float, float]:
        """x, y and depth in pixels of a projected point (right, up, towards, Å)."""
        right, up, towards = (float(x) for x in projected)
        return (
            self.width / 2 + (right - self.middle[0]) * self.scale,
            (self.top + self.bottom) / 2 - (up - self.middle[1]) * self.scale,
            towards * self.scale,
        )


def size_at(width: int) -> float:
    """Factor of all letters and lines in a picture of that many pixels."""
    return min(max(width / _USUAL_WIDTH, 0.62), 1.7)


def arrange(
    atoms: Floats, radii: Floats, corners: Floats, *, width: int, legend_rows: int, vacuum: bool
) -> Layout:
    """Fit the structure into a picture of a width.

    Args:
        atoms: Projected centres of the atoms drawn, Å, (n, 3).
        radii: Of their spheres, Å, (n,).
        corners: Projected corners of the cells drawn, Å, (k, 3).
        width: Of the picture in pixels.
        legend_rows: Lines of the legend.
        vacuum: Whether the cell is partly empty, so that its ends may be left out.
    """
    import numpy as np

    size = size_at(width)
    margin = 16 * size
    discs = np.concatenate([atoms[:, :2] - radii[:, None], atoms[:, :2] + radii[:, None]])
    all_low, all_high = _bounds(np.concatenate([discs, corners[:, :2]]))
    low, high = all_low, all_high
    if vacuum:
        low, high = _bounds(discs)
        least = _LEAST_SHOWN * (all_high - all_low)
        air = np.maximum(_AIR_A, (least - (high - low)) / 2)
        low, high = np.maximum(low - air, all_low), np.minimum(high + air, all_high)
    wide, tall = np.maximum(high - low, 0.5)
    room = width - 2 * margin
    part = min(max(room * tall / wide, _FLATTEST * width), _TALLEST * width)
    scale = min(room / wide, part / tall, _LARGEST_PX_PER_A * size)
    part = min(part, max(scale * tall, 0.4 * width))
    top = round(58 * size)
    bottom = round(top + part + 8 * size)
    below = max(104, 64 + 24 * legend_rows) * size
    return Layout(
        width=width,
        height=round(bottom + below),
        size=size,
        top=top,
        bottom=bottom,
        scale=float(scale),
        middle=(float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2),
        cropped=bool(((low > all_low + 0.01) | (high < all_high - 0.01)).any()),
    )


def _bounds(points: Floats) -> tuple[Floats, Floats]:
    return points.min(axis=0), points.max(axis=0)

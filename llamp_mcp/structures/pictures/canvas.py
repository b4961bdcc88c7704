"""Spheres, sticks and lines that hide each other: pixels with a depth each.

Every pixel knows how near to the reader its colour is, so that what is nearer hides what is
farther, whatever is drawn first, and spheres and sticks pass into each other as they should.
"""

from __future__ import annotations

from functools import lru_cache, partial
from math import hypot
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.structures.pictures.shading import (
    OUTLINE,
    ball,
    coloured,
    coloured_ball,
    lit,
    packed,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from llamp_mcp.structures.pictures.colours import Colour
    from llamp_mcp.structures.pictures.shading import Floats, Packed, Slices

    Integers = NDArray[np.integer[Any]]

Point = tuple[float, float, float]
"""x, y, depth in pixels: to the right, down, towards the reader."""

_FINE: Final = 2
"""Everything is drawn so many times larger, and made smooth by taking means."""


class _Strip(NamedTuple):
    """Pixels about a segment: their numbers, and where they are along and across it."""

    pixels: Integers
    along: Floats
    aside: Floats


class Canvas:
    """A white picture to draw on.

    Args:
        width: Pixels.
        height: Pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        import numpy as np

        self._shape = height, width
        fine = height * _FINE, width * _FINE
        self._colour = np.full(fine, 0xFFFFFFFF, np.uint32)
        self._depth = np.full(fine, -np.inf, np.float32)
        self._left, self._top, self._right, self._bottom = 0, 0, fine[1], fine[0]
        balls = lru_cache(maxsize=32)(ball)
        self._balls = lru_cache(maxsize=128)(partial(coloured_ball, balls))

    def clip(self, left: float, top: float, right: float, bottom: float) -> None:
        """From now on draw only within this rectangle."""
        self._left, self._top = round(left * _FINE), round(top * _FINE)
        self._right, self._bottom = round(right * _FINE), round(bottom * _FINE)

    def sphere(self, centre: Point, radius: float, slices: Slices, fade: float = 0.0) -> None:
        """Draw a sphere.

        Args:
            centre: Of it.
            radius: Pixels.
            slices: Colours and their shares, which add up to 1, clockwise from the top.
            fade: 0 is full colour, 1 white.
        """
        import numpy as np

        size = max(round(radius * _FINE), 2)
        picture, height, covers = self._balls(size, slices, fade)
        x, y = round(centre[0] * _FINE) - size, round(centre[1] * _FINE) - size
        left, right = max(x, self._left), min(x + 2 * size + 1, self._right)
        top, bottom = max(y, self._top), min(y + 2 * size + 1, self._bottom)
        if left >= right or top >= bottom:
            return
        place = slice(top, bottom), slice(left, right)
        part = slice(top - y, bottom - y), slice(left - x, right - x)
        depth = height[part] + np.float32(centre[2] * _FINE)
        nearer = covers[part] & (depth > self._depth[place])
        np.copyto(self._depth[place], depth, where=nearer)
        np.copyto(self._colour[place], picture[part], where=nearer)

    def stick(
        self,
        ends: tuple[Point, Point],
        radius: float,
        colours: tuple[Colour, Colour],
        fade: float = 0.0,
    ) -> None:
        """Draw a cylinder whose halves have the colours of its ends.

        Args:
            ends: Of its axis.
            radius: Pixels.
            colours: Of the halves.
            fade: 0 is full colour, 1 white.
        """
        import numpy as np

        strip, (x, y, rise) = self._strip(ends, max(radius * _FINE, 1.0))
        if not len(strip.pixels):
            return
        thick = max(radius * _FINE, 1.0)
        length = hypot(x, y, rise)
        u, v, slope = x / length, y / length, rise / length
        lean = hypot(u, v)
        bulge = np.sqrt(np.clip(thick**2 - strip.aside**2, 0, None))
        reach = (strip.along + slope * bulge) / lean
        depth = ends[0][2] * _FINE + (strip.along * slope + bulge) / lean
        seen = (reach >= 0) & (reach <= length) & self._nearer(strip.pixels, depth)
        aside, bulge = strip.aside[seen] / thick, bulge[seen] / thick
        brightness, shine = lit(
            (-v * aside - slope * u * bulge) / lean,
            (u * aside - slope * v * bulge) / lean,
            lean * bulge,
        )
        rim = np.abs(aside) > 1 - max(0.7 * _FINE / thick, 0.12)
        brightness = np.where(rim, np.float32(OUTLINE), brightness)
        shine = np.where(rim, np.float32(0), 0.5 * shine)
        tint = np.array(colours, np.float32)[(reach[seen] >= length / 2).astype(int)]
        self._put(strip.pixels[seen], depth[seen], coloured(tint, brightness, shine, fade))

    def line(
        self, ends: tuple[Point, Point], width: float, colour: Colour, dash: float = 0.0
    ) -> None:
        """Draw a straight line in one colour.

        Args:
            ends: Of it.
            width: Pixels.
            colour: Of it.
            dash: Length of dashes and of the gaps between them in pixels; 0 for none.
        """
        import numpy as np

        strip, (x, y, rise) = self._strip(ends, width * _FINE / 2)
        if not len(strip.pixels):
            return
        depth = ends[0][2] * _FINE + strip.along * (rise / hypot(x, y))
        seen = self._nearer(strip.pixels, depth)
        seen &= (strip.along >= 0) & (strip.along <= hypot(x, y))
        if dash:
            seen &= (strip.along // (dash * _FINE)) % 2 == 0
        self._put(strip.pixels[seen], depth[seen], packed(np.array(colour, np.uint8)))

    def in_front(self, x: float, y: float, depth: float) -> bool:
        """Whether something nearer than that depth covers the pixel, or it is out of bounds."""
        column, row = round(x * _FINE), round(y * _FINE)
        if not (self._left <= column < self._right and self._top <= row < self._bottom):
            return True
        return bool(self._depth[row, column] > depth * _FINE)

    def pixels(self) -> NDArray[np.uint8]:
        """The picture, (height, width, 3), each pixel the mean of its finer ones."""
        import numpy as np

        height, width = self._shape
        made = np.empty((height, width, 4), np.uint8)
        for first in (0, 1):  # bytes 0 and 2, then 1 and 3: their sums have room beside each other
            pairs = (self._colour >> np.uint32(8 * first)) & np.uint32(0x00FF00FF)
            total = np.zeros((height, width), np.uint32)
            for row in range(_FINE):
                for column in range(_FINE):
                    total += pairs[row::_FINE, column::_FINE]
            sums = total.view(np.uint16).reshape(height, width, 2)
            made[..., first::2] = (sums + _FINE**2 // 2) // _FINE**2
        return made[..., :3]

    def _strip(self, ends: tuple[Point, Point], thick: float) -> tuple[_Strip, Point]:
        """The pixels within bounds and so near to a segment, and the vector along it.

        None for one that is seen end on. All in fine pixels.
        """
        import numpy as np

        (x, y, depth), stop = ([part * _FINE for part in end] for end in ends)
        along = stop[0] - x, stop[1] - y, stop[2] - depth
        flat = hypot(along[0], along[1])
        left = max(int(min(x, stop[0]) - thick), self._left)
        right = min(int(max(x, stop[0]) + thick) + 2, self._right)
        top = max(int(min(y, stop[1]) - thick), self._top)
        bottom = min(int(max(y, stop[1]) + thick) + 2, self._bottom)
        if flat < 1e-3 or left >= right or top >= bottom:
            nothing = np.empty(0, np.float32)
            return _Strip(np.empty(0, int), nothing, nothing), along
        u, v = along[0] / flat, along[1] / flat
        right_of = np.arange(left, right, dtype=np.float32) - np.float32(x)
        below = np.arange(top, bottom, dtype=np.float32) - np.float32(y)
        rows, columns = (np.abs(below[:, None] * u - right_of * v) <= thick).nonzero()
        dx, dy = right_of[columns], below[rows]
        pixels = (rows + top) * self._depth.shape[1] + columns + left
        return _Strip(pixels, dx * u + dy * v, dy * u - dx * v), along

    def _nearer(self, pixels: Integers, depth: Floats) -> NDArray[np.bool_]:
        """At which of the pixels there is nothing nearer yet."""
        nearer: NDArray[np.bool_] = depth > self._depth.reshape(-1)[pixels]
        return nearer

    def _put(self, pixels: Integers, depth: Floats, colour: Packed) -> None:
        self._depth.reshape(-1)[pixels] = depth
        self._colour.reshape(-1)[pixels] = colour

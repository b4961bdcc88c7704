"""Light on spheres and sticks, and their colours as pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from llamp_mcp.structures.pictures.colours import Colour

    Floats = NDArray[np.floating[Any]]
    Packed = NDArray[np.uint32]
    Slices = tuple[tuple[Colour, float], ...]

_LIGHT: Final = (-0.42, 0.55, 0.72)
"""Direction towards the lamp: upper left, in front."""

_AMBIENT, _BRIGHTEST = 0.58, 1.06
_SHINE, _SHARPNESS = 0.45, 24

OUTLINE: Final = 0.35
"""Brightness of the rim of a sphere or a stick."""


@dataclass(frozen=True, slots=True)
class Ball:
    """A sphere of one size before it is coloured: arrays of (height, width).

    Attributes:
        height: Of its surface above the middle, pixels.
        covers: Where it is.
        brightness: Factor of its colour.
        shine: How much of the way to white.
        turn: Where about the middle, from 0 at the top clockwise to 1.
    """

    height: Floats
    covers: NDArray[np.bool_]
    brightness: Floats
    shine: Floats
    turn: Floats


def ball(radius: int) -> Ball:
    """A sphere with a radius of so many pixels."""
    import numpy as np

    at = np.arange(-radius, radius + 1, dtype=np.float32)
    x, y = at[None, :] / radius, at[:, None] / radius
    square = x**2 + y**2
    depth = np.sqrt(np.clip(1 - square, 0, None))
    brightness, shine = lit(x, y, depth)
    rim = np.sqrt(square) > 1 - max(2.6 / radius, 0.035)
    return Ball(
        height=depth * radius,
        covers=square <= 1,
        brightness=np.where(rim, np.float32(OUTLINE), brightness),
        shine=np.where(rim, np.float32(0), shine),
        turn=np.arctan2(x, -y) / np.float32(2 * np.pi) % 1,
    )


def coloured_ball(
    balls: Callable[[int], Ball], radius: int, slices: Slices, fade: float
) -> tuple[Packed, Floats, NDArray[np.bool_]]:
    """Picture, height and cover of a coloured sphere.

    Args:
        balls: Gives those of each radius.
        radius: Pixels.
        slices: Colours and their shares, which add up to 1.
        fade: 0 is full colour, 1 white.
    """
    import numpy as np

    shape = balls(radius)
    tint = np.array(slices[0][0], np.float32)
    if len(slices) > 1:
        ends = np.cumsum([share for _, share in slices])[:-1]
        tint = np.array([colour for colour, _ in slices], np.float32)[
            np.searchsorted(ends, shape.turn)
        ]
    return coloured(tint, shape.brightness, shape.shine, fade), shape.height, shape.covers


def lit(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Brightness and shine of a surface with this unit normal; y is down, z to the reader."""
    import numpy as np

    light = _unit(*_LIGHT)
    half = _unit(light[0], light[1], light[2] + 1)  # between the lamp and the reader
    facing = np.clip(x * light[0] - y * light[1] + z * light[2], 0, None)
    glint = np.clip(x * half[0] - y * half[1] + z * half[2], 0, None)
    return _AMBIENT + (_BRIGHTEST - _AMBIENT) * facing, _SHINE * glint**_SHARPNESS


def coloured(tint: Floats, brightness: Floats, shine: Floats, fade: float) -> Packed:
    """Lit, shining and faded colours; `tint` has one more dimension: red, green, blue."""
    import numpy as np

    made = np.clip(tint * brightness[..., None], 0, 255)
    made += (255 - made) * shine[..., None]
    made += (255 - made) * np.float32(fade)
    return packed(made.astype(np.uint8))


def packed(colours: NDArray[np.uint8]) -> Packed:
    """Red, green and blue of each pixel in one number, which is faster to copy."""
    import numpy as np

    four = np.full((*colours.shape[:-1], 4), 255, np.uint8)
    four[..., :3] = colours
    numbers: Packed = four.view(np.uint32)[..., 0]
    return numbers


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = hypot(x, y, z)
    return x / length, y / length, z / length

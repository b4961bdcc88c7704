"""From where a structure is looked at, and which way is up."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from typing import TYPE_CHECKING, Final, Literal

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Lattice

    Floats = NDArray[np.float64]

Orientation = Literal["standard", "a", "b", "c"]

_AZIMUTH_DEG: Final = 24.0
_ELEVATION_DEG: Final = 14.0
"""The three-quarter view of textbooks: a to the reader's lower left, b to the right, c up."""

_AXES: Final = {"a": (1, 0, 0), "b": (0, 1, 0), "c": (0, 0, 1)}
_PARALLEL: Final = 1e-3
"""Sine of the angle below which two directions count as one."""


@dataclass(frozen=True, slots=True)
class View:
    """An orthographic view.

    Attributes:
        rotation: Rows are the unit vectors right, up and towards the reader, Cartesian (3, 3).
        words: How the view is called.
        towards: Direct-lattice direction [u, v, w] that points at the reader.
        up: How it is turned: "c up", or "a to the right" where c points at the reader.
    """

    rotation: Floats
    words: str
    towards: tuple[float, float, float]
    up: str

    def project(self, cart: Floats) -> Floats:
        """Right, up and towards coordinates of Cartesian points, all in Å, (n, 3)."""
        projected: Floats = cart @ self.rotation.T
        return projected


def look(lattice: Lattice, orientation: Orientation, direction: Sequence[int] = ()) -> View:
    """The view along an axis, a zone axis, or three-quarter.

    c is upright in the picture, unless it points at the reader: then a is to the right.

    Args:
        lattice: Of the structure.
        orientation: `a` means that the axis a points at the reader.
        direction: Zone axis [u, v, w] that points at the reader, instead of `orientation`.

    Raises:
        InvalidInput: The direction is not three numbers, is zero, or both are given.
    """
    import numpy as np

    if not direction and orientation == "standard":
        toward = _three_quarter(lattice)
        inverse = toward @ np.linalg.inv(lattice.matrix)
        u, v, w = (float(x) for x in np.round(inverse / np.abs(inverse).max(), 2) + 0.0)
        return _upright(lattice, toward, "three-quarter view", (u, v, w))
    if direction and orientation != "standard":
        raise InvalidInput(
            f"Both orientation {orientation!r} and direction {list(direction)} are given",
            next_step="Give only one of them.",
        )
    axis = tuple(direction) or _AXES[orientation]
    if len(axis) != 3 or not any(axis):
        raise InvalidInput(
            f"The direction {list(axis)} is no zone axis",
            allowed="three integers [u, v, w], not all zero",
        )
    words = "view along [" + " ".join(map(str, axis)) + "]"
    u, v, w = axis
    return _upright(lattice, np.array(axis, float) @ lattice.matrix, words, (u, v, w))


def _three_quarter(lattice: Lattice) -> Floats:
    import numpy as np

    a, b, c = lattice.matrix
    upright = c / np.linalg.norm(c)
    front = a - (a @ upright) * upright
    front /= np.linalg.norm(front)
    side = np.cross(upright, front)
    side *= 1 if side @ b > 0 else -1  # a left-handed cell has b on the other side
    azimuth, elevation = radians(_AZIMUTH_DEG), radians(_ELEVATION_DEG)
    level = cos(azimuth) * front + sin(azimuth) * side
    toward: Floats = cos(elevation) * level + sin(elevation) * upright
    return toward


def _upright(
    lattice: Lattice, toward: Floats, words: str, direction: tuple[float, float, float]
) -> View:
    import numpy as np

    a, _, c = lattice.matrix
    toward = toward / np.linalg.norm(toward)
    right, up = np.cross(c / np.linalg.norm(c), toward), "c up"
    if np.linalg.norm(right) < _PARALLEL:
        right, up = a - (a @ toward) * toward, "a to the right"
    right /= np.linalg.norm(right)
    rotation = np.array([right, np.cross(toward, right), toward])
    return View(rotation, words, direction, up)

"""Colours of elements: those chemists know, changed only where two would look alike."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

ALIKE: Final = 100.0
"""Colours nearer than this are hard to tell apart on shaded spheres."""

WHITE: Final = (255, 255, 255)
"""Of the empty part of a partially occupied site."""

_SPARE: Final[tuple[Colour, ...]] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (204, 80, 150),
    (86, 180, 233),
    (213, 94, 0),
    (120, 70, 30),
    (90, 90, 200),
    (60, 60, 60),
)
"""Taken where an element's own colour is too near to that of another one in the picture."""

_UNKNOWN: Final = (215, 60, 160)
"""Of what is no element."""

_ISOTOPES: Final = {"D": "H", "T": "H"}

_NAMED: Final[dict[str, Colour]] = {
    "white": (255, 255, 255),
    "light grey": (200, 200, 205),
    "grey": (144, 144, 144),
    "dark grey": (75, 75, 75),
    "red": (245, 20, 20),
    "dark red": (150, 30, 30),
    "salmon": (235, 130, 120),
    "orange": (245, 140, 0),
    "yellow": (250, 245, 50),
    "gold": (250, 205, 50),
    "tan": (235, 195, 155),
    "brown": (165, 100, 50),
    "olive": (140, 140, 40),
    "green": (30, 225, 30),
    "light green": (150, 250, 130),
    "dark green": (20, 130, 40),
    "turquoise": (70, 230, 190),
    "teal": (20, 140, 140),
    "light blue": (130, 200, 250),
    "blue": (50, 90, 240),
    "dark blue": (20, 50, 140),
    "lavender": (195, 130, 250),
    "purple": (160, 80, 230),
    "magenta": (215, 60, 160),
    "pink": (250, 175, 190),
}


def element_colours(symbols: Iterable[str]) -> dict[str, Colour]:
    """A colour for each element, in order of atomic number.

    Jmol's colours, as ASE has them; an element whose colour looks like that of a lighter element
    of the same picture gets the spare colour farthest from all others.
    """
    from ase.data.colors import jmol_colors

    chosen: dict[str, Colour] = {}
    alike: list[str] = []
    numbers = {name: atomic_number(name) for name in symbols}
    for symbol, number in sorted(numbers.items(), key=lambda item: (item[1], item[0])):
        red, green, blue = (round(255 * float(part)) for part in jmol_colors[number])
        own = (red, green, blue) if number else _UNKNOWN
        if _nearest(own, chosen.values()) < ALIKE:
            alike.append(symbol)
        else:
            chosen[symbol] = own
    for symbol in alike:
        chosen[symbol] = max(_SPARE, key=lambda spare: _nearest(spare, chosen.values()))
    return chosen


def atomic_number(symbol: str) -> int:
    """0 for what is no element, such as the dummies that stand for a vacancy."""
    from ase.data import atomic_numbers

    return int(atomic_numbers.get(_ISOTOPES.get(symbol, symbol), 0))


def name_of(colour: Colour) -> str:
    """The everyday name of a colour."""
    return min(_NAMED, key=lambda name: difference(_NAMED[name], colour))


def difference(one: Colour, other: Colour) -> float:
    """How different two colours look: a weighted distance in RGB, 0 to about 765.

    The weights follow the eye's response and depend on the mean red ("redmean").
    """
    red_mean = (one[0] + other[0]) / 2
    red, green, blue = (a - b for a, b in zip(one, other, strict=True))
    weighted = (2 + red_mean / 256) * red**2 + 4 * green**2 + (2 + (255 - red_mean) / 256) * blue**2
    return sqrt(weighted)


def _nearest(colour: Colour, others: Iterable[Colour]) -> float:
    return min((difference(colour, other) for other in others), default=float("inf"))

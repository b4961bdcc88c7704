"""Numbers as they are quoted: how many digits were given decides what they agree with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Final

RELATIVE: Final = 0.005
"""A number agrees within this fraction of the value, however many digits were quoted."""
_NOTHING: Final = 5e-4
"""A bare zero says that there is none of it, not that it is below one half."""
_MAX_POWER: Final = 300
_ROUNDING: Final = 1e-9
"""Relative room for the binary representation of decimal fractions."""

_MINUS: Final = dict.fromkeys(map(ord, "\u2212\u2012\u2013\u2014"), "-")
NUMBER: Final = (
    r"(?:[0-9]{1,3}(?:[, \u2009\u202f][0-9]{3})+(?![0-9])|[0-9]{1,30})(?:\.[0-9]{1,30})?"
    r"(?:[eE][+-]?[0-9]{1,3}(?![0-9A-Za-z])|\s?[x*\u00d7\u22c5]\s?10\^?\(?[+-]?[0-9]{1,2}\)?)?"
)
"""Pattern of an unsigned number, with thousands separators, or a power of ten behind it."""
_WHOLE: Final = re.compile(
    rf"\s*(?P<about>~|\u2248|\u2243|about|approx(?:\.|imately)?|ca\.?|circa|around|roughly|nearly)?\s*"
    rf"(?P<sign>[+-]?)\s?(?P<number>{NUMBER})"
    rf"(?:\s?(?:\u00b1|\+/-)\s?(?P<spread>{NUMBER}))?\s*",
    re.IGNORECASE,
)
_POWER: Final = re.compile(r"\s?[x*\u00d7\u22c5]\s?10\^?\(?([+-]?[0-9]{1,2})\)?")
_SUPERSCRIPTS: Final = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b\u207a", "0123456789-+"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the room that its digits leave.

    Attributes:
        low: What was quoted; of a range, its lower end.
        high: Likewise, its upper end.
        half: Half a unit of the last quoted digit, or the spread that was quoted with it.
    """

    low: float
    high: float
    half: float

    def agrees(self, value: float) -> bool:
        """Whether a value is within half a unit of the last quoted digit, or within 0.5 %."""
        room = max(self.half, RELATIVE * abs(value)) * (1 + _ROUNDING)
        return self.low - room <= value <= self.high + room

    def distance(self, value: float) -> float:
        """How far off a value is, relative to the larger of the two; 0 inside a range."""
        gap = max(self.low - value, value - self.high, 0.0)
        return gap / max(abs(value), abs(self.low), 1e-12)


def quoted(value: float | str, *, about: bool = False) -> Figure | None:
    """A number as it was written, or None for what is none.

    Of a float the shortest representation counts as quoted, so 0.61 has two decimals. JSON does
    not keep the zeros of 150.0: they give no room and take none.

    Args:
        value: `0.61`, `"1,234.5"`, `"1.2e-3"`, `"-0.67 +/- 0.01"`, `"~150"`.
        about: Whether it was called approximate; then zeros at its end were not meant.
    """
    text = repr(value) if isinstance(value, float) else str(value)
    text = text.translate(_MINUS).translate(_SUPERSCRIPTS)
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    number, half = _read(match["number"], about=about or match["about"] is not None)
    if match["spread"]:
        half = max(half, _read(match["spread"], about=False)[0])
    if not isfinite(number):
        return None
    number = -number if match["sign"] == "-" else number
    return Figure(number, number, half)


def between(first: Figure, second: Figure) -> Figure:
    """The range from one number to another."""
    low, high = sorted((first.low, second.low))
    return Figure(low, high, max(first.half, second.half))


def _read(text: str, *, about: bool) -> tuple[float, float]:
    """The number, and half a unit of its last digit."""
    plain = re.sub(r"[, \u2009\u202f](?=[0-9]{3})", "", text)
    exponent = 0
    if power := _POWER.search(plain):
        exponent, plain = int(power[1]), plain[: power.start()]
    mantissa, _, e = plain.lower().partition("e")
    exponent += int(e or 0)
    decimals = len(mantissa.partition(".")[2])
    number = float(f"{mantissa}e{exponent}")
    if about and not decimals:
        decimals = -len(mantissa) + len(mantissa.rstrip("0"))
    if number == 0.0 and decimals < 2:
        return 0.0, _NOTHING
    return number, 0.5 * 10.0 ** max(min(exponent - decimals, _MAX_POWER), -_MAX_POWER)

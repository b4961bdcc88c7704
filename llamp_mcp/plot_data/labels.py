"""The labels of a figure as plain text."""

from __future__ import annotations

import re
import unicodedata

_UP = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_DOWN = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_BAR = "\N{COMBINING OVERLINE}"
_SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|(\w))")


def plain(text: str) -> str:
    r"""A label without mathtext: `cm$^{-1}$` is cm⁻¹, and `$\bar{1}$` is 1̅."""
    parts = text.split("$")
    return "".join(_math(part) if at % 2 else part for at, part in enumerate(parts))


def _math(text: str) -> str:
    text = re.sub(r"\\bar\{(\w+)\}", lambda found: "".join(c + _BAR for c in found[1]), text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _greek(found[1]), text).replace("\\ ", " ")
    return _SCRIPT.sub(_script, text).translate({ord(mark): None for mark in "{}\\"})


def _script(found: re.Match[str]) -> str:
    return (found[2] or found[3]).translate(_UP if found[1] == "^" else _DOWN)


def _greek(name: str) -> str:
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.upper()}")
    except KeyError:
        return name if name not in ("mathrm", "mathbf", "mathit") else ""

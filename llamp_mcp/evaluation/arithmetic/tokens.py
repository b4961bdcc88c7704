"""An expression cut into numbers, names and signs, each with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.errors import InvalidInput, clip

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TOKENS: Final = 200

_SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_PLAIN_DIGITS = str.maketrans(_SUPERSCRIPTS + "⁺⁻", "0123456789+-")
_LETTER = "A-Za-zÅ\u212bµμΩ\u2126ħℏπε_%"
_TOKEN = re.compile(
    rf"""
    (?P<space>[\s\u2009\u202f]+)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+\-\u2212]?[0-9]+)?)
  | (?P<raised>[⁺⁻]?[{_SUPERSCRIPTS}]+)
  | (?P<name>f\.u\.?|(?:formula|unit)[ \-](?:units?|cells?)\b|°[CF]?|℃|[{_LETTER}][{_LETTER}0-9]*)
  | (?P<sign>\*\*|->|[-+*/^(),\[\]\u00d7·⋅÷\u2212\u2013→])
    """,
    re.VERBOSE,
)
_SIGNS: Final = {
    "**": "^",
    "\u00d7": "*",
    "⋅": "·",
    "÷": "/",
    "\u2212": "-",
    "\u2013": "-",
    "->": "to",
    "→": "to",
}
_WORDS: Final = {"per": "/", "x": "*", "to": "to"}
_GLUED = re.compile(rf"([{_LETTER}]+?)([2-9])")
"""A unit with its power behind it: `cm3`."""


class Token(NamedTuple):
    """A piece of an expression."""

    kind: str
    """number, raised, name, sign or end."""
    text: str
    at: int
    """Its first character, counted from 1."""


def tokens(text: str) -> list[Token]:
    """The pieces of an expression; the last is its end.

    Raises:
        InvalidInput: A character has no meaning, or there are too many pieces.
    """
    found = list(_pieces(text))
    if len(found) > MAX_TOKENS:
        raise InvalidInput(
            f"The expression has {len(found)} numbers, names and signs",
            allowed=f"at most {MAX_TOKENS}",
            next_step="Split it.",
        )
    return [*found, Token("end", "", len(text) + 1)]


def glued(name: str) -> tuple[str, str] | None:
    """`("cm", "3")` for `cm3`; None for a name without a power."""
    match = _GLUED.fullmatch(name)
    return (match[1], match[2]) if match else None


def _pieces(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise InvalidInput(
                f"{text[at]!r} at character {at + 1} of {clip(text)} has no meaning here",
                allowed="numbers, units, constants, functions, + - * / ^ ( )",
            )
        kind, piece = str(match.lastgroup), match[0]
        if kind == "name" and piece in _WORDS:
            kind, piece = "sign", _WORDS[piece]
        if kind != "space":
            yield Token(kind, _plain(kind, piece), at + 1)
        at = match.end()


def _plain(kind: str, piece: str) -> str:
    """The one way in which each piece is spelt further on."""
    if kind == "sign":
        return _SIGNS.get(piece, piece)
    if kind == "number":
        return piece.replace("\u2212", "-")
    if kind == "raised":
        return piece.translate(_PLAIN_DIGITS)
    piece = piece.replace("\u212b", "Å").replace("\u2126", "Ω").replace("μ", "µ")
    return re.sub(r"[ \-]", "_", piece)

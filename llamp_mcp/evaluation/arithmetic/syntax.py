"""Expressions as trees, and trees as text.

A number binds to the unit behind it before anything is divided: `10 eV / 2 Å^3` is 5 eV/Å³, where
pint, and Python's order of operations, would give 5 eV·Å³. What can be read in two ways is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUM, _PRODUCT, _UNIT, _POWER, _ATOM = range(5)
_CALLED: Final = {"log": "ln", "std": "population std"}
_SHOWN: Final = {"degC": "°C", "degF": "°F"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Unit:
    """The name of a unit, and where it stands."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of nature, by its own name."""

    name: str


@dataclass(frozen=True, slots=True)
class Negative:
    """A tree with a minus before it."""

    of: Node


@dataclass(frozen=True, slots=True)
class Sum:
    """Two trees added, or the second taken from the first."""

    left: Node
    right: Node
    minus: bool


@dataclass(frozen=True, slots=True)
class Product:
    """Two trees multiplied; `bound` where a number meets its unit."""

    left: Node
    right: Node
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Quotient:
    """A tree divided by another."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Power:
    """A tree to the power of another."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of some trees."""

    function: str
    arguments: tuple[Node, ...]


Node: TypeAlias = Number | Unit | Constant | Negative | Sum | Product | Quotient | Power | Call


def is_unit(node: Node) -> bool:
    """Whether a tree is made of units alone, such as that of `eV/Å^3` or `1/Å`."""
    match node:
        case Unit():
            return True
        case Quotient(Number("1"), right):
            return is_unit(right)
        case Product(left, right) | Quotient(left, right):
            return is_unit(left) and is_unit(right)
        case Power(base, _):
            return is_unit(base)
        case _:
            return False


def words(node: Node) -> str:
    """The tree as text that has one reading only."""
    return _words(node, _SUM)


def _words(node: Node, outer: int) -> str:
    """The tree, in parentheses where what is around it binds as strongly."""
    text, level = _level(node)
    return f"({text})" if level < outer else text


def _level(node: Node) -> tuple[str, int]:
    """The text of a tree, and how strongly it holds together."""
    match node:
        case Number(text):
            return text, _ATOM
        case Unit(name):
            return _SHOWN.get(name, name), _ATOM
        case Constant(name):
            return name, _ATOM
        case Call(function, arguments):
            inner = ", ".join(words(one) for one in arguments)
            return f"{_CALLED.get(function, function)}({inner})", _ATOM
        case Negative(of):
            return f"-{_words(of, _UNIT)}", _PRODUCT
        case Sum(left, right, minus):
            sign = "-" if minus else "+"
            return f"{_words(left, _SUM)} {sign} {_words(right, _PRODUCT)}", _SUM
        case Power(base, exponent):
            return _power(base, exponent), _POWER
        case Product() | Quotient():
            return _chain(node)


def _power(base: Node, exponent: Node) -> str:
    raised = words(exponent)
    if raised.isascii() and raised.lstrip("-").isdigit():
        return _words(base, _ATOM) + raised.translate(_SUPERSCRIPT)
    return f"{_words(base, _ATOM)}^{_words(exponent, _ATOM)}"


def _chain(node: Product | Quotient) -> tuple[str, int]:
    left, right = node.left, node.right
    if isinstance(node, Product) and node.bound:
        number = words(left) if isinstance(left, Negative) else _words(left, _POWER)
        return f"{number} {_words(right, _PRODUCT)}", _UNIT
    if is_unit(node):
        sign = "/" if isinstance(node, Quotient) else "·"
        return f"{_words(left, _PRODUCT)}{sign}{_words(right, _POWER)}", _PRODUCT
    sign = " / " if isinstance(node, Quotient) else " * "
    deeper = _POWER if isinstance(node, Quotient) else _UNIT
    return f"{_words(left, _PRODUCT)}{sign}{_words(right, deeper)}", _PRODUCT

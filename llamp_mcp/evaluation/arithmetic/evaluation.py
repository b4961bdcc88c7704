"""Trees to quantities, in floating point: no number ever grows beyond a double's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.arithmetic.registry import constant, dimensions, kind, registry, unit
from llamp_mcp.evaluation.arithmetic.syntax import (
    Call,
    Constant,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Unit,
    words,
)
from llamp_mcp.evaluation.arithmetic.vocabulary import OFFSET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_UNIT_POWER: Final = 24
_OF_NUMBERS: Final[dict[str, Callable[[float], float]]] = {
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
}


def evaluate(node: Node) -> Any:
    """The quantity that a tree means, its magnitude a finite float.

    Raises:
        InvalidInput: A unit is unknown, dimensions do not fit, or a value is not finite.
    """
    try:
        found = _evaluate(node)
    except OverflowError:
        found = None
    if found is None or not math.isfinite(found.magnitude):
        raise InvalidInput(
            f"{_cut(node)} is too large", allowed="values up to 1e308", next_step="Scale it."
        )
    return found


def _evaluate(node: Node) -> Any:
    match node:
        case Number(text):
            return registry().Quantity(float(text), "")
        case Unit(name, at):
            return registry().Quantity(1.0, _difference(unit(name, at)))
        case Constant(name):
            return constant(name)
        case Negative(of):
            return -evaluate(of)
        case Sum():
            return _sum(node)
        case Product(left, right):
            return _reading(left, right) if _is_reading(node) else evaluate(left) * evaluate(right)
        case Quotient(left, right):
            return evaluate(left) / _divisor(right)
        case Power(base, exponent):
            return _power(base, exponent)
        case Call(function, arguments):
            return _call(function, arguments)


def _reading(number: Node, scale: Node) -> Any:
    """A temperature counted from another zero, in kelvin."""
    name = OFFSET[scale.name] if isinstance(scale, Unit) else "kelvin"
    return registry().Quantity(evaluate(number).magnitude, name).to("K")


def _difference(found: Any) -> Any:
    """A unit of temperature that is no reading of a thermometer stands for a difference."""
    return registry().Unit("kelvin") if str(found) in OFFSET.values() else found


def _sum(node: Sum) -> Any:
    if not node.minus and _is_reading(node.left) and _is_reading(node.right):
        raise InvalidInput(
            f"{words(node)} adds two temperatures counted from 273.15 K",
            next_step="Write the second, a difference, in K.",
        )
    left, right = _alike((node.left, node.right))
    return left - right if node.minus else left + right


def _is_reading(node: Node) -> bool:
    return (
        isinstance(node, Product)
        and node.bound
        and isinstance(node.right, Unit)
        and node.right.name in OFFSET
    )


def _alike(nodes: Sequence[Node]) -> list[Any]:
    """Quantities in the unit of the first.

    Raises:
        InvalidInput: One has another dimension.
    """
    found = [evaluate(node) for node in nodes]
    for node, one in zip(nodes, found, strict=True):
        if dimensions(one) != dimensions(found[0]):
            raise InvalidInput(
                f"{_cut(nodes[0])} ({kind(found[0])}) and {_cut(node)} ({kind(one)}) have "
                "different dimensions",
                allowed="only like with like is added, subtracted or compared",
                next_step="Convert one of them, or put parentheses where they are meant.",
            )
    return [one.to(found[0].units) for one in found]


def _divisor(node: Node) -> Any:
    found = evaluate(node)
    if found.magnitude == 0:
        raise InvalidInput(f"Division by zero: {_cut(node)} is 0")
    return found


def _number(node: Node, why: str) -> float:
    """A tree's value, which must have no dimension.

    Raises:
        InvalidInput: It has one.
    """
    found = evaluate(node)
    if dimensions(found):
        raise InvalidInput(
            f"{why} {_cut(node)} is not a plain number but {kind(found)}",
            next_step="Divide by a quantity of the same unit first.",
        )
    return float(found.to("").magnitude)


def _power(base: Node, exponent: Node) -> Any:
    power, found = _number(exponent, "An exponent must be a plain number:"), evaluate(base)
    if not dimensions(found):
        found = found.to("")
    elif power and max(abs(power * p) for p in dimensions(found).values()) > MAX_UNIT_POWER:
        raise InvalidInput(
            f"The unit of {_cut(base)} is raised to {power:g}",
            allowed=f"powers of a dimension up to {MAX_UNIT_POWER}",
        )
    value = found.magnitude
    if value == 0 and power < 0:
        raise InvalidInput(f"Division by zero: {_cut(base)} is 0, to the power of {power:g}")
    if value < 0 and not power.is_integer():
        raise InvalidInput(f"{_cut(base)} is negative: its power {power:g} is not a real number")
    return registry().Quantity(float(value) ** power, found.units**power)


def _call(function: str, arguments: tuple[Node, ...]) -> Any:
    if function in ("min", "max", "mean", "std"):
        return _of_several(function, arguments)
    if len(arguments) != 1:
        raise InvalidInput(f"{function} was given {len(arguments)} values", allowed="one")
    (argument,) = arguments
    if function == "abs":
        return abs(evaluate(argument))
    if function == "sqrt":
        return _power(argument, Number("0.5"))
    value = _number(argument, f"{function} takes a plain number, but")
    if function in ("log", "log10") and value <= 0:
        raise InvalidInput(f"{function} of {value:g} is not defined", allowed="values above 0")
    return registry().Quantity(_OF_NUMBERS[function](value), "")


def _of_several(function: str, arguments: tuple[Node, ...]) -> Any:
    found = _alike(arguments)
    values, count = [one.magnitude for one in found], len(found)
    mean = math.fsum(value / count for value in values)
    if function == "std":
        result = math.hypot(*(value - mean for value in values)) / math.sqrt(count)
    else:
        result = {"min": min(values), "max": max(values), "mean": mean}[function]
    return registry().Quantity(result, found[0].units)


def _cut(node: Node) -> str:
    """A tree as text, short enough for an error."""
    text = words(node)
    return f"'{text}'" if len(text) <= 80 else f"'{text[:80]}…'"

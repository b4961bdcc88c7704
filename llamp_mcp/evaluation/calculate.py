"""Arithmetic with units: models slip in it, most of all between GPa and eV/Å³."""

from __future__ import annotations

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params, Result

MAX_CHARACTERS = 500
_WHOLE = 1e15
"""Below this, a whole number is told in full."""


class CalculateParams(Params):
    """Arguments of `calculate`."""

    expression: str = Field(
        max_length=MAX_CHARACTERS,
        description="'8*28.0855 amu/(5.43 Å)^3', 'mean(1, 2) GPa'",
    )
    to: str = Field(default="", description="unit")


class CalculateResult(Result):
    """A value, its unit, and how the expression was understood."""

    value: float
    unit: str
    read_as: str

    def text(self) -> str:
        """The expression as it was read, and its value."""
        return f"{self.read_as} → {_number(self.value)} {self.unit}".rstrip()


def calculate(params: CalculateParams) -> CalculateResult:
    """Calculate with units and convert them; use it for every sum.

    + - * / ^ ( ), sqrt exp log log10 sin cos tan abs min max mean std; k_B h hbar N_A e c R. A
    number binds to the unit after it.
    """
    from llamp_mcp.evaluation.arithmetic.conversion import convert
    from llamp_mcp.evaluation.arithmetic.evaluation import evaluate
    from llamp_mcp.evaluation.arithmetic.parser import parse
    from llamp_mcp.evaluation.arithmetic.registry import LOCK
    from llamp_mcp.evaluation.arithmetic.syntax import words

    with LOCK:
        tree, target = parse(params.expression)
        to = params.to.strip()
        if target is not None:
            if to and to != words(target):
                raise InvalidInput(
                    f"The expression asks for {words(target)}, and to for {to!r}",
                    next_step="Name one unit.",
                )
            to = words(target)
        found = convert(evaluate(tree), to)
    return CalculateResult(value=found.value, unit=found.unit, read_as=words(tree) + found.moles)


def _number(value: float) -> str:
    """Ten significant digits; a whole number in full."""
    if value.is_integer() and abs(value) < _WHOLE:
        return str(int(value))
    return f"{value:.10g}"


OPERATION = Operation(
    name="calculate",
    title="Calculate",
    params=CalculateParams,
    result=CalculateResult,
    run=calculate,
    toolset="experts",
    read_only=True,
)

"""Which force fields this server has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.operation import Operation, Params, Result

if TYPE_CHECKING:
    from llamp_mcp.simulation.calculators import Calculators


class ListCalculatorsParams(Params):
    """No arguments."""


class CalculatorList(Result):
    """The calculators and the default."""

    default: str
    calculators: list[dict[str, Any]]

    def text(self) -> str:
        """One line per calculator, those that can be used first; a set of elements only once."""
        lines = [f"Default calculator: {self.default}"]
        named: dict[tuple[str, ...], str] = {}
        for entry in sorted(self.calculators, key=lambda entry: not entry["available"]):
            state = "available" if entry["available"] else f"NOT available: {entry['why_not']}"
            where = f" in the environment {entry['environment']}" if entry["environment"] else ""
            digest = f", sha256 {entry['sha256']}" if entry["sha256"] else ""
            elements = tuple(entry["elements"] or ())
            covers = " ".join(elements) if elements else "read when first loaded"
            covers = f"those of {named[elements]}" if elements in named else covers
            named.setdefault(elements, entry["name"])
            lines.append(
                f"{entry['name']}: {state}; family {entry['family']}, model {entry['model']}, "
                f"{entry['version']}, on {entry['device']}{where}{digest}; "
                f"licence {entry['licence']}; elements: {covers}; {entry['note']}"
            )
        return "\n".join(lines)


def list_calculators(_params: ListCalculatorsParams, *, calculators: Calculators) -> CalculatorList:
    """List the force fields that calculations can use.

    Gives version, elements, licence, accuracy, availability.
    """
    return CalculatorList(
        default=calculators.default,
        calculators=[entry.model_dump(mode="json") for entry in calculators.entries()],
    )


OPERATION = Operation(
    name="list_calculators",
    title="List calculators",
    params=ListCalculatorsParams,
    result=CalculatorList,
    run=list_calculators,
    toolset="simulation",
    read_only=True,
)

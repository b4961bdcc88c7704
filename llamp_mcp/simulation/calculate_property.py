"""Properties that take a calculation of several parts: one tool, one file per kind."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.simulation.calculators.catalogue import calculator_text, computed
from llamp_mcp.simulation.properties import KINDS
from llamp_mcp.simulation.properties.kind import Asked, Kind
from llamp_mcp.structures.variants import flat_schema, parse_variant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.provenance import Fact
    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore
    from llamp_mcp.structures.variants import Arguments

_BY_NAME = {kind.name: kind for kind in KINDS}
_VARIANTS = {kind.name: kind.arguments for kind in KINDS}
_ARGUMENTS = tuple(dict.fromkeys(name for one in _VARIANTS.values() for name in one.model_fields))
_COMMON = 3
"""An argument that so many kinds take is described without naming them."""


def _described(name: str) -> str:
    """What an argument means, and in few bytes which kinds take it."""
    fields = {
        kind: model.model_fields[name]
        for kind, model in _VARIANTS.items()
        if name in model.model_fields
    }
    told = " | ".join(dict.fromkeys(field.description or "" for field in fields.values()))
    whose = ", ".join(kind.removesuffix("_energy") for kind in fields)
    return told if len(fields) >= _COMMON else f"{whose}: {told}"


@cache
def _flat() -> dict[str, Any]:
    """Schemas of the arguments of all kinds; made when a tool list shows them, not before."""
    schemas: dict[str, Any] = flat_schema("kind", _VARIANTS)["properties"]
    return schemas


class _Shown:
    """The schema of one of those arguments."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get_pydantic_json_schema__(self, _core: object, _handler: object) -> dict[str, Any]:
        return {key: value for key, value in _flat()[self._name].items() if key != "description"}


class PropertyParams(Params):
    """What all kinds take; the arguments of the kinds are added below, flat."""

    kind: Annotated[str, _Shown("kind")] = Field(description="what to compute")
    structure_id: str = Field(description="crystal; adsorption: clean slab")
    calculator: str = Field(default="", description="empty: default")

    def asked(self) -> tuple[Kind, Asked, Arguments]:
        """The kind, what it is asked about, and its own arguments, checked.

        Raises:
            InvalidInput: There is no such kind, or it does not take what was given.
        """
        own = self.model_dump(include={"kind", *_ARGUMENTS}, exclude_none=True)
        name, arguments = parse_variant("calculate_property", "kind", _VARIANTS, own)
        kind = _BY_NAME[name]
        if kind.calculator == "own" and self.calculator:
            raise InvalidInput(
                f"kind {name!r} does not take 'calculator'",
                allowed=f"kind | structure_id | {' | '.join(_VARIANTS[name].model_fields)}",
            )
        return kind, Asked(self.structure_id, self.calculator), arguments


_PARAMS: type[PropertyParams] = create_model(
    "CalculatePropertyParams",
    __base__=PropertyParams,
    __doc__="Arguments of calculate_property: each checked by the model of its kind.",
    **{
        name: (Annotated[Any, _Shown(name)], Field(None, description=_described(name)))
        for name in _ARGUMENTS
    },  # type: ignore[call-overload]
)


class PropertyResult(Result):
    """The values of one kind in a shell that all kinds share."""

    kind: str
    structure_id: str
    formula: str
    values: dict[str, Any] = Field(description="per kind, units in the names")
    converged: bool | None
    calculators: list[dict[str, Any]]
    plot: dict[str, str] | None = Field(description="uri path")
    warnings: list[str]

    def text(self) -> str:
        """What the kind says, then how far and by whom it was computed."""
        state = {True: "converged", False: "NOT converged", None: ""}[self.converged]
        head = f"{self.kind} of {self.structure_id} ({self.formula}){state and f', {state}'}"
        lines = [head, *_BY_NAME[self.kind].text(self.values)]
        lines += [calculator_text(calculator) for calculator in self.calculators]
        if self.plot:
            lines.append(f"plot {self.plot['uri']}: {self.plot['path']}")
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def images(self) -> Iterable[bytes]:
        """The picture, while its file is there."""
        if self.plot and (path := Path(self.plot["path"])).is_file():
            yield path.read_bytes()


def check(params: PropertyParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    kind, asked, arguments = params.asked()
    kind.check(asked, arguments, structures=structures, calculators=calculators)


def calculate_property(
    params: PropertyParams,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> PropertyResult:
    """Compute a property that takes several relaxations with one force field; kind says which.

    An argument belongs to the kinds its description names. The crystal is relaxed first. Returns
    values with units, method, convergence.
    """
    kind, asked, arguments = params.asked()
    kind.check(asked, arguments, structures=structures, calculators=calculators)
    found = kind.run(
        asked, arguments, structures=structures, calculators=calculators, monitor=monitor
    )
    return PropertyResult(
        kind=kind.name,
        structure_id=asked.structure_id,
        formula=structures.get(asked.structure_id).composition.reduced_formula,
        values=found.values,
        converged=found.converged,
        calculators=found.calculators,
        plot=found.plot,
        warnings=found.warnings,
    )


def facts(result: PropertyResult) -> Iterable[Fact]:
    """What the kind holds worth remembering.

    A property whose name ends with a calculator's in parentheses is of that one; others are of the
    first.
    """
    for about, name, value, unit in _BY_NAME[result.kind].facts(result.values):
        own = (one for one in result.calculators if name.endswith(f"({one['name']})"))
        calculator = next(own, result.calculators[0])
        yield from computed(
            about or result.structure_id, result.formula, calculator, [(name, value, unit)]
        )


OPERATION = Operation(
    name="calculate_property",
    title="Calculate a property",
    params=_PARAMS,
    result=PropertyResult,
    run=calculate_property,
    check=check,
    facts=facts,
    toolset="simulation_more",
    read_only=False,
    long_running=True,
    view="plot",
)

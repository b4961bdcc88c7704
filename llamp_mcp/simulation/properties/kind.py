"""What a kind of property is: its name, its arguments, how it is computed and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llamp_mcp.structures.variants import Arguments

Values = dict[str, Any]
CalculatorUse = Literal["one", "own"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What every kind is asked for.

    Attributes:
        structure_id: Handle of the structure.
        calculator: Name; empty for the default, and for kinds that name calculators of their own.
    """

    structure_id: str
    calculator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a kind has found.

    Attributes:
        values: JSON values by names that end in their unit (`surface_energy_j_per_m2`); all that
            `Kind.text` says, for a text is made from the values a job has kept.
        calculators: Provenance of each calculator that took part, as `Subject.calculator`.
        converged: Whether every minimisation in it was; None where there was none.
        warnings: What a scientist must know before using the values.
        plot: What `keep_plot` gave, where there is a picture.
    """

    values: Values
    calculators: list[dict[str, Any]]
    converged: bool | None = None
    warnings: list[str] = field(default_factory=list)
    plot: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of property.

    Attributes:
        name: Its `kind`.
        arguments: Model of what it takes beside `structure_id` and `calculator`. A name that
            several kinds use means the same in all of them. Descriptions are 2 to 8 words.
        check: `check(asked, arguments, *, structures, calculators)` raises for bad input, cheaply,
            before a job is made.
        run: `run(asked, arguments, *, structures, calculators, monitor) -> Answered`, in the
            worker. Each part of it goes through `monitor.once`.
        text: Lines that say every one of the values with its unit; calculators, warnings and the
            plot are told by the tool.
        facts: Values worth remembering: (structure_id or empty for the one asked for, property,
            value, unit).
        calculator: `one`: the argument `calculator`; `own`: the kind's arguments name them, and
            `calculator` is refused.
    """

    name: str
    arguments: type[Arguments]
    check: Callable[..., None]
    run: Callable[..., Answered]
    text: Callable[[Values], Iterable[str]]
    facts: Callable[[Values], Iterable[tuple[str, str, float, str]]]
    calculator: CalculatorUse = "one"

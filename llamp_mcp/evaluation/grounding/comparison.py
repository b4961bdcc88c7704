"""One claim held against one fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from llamp_mcp.evaluation.grounding.figures import Figure
from llamp_mcp.evaluation.grounding.quantities import (
    Reading,
    Unit,
    conversion,
    readings,
    relatives,
    unit,
)
from llamp_mcp.evaluation.grounding.words import same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llamp_mcp.evaluation.grounding.evidence import Evidence, Item
    from llamp_mcp.evaluation.grounding.properties import Asked
    from llamp_mcp.evaluation.grounding.statements import Statement
    from llamp_mcp.provenance import Fact


SLIP: Final = "slip of unit: "
_NEARBY: Final = 1e-3
"""How much nearer a value is that was told as it is claimed, without conversion."""
_EDGES: Final = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claim and a fact stand to each other.

    Attributes:
        kind: Whether they agree; `apart` when they cannot be compared.
        item: The fact.
        note: What was assumed, or which slip was made.
        distance: How far apart they are, relatively; for choosing the nearest.
    """

    kind: Literal["agrees", "differs", "apart"]
    item: Item
    note: str = ""
    distance: float = 9.0


def compare(statement: Statement, asked: Asked, item: Item, evidence: Evidence) -> Outcome:
    """Hold a claim against a fact."""
    value, claimed = item.fact.value, statement.value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and isinstance(claimed, Figure) and not _is_label(item.fact):
        return _compare_numbers(claimed, statement, asked, item, evidence)
    if isinstance(statement.value, Figure) and not _takes_numbers(item.fact):
        return Outcome("apart", item, f"{item.fact.property} is no number")
    agreed = same(
        statement.shown if isinstance(statement.value, Figure) else statement.value, item.fact
    )
    if agreed is None:
        return Outcome("apart", item, f"{statement.shown} cannot be compared with it")
    literal = isinstance(value, str) is (statement.shown[:1].isalpha())
    return Outcome("agrees" if agreed else "differs", item, distance=_NEARBY * (not literal))


def _is_label(fact: Fact) -> bool:
    """Whether a number only names something, so that it agrees or not."""
    return fact.property.endswith(("symmetry.number", "spacegroup_number"))


def _takes_numbers(fact: Fact) -> bool:
    return _is_label(fact) or fact.property.endswith(("symmetry.symbol", "spacegroup_symbol"))


def _compare_numbers(
    figure: Figure, statement: Statement, asked: Asked, item: Item, evidence: Evidence
) -> Outcome:
    fact, told = item.fact, asked.told_in(item.fact.property, item.fact.unit)
    written = statement.unit or asked.unit
    wanted = unit(written) if written else told
    if told is None or wanted is None:
        strange = f"{written[:30]!r}" if told else f"of {fact.property}"
        return Outcome("apart", item, f"the unit {strange} is not known here")
    if asked.per and not wanted.per and told.per:
        wanted = replace(wanted, per=asked.per)
    assert isinstance(fact.value, (int, float))
    also = bool(written) and not asked.per
    ways = list(readings(float(fact.value), told, wanted, evidence.counts(fact), also=also))
    if not ways and _only_counts_lack(told, wanted):
        lack = f"how many atoms a {wanted.per} has was not told"
        slip = _slip(figure, float(fact.value), told, evidence, fact)
        return Outcome("apart", item, slip or lack)
    for way in ways:
        if figure.agrees(way.value):
            taken = f"no unit given: taken as {fact.unit}" if fact.unit and not written else ""
            far = figure.distance(way.value) + _NEARBY * (told != wanted)
            return Outcome("agrees", item, way.assumed or taken, far)
        if fact.property in _EDGES and any(
            map(figure.agrees, evidence.cubic(fact.subject, way.value))
        ):
            return Outcome("agrees", item, "as the edge of the conventional cubic cell", 0.0)
    distance = min((figure.distance(way.value) for way in ways), default=1.0)
    note = _sign(figure, ways) or _slip(figure, float(fact.value), told, evidence, fact)
    return Outcome(
        "differs", item, note or ("" if ways else f"{written} is no unit of it"), distance
    )


def _sign(figure: Figure, ways: Sequence[Reading]) -> str:
    """That only the sign is wrong."""
    turned = Figure(-figure.high, -figure.low, figure.half)
    wrong = figure.low != 0 and any(turned.agrees(way.value) for way in ways)
    return "the sign is wrong" if wrong else ""


def _only_counts_lack(told: Unit, wanted: Unit) -> bool:
    """Whether only a number of atoms was missing to compare two units."""
    return bool(told.per and wanted.per) and conversion(told.base, wanted.base) is not None


def _slip(figure: Figure, value: float, told: Unit, evidence: Evidence, fact: Fact) -> str:
    """The unit in which the number would have been right."""
    if not figure.low:
        return ""
    counts = evidence.counts(fact)
    for name, other in ((fact.unit or "", told), *relatives(told)):
        for way in readings(value, told, other, counts, also=False):
            if figure.agrees(way.value):
                return f"{SLIP}the number is that in {name}" if name else ""
    return ""

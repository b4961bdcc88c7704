"""Which of two materials has more of a property: only between formulas of one side."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.distillation.answer import Answer, facts
from llamp_mcp.evaluation.distillation.rows import Exchange, digest
from llamp_mcp.evaluation.distillation.vocabulary import WORDS, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llamp_mcp.evaluation.distillation.answer import Tools
    from llamp_mcp.evaluation.distillation.holdings import Formula, Property
    from llamp_mcp.provenance import Fact

COMPARED: Final = tuple(name for name, known in WORDS.items() if known.larger)
LOWER: Final = frozenset({"formation_energy_per_atom"})
"""Properties that are asked for the lower value of."""


def neighbours(
    formulas: Sequence[Formula], wanted: Property, seed: int
) -> Iterator[tuple[Formula, Formula]]:
    """Each formula that has a property with the next one, in an order of chance."""
    having = [formula for formula in formulas if formula.holding(wanted)]
    having.sort(key=lambda one: digest(f"{seed} {wanted.name} {one.key}"))
    yield from pairwise(having)


def compare(
    tools: Tools, first: Formula, second: Formula, wanted: Property, seed: int
) -> Exchange | None:
    """Which of the two has more; None where that cannot be said, or they are equal as printed."""
    pair = (first.formula, second.formula)
    call, result = tools.properties(pair, **wanted.arguments)
    if result is None or [row["requested"] for row in result.results] != list(pair):
        return None
    if any(row["warnings"] or "none chosen" in row["selection"] for row in result.results):
        return None
    found = facts(result)
    ids = [row["material_id"] for row in result.results]
    values = [found.get((identifier, wanted.name)) for identifier in ids]
    a, b = values
    if a is None or b is None or not _comparable(found, ids) or a.value == b.value:
        return None
    if not isinstance(a.value, (int, float)) or not isinstance(b.value, (int, float)):
        return None
    if wanted.name in LOWER and a.source != b.source:
        return None  # energies of two sources stand on two hulls
    high, low = (a, b) if a.value > b.value else (b, a)
    known, answer = words(wanted.name), Answer()
    names = {fact.subject: f"{fact.formula} ({fact.subject})" for fact in (high, low)}
    verdict = known.more.format(a=names[high.subject], b=names[low.subject])
    lead, rest = (low, high) if wanted.name in LOWER else (high, low)
    answer.say(
        f"{verdict}: the {known.exact} of {lead.formula} is {answer.cite(lead)}, that of "
        f"{rest.formula} {answer.cite(rest)}, a difference of {answer.difference(high, low)}."
    )
    if high.source != low.source:
        answer.say("The two values come from different sources, so mind their versions.")
    answer.method(wanted.group, wanted.name)
    name = f"{seed} {wanted.name} {first.key} against {second.key}"
    question = known.larger.format(x=first.formula, y=second.formula)
    return answer.finish(name, "comparison", question, [call], formulas=pair)


def _comparable(found: dict[tuple[str, str], Fact], ids: list[str]) -> bool:
    """Whether both values are of one functional, where they say which."""
    mixes = [fact and fact.value for one in ids for fact in [found.get((one, "thermo_type"))]]
    return mixes[0] == mixes[1]

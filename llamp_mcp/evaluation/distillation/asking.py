"""All exchanges that a source gives, formula by formula."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.distillation import (
    comparisons,
    conversions,
    polymorphs,
    refusals,
    values,
)
from llamp_mcp.evaluation.distillation.holdings import Property
from llamp_mcp.evaluation.distillation.rows import digest
from llamp_mcp.evaluation.distillation.vocabulary import NO_OVERVIEW, WORDS
from llamp_mcp.materials.groups import HOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from llamp_mcp.evaluation.distillation.answer import Tools
    from llamp_mcp.evaluation.distillation.holdings import Catalogue, Formula
    from llamp_mcp.evaluation.distillation.rows import Exchange
    from llamp_mcp.evaluation.distillation.splits import Division

    Make = Callable[[], Exchange | None]

BY_ENTRY: Final = 16
"""Questions by id for a formula of several entries, lest one with many fills the data set."""
BY_ONLY_ENTRY: Final = 3
NOT_HELD: Final = 2
NEVER_EVERY: Final = 4
"""One formula in so many is asked for something that no database of this kind has."""
UNKNOWN_IDS: Final = 20

ASKED: Final = tuple(
    Property(HOME[base], name, alone=True)
    for name, known in WORDS.items()
    if (base := name.partition(".")[0]) in HOME and not known.yes
)
"""What people ask for, held or not."""


def about(tools: Tools, formula: Formula, seed: int) -> Iterator[Exchange]:
    """Everything that is asked about one formula."""
    for make in _about(tools, formula, seed):
        if exchange := make():
            yield exchange


def _about(tools: Tools, formula: Formula, seed: int) -> Iterator[Make]:
    held = formula.properties()
    for wanted in held:
        yield partial(values.of_formula, tools, formula, wanted, seed)
    by_entry = [(entry, wanted) for entry in formula.entries for wanted in entry.properties]
    by_entry.sort(key=lambda one: digest(f"{seed} {one[0].material_id} {one[1].name}"))
    share = BY_ENTRY if len(formula.entries) > 1 else BY_ONLY_ENTRY
    for entry, wanted in by_entry[:share]:
        yield partial(values.of_entry, tools, formula, entry, wanted, seed)
    several = (g for entry in formula.entries for g, n in entry.groups.items() if n > 1)
    for group in sorted(set(several) - NO_OVERVIEW):
        yield partial(values.overview, tools, formula, group, seed)
    if len(formula.entries) > 1:
        yield partial(polymorphs.most_stable, tools, formula, seed)
        yield partial(polymorphs.listed, tools, formula, seed)
    for wanted in held:
        for conversion in conversions.CONVERSIONS:
            if conversion.property == wanted.name and wanted.alone:
                yield partial(conversions.convert, tools, formula, wanted, conversion, seed)
    bases = {wanted.name.partition(".")[0] for wanted in held}
    lacking = [wanted for wanted in ASKED if wanted.name.partition(".")[0] not in bases]
    lacking.sort(key=lambda one: digest(f"{seed} {formula.key} {one.name}"))
    for wanted in lacking[:NOT_HELD]:
        yield partial(refusals.not_held, tools, formula, wanted, seed)
    if digest(f"{seed} {formula.key}") % NEVER_EVERY == 0:
        yield partial(refusals.never_held, formula, seed)


def between(
    tools: Tools, formulas: Sequence[Formula], division: Division, seed: int
) -> Iterator[Exchange]:
    """Comparisons of formulas that are on one side."""
    sides: dict[str, list[Formula]] = {}
    for formula in formulas:
        sides.setdefault(division.side_of_key(formula.key), []).append(formula)
    compared = [wanted for wanted in ASKED if wanted.name in comparisons.COMPARED]
    for side in sides.values():
        for wanted in compared:
            for first, second in comparisons.neighbours(side, wanted, seed):
                if exchange := comparisons.compare(tools, first, second, wanted, seed):
                    yield exchange


def beyond(tools: Tools, known: Catalogue, seed: int) -> Iterator[Exchange]:
    """Questions for compounds and ids that are not here at all."""
    wanted: Iterable[Property] = ASKED
    for formula in refusals.COMMON:
        name = min(wanted, key=lambda one: digest(f"{seed} {formula} {one.name}"))
        if exchange := refusals.unknown_formula(tools, formula, name, seed):
            yield exchange
    for number in range(UNKNOWN_IDS if known.keys else 0):
        name = min(wanted, key=lambda one: digest(f"{seed} {number} {one.name}"))
        if exchange := refusals.unknown_id(tools, number, name, seed):
            yield exchange

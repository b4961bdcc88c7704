"""Whether what was told supports a claim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.grounding.catalogue import TOLD
from llamp_mcp.evaluation.grounding.comparison import SLIP, Outcome, compare
from llamp_mcp.evaluation.grounding.evidence import canonical, composition
from llamp_mcp.evaluation.grounding.properties import asked as asked_for
from llamp_mcp.evaluation.grounding.quantities import unit
from llamp_mcp.evaluation.grounding.statements import Judgement, Statement
from llamp_mcp.evaluation.grounding.words import same_formula
from llamp_mcp.materials.presentation import number
from llamp_mcp.provenance import ids_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llamp_mcp.evaluation.grounding.evidence import Evidence
    from llamp_mcp.evaluation.grounding.properties import Asked
    from llamp_mcp.provenance import Fact

MAX_ASKED: Final = 10
"""Entries of a formula that a source is asked about for one claim."""
_LISTED: Final = 3
_NAMED: Final = 6
_OF_A_SITE: Final = ("magnetic moment", "moment", "magnetic moments", "local magnetic moment")
_FORMULA: Final = frozenset(("formula", "formula pretty", "composition", "chemical formula"))


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a claim is about, and who else is of the same composition."""

    own: tuple[str, ...]
    others: tuple[str, ...] = ()
    by_id: bool = False


def judge(statement: Statement, evidence: Evidence) -> Judgement:
    """Hold a claim against everything that was told of its subject.

    A fact of that subject that agrees supports it; where there are facts and none agrees they
    contradict it. A formula means all its entries; an id means itself: a value of another entry of
    the same formula does not support it.
    """
    scope = _scope(statement, evidence)
    if isinstance(scope, Judgement):
        return scope
    asked = asked_for(statement.property)
    if mismatch := _mismatch(statement, scope, asked, evidence):
        return mismatch
    found = _outcomes(statement, asked, scope.own, evidence)
    if agreed := _best(found, "agrees"):
        return _supported(statement, agreed, scope, found, evidence)
    others = _outcomes(statement, asked, scope.others, evidence)
    elsewhere = _best([one for one in others if one.item.rank == TOLD], "agrees")
    judgement = _not_supported(statement, asked, scope, found, evidence)
    if elsewhere:
        judgement = _of_another(judgement, elsewhere, scope, evidence)
    doubt = _doubt(statement, asked) if judgement.verdict == "contradicted" else ""
    return replace(judgement, verdict="unknown", notes=(doubt,)) if doubt else judgement


def _doubt(statement: Statement, asked: Asked) -> str:
    """Why a value that was not told is no contradiction to those that were."""
    if statement.elsewhere:
        return "said to come from elsewhere: no tool told it"
    counted = unit(statement.unit or asked.unit)
    if asked.name.casefold() in _OF_A_SITE and not asked.per and not (counted and counted.per):
        return "it may mean the moment of one atom, which was not told"
    return ""


def _scope(statement: Statement, evidence: Evidence) -> Scope | Judgement:
    """Whom a claim is about; at once a judgement when that is nobody known."""
    key = ""
    if statement.material:
        subject = canonical(statement.material)
        if evidence.knows(subject):
            keys = {composition(f) for f in evidence.formulas(subject)}
            same = {other: None for k in keys if k for other in evidence.of_formula(k)}
            return Scope((subject,), tuple(o for o in same if o != subject), by_id=True)
        key = "" if ids_in(statement.material) else composition(statement.material)
        if not key:
            return Judgement(
                statement=statement,
                verdict="unknown",
                notes=("no tool returned this id",),
                unknown_id=statement.material.strip(),
            )
    elif not statement.formula:
        return _unknown(statement, "it names no material")
    key = key or composition(statement.formula) or _element(statement.formula)
    if not key:
        return _unknown(statement, f"{statement.formula[:40]!r} is not a formula")
    own = evidence.of_formula(key)
    if not own:
        return _unknown(statement, f"no tool told anything of {statement.formula or key}")
    return Scope(tuple(sorted(own, key=lambda s: not _is_entry(s))))


def _element(name: str) -> str:
    """The key of an element that is called by its English name."""
    from pymatgen.core.periodic_table import Element

    try:
        return composition(Element.from_name(name.strip().capitalize()).symbol)
    except ValueError:
        return ""


def _is_entry(subject: str) -> bool:
    return subject.startswith(("mp-", "mvc-"))


def _unknown(statement: Statement, note: str, lacking: tuple[str, ...] = ()) -> Judgement:
    notes = (note,) if note else ()
    return Judgement(statement=statement, verdict="unknown", notes=notes, lacking=lacking)


def _mismatch(
    statement: Statement, scope: Scope, asked: Asked, evidence: Evidence
) -> Judgement | None:
    """The judgement on what an id is of, where that is claimed or given with it."""
    formulas = evidence.formulas(scope.own[0]) if scope.by_id else ()
    claimed = str(statement.value) if asked.keys & _FORMULA else statement.formula
    if not formulas or not composition(claimed):
        return None
    right = same_formula(claimed, formulas)
    if not asked.keys & _FORMULA:
        if right:
            return None
        note = f"{scope.own[0]} is {formulas[-1]}, not {claimed}"
        return Judgement(statement=statement, verdict="contradicted", notes=(note,))
    verdict, note = ("supported" if right else "contradicted"), f"{scope.own[0]} is {formulas[-1]}"
    return Judgement(statement=statement, verdict=verdict, notes=(note,))  # type: ignore[arg-type]


def _outcomes(
    statement: Statement, asked: Asked, subjects: Sequence[str], evidence: Evidence
) -> list[Outcome]:
    items = evidence.items(subjects, asked)
    return [compare(statement, asked, item, evidence) for item in items]


def _best(found: Iterable[Outcome], kind: str) -> Outcome | None:
    """The outcome of a kind that bears most directly on the claim, then the nearest."""
    chosen = [outcome for outcome in found if outcome.kind == kind]
    return min(chosen, key=lambda o: (o.item.rank, bool(o.note), o.distance), default=None)


def _supported(
    statement: Statement,
    agreed: Outcome,
    scope: Scope,
    found: Sequence[Outcome],
    evidence: Evidence,
) -> Judgement:
    fact = agreed.item.fact
    notes = [agreed.note]
    if agreed.item.rank != TOLD:
        notes.append(f"it is {fact.property}")
    if not scope.by_id:
        notes.append(_other_entries(fact, found, evidence))
    return Judgement(
        statement=statement, verdict="supported", fact=fact, notes=tuple(filter(None, notes))
    )


def _other_entries(fact: Fact, found: Sequence[Outcome], evidence: Evidence) -> str:
    """That a value is not that of the formula's lowest entry, with the value that is."""
    rivals = [
        one.item.fact
        for one in found
        if one.item.rank == TOLD
        and one.kind == "differs"
        and one.item.fact.subject != fact.subject
        and _is_entry(one.item.fact.subject)
    ]
    if not rivals:
        return ""
    own = evidence.hull_energy(fact.subject)
    lower = [
        rival
        for rival in rivals
        if (energy := evidence.hull_energy(rival.subject)) is not None
        and (own is None or energy < own)
    ]
    if lower:
        first = min(lower, key=lambda rival: evidence.hull_energy(rival.subject) or 0.0)
        return f"of {fact.subject}; {first.subject}, lower on the hull, has {_told(first)}"
    return f"of {fact.subject}; other entries have other values" if own is None else ""


def _told(fact: Fact) -> str:
    """A value with its unit."""
    value = number(fact.value) if fact.value is not None else "none"
    return f"{value} {fact.unit or ''}".rstrip()


def _not_supported(
    statement: Statement,
    asked: Asked,
    scope: Scope,
    found: Sequence[Outcome],
    evidence: Evidence,
) -> Judgement:
    direct = [outcome for outcome in found if outcome.item.rank == TOLD]
    differs = [outcome for outcome in direct if outcome.kind == "differs"]
    entries = tuple(s for s in scope.own if _is_entry(s))
    asked_of = {outcome.item.fact.subject for outcome in direct}
    lacking = () if asked_of & set(entries) else entries[:MAX_ASKED]
    if not differs:
        apart = _best(found, "apart")
        note = apart.note if apart else _nothing(asked, scope, evidence)
        return _unknown(statement, note, lacking if asked.home() else ())
    nearest = min(differs, key=lambda outcome: (not outcome.note, outcome.distance))
    fact = nearest.item.fact
    slips = (one.note for one in direct if one.note.startswith(SLIP))
    values = {_told(one.item.fact): one.item.fact.subject for one in reversed(differs)}
    values.pop(_told(fact), None)
    others = [f"{value} ({subject})" for value, subject in values.items()]
    more = f", and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    also = f"also told: {', '.join(others[:_LISTED])}{more}" if others else ""
    return Judgement(
        statement=statement,
        verdict="contradicted",
        fact=fact,
        notes=tuple(filter(None, (nearest.note or next(slips, ""), also))),
        lacking=lacking if asked.home() else (),
    )


def _nothing(asked: Asked, scope: Scope, evidence: Evidence) -> str:
    """That no such value was told, and what was."""
    known = [name for subject in scope.own for name in evidence.properties(subject)]
    if not known:
        return f"no value of {scope.own[0]} was told"
    close = get_close_matches(asked.name.replace(" ", "_"), known, n=2, cutoff=0.5)
    named = list(dict.fromkeys((*close, *known)))[:_NAMED]
    return f"not told; told of {scope.own[0]}: {', '.join(named)}"


def _of_another(
    judgement: Judgement, agreed: Outcome, scope: Scope, evidence: Evidence
) -> Judgement:
    """A claim about an id whose value was told of another subject of the same composition."""
    fact, own = agreed.item.fact, scope.own[0]
    other = canonical(fact.subject)
    if other in evidence.structures_of(own):
        note = f"computed for {other}, the structure of {own}"
        return replace(judgement, verdict="supported", fact=fact, notes=(note,), lacking=())
    note = f"this is the value of {other}: {_told(fact)}"
    if judgement.verdict == "contradicted" and (_is_entry(other) or not _is_entry(own)):
        return replace(judgement, notes=(note, *judgement.notes))
    note += "" if _is_entry(other) else f"; whether that structure is {own} was not told"
    return replace(judgement, verdict="unknown", notes=(note,))

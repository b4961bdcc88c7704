"""Questions for one value, or for all of a group, of a formula or of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.distillation.answer import Answer, facts
from llamp_mcp.evaluation.distillation.holdings import Property
from llamp_mcp.evaluation.distillation.rows import Exchange, pick
from llamp_mcp.evaluation.distillation.vocabulary import (
    GENERAL_ANSWERS,
    LISTED_ANSWERS,
    OVERVIEWS,
    Words,
    questions,
    with_article,
    words,
)
from llamp_mcp.materials.groups import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llamp_mcp.evaluation.distillation.answer import Tools
    from llamp_mcp.evaluation.distillation.holdings import Entry, Formula
    from llamp_mcp.materials.get_properties import PropertiesResult
    from llamp_mcp.provenance import Fact

Found = dict[tuple[str, str], "Fact"]

SYMMETRY: Final = Property("summary", "symmetry", alone=True)
MAX_CANDIDATES: Final = 8
"""Entries among which none can be chosen, that an answer lists."""
_OF_ENTRY: Final = ("{id}", "{formula} ({id})", "the entry {id} ({formula})", "{formula}, {id},")


def of_formula(tools: Tools, formula: Formula, wanted: Property, seed: int) -> Exchange | None:
    """A question that names a formula; None where no natural answer can be given."""
    call, result = tools.properties([formula.formula], **wanted.arguments)
    if result is None:
        return None
    name = f"{seed} {formula.key} {wanted.group} {wanted.name}"
    found, row = facts(result), result.results[0]
    question = asked(wanted, formula.formula, name, found)
    answer = Answer()
    kind = "value"
    if row["selection"].startswith("none chosen"):
        candidates = formula.holding(wanted)
        if len(candidates) > MAX_CANDIDATES:
            return None
        kind = "ambiguous"
        _list_candidates(answer, found, formula, candidates, wanted)
    elif row["warnings"]:
        kind = "unphysical"
        _warn(answer, found, result, wanted)
    else:
        subject = f"{formula.formula} ({row['material_id']})"
        state(answer, found, row["material_id"], wanted, subject, name)
        why(answer, formula, formula.holding(wanted), row["material_id"])
    answer.method(wanted.group, wanted.name, caveat=kind == "unphysical")
    return answer.finish(name, kind, question, [call], formulas=[formula.formula])


def of_entry(
    tools: Tools, formula: Formula, entry: Entry, wanted: Property, seed: int
) -> Exchange | None:
    """A question that names an id, and the polymorph where there are several."""
    name = f"{seed} {entry.material_id} {wanted.group} {wanted.name}"
    told = entry.properties.get(SYMMETRY)
    symbol = told.get("symbol") if isinstance(told, dict) else None
    several = symbol and len(formula.entries) > 1
    polymorph = bool(several and wanted.alone and wanted != SYMMETRY and entry.hull is None)
    fields = [wanted.name, SYMMETRY.name] if polymorph else wanted.arguments["fields"]
    call, result = tools.properties([entry.material_id], **{**wanted.arguments, "fields": fields})
    if result is None:
        return None
    found, identifier = facts(result), entry.material_id
    named = pick(_OF_ENTRY, f"{name} subject").format(id=identifier, formula=formula.formula)
    answer = Answer()
    subject = f"{formula.formula} ({identifier})"
    if polymorph:
        named = f"the {symbol} polymorph of {formula.formula} ({identifier})"
        shown = answer.cite(found[identifier, "symmetry.symbol"])
        subject = f"the {shown} polymorph of {formula.formula} ({identifier})"
    question = asked(wanted, named, name, found)
    kind = "value"
    if result.results[0]["warnings"]:
        kind = "unphysical"
        _warn(answer, found, result, wanted)
    else:
        state(answer, found, identifier, wanted, subject, name)
    answer.method(wanted.group, wanted.name, caveat=kind == "unphysical")
    return answer.finish(name, kind, question, [call], formulas=[formula.formula])


def overview(tools: Tools, formula: Formula, group: str, seed: int) -> Exchange | None:
    """A question for all that a group has of a formula."""
    call, result = tools.properties([formula.formula], groups=[group])
    if result is None or len(result.results) != 1:
        return None
    row = result.results[0]
    identifier = row["material_id"]
    if row["warnings"] or row["cut"] or row["selection"].startswith("none chosen"):
        return None
    name = f"{seed} {formula.key} {group}"
    told = OVERVIEWS.get(group) or ("What does the source say about the {group} data of {s}?",)
    question = pick(told, name).format(s=formula.formula, group=group.replace("_", " "))
    answer, found = Answer(), facts(result)
    answer.say(f"{formula.formula} ({identifier}), {GROUPS[group].about}:")
    for field, value in row["groups"][group].items():
        if field == "thermo_type":
            continue
        parts = [f"{field}.{part}" for part in value] if isinstance(value, dict) else []
        split = parts and field != "symmetry" and all((identifier, p) in found for p in parts)
        for label in parts if split else [field]:
            shown = text_of(answer, found, identifier, label)
            if not shown:
                return None
            answer.say(f"\n- {_heading(label)}: {shown}")
    answer.say("\n")
    holding = tuple(entry for entry in formula.entries if entry.groups.get(group))
    _functional(answer, found, identifier)
    why(answer, formula, holding, identifier)
    answer.method(group)
    return answer.finish(name, "overview", question, [call], formulas=[formula.formula])


def _heading(label: str) -> str:
    told = words(label).exact
    return told[:1].upper() + told[1:]


def asked(wanted: Property, subject: str, name: str, found: Mapping[tuple[str, str], Fact]) -> str:
    """A question in one of the ways in which people put it."""
    known = words(wanted.name)
    boolean = any(isinstance(f.value, bool) for (_, p), f in found.items() if p == wanted.name)
    options = known.asked if boolean and known.asked else (*known.asked, *questions(known))
    noun = known.noun
    text = pick(options, name).format(s=subject, noun=noun, Noun=noun[:1].upper() + noun[1:])
    text = text.replace(",?", "?").replace(",.", ".").replace(",,", ",")
    return text[:1].upper() + text[1:] if not text.startswith(subject) else text


def state(
    answer: Answer,
    found: Found,
    identifier: str,
    wanted: Property,
    subject: str,
    name: str,
) -> None:
    """Say the value, what it means, and the functional where that is told."""
    known = words(wanted.name)
    fact = found.get((identifier, wanted.name))
    if fact is not None and isinstance(fact.value, bool):
        answer.cite(fact)
        said = known.yes if fact.value else known.no
        answer.say(said.format(s=subject) if said else _plain_truth(known, subject, fact.value))
    else:
        shown = text_of(answer, found, identifier, wanted.name)
        general = LISTED_ANSWERS if known.listed else GENERAL_ANSWERS
        template = pick(known.told or general, f"{name} told")
        term = known.exact
        answer.say(template.format(s=subject, v=shown, term=term, a_term=with_article(term)))
    if fact is not None and fact.value == 0 and known.zero and not isinstance(fact.value, bool):
        answer.say(known.zero)
    elif known.meaning:
        answer.say(known.meaning)
    _functional(answer, found, identifier)


def _plain_truth(known: Words, subject: str, value: bool) -> str:
    return f"{known.exact[:1].upper()}{known.exact[1:]} of {subject}: {'yes' if value else 'no'}."


def _functional(answer: Answer, found: Found, identifier: str) -> None:
    if mix := found.get((identifier, "thermo_type")):
        answer.say(f"The energies are of thermo_type {answer.cite(mix)}.")


def text_of(answer: Answer, found: Found, identifier: str, name: str) -> str:
    """A value in words, whether it is one number, an object or a list of objects."""
    if fact := found.get((identifier, name)):
        shown = answer.cite(fact)
        return {"true": "yes", "false": "no"}.get(shown, shown)
    if name == "symmetry":
        symbol, number, system = (
            found.get((identifier, f"symmetry.{part}"))
            for part in ("symbol", "number", "crystal_system")
        )
        told = [f"number {answer.cite(number)}"] if number else []
        told += [answer.cite(system).lower()] if system else []
        return f"{answer.cite(symbol)} ({', '.join(told)})" if symbol and told else ""
    parts: dict[str, list[str]] = {}
    for (subject, label), fact in found.items():
        if subject == identifier and label.startswith((f"{name}.", f"{name}[")):
            item, _, key = label[len(name) :].strip(".").rpartition(".")
            parts.setdefault(item, []).append(f"{key.replace('_', ' ')} {answer.cite(fact)}")
    return "; ".join(", ".join(item) for item in parts.values())


def why(answer: Answer, formula: Formula, candidates: tuple[Entry, ...], chosen: str) -> None:
    """Say which of several entries the answer is about, and how it was chosen.

    Args:
        answer: To say it in.
        formula: Of the entries.
        candidates: Those that have what is asked for.
        chosen: Id of the one that answers.
    """
    entries = formula.entries
    entry = next(one for one in entries if one.material_id == chosen)
    if len(entries) == 1:
        return
    if len(candidates) == 1:
        number = answer.count(len(entries), f"entries of {formula.formula} in the source")
        told = f"Only this one of the {number} entries of {formula.formula} here has a value"
    elif entry.hull is None:
        return
    else:
        number = answer.count(len(candidates), f"entries of {formula.formula} with the value")
        told = f"Of the {number} entries of {formula.formula} with a value, this is the lowest"
        if entry.hull <= 0:
            told += " in energy, on the convex hull"
        elif entry.hull_fact:
            told += f", {answer.cite(entry.hull_fact)} above the convex hull"
        unknown = sum(one.hull is None for one in candidates)
        if unknown:
            of = answer.count(unknown, f"of them without a known hull energy ({formula.formula})")
            told += f", as far as is known here: {of} of them have no hull energy"
    answer.say(f"{told}.")
    lower = entries[0]
    if lower.material_id != chosen and lower.hull is not None and lower not in candidates:
        ground = answer.mention(lower.material_id)
        answer.say(f"The entry lowest on the hull, {ground}, has no such value here.")


def _list_candidates(
    answer: Answer,
    found: Found,
    formula: Formula,
    candidates: tuple[Entry, ...],
    wanted: Property,
) -> None:
    number = answer.count(
        len(candidates), f"entries of {formula.formula} with {words(wanted.name).noun}"
    )
    answer.say(
        f"There is no single answer: {formula.formula} has {number} entries with a value here, "
        "and their energies above the hull are unknown, so none can be preferred."
    )
    term = words(wanted.name).exact
    listed = "; ".join(
        f"{entry.material_id}: {text_of(answer, found, entry.material_id, wanted.name)}"
        for entry in candidates
    )
    answer.say(f"The {term} by entry is {listed}.")
    answer.say("Say which entry you mean.")


def _warn(answer: Answer, found: Found, result: PropertiesResult, wanted: Property) -> None:
    """Give an unphysical value as what it is, and the next candidate beside it."""
    first, *others = result.results
    term, identifier = words(wanted.name).exact, first["material_id"]
    shown = text_of(answer, found, identifier, wanted.name)
    reason = answer.remark(first["warnings"][0].rpartition(" is ")[2])
    answer.say(
        f"The {term} on record for {first['formula']} ({identifier}) is {shown}, but that is "
        f"{reason}: do not use it."
    )
    for other in others:
        value = text_of(answer, found, other["material_id"], wanted.name)
        answer.say(f"Beside it stands the next candidate, {other['material_id']}, with {value}.")

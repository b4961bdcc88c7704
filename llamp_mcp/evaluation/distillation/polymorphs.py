"""Questions about the entries of one formula: which is the most stable, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.evaluation.distillation.answer import Answer
from llamp_mcp.evaluation.distillation.rows import Exchange, pick
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from llamp_mcp.evaluation.distillation.answer import Tools
    from llamp_mcp.evaluation.distillation.holdings import Formula
    from llamp_mcp.materials.search_materials import SearchResult

SHOWN: Final = 5
_QUESTIONS: Final = (
    "Which polymorph of {s} is the most stable?",
    "What is the ground state of {s}?",
    "Rank the polymorphs of {s} by their energy above the hull.",
    "{s} has several entries. Which one should I use, and why?",
    "Which entry of {s} is lowest in energy?",
)
_COUNTS: Final = (
    "How many entries of {s} are there, and what are their space groups?",
    "Which polymorphs of {s} are held here?",
    "List the entries of {s} with their space groups.",
)


def most_stable(tools: Tools, formula: Formula, seed: int) -> Exchange | None:
    """Which of several entries lies lowest; that it cannot be said, where it is unknown."""
    name = f"{seed} polymorphs {formula.key}"
    call, result = tools.search(
        formula=formula.formula, fields=["energy_above_hull", "symmetry"], limit=20
    )
    if result is None or result.total < 2:
        return None
    known = [row for row in result.materials if "energy_above_hull" in row]
    answer = Answer()
    number = answer.count(result.total, f"entries of {formula.formula} in the source")
    if not known:
        answer.say(
            f"That cannot be said from this source: it holds {number} entries of "
            f"{formula.formula}, and the energy above the hull of none of them is known here."
        )
        answer.say(f"The entries are {_listed(answer, result, result.materials)}.")
        answer.say("Do not choose one by its id or by its order in this list.")
    else:
        first, *others = known
        height = answer.cite(_fact(result, first, "energy_above_hull"))
        on_hull = first["energy_above_hull"] <= 0
        where = f"on the convex hull ({height})" if on_hull else f"{height} above the convex hull"
        answer.say(
            f"Of {number} entries of {formula.formula} here the lowest is {first['material_id']}"
            f"{_group(answer, result, first)}, {where}."
        )
        if others:
            come = "comes" if len(others) == 1 else "come"
            answer.say(f"Then {come} {_listed(answer, result, others[:SHOWN])}.")
        if unknown := result.total - len(known):
            left = answer.count(unknown, f"entries of {formula.formula} without a hull energy")
            answer.say(f"No energy above the hull is known here for {left} of them.")
        answer.say("These are energies at zero temperature, without vibrations.")
    return answer.finish(
        name,
        "polymorph",
        pick(_QUESTIONS, name).format(s=formula.formula),
        [call],
        formulas=[formula.formula],
    )


def listed(tools: Tools, formula: Formula, seed: int) -> Exchange | None:
    """The entries of a formula with their space groups."""
    name = f"{seed} entries {formula.key}"
    call, result = tools.search(formula=formula.formula, fields=["symmetry"], limit=20)
    if result is None or not 2 <= result.total <= len(result.materials):
        return None
    if not all("symmetry" in row for row in result.materials):
        return None
    answer = Answer()
    number = answer.count(result.total, f"entries of {formula.formula} in the source")
    entries = _listed(answer, result, result.materials)
    answer.say(f"This source holds {number} entries of {formula.formula}: {entries}.")
    question = pick(_COUNTS, name).format(s=formula.formula)
    return answer.finish(name, "polymorph", question, [call], formulas=[formula.formula])


def _listed(answer: Answer, result: SearchResult, rows: list[dict[str, Any]]) -> str:
    told = []
    for row in rows:
        energy = ""
        if "energy_above_hull" in row:
            energy = f" at {answer.cite(_fact(result, row, 'energy_above_hull'))}"
        told.append(f"{answer.mention(row['material_id'])}{_group(answer, result, row)}{energy}")
    return ", ".join(told)


def _group(answer: Answer, result: SearchResult, row: dict[str, Any]) -> str:
    if not row.get("symmetry", {}).get("symbol"):
        return ""
    return f" ({answer.cite(_fact(result, row, 'symmetry', 'symbol'))})"


def _fact(result: SearchResult, row: dict[str, Any], field: str, part: str = "") -> Fact:
    """A value of a row of a search, with the source it names."""
    value = row[field][part] if part else row[field]
    source = result.sources.get(row["sources"].get(field, ""), result.source["name"])
    name = f"{field}.{part}" if part else field
    unit = None if part else result.units.get(field)
    return Fact(row["material_id"], name, value, unit, source, row["formula"])

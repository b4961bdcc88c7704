"""Which entry a formula means: the rule, and the words that say how it was applied.

A formula means the entry lowest on the convex hull that has what is asked for. Nothing is chosen
silently: the number of candidates and their ids are said; where several have no known hull energy,
none is chosen; an unphysical value is given with a warning and the next candidate beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llamp_mcp.materials.groups import FIELDS
from llamp_mcp.materials.identifiers import id_number
from llamp_mcp.materials.presentation import number
from llamp_mcp.materials.source import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llamp_mcp.materials.source import Document, MaterialsSource

MAX_ENTRIES = 500
MAX_LISTED = 12
"""Candidates whose values are given when none can be chosen; all ids are said in any case."""

_HULL = ("energy_above_hull", "is_stable")


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry that answers, and why it is this one, or that none could be chosen."""

    document: Document
    selection: str
    candidates: tuple[str, ...]
    chosen: bool = True


def candidates(
    source: MaterialsSource, formula: str, group: str, fields: tuple[str, ...]
) -> tuple[list[Document], dict[str, float | None]]:
    """The entries of a composition that have the group, and the hull energy of all entries."""
    query = Query(formula=formula, fields=_HULL, limit=MAX_ENTRIES)
    entries = source.search(query).documents
    hull = {entry["material_id"]: hull_energy(entry) for entry in entries}
    return list(source.documents(group, tuple(hull), fields)) if hull else [], hull


def hull_energy(document: Document) -> float | None:
    """Height above the hull in eV/atom: zero for an entry said to be stable, None if unknown."""
    energy: float | None = document.get("energy_above_hull")
    return 0.0 if energy is None and document.get("is_stable") else energy


def hull_words(energy: float | None) -> str:
    """A hull energy in words."""
    if energy is None:
        return "energy_above_hull unknown here"
    return "on the hull" if energy <= 0 else f"{number(energy)} eV/atom above the hull"


def unphysical(document: Document) -> list[str]:
    """A warning for every value outside the bounds physics sets."""
    warnings = []
    for name, field in FIELDS.items():
        if name not in document or (field.minimum is None and field.maximum is None):
            continue
        value = document[name]
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, x in parts:
            label = f"{name}.{part}" if part else name
            if field.minimum is not None and x < field.minimum:
                warnings.append(f"{label} = {number(x)} is unphysical (below {field.minimum:g})")
            if field.maximum is not None and x > field.maximum:
                warnings.append(f"{label} = {number(x)} is unphysical (above {field.maximum:g})")
    return warnings


def choose(
    found: Sequence[Document], hull: dict[str, float | None], what: str
) -> tuple[Choice, ...]:
    """Apply the rule to the candidates of one formula.

    Args:
        found: Documents of the candidates, which all have what is asked for.
        hull: Hull energy of every entry of the composition, None where unknown.
        what: The group or field asked for, for the words.

    Returns:
        The chosen entry first; then what stands beside it. Or all candidates, none chosen.
    """
    known = sorted(
        (d for d in found if hull[d["material_id"]] is not None),
        key=lambda d: (hull[d["material_id"]], id_number(d["material_id"])),
    )
    unknown = [d for d in found if hull[d["material_id"]] is None]
    if not known and len(unknown) > 1:
        return _none_chosen(found, hull, what)
    first, *others = [*known, *unknown]
    words = _why(first, known, unknown, hull, what) + _lower_without(first, hull, found, what)
    choice = Choice(first, words, _id_list(found))
    if not unphysical(first):
        return (choice,)
    return (choice, *_beside(first, others, hull))


def _why(
    chosen: Document,
    known: Sequence[Document],
    unknown: Sequence[Document],
    hull: dict[str, float | None],
    what: str,
) -> str:
    energy = hull[chosen["material_id"]]
    count = len(known) + len(unknown)
    if count == 1:
        entries = f"{len(hull)} entries" if len(hull) > 1 else "1 entry"
        return f"only candidate with {what} of {entries} here ({hull_words(energy)})"
    text = (
        f"lowest energy_above_hull ({hull_words(energy)}) of {count} candidates with {what}: "
        f"{', '.join(_id_list(known))}"
    )
    ties = [d for d in known if hull[d["material_id"]] == energy]
    if len(ties) > 1:
        text += f" (equal: {', '.join(_id_list(ties))}; the lower id number is taken)"
    if unknown:
        text += f"; energy_above_hull unknown here: {', '.join(_id_list(unknown))}"
    return text


def _lower_without(
    chosen: Document, hull: dict[str, float | None], found: Sequence[Document], what: str
) -> str:
    """Say which entries lie lower on the hull but lack what is asked for."""
    have = set(_id_list(found))
    limit = hull[chosen["material_id"]]
    lower = [
        f"{identifier} ({hull_words(energy)})"
        for identifier, energy in hull.items()
        if identifier not in have and energy is not None and (limit is None or energy < limit)
    ]
    return f"; lower but without {what} here: {', '.join(lower)}" if lower else ""


def _beside(first: Document, others: list[Document], hull: dict[str, float | None]) -> list[Choice]:
    """The next candidate with physical values; all of them where their order is not known."""
    sound = [d for d in others if not unphysical(d)]
    known = [d for d in sound if hull[d["material_id"]] is not None]
    return [
        Choice(
            document,
            f"next candidate, beside the unphysical {first['material_id']} "
            f"({hull_words(hull[document['material_id']])})",
            _id_list([document]),
        )
        for document in (known[:1] or sound)
    ]


def _none_chosen(
    found: Sequence[Document], hull: dict[str, float | None], what: str
) -> tuple[Choice, ...]:
    ids = _id_list(found)
    text = (
        f"none chosen: energy_above_hull is unknown here for all {len(found)} candidates with "
        f"{what} ({', '.join(ids)}); name an id"
    )
    stable = [i for i, energy in hull.items() if energy is not None]
    if stable:
        lowest = min(stable, key=lambda i: hull[i] or 0.0)
        text += f"; the lowest known on the hull, {lowest}, has no {what} here"
    short = f"none chosen: one of those {len(found)} candidates"
    return tuple(
        Choice(document, short if position else text, ids, chosen=False)
        for position, document in enumerate(found[:MAX_LISTED])
    )


def _id_list(documents: Sequence[Document]) -> tuple[str, ...]:
    return tuple(document["material_id"] for document in documents)

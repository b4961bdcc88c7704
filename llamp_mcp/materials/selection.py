"""Which entry a formula means: the rule, and the words that say how it was applied.

A formula means the entry lowest on the convex hull that has what is asked for. Nothing is chosen
silently: the number of candidates and their ids are said; where several have no known hull energy,
none is chosen; an unphysical value is given with a warning and the next candidate beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.formulas import formula_key
from llamp_mcp.materials.groups import FIELDS, group_named
from llamp_mcp.materials.identifiers import id_number
from llamp_mcp.materials.presentation import number
from llamp_mcp.materials.source import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llamp_mcp.materials.groups.table import Field
    from llamp_mcp.materials.source import Document, MaterialsSource

MAX_ENTRIES = 500
"""Entries of all formulas of one request together: more ids do not fit in a few requests."""
MAX_READ = 200
"""Entries whose values are read at once: their ids must fit in the address of one request."""
MAX_LISTED = 12
"""Candidates whose values are given when none can be chosen; all ids are said in any case."""
MAX_NAMED = 40
"""Candidates whose ids are said: a composition may have hundreds of polymorphs."""

SELECTING = ("energy_above_hull", "is_stable", "has_props")


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry that answers, and why it is this one, or that none could be chosen."""

    document: Document
    selection: str
    candidates: tuple[str, ...]
    chosen: bool = True


@dataclass(frozen=True, slots=True)
class Entries:
    """What the summary says of the entries that come into question.

    Attributes:
        by_formula: Documents by id, for every formula key asked for.
        by_id: Documents by id, for the ids asked for, where the source has them.
        notes: What a reader must know of them.
    """

    by_formula: dict[str, dict[str, Document]]
    by_id: dict[str, Document]
    notes: tuple[str, ...]


def entries(
    source: MaterialsSource, formulas: Sequence[str], ids: Sequence[str], groups: Sequence[str] = ()
) -> Entries:
    """The entries of the compositions, and those of the ids: at most one search for each.

    Args:
        source: The database that answers.
        formulas: Keys of `formulas.formula_key`.
        ids: Checked ids.
        groups: What will be read of them: a source that must look up where it is does so here.
    """
    listed = (ENDPOINTS[group_named(group).source_of].listed_in for group in groups)
    fields = ("formula_pretty", *SELECTING, *filter(None, listed))
    by_formula: dict[str, dict[str, Document]] = {key: {} for key in formulas}
    notes: dict[str, None] = {}
    if formulas:
        query = Query(
            formulas=tuple(dict.fromkeys(formulas)),
            fields=fields,
            limit=MAX_ENTRIES,
        )
        page = source.search(query)
        for document in page.documents:
            key = formula_key(document["formula_pretty"])
            by_formula.setdefault(key, {})[document["material_id"]] = document
        notes |= dict.fromkeys(page.notes)
        if page.total > len(page.documents):
            said = f"only the {len(page.documents)} lowest on the hull of {page.total} entries "
            notes[said + "of these compositions were considered; name fewer formulas"] = None
    by_id: dict[str, Document] = {}
    if ids:
        wanted = tuple(dict.fromkeys(ids))
        query = Query(material_ids=wanted, fields=fields, limit=len(wanted))
        page = source.search(query)
        by_id = {document["material_id"]: document for document in page.documents}
        notes |= dict.fromkeys(page.notes)
    return Entries(by_formula, by_id, tuple(notes))


def may_have(document: Document, group: str) -> bool:
    """Whether an entry may have data of a group: False only where its summary says it has none."""
    told = document.get("has_props")
    name = group_named(group).has_prop
    return not (name and isinstance(told, dict) and told.get(name) is False)


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The entries of one composition that are read first, and those only if none of them has it."""

    read: frozenset[str]
    unread: tuple[str, ...]


def shortlist(found: Entries, group: str) -> tuple[tuple[str, ...], tuple[Shortlist, ...]]:
    """The ids to read a group of, and how they were shortened: the lowest on the hull come first.

    Args:
        found: Of `entries`.
        group: Name of the group.
    """
    named = [i for i, entry in found.by_id.items() if may_have(entry, group)]
    ordered = [_ordered(entries, group) for entries in found.by_formula.values()]
    share = max(map(len, ordered), default=0)
    while share > 1 and sum(min(len(ids), share) for ids in ordered) > MAX_READ:
        share -= 1
    lists = tuple(Shortlist(frozenset(ids[:share]), tuple(ids[share:])) for ids in ordered)
    first = dict.fromkeys((*named, *(i for ids in ordered for i in ids[:share])))
    return tuple(first), lists


def _ordered(entries: dict[str, Document], group: str) -> list[str]:
    """The entries that may have a group, the lowest on the hull first, those unknown last."""
    hull = {i: hull_energy(entry) for i, entry in entries.items() if may_have(entry, group)}
    return sorted(hull, key=lambda i: (hull[i] is None, hull[i] or 0.0, id_number(i)))


def hull_energy(document: Document) -> float | None:
    """Height above the hull in eV/atom: zero for an entry said to be stable, None if unknown."""
    energy: float | None = document.get("energy_above_hull")
    return 0.0 if energy is None and document.get("is_stable") else energy


def hull_words(energy: float | None) -> str:
    """A hull energy in words."""
    if energy is None:
        return "energy_above_hull unknown here"
    return "on the hull" if energy <= 0 else f"{number(energy)} eV/atom above the hull"


def unphysical(document: Document, group: str = "") -> list[str]:
    """A warning for every value outside the bounds physics sets.

    Args:
        document: Fields by name.
        group: The group they are of; empty: names are understood alone.
    """
    fields = group_named(group).fields if group else FIELDS.values()
    bounded = [f for f in fields if f.minimum is not None or f.maximum is not None]
    return [
        f"{label} = {number(x)} is unphysical ({said})"
        for field in bounded
        for label, x in _numbers(field.name, document.get(field.name))
        if (said := _beyond(x, field))
    ]


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    parts = value.items() if isinstance(value, dict) else [("", value)]
    for part, x in parts:
        if isinstance(x, (int, float)) and not isinstance(x, bool):
            yield f"{name}.{part}" if part else name, x


def _beyond(value: float, field: Field) -> str:
    if field.minimum is not None and value < field.minimum:
        return f"below {field.minimum:g}"
    if field.maximum is not None and value > field.maximum:
        return f"above {field.maximum:g}"
    return ""


def choose(
    found: Sequence[Document], hull: dict[str, float | None], what: str, group: str = ""
) -> tuple[Choice, ...]:
    """Apply the rule to the candidates of one formula.

    Args:
        found: Documents of the candidates, which all have what is asked for.
        hull: Hull energy of every entry of the composition, None where unknown.
        what: The group or field asked for, for the words.
        group: The group the documents are of; empty: names are understood alone.

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
    if not unphysical(first, group):
        return (choice,)
    return (choice, *_beside(first, others, hull, group))


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
        f"{named(_id_list(known))}"
    )
    ties = [d for d in known if hull[d["material_id"]] == energy]
    if len(ties) > 1:
        text += f" (equal: {named(_id_list(ties))}; the lower id number is taken)"
    if unknown:
        text += f"; energy_above_hull unknown here: {named(_id_list(unknown))}"
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
    return f"; lower but without {what} here: {named(lower)}" if lower else ""


def _beside(
    first: Document, others: list[Document], hull: dict[str, float | None], group: str
) -> list[Choice]:
    """The next candidate with physical values; all of them where their order is not known."""
    sound = [d for d in others if not unphysical(d, group)]
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
        f"{what} ({named(ids)}); name an id"
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


def named(ids: Sequence[str]) -> str:
    """The ids, or as many as can be read."""
    more = len(ids) - MAX_NAMED
    return ", ".join(ids[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")

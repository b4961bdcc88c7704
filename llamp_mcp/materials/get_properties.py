"""Values of materials named by id or formula."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from llamp_mcp.errors import InvalidInput, NotFound, one_of
from llamp_mcp.materials import answer, formulas, identifiers, presentation, reading, selection
from llamp_mcp.materials.excerpt import excerpt
from llamp_mcp.materials.groups import GROUPS, GroupName, home_of
from llamp_mcp.materials.source import pick
from llamp_mcp.operation import Operation, Params, ResourceLink, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llamp_mcp.materials.excerpt import Excerpt
    from llamp_mcp.materials.groups.table import Group
    from llamp_mcp.materials.source import Document, MaterialsSource
    from llamp_mcp.provenance import Fact

MAX_MATERIALS = 20
MAX_HEAVY = 5
MAX_ROWS = 24
"""Rows of an answer: with three groups each they stay below 6,000 tokens."""
MAX_BYTES = 19_000
"""Of the rows of an answer, which with notes and sources stays below 6,000 tokens."""


class PropertiesParams(Params):
    """Arguments of `get_properties`."""

    materials: Annotated[list[str], Field(min_length=1, max_length=MAX_MATERIALS)] = Field(
        description="ids or formulas: ['mp-149', 'GaAs']"
    )
    groups: list[GroupName] = Field(
        default=[], description="empty: those of `fields`, else summary"
    )
    fields: Annotated[list[str], Field(max_length=20)] = Field(
        default=[],
        description="only these, e.g. ['band_gap']; tensors and lists only if named",
    )


class PropertiesResult(Result):
    """Values per material, with how each entry was selected and where each value is from."""

    source: dict[str, str]
    results: list[dict[str, Any]] = Field(
        description="material_id, formula, selection, groups{name:{field}}"
    )
    units: dict[str, str]
    sources: dict[str, str]
    notes: list[str]

    def text(self) -> str:
        """One line per entry and group, then notes and the sources."""
        legend = presentation.Legend(self.sources)
        lines = [f"Source: {self.source['notice']}."]
        for row in self.results:
            lines += answer.lines(row, legend)
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()

    def links(self) -> Iterator[ResourceLink]:
        """Where the values are that were too many."""
        cuts = (cut for row in self.results for cut in row["cut"].values())
        for address in dict.fromkeys(cut["resource"] for cut in cuts):
            yield ResourceLink(
                uri=address, name=address.removeprefix("mp://"), mime_type="application/json"
            )


def get_properties(params: PropertiesParams, *, source: MaterialsSource) -> PropertiesResult:
    """Read values of materials: stability, moduli, band gap, magnetism and more.

    A formula means its entry lowest on the hull that has the values; where none is chosen, name an
    id. A missing value is unknown: never fill it in.
    """
    fields = tuple(dict.fromkeys(params.fields))
    groups = _groups(params, fields)
    asked = {group: _asked(group, fields) for group in groups}
    named = {text: identifiers.material(text) for text in dict.fromkeys(params.materials)}
    keys = [name for kind, name in named.values() if kind == "formula"]
    ids = [name for kind, name in named.values() if kind == "id"]
    entries = selection.entries(source, keys, ids, groups)
    table = _Table(source, entries, by_name=bool(fields))
    for requested, (kind, _) in named.items():
        table.note(*(formulas.remarks(requested) if kind == "formula" else ()))
    found = {group: _read(source, group, names, entries) for group, names in asked.items()}
    for requested, (kind, name) in named.items():
        for group, names in asked.items():
            add = table.add_id if kind == "id" else table.add_formula
            add(requested, name, group, names, found[group])
    return table.result(fields)


def _groups(params: PropertiesParams, fields: tuple[str, ...]) -> list[str]:
    """The groups to read: as named, else the homes of the fields, else the summary."""
    if not params.groups:
        return list(dict.fromkeys(map(home_of, fields))) or ["summary"]
    groups = [GROUPS[name] for name in dict.fromkeys(params.groups)]
    for name in fields:
        users = [group for group in groups if group.field(name.partition(".")[0])]
        if not users:
            known = (f.name for group in groups for f in group.fields)
            told = f"field of {', '.join(group.name for group in groups)}"
            documented = (f for group in groups for f in group.document)
            raise one_of(told, name, dict.fromkeys((*known, *documented)))
    return [group.name for group in groups if not fields or _named(group.name, fields)]


def _named(group: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that a group has; a dotted name is checked."""
    known = GROUPS[group]
    names = tuple(name for name in fields if known.field(name.partition(".")[0]))
    for name in names:
        known.resolve(name)
    return names


def _asked(group: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The fields to read of a group: those named, else the main ones."""
    return _named(group, fields) if fields else GROUPS[group].default


@dataclass(frozen=True, slots=True)
class _Found:
    """Documents of a group by id, and the entries that were not looked at."""

    documents: dict[str, Document]
    unread: frozenset[str]


def _read(
    source: MaterialsSource, group: str, names: tuple[str, ...], entries: selection.Entries
) -> _Found:
    """The documents of a group of the entries that come into question.

    One request, unless a composition has none among its entries lowest on the hull.
    """
    first, lists = selection.shortlist(entries, group)
    found = {d["material_id"]: d for d in reading.documents(source, group, first, names)}
    later = [ids for ids in lists if not found.keys() & ids.read]
    rest = tuple(identifier for ids in later for identifier in ids.unread)
    found |= {d["material_id"]: d for d in reading.documents(source, group, rest, names)}
    unread = (identifier for ids in lists if ids not in later for identifier in ids.unread)
    return _Found(found, frozenset(unread))


class _Table:
    """Collects one row per requested material and selected entry."""

    def __init__(
        self, source: MaterialsSource, entries: selection.Entries, *, by_name: bool
    ) -> None:
        self._source, self._entries, self._by_name = source, entries, by_name
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._notes = dict.fromkeys(entries.notes)
        self._lacking: dict[str, dict[str, None]] = {}

    def note(self, *notes: str) -> None:
        """Say something once."""
        self._notes |= dict.fromkeys(notes)

    def add_id(
        self,
        requested: str,
        identifier: str,
        group: str,
        fields: tuple[str, ...],
        found: _Found,
    ) -> None:
        """An entry named by its id."""
        entry = self._entries.by_id.get(identifier)
        if entry is None:
            self.note(f"{identifier} is not in this source; that says nothing about it")
        elif identifier not in found.documents:
            self.note(f"{identifier} has no {_what(group, fields)} in this source")
        else:
            words = f"named by id ({selection.hull_words(selection.hull_energy(entry))})"
            choice = selection.Choice(found.documents[identifier], words, (identifier,))
            self._add(requested, group, fields, choice, entry)

    def add_formula(
        self,
        requested: str,
        key: str,
        group: str,
        fields: tuple[str, ...],
        found: _Found,
    ) -> None:
        """The entry a formula means, or the candidates for it."""
        entries = self._entries.by_formula[key]
        hull = {i: selection.hull_energy(entry) for i, entry in entries.items()}
        candidates = [found.documents[i] for i in entries if i in found.documents]
        what = _what(group, fields)
        if not entries:
            self.note(f"no entry of composition {requested} in this source")
        elif not candidates:
            ids = selection.named(tuple(hull))
            self.note(f"{requested}: no {what} for any of its {len(hull)} entries ({ids})")
        else:
            if unread := len(found.unread & entries.keys()):
                self.note(
                    f"{requested}: {unread} of its {len(entries)} entries, higher above the hull "
                    f"than the chosen one, were not looked at for {what}"
                )
            for choice in selection.choose(candidates, hull, what, group):
                entry = entries[choice.document["material_id"]]
                self._add(requested, group, fields, choice, entry)

    def _add(
        self,
        requested: str,
        group: str,
        fields: tuple[str, ...],
        choice: selection.Choice,
        entry: Document,
    ) -> None:
        document, words = choice.document, choice.selection
        identifier = document["material_id"]
        row = self._rows.setdefault(
            (requested, identifier),
            {
                "requested": requested,
                "material_id": identifier,
                "formula": entry.get("formula_pretty", ""),
                "selection": words,
                "groups": {},
                "sources": {},
                "warnings": [],
                "cut": {},
            },
        )
        if words not in row["selection"]:
            # The ids are not said twice where two groups have the same candidates.
            same = all(candidate in row["selection"] for candidate in choice.candidates)
            row["selection"] += f"; {group}: {words.partition(':')[0] if same else words}"
        told = excerpt(document, GROUPS[group], fields, by_name=self._by_name)
        if self._by_name and (lacking := _lacking(told, GROUPS[group], fields)):
            what = f"no {', '.join(lacking)} in the {group} data here"
            self._lacking.setdefault(what, {})[identifier] = None
        for name in told.values:
            if key := document["sources"].get(name):
                same_key = row["sources"].setdefault(name, key) == key
                row["sources"] |= {} if same_key else {f"{group}.{name}": key}
        row["groups"][group] = told.values
        row["cut"] |= {f"{group}.{name}": cut for name, cut in told.cut.items()}
        new = [w for w in selection.unphysical(told.values, group) if w not in row["warnings"]]
        row["warnings"] += new
        self.note(*document["notes"])

    def _cut(self) -> list[dict[str, Any]]:
        """The rows that fit; of a request with many candidates the last ones go first."""
        requests: dict[str, list[tuple[dict[str, Any], int]]] = {}
        for row in self._rows.values():
            requests.setdefault(row["requested"], []).append((row, _length(row)))
        keep = max(map(len, requests.values()))
        while keep > 1 and not _fits([n for rows in requests.values() for _, n in rows[:keep]]):
            keep -= 1
        told: list[dict[str, Any]] = []
        lengths: list[int] = []
        for requested, rows in requests.items():
            left = []
            for position, (row, length) in enumerate(rows):
                if position < keep and (not told or _fits([*lengths, length])):
                    told.append(row)
                    lengths.append(length)
                else:
                    left.append(row["material_id"])
            if left:
                ids = ", ".join(left)
                self.note(f"{requested}: values of {ids} left out for length; ask by id")
        return told

    def result(self, fields: tuple[str, ...]) -> PropertiesResult:
        """The finished answer.

        Raises:
            NotFound: There is no value to give at all.
            InvalidInput: More tensors than an answer can hold.
        """
        if not self._rows:
            raise NotFound(
                f"No values: {'; '.join(self._notes)}",
                next_step="search_materials lists what this source holds; llamp://source says "
                "how much. Do not answer from memory.",
            )
        heavy = [name for name in fields if self._is_heavy(name)]
        if heavy and len(self._rows) > MAX_HEAVY:
            raise InvalidInput(
                f"{', '.join(heavy)} of {len(self._rows)} entries is too long for one answer",
                allowed=f"at most {MAX_HEAVY} entries at a time",
                next_step="Name fewer materials, by id.",
            )
        rows = self._cut()
        lacking = (f"{what} of {', '.join(ids)}" for what, ids in self._lacking.items())
        used = [key for row in rows for key in row["sources"].values()]
        return PropertiesResult(
            source=self._source.meta().summary(),
            results=rows,
            units=answer.units(rows),
            sources=presentation.citation_texts(self._source.citations(), used),
            notes=[*self._notes, *lacking, *answer.caveats(rows)],
        )

    def _is_heavy(self, name: str) -> bool:
        groups = dict.fromkeys(chain(*(row["groups"] for row in self._rows.values())))
        known = (GROUPS[group].field(name.partition(".")[0]) for group in groups)
        return any(field.heavy for field in known if field)


def _what(group: str, fields: tuple[str, ...]) -> str:
    """The words for what is asked for: the fields when they are few, else the group."""
    return ", ".join(fields) if len(fields) <= 2 and fields != GROUPS[group].default else group


def _lacking(told: Excerpt, group: Group, fields: tuple[str, ...]) -> list[str]:
    """Those of the fields that an entry has no value of."""
    return [name for name in fields if name != "formula_pretty" and not _has(told, group, name)]


def _has(told: Excerpt, group: Group, name: str) -> bool:
    field = group.resolve(name)
    part = name if field.name == name.partition(".")[0] else field.name
    return field.name in told.cut or pick(told.values, part) is not None


def _length(row: dict[str, Any]) -> int:
    """Bytes that a row takes in an answer."""
    return sum(len(line.encode()) for line in answer.lines(row, presentation.Legend({})))


def _fits(lengths: Sequence[int]) -> bool:
    """Whether rows of these lengths make an answer that can be read."""
    return len(lengths) <= MAX_ROWS and sum(lengths) <= MAX_BYTES


def _facts(result: PropertiesResult) -> Iterator[Fact]:
    return answer.facts(result.results, result.sources, result.source["name"])


OPERATION = Operation(
    name="get_properties",
    title="Get properties",
    params=PropertiesParams,
    result=PropertiesResult,
    run=get_properties,
    toolset="materials",
    read_only=True,
    facts=_facts,
)

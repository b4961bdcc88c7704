"""Values of materials named by id or formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from llamp_mcp.errors import InvalidInput, NotFound, one_of
from llamp_mcp.materials import identifiers, presentation, selection
from llamp_mcp.materials.groups import (
    FIELDS,
    GROUPS,
    HOME,
    GroupName,
    field_named,
    fields_of,
)
from llamp_mcp.materials.source import pick
from llamp_mcp.operation import Operation, Params, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.materials.source import Document, MaterialsSource
    from llamp_mcp.provenance import Fact

MAX_MATERIALS = 20
MAX_HEAVY = 5
MAX_ROWS = 24
"""Rows of an answer: with three groups each they stay below 6,000 tokens."""


class PropertiesParams(Params):
    """Arguments of `get_properties`."""

    materials: Annotated[list[str], Field(min_length=1, max_length=MAX_MATERIALS)] = Field(
        description="ids or formulas, e.g. ['mp-149', 'GaAs']"
    )
    groups: list[GroupName] = Field(
        default=[], description="groups to read; empty: those of `fields`, else summary"
    )
    fields: Annotated[list[str], Field(max_length=20)] = Field(
        default=[],
        description="only these fields, e.g. ['band_gap']; elastic_tensor and magmoms come only "
        "when named here",
    )


class PropertiesResult(Result):
    """Values per material, with how each entry was selected and where each value is from."""

    source: dict[str, str]
    results: list[dict[str, Any]] = Field(
        description="requested, material_id, formula, selection, groups{name:{field: value}}, "
        "sources{field: key}, warnings"
    )
    units: dict[str, str]
    sources: dict[str, str]
    notes: list[str]

    def text(self) -> str:
        """One line per entry, then notes and the sources."""
        legend = presentation.Legend(self.sources)
        lines = [f"Source: {self.source['notice']}."]
        for row in self.results:
            values = "; ".join(
                presentation.value_text(name, value, legend.mark(row["sources"].get(name)))
                for name, value in _flat(row).items()
            )
            lines.append(f"{row['material_id']} {row['formula']}: {values}")
            asked = "" if row["requested"] == row["material_id"] else f"'{row['requested']}': "
            lines.append(f"  {asked}{row['selection']}")
            if row["warnings"]:
                lines.append(f"  Warning: {'; '.join(row['warnings'])}")
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()


def get_properties(params: PropertiesParams, *, source: MaterialsSource) -> PropertiesResult:
    """Read values of materials: stability, moduli, band gap, magnetism and more, with units.

    Use it when the materials are known by id or formula; to find materials by criteria use
    search_materials. A formula means its entry lowest on the hull that has the values asked for;
    `selection` says which and of how many. Where it says none chosen, ask again with an id. A
    missing value is unknown here: never fill it in.
    """
    fields = tuple(dict.fromkeys(params.fields))
    groups = _groups(params, fields)
    table = _Table(source)
    for requested in dict.fromkeys(params.materials):
        kind, name = identifiers.material(requested)
        for group in groups:
            asked = _asked(group, fields)
            if kind == "id":
                table.add_id(requested, name, group, asked)
            else:
                table.add_formula(requested, name, group, asked)
    return table.result(groups, fields)


def _groups(params: PropertiesParams, fields: tuple[str, ...]) -> list[str]:
    """The groups to read: as named, else the homes of the fields, else the summary."""
    homes = dict.fromkeys(HOME[field_named(name).name] for name in fields)
    if not params.groups:
        return list(homes) or ["summary"]
    shown = {field.name for group in params.groups for field in fields_of(GROUPS[group])}
    for name in fields:
        if field_named(name).name not in shown:
            raise one_of(f"field of {', '.join(params.groups)}", name, shown)
    return [group for group in dict.fromkeys(params.groups) if not fields or _named(group, fields)]


def _named(group: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that a group shows."""
    shown = {field.name for field in fields_of(GROUPS[group])}
    return tuple(name for name in fields if field_named(name).name in shown)


def _asked(group: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The fields to read of a group: those named, else all that are not heavy."""
    if fields:
        return _named(group, fields)
    return tuple(field.name for field in fields_of(GROUPS[group]) if not field.heavy)


class _Table:
    """Collects one row per requested material and selected entry."""

    def __init__(self, source: MaterialsSource) -> None:
        self._source = source
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._notes: dict[str, None] = {}

    def add_id(self, requested: str, identifier: str, group: str, fields: tuple[str, ...]) -> None:
        """An entry named by its id."""
        hull = self._source.documents("thermo", (identifier,), ("energy_above_hull", "is_stable"))
        known = selection.hull_energy(hull[0]) if hull else None
        found = self._source.documents(group, (identifier,), fields)
        if found:
            words = f"named by id ({selection.hull_words(known)})"
            self._add(requested, group, fields, selection.Choice(found[0], words, (identifier,)))
        elif self._source.documents("summary", (identifier,), ("formula_pretty",)):
            self._notes[f"{identifier} has no {_what(group, fields)} in this source"] = None
        else:
            self._notes[f"{identifier} is not in this source; that says nothing about it"] = None

    def add_formula(self, requested: str, key: str, group: str, fields: tuple[str, ...]) -> None:
        """The entry a formula means, or the candidates for it."""
        found, hull = selection.candidates(self._source, key, group, fields)
        what = _what(group, fields)
        if not hull:
            self._notes[f"no entry of composition {requested} in this source"] = None
        elif not found:
            ids = ", ".join(hull)
            self._notes[f"{requested}: no {what} for any of its {len(hull)} entries ({ids})"] = None
        else:
            for choice in selection.choose(found, hull, what):
                self._add(requested, group, fields, choice)

    def _add(
        self, requested: str, group: str, fields: tuple[str, ...], choice: selection.Choice
    ) -> None:
        document, words = choice.document, choice.selection
        identifier = document["material_id"]
        row = self._rows.setdefault(
            (requested, identifier),
            {
                "requested": requested,
                "material_id": identifier,
                "formula": document["formula_pretty"],
                "selection": words,
                "groups": {},
                "sources": {},
                "warnings": [],
            },
        )
        if words not in row["selection"]:
            # The ids are not said twice where two groups have the same candidates.
            same = all(candidate in row["selection"] for candidate in choice.candidates)
            row["selection"] += f"; {group}: {words.partition(':')[0] if same else words}"
        row["groups"][group] = _only(document, fields)
        row["sources"] |= document["sources"]
        new = [w for w in selection.unphysical(document) if w not in row["warnings"]]
        row["warnings"] += new
        self._notes |= dict.fromkeys(document["notes"])

    def _cut(self) -> list[dict[str, Any]]:
        """The rows that fit; of a request with many candidates the last ones go first."""
        requests: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows.values():
            requests.setdefault(row["requested"], []).append(row)
        keep = max(map(len, requests.values()))
        while keep > 1 and sum(min(len(rows), keep) for rows in requests.values()) > MAX_ROWS:
            keep -= 1
        for requested, rows in requests.items():
            if rows[keep:]:
                ids = ", ".join(row["material_id"] for row in rows[keep:])
                self._notes[f"{requested}: values of {ids} left out for length; ask by id"] = None
        return [row for rows in requests.values() for row in rows[:keep]]

    def result(self, groups: Iterable[str], fields: tuple[str, ...]) -> PropertiesResult:
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
        heavy = [name for name in fields if field_named(name).heavy]
        if heavy and len(self._rows) > MAX_HEAVY:
            raise InvalidInput(
                f"{', '.join(heavy)} of {len(self._rows)} entries is too long for one answer",
                allowed=f"at most {MAX_HEAVY} entries at a time",
                next_step="Name fewer materials, by id.",
            )
        rows = self._cut()
        shown = {name for row in rows for name in _flat(row)}
        used = [key for row in rows for key in row["sources"].values()]
        return PropertiesResult(
            source=self._source.meta().summary(),
            results=rows,
            units={n: u for n in sorted(shown) if (u := field_named(n).unit)},
            sources=presentation.citation_texts(self._source.citations(), used),
            notes=[*self._notes, *_caveats(rows, groups)],
        )


def _what(group: str, fields: tuple[str, ...]) -> str:
    """The words for what is asked for: the fields when they are few, else the group."""
    return ", ".join(fields) if len(fields) <= 2 else group


def _only(document: Document, fields: tuple[str, ...]) -> dict[str, Any]:
    """The asked fields of a document; a dotted name gives that part alone."""
    values: dict[str, Any] = {}
    for name in fields:
        base, _, part = name.partition(".")
        value = pick(document, name)
        if value is None or base == "formula_pretty":
            continue
        if part and isinstance(values.setdefault(base, {}), dict):
            values[base][part] = value
        else:
            values[base] = value
    return values


def _caveats(rows: list[dict[str, Any]], groups: Iterable[str]) -> Iterator[str]:
    """Method and caveat of every group whose values are given."""
    given = {HOME[name] for row in rows for name in _flat(row)}
    for name in dict.fromkeys([*groups, *given]):
        group = GROUPS[name]
        if name in given:
            yield f"{name}: {group.method}" + (f"; {group.caveat}" if group.caveat else "")
    for name in dict.fromkeys(name for row in rows for name in _flat(row)):
        if FIELDS[name].heavy:
            yield f"{name}: {FIELDS[name].about}"


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """All fields of a row, each once."""
    return {name: value for group in row["groups"].values() for name, value in group.items()}


def _facts(result: PropertiesResult) -> Iterator[Fact]:
    for row in result.results:
        yield from presentation.facts(row, _flat(row), result.sources, result.source["name"])


OPERATION = Operation(
    name="get_properties",
    title="Get properties of materials",
    params=PropertiesParams,
    result=PropertiesResult,
    run=get_properties,
    toolset="materials",
    read_only=True,
    facts=_facts,
)

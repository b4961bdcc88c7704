"""Materials by criteria."""

from __future__ import annotations

import hashlib
import re
from math import ceil, floor
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput, clip, one_of
from llamp_mcp.materials import filters, formulas, identifiers, presentation, selection
from llamp_mcp.materials.groups import GROUPS, SUMMARY, field_named
from llamp_mcp.materials.source import Condition, Page, Query, pick
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.materials.source import Document, MaterialsSource

MAX_LIMIT = 50
DEFAULT_FIELDS = (
    "symmetry",
    "energy_above_hull",
    "formation_energy_per_atom",
    "band_gap",
    "bulk_modulus.vrh",
    "density",
)
_TEXT = re.compile(r"[\w\s,'-]{1,200}")
"""Words only: the Project would read other signs as a regular expression."""


class SearchParams(Params):
    """Arguments of `search_materials`; all that are given must hold."""

    formula: str = Field(
        default="", description="'Fe2O3'; 'Fe2O3,Fe3O4'; 'Fe*O3'; anonymous 'ABC3'"
    )
    chemsys: str = Field(default="", description="exactly: 'Li-Fe-O', 'Li-*-O', 'Li-O,Na-O'")
    elements: list[str] = Field(default=[], description="must contain: ['Li','O']")
    exclude_elements: list[str] = Field(default=[], description="must not contain")
    material_ids: Annotated[list[str], Field(max_length=100)] = Field(
        default=[], description="e.g. ['mp-149']"
    )
    text: str = Field(default="", description="words, e.g. 'perovskite'")
    possible_species: list[str] = Field(default=[], description="ions, e.g. ['Fe3+']")
    has_props: list[str] = Field(default=[], description="has data of, e.g. ['elasticity']")
    crystal_system: Literal[
        "any",
        "triclinic",
        "monoclinic",
        "orthorhombic",
        "tetragonal",
        "trigonal",
        "hexagonal",
        "cubic",
    ] = Field(default="any", description="of the space group")
    spacegroup_number: int = Field(default=0, ge=0, le=230, description="0: any")
    stable_only: bool = Field(default=False, description="only on the convex hull")
    magnetic_ordering: Literal["any", "FM", "AFM", "FiM", "NM"] = Field(
        default="any", description="NM: non-magnetic"
    )
    ranges: dict[str, Annotated[list[float | None], Field(min_length=2, max_length=2)]] = Field(
        default={},
        description="field: [min, max], null = open, in its unit (eV, eV/atom, GPa, g/cm³), "
        "e.g. {'band_gap': [1, 2]}",
    )
    flags: dict[str, bool] = Field(
        default={}, description="is_metal, is_gap_direct, theoretical (false: observed)"
    )
    fields: Annotated[list[str], Field(max_length=12)] = Field(
        default=[], description="to show; empty: the usual"
    )
    sort_by: str = Field(default="energy_above_hull", description="field; no value: last")
    descending: bool = Field(default=False, description="largest first")
    limit: int = Field(default=20, ge=0, le=MAX_LIMIT, description="rows; 0: only count")
    cursor: str = Field(default="", description="next_cursor before")


class SearchResult(Result):
    """The entries that match, with their values, units and sources."""

    source: dict[str, str]
    total: int
    returned: int
    truncated: bool
    next_cursor: str | None
    materials: list[dict[str, Any]] = Field(description="material_id, formula, fields, sources")
    units: dict[str, str]
    sources: dict[str, str]
    notes: list[str]

    def text(self) -> str:
        """One line per material."""
        legend = presentation.Legend(self.sources)
        lines = [
            f"Source: {self.source['notice']}.",
            f"{self.total} match, {self.returned} shown"
            + (f"; more with cursor='{self.next_cursor}'" if self.next_cursor else ""),
        ]
        for row in self.materials:
            values = "; ".join(
                presentation.value_text(
                    field_named(name),
                    name,
                    value,
                    legend.mark(row["sources"].get(name.partition(".")[0])),
                )
                for name, value in _values(row).items()
            )
            lines.append(f"{row['material_id']} {row['formula']}: {values or 'no values'}")
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()


def _values(row: dict[str, Any]) -> dict[str, Any]:
    named = {"material_id", "formula", "sources"}
    return {name: value for name, value in row.items() if name not in named}


def search_materials(params: SearchParams, *, source: MaterialsSource) -> SearchResult:
    """Find materials by formula, elements, symmetry, stability or ranges of properties.

    For values of known materials use get_properties. Entries without a value of a filtered field
    are left out.
    """
    fields = tuple(dict.fromkeys(map(_column, params.fields))) or DEFAULT_FIELDS
    mark = _fingerprint(params)
    query, read = _query(params, fields, _offset(params.cursor, mark))
    page = source.search(query)
    end = query.offset + len(page.documents)
    rows = [_row(document, fields) for document in page.documents]
    shown = [name for name in fields if any(name in row for row in rows)]
    used = [key for row in rows for key in row["sources"].values()]
    return SearchResult(
        source=source.meta().summary(),
        total=page.total,
        returned=len(rows),
        truncated=end < page.total,
        next_cursor=f"{end}-{mark}" if rows and end < page.total else None,
        materials=rows,
        units={name: unit for name in shown if (unit := field_named(name).unit)},
        sources=presentation.citation_texts(source.citations(), used),
        notes=list(dict.fromkeys((*read, *_notes(query, page, rows, source)))),
    )


def _column(name: str) -> str:
    """The field that a name to show means.

    Raises:
        InvalidInput: A summary has no such field, or it is too long for a table.
    """
    known = name if name.partition(".")[0] in SUMMARY else filters.meant(name)
    base = known.partition(".")[0]
    homes = [group.name for group in GROUPS.values() if group.field(base)]
    if not homes:
        raise one_of("field", name, SUMMARY)
    if base not in SUMMARY or SUMMARY[base].heavy or SUMMARY[base].columns:
        raise InvalidInput(
            f"A search does not show {name}",
            next_step=f"Ask get_properties with groups={homes[:1]}, fields=['{base}'].",
        )
    field_named(known)
    return known


def _query(params: SearchParams, fields: tuple[str, ...], offset: int) -> tuple[Query, list[str]]:
    """What the arguments mean, and how they were read where that is not plain."""
    wanted, sort_by = formulas.wanted(params.formula), filters.sort_field(params.sort_by)
    elements, read = identifiers.elements_or_formulas(params.elements)
    query = Query(
        formulas=wanted.keys,
        anonymous=wanted.anonymous,
        chemsys=identifiers.chemical_systems(params.chemsys),
        elements=elements,
        exclude_elements=tuple(dict.fromkeys(identifiers.elements(params.exclude_elements))),
        material_ids=tuple(dict.fromkeys(map(identifiers.material_id, params.material_ids))),
        possible_species=tuple(dict.fromkeys(map(identifiers.species, params.possible_species))),
        has_props=tuple(dict.fromkeys(map(filters.data_named, params.has_props))),
        text=_words(params.text),
        conditions=_conditions(params),
        fields=tuple(dict.fromkeys((*fields, sort_by))),
        sort_by=sort_by,
        descending=params.descending,
        limit=params.limit,
        offset=offset,
    )
    named = (*re.split("[-,]", params.chemsys), *params.elements, *params.exclude_elements)
    remarks = (note for name in named for note in formulas.remarks(name))
    return query, [*wanted.notes, *read, *remarks]


def _words(text: str) -> str:
    words = " ".join(text.split())
    if words and (_TEXT.fullmatch(words) is None or not re.search(r"[^\W\d_]", words)):
        raise InvalidInput(
            f"The text {clip(text)} cannot be searched for",
            allowed="words of a structure description, at most 200 characters, such as "
            "'perovskite' or 'corner-sharing tetrahedra'",
            next_step="Put numbers into ranges, formulas into formula.",
        )
    return words


def _conditions(params: SearchParams) -> tuple[Condition, ...]:
    found = [*_choices(params), *_ranges(params), *_flags(params)]
    names = [condition.field for condition in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidInput(
            f"{', '.join(sorted(twice))} is asked for twice",
            next_step="Say it once, with both bounds of a range together.",
        )
    return tuple(found)


def _choices(params: SearchParams) -> Iterator[Condition]:
    if params.crystal_system != "any":
        yield Condition("symmetry.crystal_system", equals=params.crystal_system.capitalize())
    if params.spacegroup_number:
        yield Condition("symmetry.number", equals=params.spacegroup_number)
    if params.stable_only:
        yield Condition("is_stable", equals=True)
    if params.magnetic_ordering != "any":
        yield Condition("ordering", equals=params.magnetic_ordering)


def _flags(params: SearchParams) -> Iterator[Condition]:
    for name, value in params.flags.items():
        yield Condition(filters.flag_filter(name).name, equals=value)


def _ranges(params: SearchParams) -> Iterator[Condition]:
    for name, (minimum, maximum) in params.ranges.items():
        filter_ = filters.range_filter(name)
        if minimum is not None and maximum is not None and minimum > maximum:
            raise InvalidInput(
                f"The range of {name} is empty: {minimum:g} is above {maximum:g}",
                allowed=f"[min, max] in {filter_.unit}" if filter_.unit else "[min, max]",
                next_step="Swap the two numbers.",
            )
        if filter_.kind == "integer":
            minimum = None if minimum is None else ceil(minimum)
            maximum = None if maximum is None else floor(maximum)
        yield Condition(filter_.name, minimum=minimum, maximum=maximum)


def _row(document: Document, fields: tuple[str, ...]) -> dict[str, Any]:
    values = {
        name: value
        for name in fields
        if name != "formula_pretty" and (value := _shown(document, name)) is not None
    }
    known = document.get("_sources", {})
    return {
        "material_id": document["material_id"],
        "formula": document["formula_pretty"],
        **values,
        "sources": {
            base: known[base] for name in values if (base := name.partition(".")[0]) in known
        },
    }


def _shown(document: Document, name: str) -> Any:
    """A value for a table: of an object only the parts that are told."""
    value, parts = pick(document, name), field_named(name).parts
    if isinstance(value, dict) and parts:
        return {part: value[part] for part in parts if part in value}
    return value


def _notes(
    query: Query, page: Page, rows: list[dict[str, Any]], source: MaterialsSource
) -> Iterator[str]:
    for name, count in page.lacking.items():
        if count:
            yield f"{count} more meet all else but have no {name} here and were left out"
    asked = (c.field for c in query.conditions if filters.FILTERS[c.field].kind != "word")
    if silent := [name for name in asked if name not in page.lacking and name != "is_stable"]:
        yield f"entries without a value of {', '.join(silent)} are left out"
    if page.documents and pick(page.documents[0], query.sort_by) is None:
        yield f"no {query.sort_by} here of these entries: they stand in the order of their ids"
    if missing := _missing(query, page, source):
        yield f"not in this source: {', '.join(sorted(missing, key=identifiers.id_number))}"
    yield from page.notes
    yield from dict.fromkeys(
        note for document in page.documents for note in document.get("_notes", ())
    )
    yield from (warning for row in rows for warning in _unphysical(row))
    if any("band_gap" in row for row in rows):
        yield GROUPS["electronic_structure"].caveat


def _missing(query: Query, page: Page, source: MaterialsSource) -> set[str]:
    """Those of the ids asked for that the source does not know, whatever else is asked."""
    missing = set(query.material_ids) - {d["material_id"] for d in page.documents}
    if missing and page.total < len(query.material_ids):
        bare = Query(material_ids=tuple(missing), fields=("formula_pretty",), limit=len(missing))
        missing -= {document["material_id"] for document in source.search(bare).documents}
        return missing
    return set()


def _unphysical(row: dict[str, Any]) -> Iterator[str]:
    """A warning for every value of a row outside the bounds physics sets."""
    document: dict[str, Any] = {}
    for name, value in _values(row).items():
        base, _, part = name.partition(".")
        document[base] = {**document.get(base, {}), part: value} if part else value
    for warning in selection.unphysical(document, "summary"):
        yield f"{row['material_id']}: {warning}"


def _fingerprint(params: SearchParams) -> str:
    """Ties a cursor to its search: pages of different ones must not be mixed."""
    criteria = params.model_dump_json(exclude={"cursor", "limit"})
    return hashlib.sha256(criteria.encode()).hexdigest()[:8]


def _offset(cursor: str, mark: str) -> int:
    if not cursor:
        return 0
    offset, _, fingerprint = cursor.partition("-")
    if fingerprint != mark or not (offset.isascii() and offset.isdigit()) or len(offset) > 9:
        raise InvalidInput(
            f"The cursor {clip(cursor)} is not one of this search",
            allowed="the next_cursor of a search with the same arguments",
            next_step="Leave the cursor out to start from the first page.",
        )
    return int(offset)


def _facts(result: SearchResult) -> Iterator[Fact]:
    for row in result.materials:
        for name, value in presentation.scalar_values(_values(row)):
            base = name.partition(".")[0]
            source = result.sources.get(row["sources"].get(base, ""), result.source["name"])
            unit = field_named(base).unit
            yield Fact(row["material_id"], name, value, unit, source, row["formula"])


OPERATION = Operation(
    name="search_materials",
    title="Search materials",
    params=SearchParams,
    result=SearchResult,
    run=search_materials,
    toolset="materials",
    read_only=True,
    facts=_facts,
)

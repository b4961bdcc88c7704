"""Materials by criteria."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.materials import identifiers, presentation
from llamp_mcp.materials.groups import GROUPS, field_named, scalar_key
from llamp_mcp.materials.source import Condition, Page, Query, pick
from llamp_mcp.operation import Operation, Params, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.materials.source import Document, MaterialsSource
    from llamp_mcp.provenance import Fact

MAX_LIMIT = 50
DEFAULT_FIELDS = (
    "symmetry",
    "energy_above_hull",
    "formation_energy_per_atom",
    "band_gap",
    "bulk_modulus.vrh",
    "density",
)
_FREE_SORTS = ("material_id", "formula_pretty")


class SearchParams(Params):
    """Arguments of `search_materials`; all that are given must hold."""

    formula: str = Field(default="", description="composition, e.g. 'Fe2O3'")
    chemsys: str = Field(default="", description="exactly these elements, e.g. 'Li-Fe-O'")
    elements: list[str] = Field(default=[], description="must contain, e.g. ['Li','O']")
    exclude_elements: list[str] = Field(default=[], description="must not contain")
    material_ids: Annotated[list[str], Field(max_length=100)] = Field(
        default=[], description="e.g. ['mp-149']"
    )
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
    stable_only: bool = Field(default=False, description="only entries on the convex hull")
    magnetic_ordering: Literal["any", "FM", "AFM", "FiM", "NM"] = Field(
        default="any", description="ferro-, antiferro-, ferri-, non-magnetic"
    )
    ranges: dict[str, Annotated[list[float | None], Field(min_length=2, max_length=2)]] = Field(
        default={},
        description="field: [min, max], null = open, in the field's unit (eV, eV/atom, GPa, "
        "g/cm³), e.g. {'band_gap': [1, 2]}",
    )
    fields: Annotated[list[str], Field(max_length=12)] = Field(
        default=[], description="values to show; empty: the usual ones"
    )
    sort_by: str = Field(
        default="energy_above_hull", description="field; entries without a value come last"
    )
    descending: bool = Field(default=False, description="largest first")
    limit: int = Field(default=20, ge=1, le=MAX_LIMIT, description="rows in this page")
    cursor: str = Field(default="", description="next_cursor of the page before")


class SearchResult(Result):
    """The entries that match, with their values, units and sources."""

    source: dict[str, str]
    total: int
    returned: int
    truncated: bool
    next_cursor: str | None
    materials: list[dict[str, Any]] = Field(
        description="material_id, formula, one key per field with a value, sources{field: key}"
    )
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
                    name, value, legend.mark(row["sources"].get(name.partition(".")[0]))
                )
                for name, value in row.items()
                if name not in {"material_id", "formula", "sources"}
            )
            lines.append(f"{row['material_id']} {row['formula']}: {values or 'no values'}")
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()


def search_materials(params: SearchParams, *, source: MaterialsSource) -> SearchResult:
    """Find materials by formula, elements, symmetry, stability or ranges of properties.

    Use it to find ids and compare candidates, sorted by any value. For all values of known
    materials use get_properties. An entry without a value of a filtered field is left out, and
    the notes say how many were. Answers page by page: `total` says how many match.
    """
    fields = tuple(dict.fromkeys(params.fields)) or DEFAULT_FIELDS
    for name in fields:
        if field_named(name).heavy:
            raise InvalidInput(
                f"{name} is too long for a table of search results",
                next_step="Ask get_properties for it, with fields=" + f"['{name}'].",
            )
    mark = _fingerprint(params)
    query = _query(params, fields, _offset(params.cursor, mark))
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
        next_cursor=f"{end}-{mark}" if end < page.total else None,
        materials=rows,
        units={name: unit for name in shown if (unit := field_named(name).unit)},
        sources=presentation.citation_texts(source.citations(), used),
        notes=list(_notes(query, page, shown, source)),
    )


def _query(params: SearchParams, fields: tuple[str, ...], offset: int) -> Query:
    sort_by = params.sort_by
    return Query(
        formula=identifiers.formula_key(params.formula) if params.formula.strip() else "",
        chemsys=identifiers.chemical_system(params.chemsys) if params.chemsys.strip() else "",
        elements=identifiers.elements(params.elements),
        exclude_elements=identifiers.elements(params.exclude_elements),
        material_ids=tuple(dict.fromkeys(map(identifiers.material_id, params.material_ids))),
        conditions=tuple(_conditions(params)),
        fields=fields,
        sort_by=sort_by if sort_by in _FREE_SORTS else scalar_key(sort_by),
        descending=params.descending,
        limit=params.limit,
        offset=offset,
    )


def _conditions(params: SearchParams) -> Iterator[Condition]:
    if params.crystal_system != "any":
        yield Condition("symmetry.crystal_system", equals=params.crystal_system.capitalize())
    if params.spacegroup_number:
        yield Condition("symmetry.number", equals=params.spacegroup_number)
    if params.stable_only:
        yield Condition("is_stable", equals=1)
    if params.magnetic_ordering != "any":
        yield Condition("ordering", equals=params.magnetic_ordering)
    for name, (minimum, maximum) in params.ranges.items():
        if minimum is not None and maximum is not None and minimum > maximum:
            raise InvalidInput(
                f"The range of {name} is empty: {minimum:g} is above {maximum:g}",
                allowed="[min, max]",
                next_step="Swap the two numbers.",
            )
        yield Condition(scalar_key(name, numeric=True), minimum=minimum, maximum=maximum)


def _row(document: Document, fields: tuple[str, ...]) -> dict[str, Any]:
    row = {"material_id": document["material_id"], "formula": document["formula_pretty"]}
    values = {
        name: value
        for name in fields
        if name != "formula_pretty" and (value := pick(document, name)) is not None
    }
    return {**row, **values, "sources": document["sources"]}


def _notes(query: Query, page: Page, shown: list[str], source: MaterialsSource) -> Iterator[str]:
    for name, count in page.lacking.items():
        if count:
            yield f"{count} more meet all else but have no {name} here and were left out"
    if query.material_ids:
        held = source.documents("summary", query.material_ids, ("formula_pretty",))
        missing = set(query.material_ids) - {document["material_id"] for document in held}
        if missing:
            yield f"not in this source: {', '.join(sorted(missing, key=identifiers.id_number))}"
    yield from dict.fromkeys(note for document in page.documents for note in document["notes"])
    if "band_gap" in shown:
        yield GROUPS["electronic_structure"].caveat


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
        values = {k: v for k, v in row.items() if k not in {"material_id", "formula", "sources"}}
        yield from presentation.facts(row, values, result.sources, result.source["name"])


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

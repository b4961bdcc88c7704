"""Which entries of the Materials Project a structure is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import identifiers, presentation
from llamp_mcp.materials.source import Query
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core.structure import Structure

    from llamp_mcp.materials.source import Document, MaterialsSource
    from llamp_mcp.structures.store import StructureStore

LENGTH_TOLERANCE: Final = 0.2
ANGLE_TOLERANCE_DEG: Final = 5.0
"""As pymatgen's matcher has them; compare_structures takes others."""
MAX_ATOMS: Final = 500
"""At this size one match takes about ten seconds on one core."""

MAX_CANDIDATES: Final = 1000
"""Entries of one composition that are compared; no composition of the Project has as many."""

MAX_OTHERS: Final = 20
"""Entries that do not match, of which the answer tells."""

METHOD: Final = (
    "pymatgen StructureMatcher as in the Project's find_structure: primitive cells, scaled to "
    "equal volume, elements compared (not oxidation states or magnetic moments). rms_distance and "
    "max_distance are displacements of paired sites on the average lattice, divided by the cube "
    "root of the volume per site: dimensionless, and blind to a strain of the cell"
)


class IdentifyParams(Params):
    """Arguments of `identify_structure`; the defaults are the Project's own."""

    structure_id: str = Field(description="'s-…'")
    site_tolerance: float = Field(default=0.3, gt=0, le=0.5, description="of (volume/atom)^(1/3)")


class IdentifyResult(Result):
    """The entries that match, nearest first."""

    source: dict[str, str]
    structure_id: str
    formula: str
    candidates: SkipJsonSchema[int]
    matches: list[dict[str, Any]] = Field(
        description="material_id, rms_distance, volume_difference_percent, energy_above_hull, …"
    )
    others: list[dict[str, Any]] = Field(description="same composition, no match")
    tolerances: SkipJsonSchema[dict[str, float]]
    sources: dict[str, str]
    notes: list[str]

    def text(self) -> str:
        """One line per entry."""
        legend = presentation.Legend(self.sources)
        allowed = ", ".join(f"{name} = {value:g}" for name, value in self.tolerances.items())
        lines = [
            f"Source: {self.source['notice']}.",
            f"{self.structure_id} ({self.formula}): {len(self.matches)} of {self.candidates} "
            f"entries of this composition match ({allowed}).",
        ]
        lines += [_match_line(row, legend) for row in self.matches]
        if self.others:
            lines.append("No match, same composition:")
            lines += [f"  {_entry_text(row, legend)}" for row in self.others]
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()


def identify_structure(
    params: IdentifyParams, *, source: MaterialsSource, structures: StructureStore
) -> IdentifyResult:
    """Find the Materials Project entries that a structure matches, nearest first.

    For your own structures use compare_structures.
    """
    mine = structures.get(params.structure_id)
    _check_size(mine)
    entries, total, notes = _entries(mine, source)
    stored = source.structures(tuple(entry["material_id"] for entry in entries)) if entries else {}
    matches, others = _compare(mine, entries, stored, params)
    used = [key for row in (*matches, *others) for key in row["sources"].values()]
    if len(others) > MAX_OTHERS:
        notes.append(f"{len(others) - MAX_OTHERS} more entries of this composition do not match.")
    return IdentifyResult(
        source=source.meta().summary(),
        structure_id=params.structure_id,
        formula=mine.composition.reduced_formula,
        candidates=total,
        matches=matches,
        others=others[:MAX_OTHERS],
        tolerances={
            "length_tolerance": LENGTH_TOLERANCE,
            "site_tolerance": params.site_tolerance,
            "angle_tolerance_deg": ANGLE_TOLERANCE_DEG,
        },
        sources=presentation.citation_texts(source.citations(), used),
        notes=[*notes, *_advice(mine, matches, others)],
    )


def _check_size(mine: Structure) -> None:
    if len(mine) > MAX_ATOMS:
        raise InvalidInput(
            f"The structure has {len(mine)} atoms",
            allowed=f"at most {MAX_ATOMS} atoms",
            next_step="Reduce it with edit_structure (op 'primitive') and call again.",
        )


def _entries(mine: Structure, source: MaterialsSource) -> tuple[list[Document], int, list[str]]:
    """The entries of the same reduced composition, how many there are, and what the source says."""
    formula, _ = mine.composition.element_composition.get_integer_formula_and_factor()
    page = source.search(
        Query(
            formulas=(identifiers.formula_key(formula),),
            fields=("energy_above_hull", "symmetry"),
            limit=MAX_CANDIDATES,
        )
    )
    notes = list(page.notes)
    if page.total > len(page.documents):
        notes.append(f"Only the {len(page.documents)} entries lowest on the hull were compared.")
    return list(page.documents), page.total, notes


def _compare(
    mine: Structure, entries: list[Document], stored: dict[str, Document], params: IdentifyParams
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Entries that match, nearest first, and the others in the order of the source."""
    from pymatgen.analysis.structure_matcher import ElementComparator, StructureMatcher

    matcher = StructureMatcher(
        ltol=LENGTH_TOLERANCE,
        stol=params.site_tolerance,
        angle_tol=ANGLE_TOLERANCE_DEG,
        primitive_cell=True,
        scale=True,
        attempt_supercell=False,
        comparator=ElementComparator(),
    )
    matches, others = [], []
    for entry in entries:
        row = _row(entry)
        record = stored.get(entry["material_id"])
        if record is None:
            others.append({**row, "reason": "no structure on file"})
            continue
        if "source" in record:
            row["sources"]["structure"] = record["source"]
        found = _distances(matcher, mine, _structure(record))
        if found:
            matches.append({**row, **found})
        else:
            others.append(row)
    matches.sort(key=_nearness)
    return matches, others


def _distances(matcher: StructureMatcher, mine: Structure, theirs: Structure) -> dict[str, float]:
    """How far the structures are apart; empty if they do not match.

    `fit` decides, by the largest displacement; `get_rms_dist` alone would also accept pairs of
    which one site is farther off than the tolerance.
    """
    if not matcher.fit(mine, theirs):
        return {}
    rms, largest = matcher.get_rms_dist(mine, theirs)  # type: ignore[no-untyped-call]
    ratio = (mine.volume / len(mine)) / (theirs.volume / len(theirs))
    return {
        "rms_distance": round(float(rms), 6),
        "max_distance": round(float(largest), 6),
        "volume_difference_percent": round(100 * (ratio - 1), 4),
    }


def _nearness(row: dict[str, Any]) -> tuple[float, float, int]:
    energy = row.get("energy_above_hull", float("inf"))
    return row["rms_distance"], energy, identifiers.id_number(row["material_id"])


def _row(entry: Document) -> dict[str, Any]:
    row = {"material_id": entry["material_id"], "formula": entry.get("formula_pretty")}
    values = {"energy_above_hull": entry.get("energy_above_hull")}
    if entry.get("symmetry"):
        kept = {name: entry["symmetry"].get(name) for name in ("symbol", "number")}
        values["symmetry"] = {name: value for name, value in kept.items() if value is not None}
    shown = {name: value for name, value in values.items() if value is not None}
    named = entry.get("_sources") or {}
    return {**row, **shown, "sources": {name: named[name] for name in shown if name in named}}


def _structure(record: Document) -> Structure:
    from pymatgen.core.structure import Structure

    return Structure(record["lattice"], record["species"], record["frac_coords"])


def _advice(
    mine: Structure, matches: list[dict[str, Any]], others: list[dict[str, Any]]
) -> Iterator[str]:
    """What the answer means, and what to do where nothing matches."""
    formula = mine.composition.reduced_formula
    if matches:
        yield METHOD + "."
    if len(matches) > 1:
        yield (
            "Several entries match within the tolerances: they may differ in magnetic ordering or "
            "by small distortions or strains. Compare symmetry, rms_distance and energy_above_hull."
        )
    if not mine.is_ordered:
        yield (
            "This structure has partially occupied sites. Entries of the Project are ordered, and "
            "a partially occupied site matches none of their sites: order it with edit_structure "
            "(op 'order') and call again."
        )
    elif not matches and any("reason" not in row for row in others):
        yield (
            f"{formula} is known here, but in other structures: this one is no entry of this "
            "source within the tolerances. Larger tolerances may find a distorted relative."
        )
    elif not matches and others:
        yield f"{formula} is known here, but its entries have no structure on file to compare with."
    elif not others and not matches:
        yield (
            f"No entry of composition {formula} in this source. Look with search_materials for "
            "related compositions."
        )


def _match_line(row: dict[str, Any], legend: presentation.Legend) -> str:
    return (
        f"{_entry_text(row, legend)}; rms_distance = {row['rms_distance']:g}, max_distance = "
        f"{row['max_distance']:g} (normalised); volume per atom differs by "
        f"{row['volume_difference_percent']:+g} %{legend.mark(row['sources'].get('structure'))}"
    )


def _entry_text(row: dict[str, Any], legend: presentation.Legend) -> str:
    parts = []
    if "symmetry" in row:
        found = " ".join(str(row["symmetry"].get(name, "?")) for name in ("symbol", "number"))
        parts.append(f"space group {found}{legend.mark(row['sources'].get('symmetry'))}")
    if "energy_above_hull" in row:
        mark = legend.mark(row["sources"].get("energy_above_hull"))
        energy = presentation.number(row["energy_above_hull"])
        parts.append(f"energy_above_hull = {energy} eV/atom{mark}")
    if "reason" in row:
        parts.append(row["reason"])
    return f"{row['material_id']} {row['formula'] or ''}".rstrip() + ": " + "; ".join(parts)


def facts(result: IdentifyResult) -> Iterator[Fact]:
    """The values of the entries told of, and how far the structure is from each."""
    for row in (*result.matches, *result.others):
        for name, value, unit in _values(row, result.structure_id):
            source = result.sources.get(row["sources"].get(name.partition(".")[0], ""), "")
            origin = source or result.source["database_version"]
            yield Fact(row["material_id"], name, value, unit, origin, row["formula"])


def _values(
    row: dict[str, Any], structure_id: str
) -> Iterable[tuple[str, float | str, str | None]]:
    if "energy_above_hull" in row:
        yield "energy_above_hull", row["energy_above_hull"], "eV/atom"
    for name, value in row.get("symmetry", {}).items():
        yield f"symmetry.{name}", value, None
    if "rms_distance" in row:
        yield f"rms_distance({structure_id})", row["rms_distance"], "dimensionless"


OPERATION = Operation(
    name="identify_structure",
    title="Identify a structure",
    params=IdentifyParams,
    result=IdentifyResult,
    run=identify_structure,
    toolset="materials",
    read_only=True,
    facts=facts,
)

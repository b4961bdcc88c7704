"""The phase diagram of a chemical system at 0 K: what is stable, what the rest decomposes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, PrivateAttr, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.materials import formulas, identifiers, presentation
from llamp_mcp.materials.thermodynamics import plot as hull_plot
from llamp_mcp.materials.thermodynamics.hull import (
    MIXED,
    ONE_SCALE,
    Entry,
    Hull,
    ThermoType,
    build,
    unit_composition,
)
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pymatgen.core.composition import Composition

    from llamp_mcp.materials.source import MaterialsSource
    from llamp_mcp.structures.store import StructureStore

MAX_ELEMENTS: Final = 6
DIFFERS_EV: Final = 1e-3
"""eV/atom by which a computed hull energy must differ from the database's to be worth a word."""
FAR_EV: Final = 1.0

_VALUES = (
    "energy_above_hull",
    "formation_energy_per_atom",
    "energy_per_atom",
    "database_energy_above_hull",
)
_NUMBER = {"type": "number"}
_INCLUDED_SCHEMA = {
    "type": "object",
    "properties": {
        "structure_id": {"type": "string"},
        "formation_energy_ev_per_atom": _NUMBER,
        "energy_ev": _NUMBER,
        "energy_ev_per_atom": _NUMBER,
        "same_method": {"type": "boolean"},
    },
    "required": ["structure_id"],
}

TOTAL_ENERGIES_RULE: Final = (
    "total energies are comparable only when computed with the Project's own inputs for this "
    "thermo_type, its corrections included (MaterialsProject2020Compatibility for GGA_GGA+U)"
)


class Included(Arguments):
    """A structure of the user's with one energy."""

    structure_id: str
    formation_energy_ev_per_atom: float | None = None
    energy_ev: float | None = None
    energy_ev_per_atom: float | None = None
    same_method: bool = False

    @model_validator(mode="after")
    def _one_comparable_energy(self) -> Included:
        self.exactly_one("formation_energy_ev_per_atom", "energy_ev", "energy_ev_per_atom")
        if self.formation_energy_ev_per_atom is None and not self.same_method:
            raise ValueError(
                f"{TOTAL_ENERGIES_RULE}: say same_method=true if so; otherwise give "
                "formation_energy_ev_per_atom from elements computed with the same method"
            )
        return self


class PhaseDiagramParams(Params):
    """Arguments of `get_phase_diagram`."""

    chemsys: str = Field(description="'Li-Fe-O' (at most 6), or a formula: its decomposition")
    thermo_type: ThermoType = Field(default=ONE_SCALE, description="functionals")
    include: list[Annotated[Included, WithJsonSchema(_INCLUDED_SCHEMA)]] = Field(
        default=[],
        max_length=20,
        description="own structures, each with a formation energy, or a total one by the Project's "
        "method (same_method)",
    )
    max_e_above_hull: float = Field(
        default=0.1, ge=0, le=5, description="eV/atom; unstable ones listed"
    )
    limit: int = Field(default=20, ge=1, le=50, description="rows of each list")


class PhaseDiagramResult(Result):
    """Stable and unstable entries, and what they decompose to."""

    source: dict[str, str]
    chemsys: str
    thermo_type: SkipJsonSchema[str]
    total_entries: SkipJsonSchema[int]
    total_stable: SkipJsonSchema[int]
    total_unstable: SkipJsonSchema[int]
    stable: list[dict[str, Any]] = Field(
        description="material_id (own: structure_id), formula, energies in eV/atom"
    )
    unstable: list[dict[str, Any]]
    decomposition: dict[str, dict[str, Any]] = Field(
        description="by id or formula: products[{material_id, formula, amount}]"
    )
    sources: dict[str, str]
    notes: list[str]
    _picture: bytes | None = PrivateAttr(default=None)

    def text(self) -> str:
        """One line per entry."""
        legend = presentation.Legend(self.sources)
        lines = [
            f"Source: {self.source['notice']}.",
            f"{self.chemsys}, thermo_type {self.thermo_type}, {self.total_entries} entries, 0 K; "
            "-> decomposes to, in formula units per formula unit",
        ]
        for name, parts in self.decomposition.items():
            if "formation_energy_per_atom" in parts:  # a composition that was asked for
                lines.append(f"{name} asked for: {_asked_text(parts)}")
        for title, rows, total in (
            ("Stable", self.stable, self.total_stable),
            ("Unstable", self.unstable, self.total_unstable),
        ):
            shown = sum("material_id" in row for row in rows)
            lines.append(f"{title} ({shown} of {total} shown):")
            lines += [self._line(row, legend) for row in rows]
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()

    def _line(self, row: dict[str, Any], legend: presentation.Legend) -> str:
        whose = " (yours)" if "user" in row else ""
        parts = self.decomposition.get(_name(row), {})
        mark = legend.mark(row.get("source"))
        return f"{_name(row)} {row['formula']}{whose}: {_values(row)}{mark}{_products(parts)}"

    def images(self) -> Iterable[bytes]:
        """The hull of two elements, or the triangle of three."""
        return () if self._picture is None else (self._picture,)


def get_phase_diagram(
    params: PhaseDiagramParams, *, source: MaterialsSource, structures: StructureStore
) -> PhaseDiagramResult:
    """Compute a 0 K phase diagram: stable and unstable phases, decomposition products, a plot."""
    elements, asked, remarks = _system(params.chemsys)
    compositions = [_composition(item, elements, params, structures) for item in params.include]
    hull, notes = build(source, elements, params.thermo_type)
    own = [_place(*pair, hull) for pair in zip(params.include, compositions, strict=True)]
    order = sorted(hull.entries, key=lambda e: (hull.above(e), len(e.composition), e.formula))
    stable = [e for e in order if hull.above(e) <= 0]
    unstable = [e for e in order if 0 < hull.above(e) <= params.max_e_above_hull]
    rows = [_row(hull, e) for e in (*stable[: params.limit], *unstable[: params.limit])]
    own_rows = [_row(hull, e) for e in own]
    shown = [*unstable[: params.limit], *own]
    result = PhaseDiagramResult(
        source=source.meta().summary(),
        chemsys="-".join(elements),
        thermo_type=params.thermo_type,
        total_entries=len(hull.entries),
        total_stable=len(stable),
        total_unstable=len(unstable),
        stable=[row for row in (*rows, *own_rows) if row["energy_above_hull"] <= 0],
        unstable=[row for row in (*own_rows, *rows) if row["energy_above_hull"] > 0],
        decomposition=_asked(hull, asked) | {e.name: _parts(hull, e.composition) for e in shown},
        sources=presentation.citation_texts(
            source.citations(), [row["source"] for row in rows if "source" in row]
        ),
        notes=[*remarks, *_notes(hull, params, own), *notes],
    )
    if len(elements) in hull_plot.DIMENSIONS:
        version = result.source["database_version"]
        title = f"{result.chemsys}, {params.thermo_type}, 0 K\n(database {version})"
        result._picture = hull_plot.draw(hull, stable, unstable, own, title)
    return result


def _system(text: str) -> tuple[list[str], Composition | None, tuple[str, ...]]:
    """The elements asked for, the composition if it was a formula, and how that was read.

    Raises:
        InvalidInput: It is neither a chemical system nor a formula, or has too many elements.
    """
    asked, remarks = None, tuple[str, ...]()
    if "-" in text:
        elements = identifiers.chemical_system(text).split("-")
    else:
        remarks = formulas.remarks(text)
        asked = unit_composition(formulas.formula_key(text).replace(" ", ""))
        elements = sorted(asked.get_el_amt_dict())
        asked = asked if len(elements) > 1 else None
    if len(elements) > MAX_ELEMENTS:
        raise InvalidInput(
            f"{clip(text)} has {len(elements)} elements",
            allowed=f"chemical systems of up to {MAX_ELEMENTS} elements",
            next_step="Leave out the elements that do not matter.",
        )
    return elements, asked, remarks


def _composition(
    item: Included, elements: Sequence[str], params: PhaseDiagramParams, structures: StructureStore
) -> Composition:
    """What a user's structure is made of, in its own cell.

    Raises:
        NotFound: There is no such structure.
        InvalidInput: It does not belong to the system, or its energy to the scale.
    """
    composition = structures.get(item.structure_id).composition.element_composition
    others = sorted(set(composition.get_el_amt_dict()) - set(elements))
    if others:
        raise InvalidInput(
            f"{item.structure_id} ({composition.reduced_formula}) has {', '.join(others)}, which "
            f"{'-'.join(elements)} has not",
            next_step="Name all its elements in chemsys, or leave it out.",
        )
    if item.formation_energy_ev_per_atom is None and params.thermo_type == MIXED:
        raise InvalidInput(
            f"A total energy of {item.structure_id} cannot be placed among {MIXED} energies, whose "
            "scale differs from one chemical system to another",
            allowed="formation_energy_ev_per_atom; or thermo_type='GGA_GGA+U' or 'R2SCAN'",
        )
    return composition


def _place(item: Included, composition: Composition, hull: Hull) -> Entry:
    """A user's structure on the energy scale of the hull."""
    if item.formation_energy_ev_per_atom is not None:
        energy = hull.reference_energy(composition) + item.formation_energy_ev_per_atom
    elif item.energy_ev is not None:
        energy = item.energy_ev / composition.num_atoms
    else:
        energy = item.energy_ev_per_atom or 0.0
    unit = unit_composition(composition)
    return Entry(item.structure_id, unit.reduced_formula, unit, energy)


def _differs(hull: Hull, placed: Entry) -> bool:
    """Whether the database has another energy above the hull than computed here."""
    stored = placed.document.get("energy_above_hull")
    return stored is not None and abs(stored - hull.above(placed)) > DIFFERS_EV


def _row(hull: Hull, placed: Entry) -> dict[str, Any]:
    own = not placed.document
    above = hull.above(placed)
    row = {
        "structure_id" if own else "material_id": placed.name,
        "formula": placed.formula,
        "energy_above_hull": above,
        "formation_energy_per_atom": hull.formation_energy(placed),
        "energy_per_atom": placed.energy,
    }
    if own:
        return row | {"user": True}
    if _differs(hull, placed):
        row["database_energy_above_hull"] = float(placed.document["energy_above_hull"])
    if source := placed.document.get("_sources", {}).get("energy_per_atom"):
        row["source"] = source
    return row


def _parts(hull: Hull, composition: Composition) -> dict[str, Any]:
    unit = unit_composition(composition)
    products = [
        {"material_id": product.name, "formula": product.formula, "amount": amount}
        for product, amount in hull.products(unit)
    ]
    return {"products": products}


def _asked(hull: Hull, composition: Composition | None) -> dict[str, dict[str, Any]]:
    """What the composition asked for is on the hull, and its own lowest entry."""
    if composition is None:
        return {}
    on_hull = hull.hull_energy(composition)
    told = {
        "formation_energy_per_atom": on_hull - hull.reference_energy(composition),
        **_parts(hull, composition),
    }
    same = [e for e in hull.entries if e.formula == composition.reduced_formula]
    if same:
        lowest = min(same, key=lambda e: e.energy)
        told["lowest_entry"] = lowest.name
        told["energy_above_hull"] = hull.above(lowest)
    return {composition.reduced_formula: told}


def _notes(hull: Hull, params: PhaseDiagramParams, own: Sequence[Entry]) -> Iterator[str]:
    yield (
        "the hull is computed here from the entries' corrected energies (0 K, no vibrations); "
        "formation energies are from " + _told(hull.references.values())
    )
    if differing := sum(_differs(hull, e) for e in hull.entries):
        yield (
            f"for {differing} of {len(hull.entries)} entries the database's own "
            "energy_above_hull differs by more than 1 meV/atom (given as "
            "database_energy_above_hull): its hull may hold entries this source lacks, or be of "
            "another date or functional mix"
        )
    if own:
        yield from _own_notes(hull, params, own)
    if len(hull.elements) not in hull_plot.DIMENSIONS:
        yield "no plot: there is one for two or three elements"


def _own_notes(hull: Hull, params: PhaseDiagramParams, own: Sequence[Entry]) -> Iterator[str]:
    if any(item.formation_energy_ev_per_atom is not None for item in params.include):
        yield (
            "your formation energies are added to the energies of the hull's elements; errors of "
            "your method against the Project's do not cancel"
        )
    if any(item.same_method for item in params.include):
        yield f"your total energies were placed as they are: {TOTAL_ENERGIES_RULE}"
    if below := [e for e in own if hull.above(e) < 0]:
        yield (
            f"{_told(below)} would be below the Project's hull; stable entries around it might "
            "not be stable against it"
        )
    if far := [e for e in own if abs(hull.above(e)) > FAR_EV]:
        yield (
            f"{_told(far)} is more than {FAR_EV:g} eV/atom from the hull: check that its energy is "
            "of the kind said"
        )


def _told(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{e.name} {e.formula}" for e in entries)


def _name(row: dict[str, Any]) -> str:
    return str(row.get("material_id") or row["structure_id"])


def _values(row: dict[str, Any]) -> str:
    return "; ".join(
        f"{name} = {presentation.number(row[name])} eV/atom" for name in _VALUES if name in row
    )


def _asked_text(parts: dict[str, Any]) -> str:
    hull = presentation.number(parts["formation_energy_per_atom"])
    words = f"the hull has formation_energy_per_atom = {hull} eV/atom{_products(parts)}"
    if "lowest_entry" not in parts:
        return f"{words}; no entry of this composition"
    above = presentation.number(parts["energy_above_hull"])
    return f"{words}; lowest_entry {parts['lowest_entry']}: energy_above_hull = {above} eV/atom"


def _products(parts: dict[str, Any]) -> str:
    products = " + ".join(
        f"{presentation.number(p['amount'])} {p['material_id']} {p['formula']}"
        for p in parts.get("products", ())
    )
    return f" -> {products}" if products else ""


def _facts(result: PhaseDiagramResult) -> Iterator[Fact]:
    for row in (*result.stable, *result.unstable):
        source = result.sources.get(row.get("source", ""), result.source["name"])
        values = {name: row[name] for name in _VALUES if name in row}
        if "database_energy_above_hull" in values:  # two values: each under its own name
            values["computed_energy_above_hull"] = values["energy_above_hull"]
            values["energy_above_hull"] = values.pop("database_energy_above_hull")
        for name, value in values.items():
            yield Fact(_name(row), name, value, "eV/atom", source, row["formula"])


OPERATION = Operation(
    name="get_phase_diagram",
    title="Get a phase diagram",
    params=PhaseDiagramParams,
    result=PhaseDiagramResult,
    run=get_phase_diagram,
    toolset="materials",
    read_only=True,
    facts=_facts,
    view="plot",
)

"""The energy of a reaction between materials of the Project, balanced here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.errors import InvalidInput, NotFound, clip
from llamp_mcp.materials import formulas, identifiers, presentation
from llamp_mcp.materials.thermodynamics.balance import balance
from llamp_mcp.materials.thermodynamics.hull import (
    MIXED,
    ONE_SCALE,
    SAME_SCALE_EV,
    Entries,
    Entry,
    ThermoType,
    load,
    read,
    several_scales,
    unit_composition,
)
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llamp_mcp.materials.source import MaterialsSource

EV_IN_KJ_PER_MOL: Final = 1.602176634e-19 * 6.02214076e23 / 1000
"""1 eV per particle in kJ/mol, 96.4853…: exact, by the elementary charge and the Avogadro constant
of the 2019 SI (doi 10.1088/1681-7575/aa950a)."""
MAX_LISTED: Final = 5
"""Entries of a composition that are named, lowest first."""
_FIELDS = (
    "composition",
    "formula_pretty",
    "energy_per_atom",
    "formation_energy_per_atom",
    "energy_above_hull",
    "thermo_type",
)

Side = Annotated[list[str], Field(min_length=1, max_length=8)]


class ReactionParams(Params):
    """Arguments of `get_reaction_energy`."""

    reactants: Side = Field(
        description="formulas or material ids, without amounts: ['BaCO3', 'TiO2']"
    )
    products: Side = Field(description="likewise: ['BaTiO3', 'CO2']")
    thermo_type: ThermoType = Field(default=ONE_SCALE, description="functionals")


class ReactionResult(Result):
    """A balanced reaction and its energy."""

    source: dict[str, str]
    equation: str
    thermo_type: SkipJsonSchema[str]
    energy_ev: float = Field(description="of the equation as written")
    energy_kj_per_mol: float
    energy_ev_per_atom: SkipJsonSchema[float]
    per_formula_unit: dict[str, Any] = Field(
        description="of the first product: formula, energy_ev, energy_kj_per_mol"
    )
    entries: list[dict[str, Any]] = Field(description="role, amount, material_id, energies")
    sources: dict[str, str]
    notes: list[str]

    def text(self) -> str:
        """The energy, then one line per compound."""
        legend = presentation.Legend(self.sources)
        number = presentation.number
        unit = self.per_formula_unit
        per_unit = f"{number(unit['energy_ev'])} eV, {number(unit['energy_kj_per_mol'])} kJ/mol"
        lines = [
            f"Source: {self.source['notice']}.",
            f"{self.equation} ({self.thermo_type}): energy_ev = {number(self.energy_ev)} eV, "
            f"energy_kj_per_mol = {number(self.energy_kj_per_mol)} kJ/mol as written; "
            f"energy_ev_per_atom = {number(self.energy_ev_per_atom)} eV/atom; "
            f"per {unit['formula']}: {per_unit} (negative: exothermic)",
        ]
        for row in self.entries:
            values = "; ".join(
                f"{name} = {number(row[name])} eV/atom"
                for name in ("energy_per_atom", "energy_above_hull")
                if name in row
            )
            lines.append(
                f"{row['role']} {row['amount']} {row['material_id']} {row['formula']}: {values} "
                f"{row['thermo_type']}{legend.mark(row.get('source'))} ({row['selection']})"
            )
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()


@dataclass(frozen=True, slots=True)
class Compound:
    """A compound of the reaction: as it was named, which entry that means, and why."""

    requested: str
    entry: Entry
    selection: str


def get_reaction_energy(params: ReactionParams, *, source: MaterialsSource) -> ReactionResult:
    """Balance a reaction and compute its energy at 0 K, in eV and kJ/mol, from hull entries.

    A formula means its lowest entry; name a polymorph by its id. No vibrations, not even of gases.
    """
    named = [*params.reactants, *params.products]
    compounds, notes = _compounds(source, named, params.thermo_type)
    first = len(params.reactants)
    amounts = balance([(c.requested, c.entry.composition) for c in compounds], first)
    if params.thermo_type == MIXED:
        _check_scale(compounds, amounts)
    pairs = list(zip(amounts, (c.entry for c in compounds), strict=True))
    energy = sum(n * e.energy * e.atoms for n, e in pairs)
    per_unit = energy / amounts[first]
    rows = [_row(n, c, params.thermo_type) for n, c in zip(amounts, compounds, strict=True)]
    return ReactionResult(
        source=source.meta().summary(),
        equation=" -> ".join((_side(pairs, -1), _side(pairs, 1))),
        thermo_type=params.thermo_type,
        energy_ev=energy,
        energy_kj_per_mol=energy * EV_IN_KJ_PER_MOL,
        energy_ev_per_atom=energy / sum(n * e.atoms for n, e in pairs if n > 0),
        per_formula_unit={
            "formula": compounds[first].entry.formula,
            "energy_ev": per_unit,
            "energy_kj_per_mol": per_unit * EV_IN_KJ_PER_MOL,
        },
        entries=rows,
        sources=presentation.citation_texts(
            source.citations(), [row["source"] for row in rows if "source" in row]
        ),
        notes=[
            "differences of the Project's corrected energies at 0 K: no temperature, pressure or "
            "zero-point vibrations; gases are molecules in a large cell, with corrections",
            *notes,
        ],
    )


def _compounds(
    source: MaterialsSource, named: Sequence[str], thermo_type: str
) -> tuple[list[Compound], tuple[str, ...]]:
    """The entry that each name means, in at most two requests.

    Raises:
        InvalidInput: A name is neither an id nor a formula.
        NotFound: A compound has no entry of this thermo type here.
    """
    kinds = {text: _named(text) for text in named}
    candidates, notes = _candidates(source, kinds, thermo_type)
    if missing := [text for text in kinds if not candidates[text]]:
        raise _absent(source, kinds, thermo_type, missing)
    chosen = []
    for text in named:
        found = sorted(candidates[text], key=lambda e: e.energy)
        words = "asked for by id" if kinds[text][0] == "id" else _selection(found)
        chosen.append(Compound(text, found[0], words))
    remarks = [
        note
        for text, (kind, _) in kinds.items()
        if kind == "formula"
        for note in formulas.remarks(text)
    ]
    return chosen, (*remarks, *notes)


def _selection(found: Sequence[Entry]) -> str:
    """Why the first of these entries, lowest first, is the one."""
    if len(found) == 1:
        return "the only entry"
    names = ", ".join(e.name for e in found[:MAX_LISTED])
    more = ", …" if len(found) > MAX_LISTED else ""
    return f"the lowest of {len(found)} entries: {names}{more}"


def _named(text: str) -> tuple[str, str]:
    """`("id", "mp-149")` or `("formula", "Fe2O3")`."""
    if text.strip()[:1].isdigit():
        raise InvalidInput(
            f"{clip(text)} begins with an amount",
            allowed="formulas or material ids alone, such as 'BaCO3'",
            next_step="Leave the amounts out: the reaction is balanced here.",
        )
    kind, name = identifiers.material(text)
    if kind == "formula":
        name = unit_composition(name.replace(" ", "")).reduced_formula
    return kind, name


def _candidates(
    source: MaterialsSource, kinds: dict[str, tuple[str, str]], thermo_type: str
) -> tuple[dict[str, list[Entry]], tuple[str, ...]]:
    """The entries that each name may mean."""
    ids = tuple(dict.fromkeys(name for kind, name in kinds.values() if kind == "id"))
    formulas = {name for kind, name in kinds.values() if kind == "formula"}
    systems = {unit_composition(name).chemical_system for name in formulas}
    by_id = by_system = Entries(())
    if ids:
        rows = source.rows("thermo", ids, _FIELDS)
        same = [d for d in rows.documents if str(d.get("thermo_type")).upper() == thermo_type]
        by_id = read(same, rows.notes)
    if systems:
        by_system = load(source, tuple(sorted(systems)), thermo_type)
    found: dict[str, list[Entry]] = {}
    for text, (kind, name) in kinds.items():
        if kind == "id":
            found[text] = [e for e in by_id.found if e.name == name]
        else:
            found[text] = [e for e in by_system.found if e.formula == name]
    return found, tuple(dict.fromkeys((*by_id.notes, *by_system.notes)))


def _absent(
    source: MaterialsSource,
    kinds: dict[str, tuple[str, str]],
    thermo_type: str,
    missing: Sequence[str],
) -> NotFound:
    """The error for compounds without an entry, with the thermo types that hold them all."""
    usable = [
        other
        for other in get_args(ThermoType)
        if other != thermo_type and all(_candidates(source, kinds, other)[0].values())
    ]
    return NotFound(
        f"No {thermo_type} entry of {', '.join(missing)} in this source",
        allowed="compounds that all have an entry of one thermo type: energies of two are never "
        "combined",
        next_step=f"Call again with thermo_type={usable[0]!r}, which has all of them."
        if usable
        else "No other thermo type has all of them here; look with search_materials for what is "
        "here, or use a source that holds them (MP_API_KEY).",
    )


def _check_scale(compounds: Sequence[Compound], amounts: Sequence[int]) -> None:
    """Hold mixed entries to one scale: there, formation energies give the same reaction energy.

    Raises:
        InvalidInput: They do not, or cannot be compared.
    """
    shift = 0.0
    for amount, compound in zip(amounts, compounds, strict=True):
        stored = compound.entry.document.get("formation_energy_per_atom")
        if stored is None:
            raise several_scales(f"{compound.entry.name} has no formation energy to check it by")
        shift += amount * compound.entry.atoms * (compound.entry.energy - stored)
    if abs(shift) > SAME_SCALE_EV:
        raise several_scales(
            "the energies of these compounds and their formation energies give reaction energies "
            f"that differ by {abs(shift):.3g} eV"
        )


def _row(amount: int, compound: Compound, thermo_type: str) -> dict[str, Any]:
    found = compound.entry
    row: dict[str, Any] = {
        "role": "product" if amount > 0 else "reactant",
        "amount": abs(amount),
        "material_id": found.name,
        "formula": found.formula,
        "energy_per_atom": found.energy,
        "thermo_type": thermo_type,
        "selection": compound.selection,
    }
    if (above := found.document.get("energy_above_hull")) is not None:
        row["energy_above_hull"] = float(above)
    if key := found.document.get("_sources", {}).get("energy_per_atom"):
        row["source"] = key
    return row


def _side(pairs: Sequence[tuple[int, Entry]], sign: int) -> str:
    """One side of the equation."""
    return " + ".join(
        e.formula if abs(n) == 1 else f"{abs(n)} {e.formula}" for n, e in pairs if n * sign > 0
    )


def _facts(result: ReactionResult) -> Iterator[Fact]:
    whence = f"{result.source['name']}, {result.thermo_type}: {result.equation}"
    unit = result.per_formula_unit
    for row in result.entries:
        if row["role"] == "product":
            subject, formula = row["material_id"], row["formula"]
            yield Fact(subject, "reaction_energy_ev", result.energy_ev, "eV", whence, formula)
            kj = result.energy_kj_per_mol
            yield Fact(subject, "reaction_energy_kj_per_mol", kj, "kJ/mol", whence, formula)
            if formula == unit["formula"]:
                name, of_unit = "reaction_energy_ev_per_formula_unit", "eV per formula unit"
                yield Fact(subject, name, unit["energy_ev"], of_unit, whence, formula)
    for row in result.entries:
        source = result.sources.get(row.get("source", ""), result.source["name"])
        for name in ("energy_per_atom", "energy_above_hull"):
            if name in row:
                yield Fact(row["material_id"], name, row[name], "eV/atom", source, row["formula"])


OPERATION = Operation(
    name="get_reaction_energy",
    title="Get a reaction energy",
    params=ReactionParams,
    result=ReactionResult,
    run=get_reaction_energy,
    toolset="materials",
    read_only=True,
    facts=_facts,
)

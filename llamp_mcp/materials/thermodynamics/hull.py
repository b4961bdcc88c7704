"""The convex hull of formation energies of a chemical system, from a source's entries.

Energies of a thermo type are compared only where they lie on one scale. The Project mixes its
functionals (`GGA_GGA+U_R2SCAN`) for each chemical system apart, onto the r2SCAN or onto the GGA
energies, as the system allows (R. Kingsbury et al., npj Comput. Mater. 8, 195 (2022), doi
10.1038/s41524-022-00881-w). So mixed entries of a system and of its subsystems may differ by
electronvolts for no physical reason; that is found out here, and refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.identifiers import id_number, subsystems

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pymatgen.analysis.phase_diagram import PhaseDiagram
    from pymatgen.core.composition import Composition

    from llamp_mcp.materials.source import Document, MaterialsSource

ThermoType = Literal["GGA_GGA+U_R2SCAN", "GGA_GGA+U", "R2SCAN"]
ONE_SCALE: Final = "GGA_GGA+U"
"""The type to start from: whatever the systems, its energies are comparable."""
MIXED: Final = "GGA_GGA+U_R2SCAN"
SAME_SCALE_EV: Final = 0.05
"""Of an entry in eV/atom, of a reaction in eV. Two functionals' scales are tenths to tens of
eV/atom apart, rounding is far less."""
ON_HULL_EV: Final = 1e-6
"""eV/atom. Below what any calculation resolves, above rounding of stored energies."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A material, or a user's structure, with an energy.

    Attributes:
        name: Its material id or structure id.
        formula: Reduced formula.
        composition: Of one formula unit.
        energy: Total energy with corrections, eV/atom.
        document: What the source says of it.
    """

    name: str
    formula: str
    composition: Composition
    energy: float
    document: Document = field(default_factory=dict)

    @property
    def atoms(self) -> float:
        """Atoms per formula unit."""
        return float(self.composition.num_atoms)


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of one thermo type, and what a reader must know of them."""

    found: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def unit_composition(amounts: Any) -> Composition:
    """One formula unit of a composition or formula: `O` → O2, `Fe4O6` → Fe2O3."""
    from pymatgen.core.composition import Composition

    return Composition(Composition(amounts).element_composition.reduced_formula)


def load(source: MaterialsSource, chemsys: tuple[str, ...], thermo_type: str) -> Entries:
    """The entries of chemical systems, in one request."""
    rows = source.entries(chemsys, thermo_type)
    return read(rows.documents, rows.notes)


def read(documents: Iterable[Document], notes: Iterable[str]) -> Entries:
    """Entries by id, each once; documents without an energy are counted in a note."""
    found: dict[str, Entry] = {}
    told = dict.fromkeys(notes)
    without = 0
    for document in documents:
        if (made := entry(document)) is None:
            without += 1
        else:
            found.setdefault(made.name, made)
            told |= dict.fromkeys(document.get("_notes", ()))
    if without:
        told[f"{without} entries have no energy here and were left out"] = None
    return Entries(tuple(sorted(found.values(), key=lambda e: id_number(e.name))), tuple(told))


def entry(document: Document) -> Entry | None:
    """An entry of a thermo document; None where it has no energy or composition."""
    energy = document.get("energy_per_atom")
    amounts = document.get("composition") or document.get("formula_pretty")
    if energy is None or not amounts:
        return None
    unit = unit_composition(amounts)
    return Entry(document["material_id"], unit.reduced_formula, unit, float(energy), document)


class Hull:
    """The lower convex hull of one thermo type's energies over composition.

    Args:
        entries: Entries on one energy scale.
        elements: All elements; each needs an entry of its own.
    """

    def __init__(self, entries: Sequence[Entry], elements: Sequence[str]) -> None:
        self.entries, self.elements = tuple(entries), tuple(elements)
        self.references = lowest_elements(entries)
        self._energies: dict[str, float] = {}

    @cached_property
    def diagram(self) -> PhaseDiagram:
        """The phase diagram of pymatgen; the `attribute` of each of its entries is ours."""
        from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
        from pymatgen.core.periodic_table import Element

        made = [
            PDEntry(e.composition, e.energy * e.atoms, name=e.name, attribute=e)
            for e in self.entries
        ]
        return PhaseDiagram(made, [Element(symbol) for symbol in self.elements])

    def reference_energy(self, composition: Composition) -> float:
        """Energy of the elements in that composition, eV/atom."""
        return sum(
            self.references[symbol].energy * fraction
            for symbol, fraction in composition.fractional_composition.get_el_amt_dict().items()
        )

    def formation_energy(self, placed: Entry) -> float:
        """Energy of formation from the elements, eV/atom."""
        return placed.energy - self.reference_energy(placed.composition)

    def hull_energy(self, composition: Composition) -> float:
        """Energy of the hull at a composition, eV/atom."""
        key = composition.reduced_formula
        if key not in self._energies:
            self._energies[key] = float(self.diagram.get_hull_energy_per_atom(composition))
        return self._energies[key]

    def above(self, placed: Entry) -> float:
        """Energy above the hull, eV/atom; negative below it, which only a user's entry can be."""
        height = placed.energy - self.hull_energy(placed.composition)
        return 0.0 if abs(height) <= ON_HULL_EV else height

    def products(self, composition: Composition) -> list[tuple[Entry, float]]:
        """The phases on the hull at a composition: entry, formula units per formula unit of it."""
        parts = self.diagram.get_decomposition(composition)
        ours: list[tuple[Entry, float]] = [(part.attribute, x) for part, x in parts.items()]  # type: ignore[attr-defined]
        found = [(e, float(x * composition.num_atoms / e.atoms)) for e, x in ours]
        return sorted(found, key=lambda pair: -pair[1] * pair[0].atoms)


def lowest_elements(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entry of lowest energy of each element that has one."""
    lowest: dict[str, Entry] = {}
    for candidate in entries:
        if len(candidate.composition) == 1:
            symbol = candidate.composition.chemical_system
            if symbol not in lowest or candidate.energy < lowest[symbol].energy:
                lowest[symbol] = candidate
    return lowest


def build(
    source: MaterialsSource, elements: Sequence[str], thermo_type: str
) -> tuple[Hull, tuple[str, ...]]:
    """The hull of a chemical system, and what a reader must know of its entries.

    Raises:
        NotFound: The source has no entries of this thermo type, or none of an element.
        InvalidInput: The entries do not share one energy scale.
    """
    chemsys = subsystems(["-".join(elements)])
    entries = load(source, chemsys, thermo_type)
    missing = [symbol for symbol in elements if symbol not in lowest_elements(entries.found)]
    if missing:
        raise _incomplete(source, elements, thermo_type, missing, len(entries.found))
    hull = Hull(entries.found, elements)
    if thermo_type == MIXED:
        check_scale(hull)
    return hull, entries.notes


def check_scale(hull: Hull) -> None:
    """Hold mixed entries to one scale, that of the elements.

    Raises:
        InvalidInput: The stored formation energies are not those from these elements.
    """
    off = [
        e.name
        for e in hull.entries
        if (stored := e.document.get("formation_energy_per_atom")) is not None
        and abs(hull.formation_energy(e) - stored) > SAME_SCALE_EV
    ]
    if off:
        raise several_scales(
            f"{len(off)} of {len(hull.entries)} entries of {'-'.join(hull.elements)} (such as "
            f"{off[0]}) are on another scale than the elements"
        )


def several_scales(what: str) -> InvalidInput:
    """The error for mixed energies that must not be compared."""
    return InvalidInput(
        f"The {MIXED} energies do not share one scale: the Project mixes its functionals for each "
        f"chemical system apart, and {what}",
        next_step="Call again with thermo_type='GGA_GGA+U', whose energies all share one scale. "
        "Hull energies by the Project's own mixed hull: get_properties, group thermo.",
    )


def _incomplete(
    source: MaterialsSource,
    elements: Sequence[str],
    thermo_type: str,
    missing: Sequence[str],
    count: int,
) -> NotFound:
    system = "-".join(elements)
    if count == 0:
        what = f"This source has no {thermo_type} entries of {system} or its subsystems"
    else:
        what = (
            f"This source has {count} {thermo_type} entries of {system}, but none of elemental "
            f"{', '.join(missing)}: without every element there is no hull, and none is made up"
        )
    told, usable = [], []
    for other in get_args(ThermoType):
        if other == thermo_type:
            continue
        found = load(source, subsystems(["-".join(elements)]), other).found
        gone = [symbol for symbol in elements if symbol not in lowest_elements(found)]
        lacking = f", none of elemental {', '.join(gone)}" if found and gone else ""
        told.append(f"{len(found)} {other}{lacking}")
        usable += [] if gone else [other]
    return NotFound(
        f"{what}. Entries of other thermo types here: {', '.join(told)}",
        next_step=f"Call again with thermo_type={usable[0]!r}."
        if usable
        else "Ask a source that holds the whole system (MP_API_KEY, or a snapshot of it).",
    )

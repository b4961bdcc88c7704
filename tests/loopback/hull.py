"""A made-up chemical system with a convex hull: Ba-C-O-Ti, in the mixed thermo type only.

The energies are round numbers chosen by hand; the hull over them is pymatgen's, so distances and
decompositions are consistent. Ids begin at mp-3340001. By construction the reaction
BaCO3 + TiO2 -> BaTiO3 + CO2 takes 1.4 eV per formula unit.
"""

from __future__ import annotations

import json
import math
from typing import NamedTuple

from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry

from tests.loopback.documents import THERMO_TYPE, Json, about, alpha


class Phase(NamedTuple):
    """A made-up compound: its formula per cell and formation energy in eV/atom."""

    material_id: str
    cell: str
    formation_energy: float


ELEMENT_ENERGIES = {"Ba": -2.0, "C": -9.0, "O": -5.0, "Ti": -8.0}
PHASES = (
    Phase("mp-3340001", "Ba", 0.0),
    Phase("mp-3340002", "C2", 0.0),
    Phase("mp-3340003", "O2", 0.0),
    Phase("mp-3340004", "Ti", 0.0),
    Phase("mp-3340005", "BaO", -2.8),
    Phase("mp-3340006", "TiO2", -3.2),
    Phase("mp-3340007", "Ti2O4", -3.15),
    Phase("mp-3340008", "CO2", -1.4),
    Phase("mp-3340009", "BaCO3", -2.6),
    Phase("mp-3340010", "BaTiO3", -3.4),
)
REACTION_ENERGY_EV = 1.4


def energy_per_atom(phase: Phase) -> float:
    """Energy in eV/atom: of the elements, plus the formation energy."""
    composition = Composition(phase.cell)
    elements = sum(ELEMENT_ENERGIES[e.symbol] * amount for e, amount in composition.items())
    return elements / composition.num_atoms + phase.formation_energy


def structure_of(phase: Phase) -> Structure:
    """Atoms on a cubic grid, 3 Å apart: a structure that no one takes for a real one."""
    species = [e.symbol for e, n in Composition(phase.cell).items() for _ in range(int(n))]
    side = math.ceil(len(species) ** (1 / 3))
    grid = [(i, j, k) for i in range(side) for j in range(side) for k in range(side)]
    coordinates = [[n / side for n in point] for point in grid[: len(species)]]
    return Structure(Lattice.cubic(3.0 * side), species, coordinates)


def collections() -> dict[str, list[Json]]:
    """Thermo and summary documents of all phases, and their structures."""
    entries = {
        phase.material_id: PDEntry(
            phase.cell, energy_per_atom(phase) * Composition(phase.cell).num_atoms
        )
        for phase in PHASES
    }
    diagram = PhaseDiagram(list(entries.values()))
    names = {id(entry): material_id for material_id, entry in entries.items()}
    found: dict[str, list[Json]] = {"summary": [], "thermo": [], "materials": []}
    for phase in PHASES:
        entry = entries[phase.material_id]
        products, distance = diagram.get_decomp_and_e_above_hull(entry)
        above = float(distance or 0.0)
        stable = above < 1e-8
        shown = {
            "energy_per_atom": energy_per_atom(phase),
            "uncorrected_energy_per_atom": energy_per_atom(phase),
            "formation_energy_per_atom": phase.formation_energy,
            "energy_above_hull": 0.0 if stable else above,
            "is_stable": stable,
            "equilibrium_reaction_energy_per_atom": _equilibrium(diagram, entry, stable=stable),
            "decomposes_to": None if stable else [
                {
                    "material_id": alpha(names[id(product)]),
                    "formula": product.composition.reduced_formula,
                    "amount": float(amount),
                }
                for product, amount in (products or {}).items()
            ],
        }  # fmt: skip
        _add(found, phase, shown)
    return found


def _equilibrium(diagram: PhaseDiagram, entry: PDEntry, *, stable: bool) -> float | None:
    if not stable or entry.is_element:
        return None
    energy = diagram.get_equilibrium_reaction_energy(entry)
    return None if energy is None else float(energy)


def _add(found: dict[str, list[Json]], phase: Phase, energies: Json) -> None:
    structure = structure_of(phase)
    written = json.loads(json.dumps(structure.as_dict()))
    base = {
        **about(phase.material_id, Composition(phase.cell).get_el_amt_dict()),
        "nsites": len(structure),
        "volume": structure.volume,
        "density": float(structure.density),
        "density_atomic": structure.volume / len(structure),
    }
    entry = ComputedStructureEntry(
        structure,
        energies["energy_per_atom"] * len(structure),
        entry_id=f"{phase.material_id}-GGA",
        parameters={"run_type": "GGA", "is_hubbard": False, "hubbards": {}},
    )
    found["summary"].append(
        {
            **base,
            **energies,
            "structure": written,
            "theoretical": True,
            "has_props": {"materials": True, "thermo": True},
            "task_ids": [],
            "property_name": "summary",
        }
    )
    found["materials"].append({**base, "structure": written, "task_ids": []})
    found["thermo"].append(
        {
            **base,
            **energies,
            "thermo_type": THERMO_TYPE,
            "thermo_id": f"{base['material_id']}_{THERMO_TYPE}",
            "energy_type": "GGA",
            "entry_types": ["GGA"],
            "entries": {"GGA": json.loads(json.dumps(entry.as_dict()))},
            "property_name": "thermo",
        }
    )

"""Density of the cell, by mass and by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.structures.analysis.block import check_elements
from llamp_mcp.structures.analysis.cell_gaps import vacuum_note

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams


def block(structure: Structure, _request: AnalyzeStructureParams) -> dict[str, Any]:
    """Densities and formula units; a shared site counts as its occupancies do.

    Raises:
        Undetermined: A site holds no element.
    """
    check_elements(structure)
    composition = structure.composition
    formula = composition.reduced_composition
    atoms, volume_a3 = composition.num_atoms, float(structure.volume)
    report = {
        "density_g_cm3": round(float(structure.density), 5),
        "number_density_per_nm3": round(1000 * atoms / volume_a3, 4),
        "volume_per_atom_a3": round(volume_a3 / atoms, 4),
        "volume_a3": round(volume_a3, 4),
        "cell_mass_u": round(float(composition.weight), 4),
        "n_sites": len(structure),
        "n_atoms": round(float(atoms), 4),
        "formula_unit": composition.reduced_formula,
        "formula_units": round(float(atoms / formula.num_atoms), 4),
        "masses": "standard atomic weights",
    }
    note = vacuum_note(structure)
    return {**report, "note": note} if note else report

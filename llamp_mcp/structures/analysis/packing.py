"""How much of the cell spheres fill, and the largest hole between the atoms."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.analysis.cell_gaps import vacuum_note
from llamp_mcp.structures.contacts import contacts
from llamp_mcp.structures.voids import find_voids

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymatgen.core import Element, Species, Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

METHODS: Final = {
    "equal_spheres": "all atoms alike, radius half the shortest distance",
    "covalent_radii": "Cordero 2008 (doi 10.1039/b801115j)",
    "ionic_radii": "Shannon 1976 (doi 10.1107/S0567739476001551) for the states the sites carry",
}


def block(structure: Structure, _request: AnalyzeStructureParams) -> dict[str, Any]:
    """Packing fractions by several radii, overlap counted twice, and the largest empty site."""
    radius_a = contacts(structure).shortest.distance_a / 2
    radii: dict[str, Callable[[Element | Species], float | None]] = {
        "equal_spheres": lambda _: radius_a,
        "covalent_radii": _covalent_a,
        "ionic_radii": _ionic_a,
    }
    note = vacuum_note(structure)
    rows = []
    for name, radius in radii.items():
        fraction, missing = _fraction(structure, radius)
        rows.append(
            {
                "spheres": name,
                "packing_fraction": fraction,
                "meaning": METHODS[name]
                if fraction is not None
                else f"no such radius of {missing}",
            }
        )
    return {
        "sphere_radius_a": round(radius_a, 4),
        "fractions": rows,
        "overlap": "spheres that overlap are counted in full",
        **_void(structure),
        **({"note": note} if note else {}),
    }


def _fraction(
    structure: Structure, radius: Callable[[Element | Species], float | None]
) -> tuple[float | None, str]:
    """Volume of the spheres over that of the cell, or None and the species without a radius."""
    filled = 0.0
    for species, count in structure.composition.items():
        found = radius(species)
        if not found:
            return None, str(species)
        filled += count * 4 / 3 * pi * found**3
    return round(filled / structure.volume, 5), ""


def _covalent_a(species: Element | Species) -> float | None:
    from pymatgen.analysis.molecule_structure_comparator import CovalentRadius

    return CovalentRadius.radius.get(species.symbol)


def _ionic_a(species: Element | Species) -> float | None:
    """Pymatgen's ionic radius of a charged species, Å."""
    from pymatgen.core import Element

    if isinstance(species, Element) or not species.oxi_state or species.oxi_state % 1:
        return None
    radius = Element(species.symbol).ionic_radii.get(round(species.oxi_state))
    return None if radius is None else float(radius)


def _void(structure: Structure) -> dict[str, Any]:
    try:
        voids = find_voids(structure)
    except InvalidInput as error:
        return {"largest_void": None, "largest_void_not_determined": str(error)}
    if not voids:
        return {"largest_void": None, "largest_void_not_determined": "no enclosed empty site"}
    return {
        "largest_void": {
            "kind": voids[0].kind,
            "to_nearest_centre_a": round(voids[0].radius_a, 4),
            "frac_coords": [round(x, 5) for x in voids[0].frac_coords],
            "coordination": voids[0].coordination,
            "neighbours": voids[0].neighbours,
        }
    }

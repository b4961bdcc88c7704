"""Space group, Wyckoff positions, and how the space group depends on the tolerance."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.analysis.block import (
    Undetermined,
    dataset,
    grouped,
    occupant,
    table,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure
    from spglib import SpglibDataset

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

TOLERANCES_A: Final = (0.001, 0.01, 0.1)
ORBITS_SHOWN: Final = 24
SITES_SHOWN: Final = 12

TOLERANCE_RULE: Final = (
    "the space group at other tolerances; None: not found, or too many atoms to search at that one"
)

WYCKOFF_RULE: Final = (
    "multiplicity in the standard cell and letter; letters of positions that another choice of the "
    "origin exchanges (such as 8a and 8b of Fd-3m) may be swapped"
)

_FAMILY: Final = {
    "triclinic": "a",
    "monoclinic": "m",
    "orthorhombic": "o",
    "tetragonal": "t",
    "trigonal": "h",
    "hexagonal": "h",
    "cubic": "c",
}


def block(structure: Structure, request: AnalyzeStructureParams) -> dict[str, Any]:
    """Symmetry of the species where they are; magnetic moments are left aside.

    Raises:
        Undetermined: The cell is too large, or spglib finds no symmetry at this tolerance.
    """
    found = dataset(structure, request.symprec_a)
    system = _system(found.number)
    centring = found.international[0]
    return {
        "symprec_a": request.symprec_a,
        "symbol": found.international,
        "number": found.number,
        "hall_symbol": found.hall,
        "hall_number": found.hall_number,
        "setting": _setting(found.choice),
        "point_group": found.pointgroup,
        "centrosymmetric": _is_centrosymmetric(found.rotations),
        "crystal_system": system,
        "centring": centring,
        # The centrings A and C of one lattice differ by the naming of its axes alone.
        "bravais_lattice": _FAMILY[system] + ("S" if centring in "AC" else centring),
        "tolerances": _tolerances(structure, request.symprec_a),
        "standard_cell": _cell(found),
        **_orbits(structure, found),
        "wyckoff_rule": WYCKOFF_RULE,
        "tolerance_rule": TOLERANCE_RULE,
    }


def _system(number: int) -> str:
    """The crystal system that a space group number of the International Tables belongs to."""
    lasts = {2: "triclinic", 15: "monoclinic", 74: "orthorhombic", 142: "tetragonal"}
    lasts |= {167: "trigonal", 194: "hexagonal", 230: "cubic"}
    return next(system for last, system in lasts.items() if number <= last)


def _setting(choice: str) -> str:
    """Spglib's name of a setting in words."""
    if choice in ("1", "2"):
        return f"origin choice {choice}"
    words = {"": "the only one", "H": "hexagonal axes", "R": "rhombohedral axes"}
    return words.get(choice, f"unique axis and cell choice {choice}")


def _is_centrosymmetric(rotations: NDArray[np.int_]) -> bool:
    import numpy as np

    return bool((rotations == -np.eye(3, dtype=int)).all(axis=(1, 2)).any())


def _tolerances(structure: Structure, asked_a: float) -> list[dict[str, Any]]:
    """The space group at each tolerance; null where it was not determined."""
    told = []
    for symprec_a in sorted({*TOLERANCES_A, asked_a}):
        row: dict[str, Any] = {"symprec_a": symprec_a, "symbol": None, "number": None}
        with suppress(Undetermined):
            found = dataset(structure, symprec_a)
            row |= {"symbol": found.international, "number": found.number}
        told.append(row)
    return told


def _cell(found: SpglibDataset) -> dict[str, float]:
    """The conventional cell of that setting, as spglib idealises it: Å and degrees."""
    from pymatgen.core import Lattice

    names = ("a_a", "b_a", "c_a", "alpha_deg", "beta_deg", "gamma_deg")
    parameters = Lattice(found.std_lattice).parameters
    cell = {name: round(float(x), 4) for name, x in zip(names, parameters, strict=True)}
    return {**cell, "n_sites": len(found.std_types)}


def _orbits(structure: Structure, found: SpglibDataset) -> dict[str, Any]:
    """One row per set of equivalent sites; positions are those in the conventional cell."""
    orbits = grouped(found)
    standard: list[int] = found.std_mapping_to_primitive.tolist()
    rows = []
    for first, sites in list(orbits.items())[:ORBITS_SHOWN]:
        position = found.std_positions[standard.index(found.mapping_to_primitive[first])]
        multiplicity = round(len(sites) * len(found.std_types) / len(structure))
        rows.append(
            {
                "wyckoff": f"{multiplicity}{found.wyckoffs[first]}",
                "site_symmetry": found.site_symmetry_symbols[first],
                "species": occupant(structure[first]),
                "standard_frac_coords": [round(float(x), 5) + 0.0 for x in position],
                "n_sites": len(sites),
                "sites": sites[:SITES_SHOWN],
            }
        )
    return table("orbits", rows, len(orbits))

"""What an interactive view draws a structure from, in the colours and sizes of our pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.pictures.bonds import MOST_BONDS, RULE, TOLERANCE_A, find_bonds, radius_a
from llamp_mcp.structures.pictures.colours import WHITE, atomic_number, element_colours
from llamp_mcp.structures.pictures.draw import SPHERE_A, SPHERE_SHARE, VACANT, count_elements
from llamp_mcp.structures.pictures.paint import parts
from llamp_mcp.structures.pictures.scene import MAX_ATOMS_COMPLETED, ON_FACE_A, Home, settle

if TYPE_CHECKING:
    from pymatgen.core import Composition, Structure

    from llamp_mcp.structures.pictures.bonds import Cell
    from llamp_mcp.structures.pictures.colours import Colour

MOST_ATOMS: Final = 20_000
"""More than a browser turns smoothly, and more than a reader can tell apart."""

MOST_ATOMS_WITH_MOLECULES: Final = 4_000
"""Among more, looking for molecules takes seconds: they are then cut at the faces of the cell."""

_UNKNOWN_RADIUS_A: Final = 2.0
"""Van der Waals radius drawn where none is known (Pm, At to Ra, from Fm on)."""


def geometry(structure: Structure, structure_id: str = "") -> dict[str, Any]:
    """A structure as plain numbers: cell, sites, and how each kind of site is drawn.

    Lengths are in Å. `kinds` are the different occupations, each with the slices of its sphere,
    its covalent radius (mean by share; Cordero 2008, doi 10.1039/b801115j), the radius of its ball
    and its van der Waals radius (Alvarez 2013, doi 10.1039/c3dt50599e). `home` is the lattice
    translation from a site's stored coordinates to where it is drawn, `molecule` the number of its
    molecule or -1; `bonds` are the numbers of the rule that `find_bonds` follows.

    Args:
        structure: At least one atom.
        structure_id: Its handle; empty where it has none, as a frame of a trajectory.

    Raises:
        InvalidInput: Too many atoms.
    """
    if len(structure) > MOST_ATOMS:
        raise InvalidInput(
            f"The view cannot show {len(structure)} atoms",
            allowed=f"at most {MOST_ATOMS} atoms",
            next_step="View a smaller cell, or export the structure and use a viewer.",
        )
    molecules = _molecules(structure)
    home = _home(structure, molecules)
    counts = count_elements(structure)
    colours = element_colours(name for name in counts if name != VACANT)
    kinds, kind = _kinds(structure, colours)
    return {
        "structure_id": structure_id,
        "formula": structure.composition.reduced_formula,
        "n_atoms": len(structure),
        "cell": structure.lattice.matrix.round(6).tolist(),
        "pbc": [bool(periodic) for periodic in structure.lattice.pbc],
        "vacuum": home.vacuum.tolist(),
        "elements": [
            {"symbol": name, "count": count, "colour": hex_of(colours.get(name, WHITE))}
            for name, count in counts.items()
        ],
        "kinds": kinds,
        "kind": kind,
        "frac_coords": structure.frac_coords.round(7).tolist(),
        "home": home.cells.tolist(),
        "molecule": _numbered(len(structure), molecules),
        "bonds": {"tolerance_a": TOLERANCE_A, "most": MOST_BONDS, "rule": RULE},
        "on_face_a": ON_FACE_A,
        "most_completed": MAX_ATOMS_COMPLETED,
    }


def hex_of(colour: Colour) -> str:
    """A colour as '#rrggbb'."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _molecules(structure: Structure) -> list[dict[int, Cell]]:
    if len(structure) > MOST_ATOMS_WITH_MOLECULES:
        return []
    return find_bonds(structure).molecules


def _home(structure: Structure, molecules: list[dict[int, Cell]]) -> Home:
    """As our pictures have it; along an axis that is not periodic, atoms stay where they are."""
    import numpy as np

    home = settle(structure, molecules)
    periodic = np.array(structure.lattice.pbc, bool)
    if not periodic.all():
        home.cells[:, ~periodic] = 0
    return home._replace(vacuum=home.vacuum | ~periodic)


def _numbered(count: int, molecules: list[dict[int, Cell]]) -> list[int]:
    numbers = [-1] * count
    for number, molecule in enumerate(molecules):
        for site in molecule:
            numbers[site] = number
    return numbers


def _kinds(
    structure: Structure, colours: dict[str, Colour]
) -> tuple[list[dict[str, Any]], list[int]]:
    """Each different occupation of a site, and the number of that of each site."""
    numbers: dict[str, int] = {}
    kinds: list[dict[str, Any]] = []
    kind: list[int] = []
    for site in structure:
        label = site.species_string
        if label not in numbers:
            numbers[label] = len(kinds)
            kinds.append(_kind(label, site.species, colours))
        kind.append(numbers[label])
    return kinds, kind


def _kind(label: str, species: Composition, colours: dict[str, Colour]) -> dict[str, Any]:
    covalent_a = radius_a(species)
    symbols = [*(str(one.symbol) for one in species), VACANT]
    shares = zip(symbols, parts(species, colours), strict=False)
    return {
        "label": label,
        "occupancy": round(float(species.num_atoms), 6),
        "parts": [
            {"symbol": symbol, "share": round(share, 6), "colour": hex_of(colour)}
            for symbol, (colour, share) in shares
        ],
        "metal": all(getattr(one, "is_metal", False) for one in species),
        "covalent_a": round(covalent_a, 6),
        "ball_a": round(SPHERE_A + SPHERE_SHARE * covalent_a, 6),
        "van_der_waals_a": round(_van_der_waals_a(species), 4),
    }


def _van_der_waals_a(species: Composition) -> float:
    from ase.data.vdw_alvarez import vdw_radii

    def of(symbol: str) -> float:
        number = atomic_number(symbol)
        known = vdw_radii[number] if number < len(vdw_radii) else float("nan")
        return float(known) if known == known else _UNKNOWN_RADIUS_A

    total = sum(species.values())
    return float(sum(share * of(one.symbol) for one, share in species.items()) / total)

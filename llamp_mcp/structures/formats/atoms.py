"""Structures as ASE atoms, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure


def from_atoms(atoms: Atoms) -> Structure:
    """ASE atoms as a periodic structure: cell, species, positions, and initial magnetic moments."""
    from pymatgen.core import Structure

    moments = atoms.get_initial_magnetic_moments()
    return Structure(
        atoms.cell.array,
        atoms.get_chemical_symbols(),
        atoms.positions,
        coords_are_cartesian=True,
        site_properties={"magmom": moments.tolist()} if atoms.has("initial_magmoms") else None,
    )


def to_atoms(structure: Structure) -> Atoms:
    """An ordered structure as ASE atoms: cell, species, positions, magnetic moments if present."""
    from ase import Atoms

    moments = structure.site_properties.get("magmom")
    return Atoms(
        symbols=[site.specie.symbol for site in structure],
        positions=structure.cart_coords,
        cell=structure.lattice.matrix,
        pbc=True,
        magmoms=None if moments is None or None in moments else moments,
    )

"""Between pymatgen structures, which handles name, and ASE atoms, which calculators take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.symmetry import SYMPREC_A, space_group

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure


def elements_of(structure: Structure) -> list[str]:
    """Chemical symbols in a structure, sorted.

    Raises:
        InvalidInput: A site is partly occupied or holds no element.
    """
    from pymatgen.core.periodic_table import Element, Species

    for index, site in enumerate(structure):
        species = list(site.species)
        if not site.is_ordered or not isinstance(species[0], Element | Species):
            raise InvalidInput(
                f"Site {index} ({site.species_string}) is partly occupied or not an element",
                allowed="structures with exactly one element on each site",
                next_step="Make an ordered structure first.",
            )
    return sorted({site.specie.symbol for site in structure})


def to_atoms(structure: Structure) -> Atoms:
    """Periodic ASE atoms, in the order of the sites, without velocities."""
    from ase import Atoms

    elements_of(structure)
    return Atoms(
        numbers=[site.specie.Z for site in structure],
        cell=structure.lattice.matrix,
        positions=structure.cart_coords,
        pbc=True,
    )


def moved(structure: Structure, atoms: Atoms) -> Structure:
    """The structure with the cell and positions of `atoms`, which came from it.

    Species with their oxidation states, site properties and the total charge stay.
    """
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    return Structure(
        Lattice(atoms.cell.array),
        structure.species,
        atoms.get_scaled_positions(wrap=True),
        charge=structure._charge,
        site_properties={
            name: values for name, values in structure.site_properties.items() if values is not None
        },
    )


def lattice_of(atoms: Atoms) -> dict[str, float]:
    """Cell lengths in Å and angles in degrees."""
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    return {name: float(value) for name, value in zip(names, atoms.cell.cellpar(), strict=True)}


def spacegroup_of(structure: Structure) -> dict[str, Any] | None:
    """Space group and the tolerance it holds within; None when there is none to be found."""
    found = space_group(structure, SYMPREC_A)
    if found is None:
        return None
    return {"symbol": found.symbol, "number": found.number, "symprec_a": SYMPREC_A}

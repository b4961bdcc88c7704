"""A molecule in a vacuum box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llamp_mcp.errors import one_of
from llamp_mcp.structures.formats import from_atoms
from llamp_mcp.structures.prototypes.arguments import Built

if TYPE_CHECKING:
    from llamp_mcp.structures.prototypes.arguments import MoleculeArguments


def molecule(arguments: MoleculeArguments) -> Built:
    """A molecule of ASE by name, in the middle of a periodic box.

    Raises:
        InvalidInput: ASE has no molecule of that name.
    """
    from ase.build import molecule as ase_molecule
    from ase.build.molecule import extra
    from ase.collections import g2

    if arguments.name not in (known := [*g2.names, *extra]):
        raise one_of("molecule", arguments.name, known)
    atoms = ase_molecule(arguments.name, vacuum=arguments.vacuum_a / 2)
    atoms.pbc = True
    source = "G2 set" if arguments.name in g2.names else "own list of larger molecules"
    notes = [
        f"{arguments.name} in the middle of a periodic box with {arguments.vacuum_a:g} Å of "
        f"vacuum between images; geometry from ASE's {source}."
    ]
    if atoms.has("initial_magmoms"):
        notes.append("Magnetic moments per site are ASE's, in μB.")
    return Built(from_atoms(atoms), tuple(notes))

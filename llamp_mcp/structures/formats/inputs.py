"""The structure part of inputs of Quantum ESPRESSO and LAMMPS, written by ASE."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.formats.atoms import to_atoms

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

PSEUDOPOTENTIAL = "PSEUDOPOTENTIAL_OF_{}"
"""Stands where Quantum ESPRESSO wants a file name, which a structure does not tell."""

_TILT = 0.5
"""Largest tilt of a LAMMPS box over the length it tilts along, without a warning of LAMMPS."""


def write_qe(structure: Structure) -> str:
    """The SYSTEM counts and the cards of species, cell and positions (Å) for pw.x."""
    from ase.io import write

    out = io.StringIO()
    bare = _bare(structure)
    names = {symbol: PSEUDOPOTENTIAL.format(symbol) for symbol in _types(structure)}
    write(out, bare, format="espresso-in", pseudopotentials=names)
    # What a structure does not tell is left out: the empty namelists, and ASE's Gamma point.
    text = re.sub(r"^&\w+\n/\n", "", out.getvalue(), flags=re.MULTILINE)
    return re.sub(r"^K_POINTS .*\n\n?", "", text, flags=re.MULTILINE)


def write_lammps(structure: Structure) -> str:
    """A data file for `read_data` with `units metal` and `atom_style atomic`."""
    from ase.io import write

    out = io.StringIO()
    atoms = _bare(structure)
    write(out, atoms, format="lammps-data", masses=True, specorder=_types(structure))
    return out.getvalue()


def qe_notes(structure: Structure) -> list[str]:
    """What is missing of an input for pw.x."""
    names = ", ".join(PSEUDOPOTENTIAL.format(symbol) for symbol in _types(structure))
    return [
        f"{names} stand where the file names of your pseudopotentials belong. Cut-offs, K_POINTS, "
        "CONTROL and ELECTRONS are not part of a structure and must be added. Masses are "
        "ASE's standard atomic weights."
    ]


def lammps_notes(structure: Structure) -> list[str]:
    """Types, units, and what became of the cell."""
    import numpy as np
    from ase.io.lammpsdata import Prism

    types = ", ".join(f"{at} = {symbol}" for at, symbol in enumerate(_types(structure), 1))
    notes = [
        f"Atom types: {types}. For units metal (Å, g/mol) and atom_style atomic; masses are ASE's "
        "standard atomic weights."
    ]
    matrix = structure.lattice.matrix
    prism = Prism(matrix)
    if np.linalg.det(matrix) < 0:
        notes.append(
            "The lattice vectors are left-handed, which LAMMPS does not allow: the box holds the "
            "mirror image of the structure. Distances and angles are the same."
        )
    elif not np.allclose(prism.cell, matrix, atol=1e-6):
        notes.append(
            "The cell is turned, its shape kept: LAMMPS wants a along x and b in the xy plane. "
            "Vectors and tensors of other tools do not refer to these axes."
        )
    lx, ly, _, xy, xz, yz = (float(x) for x in prism.get_lammps_prism())
    tilts = {"xy": xy / lx, "xz": xz / lx, "yz": yz / ly}
    if large := {name: tilt for name, tilt in tilts.items() if abs(tilt) > _TILT + 1e-6}:
        told = ", ".join(f"{name} = {tilt:.3f}" for name, tilt in large.items())
        notes.append(
            f"The box is tilted by more than half its length ({told}), of which LAMMPS warns; the "
            "cell as given is kept."
        )
    return notes


def _types(structure: Structure) -> list[str]:
    """The elements in the order of their first site.

    Raises:
        InvalidInput: A site holds no element, so it has no mass.
    """
    from pymatgen.core import DummySpecies

    for site in structure:
        if isinstance(site.specie, DummySpecies):
            raise InvalidInput(
                f"{clip(site.species_string)} is not an element; it has no mass to write",
                next_step="Give it an element with the edit 'substitute', or export as json.",
            )
    return list(dict.fromkeys(site.specie.symbol for site in structure))


def _bare(structure: Structure) -> Atoms:
    """Without magnetic moments: ASE would make input parameters of them."""
    atoms = to_atoms(structure)
    atoms.set_initial_magnetic_moments(None)
    return atoms

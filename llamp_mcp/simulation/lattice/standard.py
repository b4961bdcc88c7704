"""The standard cells of a crystal, and the path through its Brillouin zone."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.symmetry import SYMPREC_A

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure

MIN_HEIGHT_A: Final = 10.0
"""Distance between opposite faces of a supercell that is not asked for, Å."""
MAX_SUPERCELL_ATOMS: Final = 300
"""Atoms of a supercell that is not asked for."""


@dataclass(frozen=True, slots=True)
class StandardCell:
    """A crystal as seekpath standardises it (doi 10.1016/j.commatsci.2016.10.015).

    Attributes:
        primitive: Standard primitive cell.
        conventional: Standard conventional cell, its axes parallel to those of the primitive one.
        spacegroup: Hermann-Mauguin symbol and number.
        points: Fractional coordinates, in reciprocal vectors of the primitive cell, by label.
        path: Pairs of labels.
    """

    primitive: Atoms
    conventional: Atoms
    spacegroup: str
    points: dict[str, list[float]]
    path: list[tuple[str, str]]

    @property
    def primitive_matrix(self) -> list[list[float]]:
        """Columns: vectors of the primitive cell in those of the conventional one, 3 by 3."""
        import numpy as np

        rows = self.primitive.cell.array @ np.linalg.inv(self.conventional.cell.array)
        matrix: list[list[float]] = (np.round(6 * rows.T) / 6).tolist()
        return matrix

    def heights_a(self, repeats: list[int]) -> list[float]:
        """Distances between opposite faces of so many conventional cells, Å."""
        import numpy as np

        lengths = 1 / np.linalg.norm(self.conventional.cell.reciprocal().array, axis=1)
        return [float(n * length) for n, length in zip(repeats, lengths, strict=True)]

    def repeats(self, min_height_a: float = MIN_HEIGHT_A) -> list[int]:
        """Conventional cells along a, b, c for this height, within `MAX_SUPERCELL_ATOMS`."""
        found = [max(1, ceil(min_height_a / height)) for height in self.heights_a([1, 1, 1])]
        while self.n_atoms(found) > MAX_SUPERCELL_ATOMS and max(found) > 1:
            heights = self.heights_a(found)
            largest = max((i for i in range(3) if found[i] > 1), key=lambda i: heights[i])
            found[largest] -= 1
        return found

    def n_atoms(self, repeats: list[int]) -> int:
        """Atoms of so many conventional cells."""
        return len(self.conventional) * repeats[0] * repeats[1] * repeats[2]


def standard_cell(atoms: Atoms) -> StandardCell:
    """Standardise atoms by the symmetry they have within `SYMPREC_A`.

    Positions and cell become those the symmetry asks for; the calculator is not taken along.

    Raises:
        InvalidInput: spglib finds no symmetry.
    """
    import seekpath
    import spglib
    from ase import Atoms

    # spglib 2.7 warns at every call until its old error codes are switched off.
    spglib.error.OLD_ERROR_HANDLING = False
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", seekpath.hpkot.EdgeCaseWarning)
            found = seekpath.get_path(cell, symprec=SYMPREC_A, angle_tolerance=-1.0)
    except (spglib.SpglibError, seekpath.hpkot.SymmetryDetectionError) as error:
        raise InvalidInput(
            f"The symmetry cannot be determined at a tolerance of {SYMPREC_A} Å: {error}",
            next_step="Check that no two atoms coincide.",
        ) from error

    def made(kind: str) -> Atoms:
        return Atoms(
            numbers=found[f"{kind}_types"],
            cell=found[f"{kind}_lattice"],
            scaled_positions=found[f"{kind}_positions"],
            pbc=True,
        )

    return StandardCell(
        primitive=made("primitive"),
        conventional=made("conv"),
        spacegroup=f"{found['spacegroup_international']} ({found['spacegroup_number']})",
        points={label: [float(x) for x in q] for label, q in found["point_coords"].items()},
        path=list(found["path"]),
    )


def elements_only(structure: Structure) -> Structure:
    """The structure a force field sees: without charges, moments and other properties of sites."""
    from pymatgen.core.structure import Structure

    elements = [site.specie.symbol for site in structure]
    return Structure(structure.lattice, elements, structure.frac_coords)


def to_structure(atoms: Atoms) -> Structure:
    """Atoms as a structure."""
    from pymatgen.core.structure import Structure

    return Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions())

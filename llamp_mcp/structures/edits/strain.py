"""`strain`: deform the cell, atoms moving with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.cell_change import VOIGT, lattices, rounded, voigt_forms
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

Row = Annotated[list[float], Field(min_length=3, max_length=3)]


class StrainArguments(Arguments):
    """Exactly one of the two."""

    voigt: Annotated[list[float], Field(min_length=6, max_length=6)] | None = Field(
        None, description="xx yy zz yz xz xy (0.01 = 1 %); engineering shear"
    )
    matrix: Annotated[list[Row], Field(min_length=3, max_length=3)] | None = Field(
        None, description="displacement gradient"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("voigt", "matrix")
        return self


def strain(structure: Structure, arguments: StrainArguments) -> Edited:
    """Deform by F = 1 + ε in Cartesian axes: every lattice vector a becomes F·a.

    Of a Voigt vector the engineering shear, twice the tensor component, is split evenly; a matrix
    is taken as it stands, rotation included. Fractional coordinates stay.
    """
    import numpy as np
    from pymatgen.core import Lattice

    if arguments.voigt is not None:
        xx, yy, zz, yz, xz, xy = arguments.voigt
        epsilon = np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])
    else:
        epsilon = np.array(arguments.matrix)
    deformation = np.eye(3) + epsilon
    determinant = float(np.linalg.det(deformation))
    if determinant <= 0:
        raise InvalidInput(
            f"The strain turns the cell inside out or flat (determinant of 1 + strain "
            f"{determinant:.4g})",
            allowed="a positive determinant",
            next_step="Strains are fractions: 0.01 is 1 %.",
        )
    made = structure.copy()
    made.lattice = Lattice(structure.lattice.matrix @ deformation.T)
    report = {
        "strain_tensor": rounded(epsilon),
        **voigt_forms((epsilon + epsilon.T) / 2),
        "convention": f"rows x y z, Cartesian; F = 1 + strain_tensor; {VOIGT}",
        "rotation_part": rounded((epsilon - epsilon.T) / 2),
        "determinant": round(determinant, 8),
        **lattices(structure, made),
    }
    if np.allclose(epsilon, epsilon.T):
        del report["rotation_part"]
    return Edited(made, report)


EDIT = Edit(name="strain", arguments=StrainArguments, run=strain)

"""`strain`: deform the cell, atoms moving with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

Row = Annotated[list[float], Field(min_length=3, max_length=3)]


class StrainArguments(Arguments):
    """Exactly one of the two."""

    voigt: Annotated[list[float], Field(min_length=6, max_length=6)] | None = Field(
        None, description="xx, yy, zz, yz, xz, xy as fractions (0.01 = 1 %); engineering shear"
    )
    matrix: Annotated[list[Row], Field(min_length=3, max_length=3)] | None = Field(
        None, description="3x3 displacement gradient as fractions"
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
        "strain_tensor": np.round(epsilon, 8).tolist(),
        "convention": "rows x y z; F = 1 + strain; shear in voigt is engineering shear",
        "determinant": round(determinant, 8),
    }
    return Edited(made, report)


EDIT = Edit(name="strain", arguments=StrainArguments, run=strain)

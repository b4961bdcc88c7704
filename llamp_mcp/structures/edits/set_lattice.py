"""`set_lattice`: give the cell other lengths, angles or vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.cell_change import green_lagrange, strained
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.edits.strain import Row
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Lattice, Structure

_LEAST_SHAPE = 0.05
"""Least ratio of a cell's volume to that of a brick with its edges; below it the cell is flat."""

_MOST = {"a": 1000.0, "b": 1000.0, "c": 1000.0, "alpha": 180.0, "beta": 180.0, "gamma": 180.0}
"""Names of the parameters, and what each stays below: Å, degrees."""


class SetLatticeArguments(Arguments):
    """Exactly one of the two, and what of the atoms is kept."""

    lattice: dict[str, float] | None = Field(
        None, description='{"a": 3.6, "gamma": 120}; others stay'
    )
    matrix: Annotated[list[Row], Field(min_length=3, max_length=3)] | None = Field(
        None, description="rows a b c in Å"
    )
    keep: Literal["fractional", "cartesian"] = Field("fractional", description="coordinates kept")

    @field_validator("lattice")
    @classmethod
    def _parameters(cls, lattice: dict[str, float] | None) -> dict[str, float] | None:
        if lattice is None:
            return None
        if not lattice or not set(lattice) <= set(_MOST):
            raise ValueError(f"give any of {', '.join(_MOST)}")
        for name, value in lattice.items():
            if not 0 < value < _MOST[name]:
                raise ValueError(f"{name} must be between 0 and {_MOST[name]:g}")
        return lattice

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("lattice", "matrix")
        return self


def set_lattice(structure: Structure, arguments: SetLatticeArguments) -> Edited:
    """Change the cell; atoms keep their fractions of it, or their places in Å."""
    import numpy as np
    from pymatgen.core import Lattice

    if arguments.matrix is not None:
        lattice = Lattice(arguments.matrix)
        _check(lattice)
        oriented = "as given"
    else:
        lattice = _stretched(structure.lattice, arguments.lattice or {})
        oriented = "stretched without rotating the crystal"
    made = structure.copy()
    if arguments.keep == "cartesian":
        coords = np.array(structure.cart_coords)
        made.lattice = lattice
        for site, position in zip(made, coords, strict=True):
            site.coords = position
            site.to_unit_cell(in_place=True)
    else:
        made.lattice = lattice
    report = {"kept": f"{arguments.keep} coordinates", "orientation": oriented}
    return Edited(made, {**report, **strained(structure, made)})


def _stretched(before: Lattice, asked: dict[str, float]) -> Lattice:
    """The lattice with some parameters changed, turned so that nothing but a stretch remains.

    Raises:
        InvalidInput: No cell has these angles.
    """
    import numpy as np
    from pymatgen.core import Lattice

    told = [asked.get(name, old) for name, old in zip(_MOST, before.parameters, strict=True)]
    cosines = np.cos(np.radians(told[3:]))
    squared = 1 - (cosines**2).sum() + 2 * cosines.prod()
    if squared < _LEAST_SHAPE**2:
        raise _flat(f"alpha, beta, gamma = {', '.join(f'{angle:g}' for angle in told[3:])}")
    shape = Lattice.from_parameters(*told)
    # F = R U: U = sqrt(1 + 2 E) is what is left of the deformation without its rotation R.
    squares, axes = np.linalg.eigh(2 * green_lagrange(before, shape) + np.eye(3))
    stretch = axes @ np.diag(np.sqrt(squares)) @ axes.T
    return Lattice(before.matrix @ stretch)


def _check(lattice: Lattice) -> None:
    """Refuse vectors that span no cell."""
    import numpy as np

    lengths = np.linalg.norm(lattice.matrix, axis=1)
    told = clip(lattice.matrix.tolist())
    if lengths.min() <= 0 or lattice.volume < _LEAST_SHAPE * lengths.prod():
        raise _flat(f"matrix = {told}")
    if np.linalg.det(lattice.matrix) < 0:
        raise InvalidInput(
            f"matrix = {told} is left-handed",
            allowed="a positive determinant",
            next_step="Swap two rows, or negate one.",
        )


def _flat(told: str) -> InvalidInput:
    return InvalidInput(
        f"{told} makes a flat cell or none at all",
        allowed=f"a volume of at least {_LEAST_SHAPE} a·b·c",
        next_step="Each angle must be less than the sum of the other two, and all below 360.",
    )


EDIT = Edit(name="set_lattice", arguments=SetLatticeArguments, run=set_lattice)

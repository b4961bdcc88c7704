"""`supercell`: repeat the cell, by numbers, by a matrix, or to about so many atoms."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.cell_change import lattices
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.formats import MAX_ATOMS
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

Repeat = Annotated[int, Field(ge=1)]
Row = Annotated[list[int], Field(min_length=3, max_length=3)]

_COMPACT = 0.75
"""Least ratio of the shortest width of a good supercell to the edge of the cube of its volume."""


class SupercellArguments(Arguments):
    """Exactly one of the three."""

    repeats: Annotated[list[Repeat], Field(min_length=3, max_length=3)] | None = Field(
        None, description="copies"
    )
    matrix: Annotated[list[Row], Field(min_length=3, max_length=3)] | None = Field(
        None, description="integers, rows = new vectors in old ones"
    )
    target_atoms: Annotated[int, Field(ge=1)] | None = Field(
        None, description="about so many, compact"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("repeats", "matrix", "target_atoms")
        return self


def supercell(structure: Structure, arguments: SupercellArguments) -> Edited:
    """Repeat the cell; sites of the copies of a site follow each other."""
    import numpy as np

    if arguments.repeats:
        matrix = np.diag(arguments.repeats)
    elif arguments.matrix:
        matrix = np.array(arguments.matrix)
    else:
        matrix = compact_matrix(structure, arguments.target_atoms or 0)
    cells = checked_determinant(structure, matrix)
    made = structure.make_supercell(matrix, in_place=False)
    width_a = float(1 / np.linalg.norm(made.lattice.inv_matrix, axis=0).max())
    report: dict[str, Any] = {
        "matrix": matrix.tolist(),
        "determinant": cells,
        **lattices(structure, made),
        "shortest_width_a": round(width_a, 4),
        "compactness": round(width_a / float(made.volume) ** (1 / 3), 4),
        "compactness_means": "shortest distance between opposite faces / edge of the cube of equal "
        "volume; a cube has 1",
    }
    if arguments.target_atoms:
        report["chosen_for"] = f"{arguments.target_atoms} atoms: {len(made)} in a compact cell"
    return Edited(made, report, cells=cells)


def checked_determinant(structure: Structure, matrix: NDArray[np.int_]) -> int:
    """Volume ratio of the supercell.

    Raises:
        InvalidInput: The matrix is singular, left-handed, or makes too many atoms.
    """
    a, b, c = ([int(x) for x in row] for row in matrix)
    # Python's integers cannot overflow, where a product of large entries would in numpy.
    determinant = (
        a[0] * (b[1] * c[2] - b[2] * c[1])
        - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
    )
    if determinant == 0:
        raise InvalidInput(
            f"The supercell matrix {clip([a, b, c])} is singular (determinant 0)",
            next_step="Give three rows that are linearly independent.",
        )
    if determinant < 0:
        raise InvalidInput(
            f"The supercell matrix {clip([a, b, c])} has determinant {determinant}, "
            "so it would turn the cell left-handed",
            allowed="a positive determinant",
            next_step="Swap two rows, or negate one.",
        )
    if determinant * len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"The supercell would have {determinant * len(structure)} atoms "
            f"({determinant} cells of {len(structure)})",
            allowed=f"at most {MAX_ATOMS} atoms",
            next_step="Use a smaller supercell.",
        )
    return determinant


def compact_matrix(
    structure: Structure, target_atoms: int, cells_per_unit: int = 1
) -> NDArray[np.int_]:
    """The matrix whose supercell has the atom count nearest to the target, and a compact shape.

    Searched are the integer matrices next to the one that makes a cube, and all repeats. Among
    those at least `_COMPACT` wide the nearest count wins, then the widest.

    Args:
        structure: One cell.
        target_atoms: Of the supercell, about.
        cells_per_unit: The number of cells is a multiple of this.
    """
    import numpy as np

    if target_atoms > MAX_ATOMS:
        raise InvalidInput(f"target_atoms = {target_atoms}", allowed=f"at most {MAX_ATOMS} atoms")
    lattice = structure.lattice.matrix
    edge = (max(target_atoms / len(structure), 1) * structure.volume) ** (1 / 3)
    cube = np.round(edge * np.linalg.inv(lattice)).astype(int)
    nearby = cube + np.array(list(product((-1, 0, 1), repeat=9))).reshape(-1, 3, 3)
    most = [max(1, round(1.5 * edge / length)) + 1 for length in structure.lattice.abc]
    repeats = np.array([np.diag(n) for n in product(*(range(1, m + 1) for m in most))])
    matrices = np.concatenate([repeats, nearby])
    cells = np.round(np.linalg.det(matrices)).astype(int)
    kept = (cells > 0) & (cells % cells_per_unit == 0)
    matrices, cells = matrices[kept], cells[kept]
    if not len(matrices):
        raise InvalidInput(
            f"No compact supercell of about {target_atoms} atoms holds a multiple of "
            f"{cells_per_unit} cells",
            next_step="Give another target_atoms, or make the supercell first.",
        )
    vectors = matrices @ lattice
    areas = np.linalg.norm(
        np.cross(np.roll(vectors, -1, axis=1), np.roll(vectors, -2, axis=1)), axis=2
    )
    volumes = cells * abs(structure.volume)
    widths = np.round((volumes[:, None] / areas).min(axis=1) / volumes ** (1 / 3), 3)
    off = np.abs(cells * len(structure) - target_atoms)
    best = np.lexsort((-widths, off, widths < _COMPACT))[0]
    chosen: NDArray[np.int_] = matrices[best]
    return chosen


EDIT = Edit(name="supercell", arguments=SupercellArguments, run=supercell)

"""The perfect supercell that takes a point defect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.properties.common import RelaxedArguments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

MIN_WIDTH_A: Final = 10.0
_MAX_GROWTH: Final = 40
RATTLE_A: Final = 0.01
"""Width of the random displacements of a vacancy's neighbours: their symmetric arrangement may be
a saddle point, which no minimisation leaves."""


class HostArguments(RelaxedArguments):
    """How large the supercell is."""

    supercell: (
        Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)] | None
    ) = Field(None, description="copies along a b c")
    min_width_a: Annotated[float, Field(gt=0, le=60)] = Field(
        MIN_WIDTH_A, description="of supercell, Å, 10"
    )


class Host(NamedTuple):
    """The perfect supercell.

    Attributes:
        structure: Its atoms.
        cells: Copies of the structure given; copies of site i are i·cells and the following.
        width_a: Shortest distance between opposite faces, Å.
        matrix: Rows: its vectors in those of the structure given.
    """

    structure: Structure
    cells: int
    width_a: float
    matrix: list[list[int]]


def host_of(given: Structure, cell: Structure, arguments: HostArguments) -> Host:
    """The supercell of a (relaxed) cell; its matrix follows from the structure given alone."""
    import numpy as np

    if arguments.supercell is not None:
        matrix = np.diag(arguments.supercell)
    else:
        matrix = _wide_enough(given, arguments.min_width_a)
    from llamp_mcp.structures.edits.supercell import checked_determinant

    cells = checked_determinant(cell, matrix)
    made = cell.make_supercell(matrix, in_place=False)
    return Host(made, cells, _width_a(made), matrix.tolist())


def _wide_enough(structure: Structure, min_width_a: float) -> NDArray[np.int_]:
    """The compact supercell of the fewest atoms, or nearly, whose width is at least that."""
    import numpy as np

    from llamp_mcp.structures.edits.supercell import compact_matrix

    identity: NDArray[np.int_] = np.eye(3, dtype=int)
    if _width_a(structure) >= min_width_a:
        return identity
    atoms = len(structure) * max(1.0, min_width_a**3 / structure.volume)
    for _ in range(_MAX_GROWTH):
        matrix = compact_matrix(structure, round(atoms))
        if _width_a(structure.make_supercell(matrix, in_place=False)) >= min_width_a - 1e-6:
            return matrix
        atoms *= 1.06
    raise InvalidInput(
        f"No compact supercell of {structure.formula} is {min_width_a:g} Å wide",
        next_step="Give supercell, as copies along a, b, c.",
    )


def _width_a(structure: Structure) -> float:
    import numpy as np

    return float(1 / np.linalg.norm(structure.lattice.inv_matrix, axis=0).max())


def stirred(perfect: Structure, at: int) -> Structure:
    """The supercell without a site, whose nearest neighbours are moved a little at random."""
    import numpy as np

    around = perfect.get_neighbors(perfect[at], 1.25 * _nearest_a(perfect, at))
    random = np.random.default_rng(0)
    made = perfect.copy()
    for index in sorted({int(one.index) for one in around} - {at}):
        shift = random.normal(scale=RATTLE_A, size=3)
        made.translate_sites([index], shift, frac_coords=False)
    made.remove_sites([at])
    return made


def _nearest_a(structure: Structure, at: int) -> float:
    cutoff_a = 3.0
    while not (found := structure.get_neighbors(structure[at], cutoff_a)):
        cutoff_a *= 1.5
    return min(float(one.nn_distance) for one in found)


def displacements(host: Host, at: int, empty: Structure, relaxed: Structure) -> tuple[float, float]:
    """Largest displacement, and the largest beyond half the width from the vacancy, Å."""
    import numpy as np
    from pymatgen.util.coord import pbc_shortest_vectors

    lattice = empty.lattice
    apart = lattice.get_all_distances([host.structure[at].frac_coords], empty.frac_coords)[0]
    moved = np.array(
        [
            np.linalg.norm(pbc_shortest_vectors(lattice, before, after)[0, 0])
            for before, after in zip(empty.frac_coords, relaxed.frac_coords, strict=True)
        ]
    )
    far = moved[apart > host.width_a / 2]
    return float(moved.max()), float(far.max()) if len(far) else 0.0

"""What `primitive` and `conventional` share: standard cells by symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from llamp_mcp.structures.cell_change import lattices, rounded
from llamp_mcp.structures.edits.edit import Edited
from llamp_mcp.structures.symmetry import MAX_SYMPREC_A, SYMPREC_A
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Lattice, Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

_MAX_POINTS = 50_000

_CONVENTION = (
    "standard cell of Setyawan and Curtarolo (doi 10.1016/j.commatsci.2010.05.010) by spglib and "
    "pymatgen; axes, origin and site order are the standard's, positions idealised within symprec"
)


class StandardCellArguments(Arguments):
    """How exact the symmetry must be."""

    symprec_a: Annotated[float, Field(gt=0, le=MAX_SYMPREC_A)] = Field(
        SYMPREC_A, description="Å, default 0.01"
    )


def standardised(
    before: Structure, after: Structure, symmetry: SpacegroupAnalyzer, symprec_a: float
) -> Edited:
    """The edit that put `after` in the place of `before`, with its convention said."""
    names = ", ".join(sorted(before.site_properties))
    notes = (
        (f"dropped with the cell: {names} per site; a magnetic order may need a larger cell",)
        if names
        else ()
    )
    report = {
        "convention": _CONVENTION,
        "symprec_a": symprec_a,
        **lattices(before, after),
        "matrix": _matrix(after, symmetry, symprec_a),
        "matrix_means": "rows = new vectors in former ones, up to a symmetry of the lattice",
    }
    return Edited(after, report, cells=len(after) / len(before), notes=notes)


def _matrix(
    after: Structure, symmetry: SpacegroupAnalyzer, symprec_a: float
) -> list[list[float]] | None:
    """The new lattice vectors in the former ones, None where it takes too long to find them.

    spglib tells its own standard cell in the former vectors. pymatgen's cell, turned in space, is
    found among the points of that lattice by its lengths and angles; of several, which differ by a
    symmetry of the lattice, the one whose vectors keep most to the former ones.
    """
    import numpy as np

    dataset, primitive = symmetry.get_symmetry_dataset(), symmetry.find_primitive()
    if dataset is None or primitive is None:
        return None
    cells = _cells(primitive.lattice, after.lattice, symprec_a)
    if not len(cells):
        return None
    standard = np.linalg.inv(dataset.transformation_matrix).T
    centred = np.linalg.solve(dataset.std_lattice.T, primitive.lattice.matrix.T).T
    made = np.round(cells @ centred @ standard, 6)
    turned = np.linalg.norm(made, axis=(1, 2)) - np.trace(made, axis1=1, axis2=2)
    matrix: list[list[float]] = rounded(made[int(turned.argmin())], 6)
    return matrix


def _cells(points: Lattice, cell: Lattice, symprec_a: float) -> NDArray[np.int_]:
    """Right-handed cells (m, 3, 3), in lattice points, of the shape of the one given; maybe none.

    `Lattice.find_mapping` is for this, but takes a point at 0.9999999 for 0 and then finds none.
    """
    import numpy as np

    most = np.ceil(max(cell.abc) * np.linalg.norm(points.inv_matrix, axis=0)).astype(int)
    if np.prod(2 * most + 1) > _MAX_POINTS:
        return np.empty((0, 3, 3), dtype=int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij"), axis=-1)
    grid = grid.reshape(-1, 3)
    vectors = grid @ points.matrix
    lengths = np.linalg.norm(vectors, axis=1)
    a, b, c = (np.flatnonzero(np.abs(lengths - edge) < 2 * symprec_a) for edge in cell.abc)
    metric, slack = cell.metric_tensor, 4 * symprec_a * max(cell.abc)
    ab, bc, ca = (
        np.abs(vectors[one] @ vectors[other].T - metric[i, j]) < slack
        for one, other, i, j in ((a, b, 0, 1), (b, c, 1, 2), (c, a, 2, 0))
    )
    fits = np.argwhere(ab[:, :, None] & bc[None] & ca.T[:, None])
    cells = grid[np.stack([a[fits[:, 0]], b[fits[:, 1]], c[fits[:, 2]]], axis=1)]
    right: NDArray[np.int_] = cells[np.linalg.det(cells) > 0.5]
    return right

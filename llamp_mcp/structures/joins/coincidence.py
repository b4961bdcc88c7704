"""Coincidence site lattices: which rotations bring how many sites of a crystal onto each other.

All of it is pymatgen's `GrainBoundaryGenerator`; here it gets the cell that it expects, and what it
makes is measured.
"""

from __future__ import annotations

import warnings
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.surfaces.miller import Indices, along_plane, coprime
from llamp_mcp.structures.symmetry import SYMPREC_A, analyzer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure
    from pymatgen.core.interface import GrainBoundaryGenerator

    Matrix = NDArray[np.int_]

Angles = dict[int, list[float]]

MAX_SIGMA: Final = 100
_LARGEST: Final = 1000
"""pymatgen makes no boundary of a larger Sigma, the largest denominator of a rotation."""

_MAX_DENOMINATOR: Final = 30

_PRIMITIVE: Final = {
    2: [[0.5, 0.5, -0.5], [-0.5, 0.5, 0.5], [0.5, -0.5, 0.5]],
    4: [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]],
}
"""Primitive vectors of body- and face-centred cubic cells that pymatgen's generator takes."""

_INDICES: Final = {
    "c": "cubic cell",
    "t": "tetragonal conventional cell",
    "o": "orthorhombic conventional cell",
    "h": "hexagonal cell, three indices",
    "r": "rhombohedral primitive cell, three indices",
}


class Coincidences(NamedTuple):
    """A crystal whose grain boundaries can be made.

    Attributes:
        generator: With the cell that it cuts grains from.
        ratio: Squared axial ratio in integers, as the generator wants it; None where it is not
            needed for the axis.
        to_primitive: The cell's vectors in those that the indices mean, 3x3.
    """

    generator: GrainBoundaryGenerator
    ratio: list[int] | None
    to_primitive: NDArray[np.float64]

    @property
    def indices(self) -> str:
        """The cell that axis and plane refer to."""
        return _INDICES[self.generator.lat_type]

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Lattice vectors that the indices refer to, rows, Å."""
        import numpy as np

        cell = self.generator.initial_structure.lattice.matrix
        return np.array(np.linalg.solve(self.to_primitive, cell), dtype=np.float64)

    def angles(self, axis: Indices) -> Angles:
        """Rotation angles in degrees by Sigma, up to `MAX_SIGMA`."""
        # pymatgen's types leave out that no ratio, None, means an irrational one.
        of: Any = self.generator
        match of.lat_type:
            case "c":
                found = of.enum_sigma_cubic(MAX_SIGMA, axis)
            case "h":
                found = of.enum_sigma_hex(MAX_SIGMA, axis, self.ratio)
            case "t":
                found = of.enum_sigma_tet(MAX_SIGMA, axis, self.ratio)
            case "o":
                found = of.enum_sigma_ort(MAX_SIGMA, axis, self.ratio)
            case _:
                found = of.enum_sigma_rho(MAX_SIGMA, axis, self.ratio)
        return {int(sigma): sorted(map(float, found[sigma])) for sigma in sorted(found)}

    def cells(self, axis: Indices, angle_deg: float, miller: Indices) -> tuple[Matrix, Matrix]:
        """Both grains' cells along the boundary, rows in the generator's cell.

        Of the coincidence lattice it is the smallest cell with a and b in the plane. pymatgen's own
        search stops at a largest multiple, and then gives a larger cell or another plane.

        Raises:
            InvalidInput: pymatgen finds no such rotation.
        """
        import numpy as np

        turn = self._turn(axis, angle_deg)
        common = _integral(turn)
        own = self.generator.initial_structure.lattice.matrix
        # The product of a vector with the plane's reciprocal vector is its index in that vector.
        indices = [
            Fraction(float(x)).limit_denominator(12) for x in common @ self.to_primitive @ miller
        ]
        cell = along_plane(common @ own, coprime(indices))
        top = np.rint(cell @ np.linalg.inv(own)).astype(int)
        return top, np.rint(top @ turn).astype(int)

    def _turn(self, axis: Indices, angle_deg: float) -> NDArray[np.float64]:
        """The rotation as pymatgen has it, rational, in the generator's cell: row vectors, v Q.

        Raises:
            InvalidInput: pymatgen finds none.
        """
        import numpy as np

        # Its cells carry the rotation whatever their plane; some planes give flat cells.
        for surface in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 2, 3)):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    one, other = self.generator.get_trans_mat(
                        r_axis=axis,
                        angle=angle_deg,
                        trans_cry=self.to_primitive,
                        lat_type=self.generator.lat_type,
                        ratio=None if self.ratio is None else list(self.ratio),
                        surface=surface,
                        max_search=2,
                    )
            except (ValueError, RuntimeError, IndexError, ZeroDivisionError):
                continue
            if abs(np.linalg.det(one)) > 0.5:
                turn: NDArray[np.float64] = np.linalg.solve(one, other)
                return turn
        raise InvalidInput(
            f"pymatgen finds no coincidence lattice for axis {list(axis)} and {angle_deg:.4f} deg",
            next_step="Choose another angle or sigma.",
        )


def _integral(turn: NDArray[np.float64]) -> Matrix:
    """Basis, as rows, of the integer vectors that a rational map takes to integer vectors."""
    import numpy as np

    fractions = [Fraction(float(x)).limit_denominator(_LARGEST) for x in turn.ravel()]
    times = lcm(*(one.denominator for one in fractions))
    numerators = np.array([int(one * times) for one in fractions]).reshape(3, 3)
    # All solutions repeat with this period; the triangular basis is read off one period.
    steps = np.arange(times)
    tails = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    of_tails = tails @ numerators[1:]

    def solutions(first: int) -> Matrix:
        fits: Matrix = tails[((of_tails + first * numerators[0]) % times == 0).all(axis=1)]
        return fits

    flat = solutions(0)
    planar, straight = flat[flat[:, 0] > 0], flat[(flat[:, 0] == 0) & (flat[:, 1] > 0)]
    first = next(first for first in range(1, times + 1) if len(solutions(first % times)))
    return np.array(
        [
            [first, *solutions(first % times)[0]],
            [0, *(planar[planar[:, 0].argmin()] if len(planar) else (times, 0))],
            [0, *(straight[straight[:, 1].argmin()] if len(straight) else (0, times))],
        ]
    )


def lattice_for(structure: Structure, axis: Indices, max_strain: float) -> Coincidences:
    """The crystal, ready for its grain boundaries about an axis.

    Args:
        structure: Any cell of it.
        axis: Coprime indices of the rotation axis.
        max_strain: How far axial ratios may be rounded to rational ones, a fraction.

    Raises:
        InvalidInput: Its lattice is triclinic or monoclinic, or no rational ratio is near enough.
    """
    import numpy as np
    from pymatgen.core.interface import GrainBoundaryGenerator

    symmetry = analyzer(structure)
    system = symmetry.get_lattice_type()
    if system in ("triclinic", "monoclinic"):
        raise InvalidInput(
            f"The crystal is {system}, and rotations bring no sites of such a lattice together",
            allowed="cubic, tetragonal, orthorhombic, hexagonal or rhombohedral crystals",
            next_step="Join two orientations of it with interface instead.",
        )
    cell = symmetry.get_conventional_standard_structure()
    to_primitive = np.eye(3)
    if system == "cubic":
        lattice_points = round(len(cell) / len(symmetry.find_primitive()))
        if lattice_points in _PRIMITIVE:
            to_primitive = np.array(_PRIMITIVE[lattice_points])
            cell = _primitive(cell, to_primitive)
    generator = GrainBoundaryGenerator(cell, symprec=SYMPREC_A)
    made = Coincidences(generator, None, to_primitive)
    if system == "cubic" or (generator.lat_type in "th" and axis[:2] == (0, 0)):
        return made
    for denominator in range(1, _MAX_DENOMINATOR + 1):
        ratio = generator.get_ratio(denominator)
        if ratio and _rounding(generator, ratio) <= max_strain:
            return made._replace(ratio=ratio)
    raise InvalidInput(
        f"No rational axial ratio within {100 * max_strain:g} % with denominators up to "
        f"{_MAX_DENOMINATOR}, so no coincidence lattice about {list(axis)}",
        next_step="Raise max_mismatch_percent, or turn about the c axis, [0, 0, 1].",
    )


def _primitive(cell: Structure, vectors: NDArray[np.float64]) -> Structure:
    """A centred cell's primitive cell with the given vectors."""
    from pymatgen.core import Lattice, Structure

    every = Structure(
        Lattice(vectors @ cell.lattice.matrix),
        cell.species_and_occu,
        cell.cart_coords,
        coords_are_cartesian=True,
        to_unit_cell=True,
    )
    every.merge_sites(tol=0.01, mode="delete")
    return every


def _rounding(generator: GrainBoundaryGenerator, ratio: list[int]) -> float:
    """How far lengths are off when the axial ratio is taken as rational, a fraction."""
    import numpy as np

    cell = generator.initial_structure.lattice
    squares = np.array([cell.c, cell.b, cell.a]) ** 2
    if generator.lat_type == "o":
        wanted = np.array(ratio) / ratio[2] / (squares / squares[2])
        return float(np.abs(np.sqrt(wanted) - 1).max())
    if generator.lat_type == "r":
        cosine = np.cos(np.radians(cell.alpha))
        return float(abs(ratio[0] / ratio[1] / ((1 + 2 * cosine) / cosine) - 1) / 2)
    return abs(float(np.sqrt(ratio[0] / ratio[1] / (squares[0] / squares[2]))) - 1)


def listed(angles: Angles, most: int = 12) -> str:
    """The smallest Sigma values with their angles."""
    shown: list[Any] = [
        f"{sigma}: {' '.join(f'{angle:.4f}' for angle in angles[sigma])} deg"
        for sigma in list(angles)[:most]
    ]
    more = f"; and {len(angles) - most} more up to {MAX_SIGMA}" if len(angles) > most else ""
    return "; ".join(shown) + more

"""A lattice plane: Miller indices, the cell they refer to, and a cell that lies along the plane."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.symmetry import MAX_ATOMS, analyzer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

Indices = tuple[int, int, int]


def _three(given: Any) -> Any:
    if isinstance(given, list) and len(given) == 4 and all(isinstance(i, int) for i in given):
        h, k, i, l = given  # noqa: E741 (the field's letters)
        if i != -(h + k):
            raise ValueError("four indices h k i l need i = -(h + k); give three, h k l")
        raise ValueError(f"of the four indices h k i l leave out i: {[h, k, l]}")
    if isinstance(given, list) and given and not any(given):
        raise ValueError("all three are 0, which is no plane")
    return given


MAX_PRIMITIVE: Final = 200
"""Atoms of a primitive cell whose planes and terminations are found in seconds."""

Miller = Annotated[list[int], BeforeValidator(_three), Field(min_length=3, max_length=3)]
MILLER_TOLD: Final = "h, k, l of the standard cell"


class Plane(NamedTuple):
    """A lattice plane of a crystal.

    Attributes:
        miller: Coprime indices in the conventional standard cell.
        conventional: That cell.
        oriented: Primitive cell with a and b in the plane, as short as can be, and c one lattice
            plane further on the side of +(hkl).
        miller_given: The same plane, or one equivalent by symmetry, in the cell that was given;
            None where that is not clear.
        was_standard: Whether the cell that was given is the conventional standard cell.
    """

    miller: Indices
    conventional: Structure
    oriented: Structure
    miller_given: Indices | None
    was_standard: bool


def plane(structure: Structure, miller: list[int], symprec_a: float) -> Plane:
    """The lattice plane with these indices in the conventional standard cell of a structure.

    Raises:
        InvalidInput: spglib finds no symmetry, or the cell is too large.
    """
    import numpy as np
    from pymatgen.core import Lattice, Structure

    if len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"The cell has {len(structure)} atoms, too many to find its symmetry",
            allowed=f"at most {MAX_ATOMS} for a slab",
            next_step="Cut the slab from the unit cell and make the supercell afterwards.",
        )
    symmetry = analyzer(structure, symprec_a)
    _check_size(symmetry)
    conventional = symmetry.get_conventional_standard_structure()
    primitive = symmetry.get_primitive_standard_structure()
    indices = coprime([Fraction(i) for i in miller])
    rows = np.eye(3)
    if len(primitive) < len(conventional):
        rows = symmetry.get_conventional_to_primitive_transformation_matrix()
    # The product of a lattice vector with the plane's reciprocal vector: h, k, l of the new cell.
    of_primitive = coprime([Fraction(round(6 * x), 6) for x in rows @ np.array(indices)])
    lattice = rows @ conventional.lattice.matrix
    cell = along_plane(lattice, of_primitive)
    oriented = Structure(
        Lattice(cell),
        primitive.species_and_occu,
        primitive.frac_coords @ lattice,
        coords_are_cartesian=True,
        to_unit_cell=True,
    )
    same, given = _in_given_cell(symmetry, conventional, indices)
    return Plane(
        indices, conventional, oriented, given, same and len(structure) == len(conventional)
    )


def _check_size(symmetry: SpacegroupAnalyzer) -> None:
    atoms = len(set(symmetry.get_symmetry_dataset().mapping_to_primitive.tolist()))
    if atoms > MAX_PRIMITIVE:
        raise InvalidInput(
            f"The primitive cell has {atoms} atoms",
            allowed=f"at most {MAX_PRIMITIVE} for a slab",
            next_step="Cut the slab from the crystal without defects and put them in afterwards.",
        )


def coprime(indices: list[Fraction]) -> Indices:
    """The smallest integers in the same ratio."""
    common = lcm(*(i.denominator for i in indices))
    whole = [int(i * common) for i in indices]
    h, k, l = (i // gcd(*whole) for i in whole)  # noqa: E741
    return h, k, l


def along_plane(lattice: NDArray[np.float64], miller: Indices) -> NDArray[np.float64]:
    """Rows a, b, c of a primitive cell: a and b shortest in the plane, c to the next plane.

    The angle of a and b is 90 to 120 degrees; a, b, c are right-handed if the lattice is.
    """
    import numpy as np
    from ase.build.general_surface import ext_gcd

    h, k, l = miller  # noqa: E741
    if k == l == 0:
        basis = np.array([[0, h, 0], [0, 0, 1], [h, 0, 0]])
    else:
        p, q = ext_gcd(k, l)
        shared = p * k + q * l
        u, v = ext_gcd(shared, h)
        step = np.array([v, u * p, u * q]) * (u * shared + v * h)
        basis = np.array([[shared, -p * h, -q * h], [0, l, -k], step])
        basis[1] //= abs(shared)
    a, b, c = basis @ lattice
    if np.linalg.det([a, b, c]) * np.linalg.det(lattice) < 0:
        b = -b
    a, b = _shortest(a, b)
    plane_of = np.array([a, b])
    c = c - np.round(c @ np.linalg.pinv(plane_of)) @ plane_of  # as upright as can be
    cell: NDArray[np.float64] = np.array([a, b, c])
    return cell


def _shortest(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lagrange's reduction of two vectors; their turning sense is kept."""
    from math import isclose

    while True:
        if b @ b < a @ a * (1 - 1e-9):
            a, b = b, -a
        times = round(float(a @ b / (a @ a)) * (1 - 1e-9))
        if times == 0:
            break
        b = b - times * a
    if a @ b > 1e-9 * (a @ a):
        # The lengths of a hexagonal pair stay equal so; of others, a becomes the longer one.
        a, b = (a, b - a) if isclose(2 * float(a @ b), float(a @ a), rel_tol=1e-6) else (-b, a)
    return a, b


def _in_given_cell(
    symmetry: SpacegroupAnalyzer, conventional: Structure, miller: Indices
) -> tuple[bool, Indices | None]:
    """Whether the cell given is the conventional one, and the plane's indices in it.

    The way goes over spglib's standard cell, of which pymatgen's is a relabelling. Of a lattice of
    high symmetry there are many; those count that bring atoms onto atoms, and any of them may be
    told.
    """
    import numpy as np

    refined = symmetry.get_refined_structure()
    # spglib: x_standard = P x_given + p, so indices, covariant, go as h_given = h_standard P.
    to_standard = np.array(symmetry.get_symmetry_dataset().transformation_matrix)
    mappings = refined.lattice.find_all_mappings(
        conventional.lattice, ltol=1e-4, atol=0.01, skip_rotation_matrix=True
    )
    rotations = np.array(symmetry.get_symmetry_dataset().rotations)
    for _, _, scale in mappings:
        relabelled = refined.frac_coords @ np.linalg.inv(scale)
        if np.linalg.det(scale) > 0 and _same_atoms(refined, relabelled, conventional):
            # As good as this relation is each that a symmetry of the crystal makes of it.
            relations = np.linalg.inv(scale).T @ to_standard @ rotations
            if np.isclose(relations, np.eye(3), atol=1e-4).all(axis=(1, 2)).any():
                return True, miller
            found = {coprime(_exact(np.array(miller) @ one)) for one in relations}
            return False, max(found, key=lambda hkl: (sum(hkl), hkl))
    return False, None


def _exact(indices: NDArray[np.float64]) -> list[Fraction]:
    return [Fraction(float(index)).limit_denominator(48) for index in indices]


def _same_atoms(of: Structure, frac_coords: NDArray[np.float64], other: Structure) -> bool:
    """Whether the atoms of one structure, at these positions, are those of another, to 0.01 Å."""
    import numpy as np

    if len(of) != len(other):
        return False
    for some in (slice(0, 4), slice(4, None)):  # a few suffice to say no
        between = frac_coords[some, None] - other.frac_coords[None]
        off_a = np.abs(between - np.round(between)) * other.lattice.abc
        near = (off_a < 0.01).all(axis=2)
        if not near.any(axis=1).all():
            return False
        met = near.argmax(axis=1)
        if any(
            site.species != other[int(at)].species
            for site, at in zip(of.sites[some], met, strict=True)
        ):
            return False
    return True

"""Names of coordination polyhedra, from the angles between the bonds of a distance shell.

The ideal polyhedra are those of ChemEnv (Waroquiers et al. 2020, doi 10.1107/S2052520620007994), as
pymatgen holds them; a shell is named after the one whose sorted angles are nearest to its own. The
commonest shapes have wider limits of their own, so that a distorted octahedron stays one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

IRREGULAR: Final = "irregular"

POLYHEDRON_RULE: Final = (
    "polyhedron = shape of the first shell by its bond angles: tetrahedral and octahedral within "
    "20°, else the nearest ideal one of ChemEnv (doi 10.1107/S2052520620007994) within 10° rms, "
    "else irregular"
)

_TOLERANCE_DEG: Final = 10.0
_STRAIGHT_DEG: Final = 155.0
_BENT_BY_DEG: Final = 20.0
_FLAT_SUM_DEG: Final = 350.0

_NAMES: Final = {
    "L:2": "linear",
    "A:2": "bent",
    "TL:3": "trigonal_planar",
    "TY:3": "trigonal_pyramidal",
    "TS:3": "t_shaped",
    "T:4": "tetrahedral",
    "S:4": "square_planar",
    "SY:4": "square_non_coplanar",
    "SS:4": "see_saw",
    "PP:5": "pentagonal_planar",
    "S:5": "square_pyramidal",
    "T:5": "trigonal_bipyramidal",
    "O:6": "octahedral",
    "T:6": "trigonal_prismatic",
    "PP:6": "pentagonal_pyramidal",
    "PB:7": "pentagonal_bipyramidal",
    "ST:7": "square_face_capped_trigonal_prismatic",
    "ET:7": "end_capped_trigonal_prismatic",
    "FO:7": "capped_octahedral",
    "C:8": "cubic",
    "SA:8": "square_antiprismatic",
    "SBT:8": "square_face_bicapped_trigonal_prismatic",
    "TBT:8": "end_bicapped_trigonal_prismatic",
    "DD:8": "triangular_dodecahedral",
    "HB:8": "hexagonal_bipyramidal",
    "TT_1:9": "tricapped_trigonal_prismatic",
    "SMA:9": "capped_square_antiprismatic",
    "SS:9": "capped_cubic",
    "TI:9": "tridiminished_icosahedral",
    "PP:10": "pentagonal_prismatic",
    "PA:10": "pentagonal_antiprismatic",
    "SBSA:10": "bicapped_square_antiprismatic",
    "MI:10": "metabidiminished_icosahedral",
    "DI:11": "diminished_icosahedral",
    "I:12": "icosahedral",
    "TT:12": "truncated_tetrahedral",
    "C:12": "cuboctahedral",
    "AC:12": "anticuboctahedral",
    "HP:12": "hexagonal_prismatic",
    "HA:12": "hexagonal_antiprismatic",
}
"""ChemEnv's symbols. Left out is what no crystal is known by, and what angles tell badly apart."""


def polyhedron(vectors: Array) -> str | None:
    """Name of the polyhedron of one shell.

    Args:
        vectors: (n, 3), Å, from the site to the atoms of a distance shell.

    Returns:
        The name, `irregular` where none fits, None where none is known (n < 2 or n > 12).
    """
    return polyhedra(vectors[None])[0]


def polyhedra(shells: Array) -> list[str | None]:
    """Names of the polyhedra of shells of equally many atoms.

    Args:
        shells: (m, n, 3), Å, from m sites to the n atoms of a shell of each.

    Returns:
        m names as `polyhedron` gives them. Before the nearest ideal one is asked, these hold:
        linear: 2 atoms, an angle above 155°; bent: below. trigonal_planar: 3 atoms, angles above
        100° that add up to 350° or more; trigonal_pyramidal: to less, all between 70° and 130°.
        tetrahedral: 4 atoms, all angles within 20° of 109.5°. octahedral: 6 atoms, three angles
        above 155° and the others within 20° of 90°. hexagonal: 6 atoms, three angles above 155°, a
        flat or puckered ring.
    """
    import numpy as np

    count = shells.shape[1]
    if count not in _ideals():
        return [None] * len(shells)
    units = shells / np.linalg.norm(shells, axis=2)[:, :, None]
    angles = _sorted_angles(units)
    names, ideal_angles = _ideals()[count]
    off = np.sqrt(((angles[:, None] - ideal_angles) ** 2).mean(axis=2))
    nearest = off.argmin(axis=1)
    made = np.where(off[np.arange(len(off)), nearest] < _TOLERANCE_DEG, names[nearest], IRREGULAR)
    return [name or str(other) for name, other in zip(_common(units, angles), made, strict=True)]


def _common(units: Array, angles: Array) -> list[str]:
    """The shapes that have limits of their own, "" for all others."""
    import numpy as np

    straight = np.count_nonzero(angles > _STRAIGHT_DEG, axis=1)
    match units.shape[1]:
        case 2:
            return ["linear" if n else "bent" for n in straight]
        case 3:
            flat = (angles.sum(axis=1) >= _FLAT_SUM_DEG) & (angles[:, 0] > 100)
            steep = ~flat & (angles[:, 0] > 70) & (angles[:, 2] < 130)
            return [
                "trigonal_planar" if plane else "trigonal_pyramidal" if pyramid else ""
                for plane, pyramid in zip(flat, steep, strict=True)
            ]
        case 4:
            near = np.all(np.abs(angles - 109.47) < _BENT_BY_DEG, axis=1)
            return ["tetrahedral" if fits else "" for fits in near]
        case 6:
            bent = angles[:, :12]  # ascending, so that three straight ones are the last
            right = np.all(np.abs(bent - 90) < _BENT_BY_DEG, axis=1)
            # An atom of an octahedron is 35.3° off the plane that is nearest to all six.
            normals = np.linalg.svd(units)[2][:, 2]
            heights = np.degrees(np.arcsin(np.clip(np.abs(units @ normals[:, :, None]), 0, 1)))
            ring = np.all(heights[..., 0] < 30, axis=1)
            return [
                "" if n != 3 else "octahedral" if square else "hexagonal" if flat else ""
                for n, square, flat in zip(straight, right, ring, strict=True)
            ]
    return [""] * len(units)


def _sorted_angles(units: Array) -> Array:
    """Angles in degrees, ascending, between each two of n directions: (m, n(n-1)/2)."""
    import numpy as np

    first, second = np.triu_indices(units.shape[1], k=1)
    cosines = (units @ units.transpose(0, 2, 1))[:, first, second]
    angles: Array = np.sort(np.degrees(np.arccos(np.clip(cosines, -1, 1))), axis=1)
    return angles


@cache
def _ideals() -> dict[int, tuple[NDArray[np.str_], Array]]:
    """By number of atoms: names of the ideal polyhedra, and sorted angles of each in a row."""
    import numpy as np
    from pymatgen.analysis.chemenv.coordination_environments.coordination_geometries import (
        AllCoordinationGeometries,
    )

    known: dict[int, list[tuple[str, Array]]] = {}
    library = AllCoordinationGeometries()  # type: ignore[no-untyped-call]
    for ideal in library.cg_list:
        if name := _NAMES.get(ideal.mp_symbol):
            bonds = np.array(ideal.points) - np.array(ideal.central_site)
            units = bonds / np.linalg.norm(bonds, axis=1)[:, None]
            known.setdefault(len(bonds), []).append((name, _sorted_angles(units[None])[0]))
    return {
        count: (np.array([name for name, _ in named]), np.array([angles for _, angles in named]))
        for count, named in known.items()
    }

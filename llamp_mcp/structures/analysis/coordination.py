"""Coordination of the inequivalent sites: first distance shell, CrystalNN, distortion."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.analysis import near_neighbours
from llamp_mcp.structures.analysis.block import Undetermined, inequivalent, occupant, table
from llamp_mcp.structures.polyhedra import POLYHEDRON_RULE
from llamp_mcp.structures.shells import SHELL_RULE, coordination, first_shell, neighbours

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

    Array = NDArray[np.float64]

SITES_SHOWN: Final = 20

DISTORTIONS: Final = (
    "angles_deg = smallest and largest between bonds; bond_length_distortion: Baur 1974 (doi "
    "10.1107/S0567740874004560); quadratic_elongation and bond_angle_variance_deg2 of tetrahedra "
    "and octahedra: Robinson 1971 (doi 10.1126/science.172.3983.567)"
)

_IDEAL_DEG: Final = {"tetrahedral": 109.4712, "octahedral": 90.0}
"""Angle between neighbouring bonds: arccos(-1/3), and a right one."""


def block(structure: Structure, request: AnalyzeStructureParams) -> dict[str, Any]:
    """One row per site asked for, or per symmetry-inequivalent site."""
    orbits = inequivalent(structure, request.symprec_a)
    wanted = list(dict.fromkeys(request.sites)) or list(orbits.sites)
    size = {site: len(group) for group in orbits.sites.values() for site in group}
    finder = _finder(structure)
    rows = [
        {
            "site": site,
            "species": occupant(structure[site]),
            "n_equivalent": size[site],
            **_surroundings(structure, site),
            "crystal_nn": _crystal_nn(finder, site),
        }
        for site in wanted[:SITES_SHOWN]
    ]
    notes = [orbits.note] if orbits.note else []
    if not structure.is_ordered:
        notes.append("a partly occupied site counts as a whole neighbour, alternatives included")
    told = f"crystal_nn = coordination by {near_neighbours.METHOD}; methods differ where shells do"
    return {
        "rule": SHELL_RULE,
        "polyhedron_rule": POLYHEDRON_RULE,
        "second_opinion": str(finder) if isinstance(finder, Undetermined) else told,
        "distortions": DISTORTIONS,
        "symprec_a": request.symprec_a,
        **table("sites", rows, len(wanted)),
        **({"notes": notes} if notes else {}),
    }


def distortion(vectors: Array, polyhedron: str | None) -> dict[str, float | None]:
    """How far a shell is from its regular polyhedron.

    Args:
        vectors: (n, 3), Å, from the centre to the atoms of the shell.
        polyhedron: "tetrahedral" or "octahedral" for the two values that only these have.

    Returns:
        bond_length_distortion: mean of |l - mean(l)| / mean(l) (Baur 1974, doi
        10.1107/S0567740874004560). quadratic_elongation: mean of (l / l0)², l0 that of the regular
        polyhedron of the same volume; bond_angle_variance_deg2: of the angles between neighbouring
        bonds about the regular one (Robinson et al. 1971, doi 10.1126/science.172.3983.567).
    """
    import numpy as np
    from scipy.spatial import ConvexHull

    lengths = np.linalg.norm(vectors, axis=1)
    index = float(np.mean(np.abs(lengths - lengths.mean())) / lengths.mean())
    told: dict[str, float | None] = {
        "bond_length_distortion": round(index, 5),
        "quadratic_elongation": None,
        "bond_angle_variance_deg2": None,
    }
    if polyhedron in _IDEAL_DEG:
        # An octahedron has three straight angles besides; they are the largest.
        angles = np.sort(_angles(vectors))[: 6 if polyhedron == "tetrahedral" else 12]
        variance = float(np.sum((angles - _IDEAL_DEG[polyhedron]) ** 2) / (len(angles) - 1))
        # The regular ones of centre-to-vertex distance l0 have the volumes 8√3/27 l0³ and 4/3 l0³.
        unit = 8 * np.sqrt(3) / 27 if polyhedron == "tetrahedral" else 4 / 3
        regular_a = (ConvexHull(vectors).volume / unit) ** (1 / 3)
        told["quadratic_elongation"] = round(float(np.mean((lengths / regular_a) ** 2)), 5)
        told["bond_angle_variance_deg2"] = round(variance, 3)
    return told


def _surroundings(structure: Structure, site: int) -> dict[str, Any]:
    import numpy as np

    report = coordination(structure, site)
    near = neighbours(structure, site)
    shell = near[: first_shell([atom.distance_a for atom in near])]
    vectors = np.array([atom.vector_a for atom in shell]).reshape(-1, 3)
    following = report.pop("next_shell")
    angles = _angles(vectors)
    range_deg = (angles.min(), angles.max()) if len(angles) else ()
    report["mean_distance_a"] = round(float(np.mean(np.linalg.norm(vectors, axis=1))), 4)
    report["angles_deg"] = [round(float(angle), 2) for angle in range_deg]
    return {**report, **distortion(vectors, report.get("polyhedron")), "next_shell": following}


def _angles(vectors: Array) -> Array:
    """All angles between two bonds of a shell, degrees."""
    import numpy as np

    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    cosines = np.array([a @ b for a, b in combinations(units, 2)])
    angles: Array = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return angles


def _finder(structure: Structure) -> near_neighbours.BondFinder | Undetermined:
    try:
        return near_neighbours.BondFinder(structure)
    except Undetermined as error:
        return error


def _crystal_nn(finder: near_neighbours.BondFinder | Undetermined, site: int) -> int | None:
    """Coordination as CrystalNN has it, None where it has none."""
    if isinstance(finder, Undetermined):
        return None
    try:
        return len(finder.neighbours(site))
    except Undetermined:
        return None

"""What a report tells of a grain boundary, measured on the cells and atoms that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.structures.cell_change import rounded
from llamp_mcp.structures.shells import first_shell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.joins.coincidence import Coincidences
    from llamp_mcp.structures.surfaces.miller import Indices

CLOSEST: Final = 0.7
"""Of atoms nearer than this times the shortest distance in the bulk pymatgen leaves one, midway."""


class Plan(NamedTuple):
    """What is to be built.

    Attributes:
        sigma: Of the coincidence.
        angle_deg: Exactly.
        others_deg: Other angles with the same Sigma.
        grains: Cells of top and bottom grain, rows in the generator's cell.
        repeats: Of these cells along the normal.
        height_a: Of one of them, Å.
        deformation: Takes the bulk to the bottom grain, with the top grain as the bulk is.
    """

    sigma: int
    angle_deg: float
    others_deg: list[float]
    grains: tuple[NDArray[np.int_], NDArray[np.int_]]
    repeats: int
    height_a: float
    deformation: NDArray[np.float64]


def geometry(lattice: Coincidences, axis: Indices, miller: Indices, plan: Plan) -> dict[str, Any]:
    """Rotation, plane and kind of boundary, measured on the two cells where that is possible."""
    import numpy as np
    from scipy.linalg import polar
    from scipy.spatial.transform import Rotation

    turned, stretch = polar(plan.deformation)
    measured = Rotation.from_matrix(turned).as_rotvec()
    direction = np.array(axis) @ lattice.vectors
    normal = np.linalg.solve(lattice.vectors, np.array(miller, dtype=float))
    cosine = abs(direction @ normal) / np.linalg.norm(direction) / np.linalg.norm(normal)
    between = float(np.degrees(np.arccos(min(1.0, cosine))))
    kind = "twist" if between < 1e-3 else "tilt" if between > 90 - 1e-3 else "mixed"
    along = abs(measured @ direction) / np.linalg.norm(direction) / np.linalg.norm(measured)
    strains = np.linalg.eigvalsh(stretch) - 1
    return {
        "sigma": plan.sigma,
        "angle_deg": round(plan.angle_deg, 6),
        "angle_measured_deg": round(float(np.degrees(np.linalg.norm(measured))), 6),
        "axis_measured_off_deg": round(float(np.degrees(np.arccos(min(1.0, along)))), 4) + 0.0,
        "chosen": "of the angles of a Sigma that of the smallest boundary cell",
        "other_angles_of_sigma_deg": [round(angle, 4) for angle in plan.others_deg],
        "axis": list(axis),
        "plane_of_top_grain": list(miller),
        "indices_mean": lattice.indices,
        "kind": kind,
        "axis_to_normal_deg": round(between, 4),
        "axial_ratio_squared_used": lattice.ratio,
        "principal_strains_bottom_percent": rounded(100 * strains, 5),
    }


def size(
    lattice: Coincidences, plan: Plan, made: Structure, counts: tuple[int, int], gap_a: float
) -> dict[str, Any]:
    """Thickness, area and atoms of the grains; what pymatgen removed between them."""
    import numpy as np

    cell = lattice.generator.initial_structure
    cells = abs(round(float(np.linalg.det(plan.grains[0]))))
    a, b, _ = made.lattice.matrix
    area = float(np.linalg.norm(np.cross(a, b)))
    return {
        "thickness_per_grain_a": round(plan.repeats * plan.height_a, 4),
        "gap_a": gap_a,
        "repeats": plan.repeats,
        "bulk_cells_per_repeat": cells,
        "area_a2": round(area, 4),
        "atoms_bottom": counts[0],
        "atoms_top": counts[1],
        "sites_bottom": f"0 to {counts[0] - 1}",
        "sites_top": f"{counts[0]} to {sum(counts) - 1}",
        "removed_atoms": 2 * cells * len(cell) * plan.repeats - len(made),
        "removed_means": f"of atoms nearer than {CLOSEST} times the bulk's shortest distance one "
        "is left, midway",
        "c_to_normal_deg": round(
            float(np.degrees(np.arccos(min(1.0, made.volume / area / made.lattice.c)))), 4
        ),
    }


def across_boundary(made: Structure, counts: tuple[int, int]) -> dict[str, Any]:
    """The nearest atoms of the two grains."""
    cutoff_a = 3.0
    while True:
        low, high, _, distances = made.get_neighbor_list(cutoff_a)
        across = (low < counts[0]) & (high >= counts[0])
        if across.any():
            break
        cutoff_a *= 1.5
    nearest = int(distances[across].argmin())
    sites = int(low[across][nearest]), int(high[across][nearest])
    return {
        "nearest_across_a": round(float(distances[across][nearest]), 4),
        "nearest_across": " and ".join(f"site {at} ({made[at].species_string})" for at in sites),
    }


def like_bulk(bulk: Structure, made: Structure) -> dict[str, Any]:
    """How many atoms have the neighbours they have in the bulk, and where the others begin."""
    import numpy as np

    cutoff_a = 4.0
    while True:
        starts, _, _, lengths = bulk.get_neighbor_list(cutoff_a)
        shells = [np.sort(lengths[starts == at]) for at in range(len(bulk))]
        ends = [first_shell(shell.tolist()) for shell in shells]
        if all(0 < end < len(shell) for end, shell in zip(ends, shells, strict=True)):
            break
        cutoff_a *= 1.3
    reach_a = max(
        (shell[end - 1] + shell[end]) / 2 for shell, end in zip(shells, ends, strict=True)
    )
    known = set(_surroundings(bulk, reach_a))
    same = sum(one in known for one in _surroundings(made, reach_a))
    return {
        "bulk_like_atoms": f"{same} of {len(made)}",
        "bulk_like_means": f"as many of each species within {reach_a:.3f} Å as in the bulk",
    }


def _surroundings(structure: Structure, reach_a: float) -> list[tuple[Any, ...]]:
    """Of every atom, its species and how many of each are around it."""
    import numpy as np

    names = [site.species_string for site in structure]
    kinds = sorted(set(names))
    of = np.array([kinds.index(name) for name in names])
    starts, ends, _, _ = structure.get_neighbor_list(reach_a)
    counts = np.zeros((len(structure), len(kinds)), dtype=int)
    np.add.at(counts, (starts, of[ends]), 1)
    return [
        (name, *(f"{kind}{n}" for kind, n in zip(kinds, row, strict=True)))
        for name, row in zip(names, counts.tolist(), strict=True)
    ]

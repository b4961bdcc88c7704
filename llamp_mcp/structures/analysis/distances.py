"""Distances, angles and dihedral angles between given sites, by nearest images."""

from __future__ import annotations

from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.analysis.block import occupant, table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

PAIRS_SHOWN: Final = 60
OTHERS_SHOWN: Final = 8
STRAIGHT_DEG: Final = 0.1
"""Nearer to 0° or 180° an angle leaves the dihedral angle undefined."""

_SAME_A: Final = 1e-3
"""Images whose distances differ by less are equally near."""


class Leg(NamedTuple):
    """The way from one site to the nearest image of another.

    Attributes:
        sites: From, to.
        distance_a: Å.
        images: The lattice translations of the second site that are equally near.
        vectors: (n, 3), Å, one for each image.
    """

    sites: tuple[int, int]
    distance_a: float
    images: list[list[int]]
    vectors: NDArray[np.float64]


def block(structure: Structure, request: AnalyzeStructureParams) -> dict[str, Any]:
    """Two sites: distance; three: angle at the second; four: dihedral; more: all distances.

    Raises:
        InvalidInput: Fewer than two sites, or one twice.
    """
    sites = list(request.sites)
    if len(sites) < 2 or len(set(sites)) < len(sites):
        raise InvalidInput(
            f"distances needs two or more different sites, not {sites}",
            allowed="sites=[i, j] for a distance, [i, j, k] for the angle at j, [i, j, k, l] for "
            "a dihedral angle, more for all pairs",
            next_step="For an angle with an atom's own image make a supercell first.",
        )
    if len(sites) > 4:
        legs = [_leg(structure, *pair) for pair in combinations(sites, 2)]
    else:
        legs = [_leg(structure, *pair) for pair in pairwise(sites)]
    rows = [_row(structure, leg) for leg in sorted(legs, key=_order if len(sites) > 4 else _same)]
    report = table("pairs", rows[:PAIRS_SHOWN], len(rows))
    if len(sites) in (3, 4):
        report |= _angles(legs)
    return {**report, "image_rule": "image = lattice translation of to_site that is nearest"}


def _order(leg: Leg) -> tuple[float, tuple[int, int]]:
    return round(leg.distance_a, 4), leg.sites


def _same(_leg: Leg) -> tuple[float, tuple[int, int]]:
    return 0.0, (0, 0)


def _leg(structure: Structure, one: int, other: int) -> Leg:
    import numpy as np

    near = float(structure.get_distance(one, other))
    # The sites as they stand may lie outside the cell; images count from where they stand.
    found = structure.lattice.get_points_in_sphere(
        [structure[other].frac_coords], structure[one].coords, near + _SAME_A
    )
    images = [[round(float(n)) for n in image] for _, _, _, image in found]
    nearest = sorted(images, key=lambda image: (sum(map(abs, image)), image))
    coords = structure.lattice.get_cartesian_coords(
        np.array(nearest) + structure[other].frac_coords
    )
    return Leg((one, other), near, nearest, coords - structure[one].coords)


def _row(structure: Structure, leg: Leg) -> dict[str, Any]:
    one, other = leg.sites
    return {
        "site": one,
        "to_site": other,
        "species": f"{occupant(structure[one])}-{occupant(structure[other])}",
        "distance_a": round(leg.distance_a, 5),
        "image": leg.images[0],
        "equally_near_images": len(leg.images),
    }


def _angles(legs: list[Leg]) -> dict[str, Any]:
    """The angle of the images told, and those that other equally near images would give."""
    found = [_angle(list(vectors)) for vectors in product(*(leg.vectors for leg in legs))]
    name = "angle_deg" if len(legs) == 2 else "dihedral_deg"
    notes = []
    if found[0] is None:
        notes.append("three of the sites lie on a straight line: there is no dihedral angle")
    report: dict[str, Any] = {name: found[0]}
    if others := sorted({angle for angle in found if angle not in (found[0], None)}):
        report[f"other_{name}"] = others[:OTHERS_SHOWN]
        notes.append("a site has several equally near images: the angle depends on the choice")
    return {**report, "note": "; ".join(notes)} if notes else report


def _angle(vectors: list[NDArray[np.float64]]) -> float | None:
    """Angle (two vectors, Å) or dihedral angle (three) of a chain of sites in degrees.

    None where three of four sites lie on a line.
    """
    import numpy as np
    from pymatgen.core import Molecule

    chain = Molecule(["H"] * (len(vectors) + 1), np.cumsum([np.zeros(3), *vectors], axis=0))
    bends = [chain.get_angle(at, at + 1, at + 2) for at in range(len(vectors) - 1)]
    if len(vectors) == 2:
        return round(float(bends[0]), 4)
    if any(min(bend, 180 - bend) < STRAIGHT_DEG for bend in bends):
        return None
    return round(float(chain.get_dihedral(0, 1, 2, 3)), 4)

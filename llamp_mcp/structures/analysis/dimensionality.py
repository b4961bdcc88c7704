"""Whether a crystal is a network, layers, chains or molecules, and the empty space of its cell."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import gcd
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.analysis.block import Undetermined, primitive, table
from llamp_mcp.structures.analysis.cell_gaps import VACUUM_A, cell_gaps
from llamp_mcp.structures.analysis.near_neighbours import METHOD, BondFinder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

    Vector = NDArray[np.float64]

COMPONENTS_SHOWN: Final = 20

COMPONENT_RULE: Final = (
    "count = in the primitive cell; direction = Miller indices (hkl) of layers or [uvw] of chains "
    "in the given cell"
)

LAYER_RULE: Final = (
    "widest_gap_a = height of the widest layer without an atom's centre, normal to the two other "
    f"axes; thickness_a = the rest of the cell; vacuum = a gap above {VACUUM_A:g} Å"
)

_WORDS: Final = {0: "molecules", 1: "chains", 2: "layers", 3: "network"}


def block(structure: Structure, _request: AnalyzeStructureParams) -> dict[str, Any]:
    """Dimensionality of the bonded components (Larsen 2019), and the empty layers of the cell."""
    try:
        bonded = _bonded(structure)
    except Undetermined as error:
        bonded = {"dimensionality": None, "dimensionality_not_determined": str(error)}
    return {
        **bonded,
        "empty_layers": [
            {
                "axis": gap.axis,
                "widest_gap_a": round(gap.gap_a, 4),
                "thickness_a": round(gap.thickness_a, 4),
                "vacuum": gap.gap_a > VACUUM_A,
            }
            for gap in cell_gaps(structure)
        ],
        "layer_rule": LAYER_RULE,
    }


def _bonded(structure: Structure) -> dict[str, Any]:
    components, sites = _components(structure)
    highest = max(dimensionality for _, dimensionality, _ in components)
    rows = [
        {"formula": formula, "dimensionality": dimensionality, "direction": direction, "count": n}
        for (formula, dimensionality, direction), n in sorted(
            components.items(), key=lambda item: (-item[0][1], item[0][0], item[0][2] or "")
        )
    ]
    return {
        "dimensionality": highest,
        "kind": _WORDS[highest],
        "method": f"Larsen 2019 (doi 10.1103/PhysRevMaterials.3.034003) on bonds by {METHOD}",
        "primitive_sites": sites,
        **table("components", rows[:COMPONENTS_SHOWN], len(rows)),
        "component_rule": COMPONENT_RULE,
    }


def _components(structure: Structure) -> tuple[Counter[tuple[str, int, str | None]], int]:
    """Formula, dimensionality and direction of the bonded components, and sites counted in."""
    import numpy as np
    from pymatgen.analysis.dimensionality import (
        calculate_dimensionality_of_site,
        get_structure_components,
    )

    reduced = primitive(structure).structure
    graph = BondFinder(reduced).graph()
    # Rows: the vectors of the given cell in those of the primitive one, whole numbers.
    cells = np.round(structure.lattice.matrix @ reduced.lattice.inv_matrix)
    found: Counter[tuple[str, int, str | None]] = Counter()
    for component in get_structure_components(graph, inc_site_ids=True):  # type: ignore[no-untyped-call]
        ids = component["site_ids"]
        rank, images = calculate_dimensionality_of_site(  # type: ignore[no-untyped-call]
            graph, ids[0], inc_vertices=True
        )
        dimensionality = int(rank)
        direction = _direction(np.array(images, dtype=float), dimensionality, cells)
        formula = sum((reduced[i].species for i in ids[1:]), start=reduced[ids[0]].species)
        name = formula.reduced_formula if dimensionality else formula.alphabetical_formula
        found[name, dimensionality, direction] += 1
    return found, len(reduced)


def _direction(images: Vector, dimensionality: int, cells: Vector) -> str | None:
    """Miller indices (hkl) of layers, direction [uvw] of chains, both of the given cell.

    Args:
        images: (n, 3), lattice translations of the primitive cell that lead back into a component.
        dimensionality: Their rank.
        cells: (3, 3), rows are the vectors of the given cell in those of the primitive one.
    """
    import numpy as np

    steps = images[1:] - images[0]
    if dimensionality == 1:
        along = next(step for step in steps if step.any())
        return "[{} {} {}]".format(*_smallest(along @ np.linalg.inv(cells) * np.linalg.det(cells)))
    if dimensionality == 2:
        normals = (np.cross(one, other) for one, other in combinations(steps, 2))
        normal = next(vector for vector in normals if vector.any())
        return "({} {} {})".format(*_smallest(cells @ normal))
    return None


def _smallest(indices: Vector) -> list[int]:
    """Whole numbers without a common divisor, the first one that is not zero positive."""
    whole = [round(float(x)) for x in indices]
    divisor = gcd(*whole)
    sign = 1 if next(x for x in whole if x) > 0 else -1
    return [sign * x // divisor for x in whole]

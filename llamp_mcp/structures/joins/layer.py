"""Layers: atoms between two planes, vacuum outside, as `twist` and `interface` join them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import MAX_ATOMS
from llamp_mcp.structures.surfaces.surface import profile, standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    Matrix = NDArray[np.int_]

Gap = Annotated[float, Field(ge=0, le=50)]
MaxAtoms = Annotated[int, Field(ge=2, le=MAX_ATOMS)]
OTHER_TOLD: Final = "the film or top layer"
GAP_TOLD: Final = "Å between facing planes; grain_boundary: extra"
MISMATCH_TOLD: Final = "largest strain, %; default 5, twist 0.01, grain_boundary 1"
ATOMS_TOLD: Final = "default 1000"

VACUUM_A: Final = 6.0
"""A layer has at least so much empty space above it; van der Waals crystals have 3 to 4 Å."""


class Layer(NamedTuple):
    """One layer.

    Attributes:
        structure: Its cell: a along x, c along the normal z, the atoms in the middle of it.
        thickness_a: Between its outermost planes of nuclei, Å.
    """

    structure: Structure
    thickness_a: float

    @property
    def plane(self) -> NDArray[np.float64]:
        """The in-plane lattice vectors as rows, 2x2, Å."""
        vectors: NDArray[np.float64] = self.structure.lattice.matrix[:2, :2]
        return vectors


def find_layer(structure: Structure) -> Layer | None:
    """The layer in the plane of a and b, or None where no vacuum lies above it."""
    import numpy as np
    from pymatgen.core import Lattice, Structure

    seen = profile(structure)
    if seen.gap_a < VACUUM_A:
        return None
    a, b, _ = structure.lattice.matrix
    period_a = seen.thickness_a + seen.gap_a
    upright = Lattice([a, b, period_a * seen.normal])
    coords = upright.get_fractional_coords(standing(structure, seen))
    coords[:, 2] = (seen.heights_a + seen.gap_a / 2) / period_a
    made = Structure(
        Lattice.from_parameters(upright.a, upright.b, period_a, 90, 90, upright.gamma),
        structure.species_and_occu,
        np.mod(np.round(coords, 12), 1.0),
        site_properties=structure.site_properties,
    )
    return Layer(made, seen.thickness_a)


def as_layer(structure: Structure, name: str) -> Layer:
    """The layer that a structure is.

    Raises:
        InvalidInput: It is none.
    """
    layer = find_layer(structure)
    if layer is None:
        raise InvalidInput(
            f"{name} ({structure.composition.reduced_formula}) is not one layer with vacuum along "
            "its third lattice vector",
            allowed=f"a 2D layer in the plane of a and b, at least {VACUUM_A:g} Å empty above it",
            next_step="Cut it with the slab edit, or add vacuum with the vacuum edit.",
        )
    return layer


def stack(bottom: Structure, top: Structure, gap_a: float, vacuum_a: float) -> Structure:
    """One cell with both layers, the bottom one's sites first, in the middle of the cell.

    Args:
        bottom: An upright cell, as a `Layer` has. Its in-plane vectors become those of the result.
        top: Another one; its in-plane vectors are turned and strained to those of `bottom`.
        gap_a: Distance of the planes that face each other, Å.
        vacuum_a: Between the top layer and the next image of the bottom one, Å.
    """
    import numpy as np
    from pymatgen.core import Lattice, Structure

    low, high = profile(bottom), profile(top)
    heights = np.concatenate([low.heights_a, high.heights_a + low.thickness_a + gap_a])
    period_a = float(heights.max()) + vacuum_a
    coords = np.concatenate([bottom.frac_coords, top.frac_coords])
    coords[:, 2] = (heights + vacuum_a / 2) / period_a
    lattice = Lattice.from_parameters(
        *bottom.lattice.abc[:2], period_a, 90, 90, bottom.lattice.gamma
    )
    shared = sorted(set(bottom.site_properties) & set(top.site_properties))
    return Structure(
        lattice,
        [*bottom.species_and_occu, *top.species_and_occu],
        np.mod(np.round(coords, 12), 1.0),
        site_properties={
            name: [*bottom.site_properties[name], *top.site_properties[name]] for name in shared
        },
    )


def times(layer: Structure, matrix: Matrix) -> Structure:
    """The layer's supercell; the rows of `matrix`, 2x2, are its vectors in those of the layer."""
    import numpy as np

    whole = np.eye(3, dtype=int)
    whole[:2, :2] = matrix
    return layer.make_supercell(whole, in_place=False)


def facing(structure: Structure, n_bottom: int) -> dict[str, Any]:
    """What proves how two stacked layers lie: measured gap, vacuum, nearest atoms across the gap.

    Args:
        structure: As `stack` made it.
        n_bottom: Sites of the bottom layer.
    """
    heights = structure.cart_coords[:, 2]
    gap_a = float(heights[n_bottom:].min() - heights[:n_bottom].max())
    cutoff_a = gap_a + 1.0
    while True:
        low, high, images, distances = structure.get_neighbor_list(cutoff_a)
        across = (low < n_bottom) & (high >= n_bottom) & (images[:, 2] == 0)
        if across.any():
            break
        cutoff_a *= 1.5
    nearest = int(distances[across].argmin())
    sites = int(low[across][nearest]), int(high[across][nearest])
    return {
        "gap_measured_a": round(gap_a, 4),
        "vacuum_measured_a": round(float(structure.lattice.c - heights.max() + heights.min()), 4),
        "nearest_across_a": round(float(distances[across][nearest]), 4),
        "nearest_across": " and ".join(
            f"site {at} ({structure[at].species_string})" for at in sites
        ),
        "sites_bottom": f"0 to {n_bottom - 1}",
        "sites_top": f"{n_bottom} to {len(structure) - 1}",
    }


def dropped(given: tuple[Structure, ...], made: Structure) -> tuple[str, ...]:
    """Notes on what the structures given had and the one made has not."""
    names = {name for one in given for name in one.site_properties} - set(made.site_properties)
    lost = [f"{name} per site" for name in sorted(names)]
    if any(one.charge for one in given):
        lost.append("the charge of the cell")
    return (f"dropped with the cells: {', '.join(lost)}",) if lost else ()

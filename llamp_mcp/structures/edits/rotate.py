"""`rotate`: turn the whole crystal, or some of its atoms about a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.cell_change import lattices, rounded
from llamp_mcp.structures.edits.edit import SITES_REPORTED, Edit, Edited, surroundings
from llamp_mcp.structures.edits.insert import Position
from llamp_mcp.structures.species import check_sites
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure


class RotateArguments(Arguments):
    """A rotation, and what turns."""

    axis: Position = Field(description="Cartesian [x, y, z]")
    angle_deg: Annotated[float, Field(ge=-360, le=360)] = Field(description="degrees")
    sites: Annotated[list[int], Field(min_length=1)] | None = Field(None, description="numbers")
    anchor_frac: Position | None = Field(None, description="fixed point, of sites")


def rotate(structure: Structure, arguments: RotateArguments) -> Edited:
    """Turn the lattice with its atoms, or atoms within a lattice that stays.

    Raises:
        InvalidInput: The axis has no direction, or sites and fixed point are not given together.
    """
    import numpy as np

    length = float(np.linalg.norm(arguments.axis))
    if length < 1e-6:
        raise InvalidInput(f"axis = {arguments.axis} has no direction", allowed="such as [0, 0, 1]")
    if (arguments.sites is None) != (arguments.anchor_frac is None):
        raise InvalidInput(
            "To turn atoms inside the cell give both sites and anchor_frac, to turn the whole "
            "crystal neither"
        )
    axis = np.array(arguments.axis) / length
    if arguments.sites is None:
        return _whole(structure, axis, arguments.angle_deg)
    return _part(structure, axis, arguments)


def _whole(structure: Structure, axis: NDArray[np.float64], angle_deg: float) -> Edited:
    from pymatgen.transformations.standard_transformations import RotationTransformation

    turn = RotationTransformation(axis, angle_deg)  # type: ignore[no-untyped-call]
    made = turn.apply_transformation(structure)  # type: ignore[no-untyped-call]
    report = {
        **_rotation(axis, angle_deg),
        "turned": "lattice and all atoms: the same crystal in another orientation",
        "lattice_vectors_a_before": rounded(structure.lattice.matrix, 6),
        "lattice_vectors_a_after": rounded(made.lattice.matrix, 6),
        **lattices(structure, made),
    }
    return Edited(made, report, notes=_moments(structure))


def _part(structure: Structure, axis: NDArray[np.float64], arguments: RotateArguments) -> Edited:
    import numpy as np

    sites = check_sites(structure, arguments.sites or [])
    anchor = np.array(arguments.anchor_frac)
    made = structure.copy()
    arms = []
    for site in sites:
        # The image nearest to the fixed point turns, so that a molecule across a face stays whole.
        arm, image = structure.lattice.get_distance_and_image(anchor, structure[site].frac_coords)
        arms.append(round(float(arm), 4))
        made[site].frac_coords = structure[site].frac_coords + image
    anchor_a = structure.lattice.get_cartesian_coords(anchor)
    made.rotate_sites(sites, np.radians(arguments.angle_deg), axis, anchor_a, to_unit_cell=True)
    report = {
        **_rotation(axis, arguments.angle_deg),
        "anchor_frac": rounded(anchor, 6),
        "n_turned": len(sites),
        "distances_to_anchor_a": arms[:20],
        "turned": [surroundings(made, site) for site in sites[:SITES_REPORTED]],
    }
    return Edited(made, report, notes=_moments(structure))


def _rotation(axis: NDArray[np.float64], angle_deg: float) -> dict[str, Any]:
    from pymatgen.core import SymmOp

    turn = SymmOp.from_axis_angle_and_translation(axis, angle_deg)
    return {
        "axis": rounded(axis),
        "angle_deg": angle_deg,
        "rotation_matrix": rounded(turn.rotation_matrix),
        "convention": "new = matrix · old, Cartesian; right-hand rule",
    }


def _moments(structure: Structure) -> tuple[str, ...]:
    """A note where moments have directions, which a rotation of positions leaves."""
    held = structure.site_properties.get("magmom", ())
    if all(getattr(moment, "__len__", None) is None for moment in held):
        return ()
    return ("The directions of the magnetic moments were not turned.",)


EDIT = Edit(name="rotate", arguments=RotateArguments, run=rotate)

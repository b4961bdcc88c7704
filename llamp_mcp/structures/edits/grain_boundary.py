"""`grain_boundary`: two grains of a crystal, one turned, with a coincidence lattice in common."""

from __future__ import annotations

import warnings
from copy import copy
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.joins.coincidence import (
    MAX_SIGMA,
    Coincidences,
    lattice_for,
    listed,
)
from llamp_mcp.structures.joins.grain_report import (
    CLOSEST,
    Plan,
    across_boundary,
    geometry,
    like_bulk,
    size,
)
from llamp_mcp.structures.joins.layer import (
    ATOMS_TOLD,
    GAP_TOLD,
    MISMATCH_TOLD,
    Gap,
    MaxAtoms,
    dropped,
)
from llamp_mcp.structures.surfaces.miller import MILLER_TOLD, Indices, Miller, coprime
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure
    from pymatgen.core.interface import GrainBoundary

_MOST_ATOMS: Final = 5000
"""pymatgen compares every atom of one grain's cell with every atom of the other's."""

_NEAR_DEG: Final = 0.05
"""How far a given angle may be off the coincidence it means."""


class GrainBoundaryArguments(Arguments):
    """The rotation, the plane of the boundary, and the size of the grains."""

    axis: Miller = Field(description="u, v, w")
    sigma: Annotated[int, Field(ge=2, le=MAX_SIGMA)] | None = Field(
        None, description="of coincidence"
    )
    angle_deg: Annotated[float, Field(ge=-360, le=360)] | None = Field(None, description="degrees")
    miller: Miller = Field(description=MILLER_TOLD)
    min_thickness_a: Annotated[float, Field(gt=0, le=500)] = Field(
        10.0, description="Å, default 10"
    )
    gap_a: Gap = Field(0.0, description=GAP_TOLD)
    max_mismatch_percent: Annotated[float, Field(ge=0, le=20)] = Field(
        1.0, description=MISMATCH_TOLD
    )
    max_atoms: MaxAtoms = Field(1000, description=ATOMS_TOLD)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("sigma", "angle_deg")
        return self


def grain_boundary(structure: Structure, arguments: GrainBoundaryArguments) -> Edited:
    """Build both grains; the cell is periodic, so it holds the boundary twice.

    Raises:
        InvalidInput: The lattice, Sigma, angle or size is not possible.
    """
    if not structure.is_ordered:
        raise InvalidInput(
            "A grain boundary needs whole atoms; some sites are partially occupied",
            next_step="Use order or sqs first.",
        )
    axis, miller = _smallest(arguments.axis), _smallest(arguments.miller)
    if _signed(arguments.angle_deg) < 0:
        axis = (-axis[0], -axis[1], -axis[2])
    lattice = lattice_for(structure, axis, arguments.max_mismatch_percent / 100)
    plan = _plan(lattice, axis, miller, arguments)
    boundary = _build(lattice, axis, miller, plan, arguments.gap_a)
    made, counts = _in_order(boundary)
    report = {
        **geometry(lattice, axis, miller, plan),
        "plane_of_bottom_grain": [int(index) for index in boundary.join_plane],
        **size(lattice, plan, made, counts, arguments.gap_a),
        **across_boundary(made, counts),
        **like_bulk(lattice.generator.initial_structure, made),
    }
    notes = [
        "The cell holds two boundaries, one in the middle and one at its c face; neither is "
        "relaxed, and the grains are not shifted against each other."
    ]
    ratios = {str(one): made.composition[one] / structure.composition[one] for one in made.elements}
    if max(ratios.values()) - min(ratios.values()) > 1e-6:
        notes.append(
            f"Removing close atoms changed the composition: {made.composition.formula}. A wider "
            "gap_a keeps them."
        )
    return Edited(made, report, cells=None, notes=(*notes, *dropped((structure,), made)))


def _plan(
    lattice: Coincidences, axis: Indices, miller: Indices, arguments: GrainBoundaryArguments
) -> Plan:
    """Angle, cells and size; of the angles of a Sigma, that with the smallest boundary cell.

    Raises:
        InvalidInput: They are not possible, or make too many atoms.
    """
    import numpy as np

    sigma, angles, others = _rotations(lattice, axis, arguments)
    cell = lattice.generator.initial_structure
    found = []
    for angle_deg in angles:
        grains = lattice.cells(axis, angle_deg, miller)
        a, b, _ = grains[0] @ cell.lattice.matrix
        area = round(float(np.linalg.norm(np.cross(a, b))), 4)
        found.append((area, angle_deg, grains))
    area, angle_deg, grains = min(found, key=lambda one: one[:2])
    top, bottom = (matrix @ cell.lattice.matrix for matrix in grains)
    deformation = np.array(np.linalg.solve(bottom, top).T, dtype=np.float64)
    strain = float(np.abs(np.linalg.svd(deformation, compute_uv=False) - 1).max())
    if strain > arguments.max_mismatch_percent / 100 + 1e-9:
        raise InvalidInput(
            f"With its axial ratio rounded the bottom grain is strained by {100 * strain:.3f} %",
            allowed=f"at most max_mismatch_percent = {arguments.max_mismatch_percent:g} %",
            next_step="Raise it, or turn about another axis.",
        )
    cells = abs(round(float(np.linalg.det(grains[0]))))
    height_a = float(abs(np.linalg.det(top)) / area)
    repeats = ceil(arguments.min_thickness_a / height_a - 1e-9)
    atoms = 2 * cells * len(cell) * repeats
    most = min(arguments.max_atoms, _MOST_ATOMS)
    if atoms > most:
        raise InvalidInput(
            f"The boundary would have {atoms} atoms (2 grains of {cells * repeats} cells of "
            f"{len(cell)})",
            allowed=f"at most {most} (max_atoms; {_MOST_ATOMS} in any case)",
            next_step=f"Raise max_atoms, lower min_thickness_a ({height_a:.2f} Å is one repeat of "
            f"{2 * cells * len(cell)} atoms), or take a smaller sigma or simpler plane.",
        )
    rest = [angle for angle in (*angles, *others) if angle != angle_deg]
    return Plan(sigma, angle_deg, rest, grains, repeats, height_a, deformation)


def _rotations(
    lattice: Coincidences, axis: Indices, arguments: GrainBoundaryArguments
) -> tuple[int, list[float], list[float]]:
    """Sigma, the angles that may be meant, and other angles of that Sigma.

    Raises:
        InvalidInput: There is no such coincidence; those that there are are listed.
    """
    angles = lattice.angles(axis)
    if arguments.sigma is not None:
        if arguments.sigma not in angles:
            raise InvalidInput(
                f"Sigma {arguments.sigma} does not exist about {list(axis)} in this lattice",
                allowed=listed(angles) or f"none up to {MAX_SIGMA}",
            )
        return arguments.sigma, angles[arguments.sigma], []
    wanted = abs(_signed(arguments.angle_deg))
    near = sorted(
        (abs(angle - wanted), sigma, angle) for sigma, some in angles.items() for angle in some
    )
    if not near or near[0][0] > _NEAR_DEG:
        told = "; ".join(f"{angle:.4f} deg (Sigma {sigma})" for _, sigma, angle in near[:6])
        raise InvalidInput(
            f"No coincidence up to Sigma {MAX_SIGMA} is within {_NEAR_DEG} deg of "
            f"{arguments.angle_deg} deg about {list(axis)}",
            allowed=f"such as {told}" if told else "none about this axis",
            next_step="Take one of these angles, or give sigma.",
        )
    _, sigma, angle = near[0]
    return sigma, [angle], [other for other in angles[sigma] if other != angle]


def _smallest(indices: list[int]) -> Indices:
    """The same direction or plane in the smallest integers."""
    return coprime([Fraction(index) for index in indices])


def _signed(angle_deg: float | None) -> float:
    """The same angle between -180 and 180 degrees; 0 for none."""
    return ((angle_deg or 0.0) + 180) % 360 - 180


def _build(
    lattice: Coincidences, axis: Indices, miller: Indices, plan: Plan, gap_a: float
) -> GrainBoundary:
    """The boundary as pymatgen makes it.

    Raises:
        InvalidInput: It cannot.
    """
    generator = copy(lattice.generator)
    generator.get_trans_mat = lambda **_: plan.grains  # type: ignore[method-assign]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return generator.gb_from_parameters(
                rotation_axis=axis,
                rotation_angle=plan.angle_deg,
                expand_times=plan.repeats,
                vacuum_thickness=gap_a,
                ratio=None if lattice.ratio is None else list(lattice.ratio),
                plane=miller,
                rm_ratio=CLOSEST,
            )
    except (ValueError, RuntimeError) as error:
        raise InvalidInput(
            f"pymatgen cannot build the boundary {list(miller)} about {list(axis)}: {error}",
            next_step="Choose another plane or angle.",
        ) from error


def _in_order(boundary: GrainBoundary) -> tuple[Structure, tuple[int, int]]:
    """Sites of the bottom grain, then of the top one, and how many each has."""
    import numpy as np
    from ase.geometry import minkowski_reduce
    from pymatgen.core import Lattice, Structure

    middle = [bool(site.frac_coords[2] % 1.0 >= 0.5) for site in boundary]
    labels = boundary.site_properties["grain_label"]
    is_top = [
        label.startswith("top") if label else upper
        for label, upper in zip(labels, middle, strict=True)
    ]
    order = sorted(range(len(boundary)), key=lambda at: is_top[at])
    # pymatgen's cell may be a sheared one; the same lattice has one that is compact and upright.
    cell = np.array(minkowski_reduce(boundary.lattice.matrix, pbc=[True, True, False])[0])
    if np.linalg.det(cell) < 0:
        cell[[0, 1]] = cell[[1, 0]]
    cell[2] -= np.rint(cell[2] @ np.linalg.pinv(cell[:2])) @ cell[:2]
    upright = Lattice(cell)
    made = Structure(
        Lattice.from_parameters(*upright.parameters),
        [boundary[at].species for at in order],
        upright.get_fractional_coords(boundary.cart_coords[order]),
        to_unit_cell=True,
    )
    return made, (len(order) - sum(is_top), sum(is_top))


EDIT = Edit(name="grain_boundary", arguments=GrainBoundaryArguments, run=grain_boundary)

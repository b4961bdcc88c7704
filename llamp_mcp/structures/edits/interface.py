"""`interface`: a film on a substrate, their surface cells matched."""

from __future__ import annotations

from itertools import product
from math import ceil, gcd
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.cell_change import rounded
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.edits.slab import SlabArguments, slab
from llamp_mcp.structures.joins.lattice_match import Match, search, upright
from llamp_mcp.structures.joins.layer import (
    ATOMS_TOLD,
    GAP_TOLD,
    MISMATCH_TOLD,
    OTHER_TOLD,
    Gap,
    MaxAtoms,
    dropped,
    facing,
    find_layer,
    stack,
    times,
)
from llamp_mcp.structures.surfaces.miller import MILLER_TOLD, Miller, plane
from llamp_mcp.structures.surfaces.surface import VACUUM_TOLD, plane_formula, planes, profile
from llamp_mcp.structures.symmetry import SYMPREC_A
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.edits.edit import Lookup

_LISTED: Final = 16
_LOOSEST: Final = 0.15
"""The strain up to which the best match is sought when none is within the limit."""

_RULE: Final = (
    "smallest area within max_mismatch_percent (in any direction of the plane), then least strain, "
    "then axes of both crystals most parallel"
)


class InterfaceArguments(Arguments):
    """Which planes meet, how thick, how far apart, and how much strain."""

    structure_id: str = Field(description=OTHER_TOLD)
    miller: Miller = Field(description=MILLER_TOLD)
    film_miller: Miller = Field(description="of the film")
    min_thickness_a: Annotated[float, Field(gt=0, le=500)] = Field(
        10.0, description="Å, default 10"
    )
    gap_a: Gap = Field(2.0, description=GAP_TOLD)
    min_vacuum_a: Annotated[float, Field(gt=0, le=200)] = Field(15.0, description=VACUUM_TOLD)
    termination: Annotated[int, Field(ge=0)] = Field(0, description="number as reported")
    max_mismatch_percent: Annotated[float, Field(ge=0, le=20)] = Field(
        5.0, description=MISMATCH_TOLD
    )
    max_atoms: MaxAtoms = Field(1000, description=ATOMS_TOLD)


class _Side(NamedTuple):
    """One of the two crystals, cut.

    Attributes:
        slab: Surface cell, upright.
        report: What the slab edit told; of a layer taken as it is, its thickness.
        notes: Likewise.
        vectors: a and b in the Cartesian axes of the conventional cell, rows, 2x3, Å.
        axes: a and b in lattice vectors of the conventional cell, rows, 2x3.
        terminations: Of every one listed, what it is at the top and at the bottom.
    """

    slab: Structure
    report: dict[str, Any]
    notes: tuple[str, ...]
    vectors: NDArray[np.float64]
    axes: NDArray[np.float64]
    terminations: list[tuple[str, str]]

    @property
    def area_a2(self) -> float:
        """Of the surface cell, Å²."""
        return float(self.slab.volume / self.slab.lattice.c)


def interface(structure: Structure, arguments: InterfaceArguments, *, lookup: Lookup) -> Edited:
    """Put the film on the substrate: its bottom, -(film_miller), faces the substrate's top.

    The film takes all the strain, its height is kept; the substrate's cell is that of its bulk.
    """
    film_bulk = lookup(arguments.structure_id)
    substrate, film, pairs = _sides(structure, film_bulk, arguments)
    match, matches = _best(substrate, film, arguments)
    low, high = times(substrate.slab, match.substrate), times(film.slab, match.film)
    made = stack(low, high, arguments.gap_a, arguments.min_vacuum_a)
    report = {
        **_lattice_report(substrate, film, match),
        "matches_found": matches,
        "chosen": _RULE,
        "orientation": _orientation(substrate, film, match),
        "termination": arguments.termination,
        "substrate_top": substrate.report["top"],
        "film_bottom": film.report["bottom"],
        "terminations_found": len(pairs),
        "terminations": pairs[:_LISTED],
        "thickness_substrate_a": substrate.report["thickness_a"],
        "thickness_film_a": film.report["thickness_a"],
        "atoms_substrate": len(low),
        "atoms_film": len(high),
        **facing(made, len(low)),
    }
    notes = (
        *substrate.notes,
        *film.notes,
        f"The gap of {arguments.gap_a:g} Å and the sideways position of the film are a start, not "
        "a result: relax them, or compare several (gap_a; translate with sites).",
        *dropped((substrate.slab, film.slab), made),
    )
    return Edited(made, report, cells=None, notes=notes)


def _sides(
    structure: Structure, film: Structure, arguments: InterfaceArguments
) -> tuple[_Side, _Side, list[str]]:
    """Both sides at the chosen pair of terminations, and all pairs.

    Raises:
        InvalidInput: There is no such pair, or a side cannot be cut.
    """
    sides = [
        _side(bulk, miller, 0, arguments.min_thickness_a, name)
        for bulk, miller, name in (
            (structure, arguments.miller, "substrate"),
            (film, arguments.film_miller, "film"),
        )
    ]
    tops, bottoms = (side.terminations for side in sides)
    pairs = [
        f"{at}: substrate {top[0]} | film {bottom[1]}"
        for at, (top, bottom) in enumerate(product(tops, bottoms))
    ]
    if arguments.termination >= len(pairs):
        raise InvalidInput(
            f"There is no pair of terminations {arguments.termination}",
            allowed=f"0 to {len(pairs) - 1} ({'; '.join(pairs[:_LISTED])})",
        )
    chosen = divmod(arguments.termination, len(bottoms))
    if chosen[0]:
        thickness = arguments.min_thickness_a
        sides[0] = _side(structure, arguments.miller, chosen[0], thickness, "substrate")
    if chosen[1]:
        thickness = arguments.min_thickness_a
        sides[1] = _side(film, arguments.film_miller, chosen[1], thickness, "film")
    return sides[0], sides[1], pairs


def _side(
    bulk: Structure, miller: list[int], termination: int, min_thickness_a: float, name: str
) -> _Side:
    """A slab of the crystal, or the layer that it is.

    Raises:
        InvalidInput: The slab cannot be cut, or the plane of a layer is another one.
    """
    import numpy as np

    layer = find_layer(bulk)
    if layer is None:
        cut = SlabArguments(miller=miller, min_thickness_a=min_thickness_a, termination=termination)
        try:
            edited = slab(bulk, cut)
        except InvalidInput as error:
            raise InvalidInput(
                f"{name}: {error.what}", allowed=error.allowed, next_step=error.next_step
            ) from error
        found = plane(bulk, miller, SYMPREC_A)
        vectors = found.oriented.lattice.matrix[:2]
        axes = found.conventional.lattice.get_fractional_coords(vectors)
        listed = [
            (_ending(one, "top"), _ending(one, "bottom")) for one in edited.report["terminations"]
        ]
        notes = _notes(edited, name)
        return _Side(edited.structure, edited.report, notes, vectors, axes, listed)
    if miller != [0, 0, 1]:
        raise InvalidInput(
            f"The {name} is already a layer with vacuum along its c; its plane is (0 0 1), not "
            f"{miller}",
            next_step="Give [0, 0, 1], or the bulk crystal to cut another plane from.",
        )
    groups = planes(profile(layer.structure).heights_a)
    top, bottom = (plane_formula(layer.structure, groups[end]) for end in (-1, 0))
    report = {"top": top, "bottom": bottom, "thickness_a": round(layer.thickness_a, 4)}
    note = f"The {name} is a layer already and taken as it is: min_thickness_a is not for it."
    vectors = layer.structure.lattice.matrix[:2]
    return _Side(layer.structure, report, (note,), vectors, np.eye(3)[:2], [(top, bottom)])


def _ending(termination: dict[str, Any], side: str) -> str:
    return f"{termination[side]} ({termination['broken_bonds']} bonds cut)"


def _notes(cut: Edited, name: str) -> tuple[str, ...]:
    """What is to be known of a side as it was cut."""
    notes = [f"{name}: {note}" for note in cut.notes if "polar" not in note]
    if cut.report["is_polar"]:
        notes.append(
            f"The {name} slab is polar (dipole {cut.report['dipole_e_per_a']} e/Å). For another "
            "stoichiometry cut it with slab (symmetric=true) and join that slab, [0, 0, 1]."
        )
    return tuple(notes)


def _best(substrate: _Side, film: _Side, arguments: InterfaceArguments) -> tuple[Match, int]:
    """The match, and how many there were of its size or smaller.

    Raises:
        InvalidInput: None fits; the text tells the best one.
    """
    areas = [side.area_a2 for side in (substrate, film)]
    counts = [len(side.slab) for side in (substrate, film)]
    per_area = counts[0] / areas[0] + counts[1] / areas[1]
    max_area_a2 = arguments.max_atoms / per_area
    if max_area_a2 < max(areas):
        raise InvalidInput(
            f"The surface cells have {areas[0]:.1f} and {areas[1]:.1f} Å2 with {counts[0]} and "
            f"{counts[1]} atoms; a common cell has at least {ceil(max(areas) * per_area)} atoms",
            allowed=f"at most max_atoms = {arguments.max_atoms}",
            next_step="Raise max_atoms, lower min_thickness_a, or choose simpler planes.",
        )
    limit = arguments.max_mismatch_percent / 100
    found = search(substrate.vectors, film.vectors, limit, max_area_a2)
    if found.best is not None:
        return found.best, found.matches
    looser = max(_LOOSEST, limit)
    loose = search(substrate.vectors, film.vectors, looser, max_area_a2, least=True)
    nearest = "no match with less than 15 % either"
    if loose.best is not None:
        nearest = (
            f"the best there is strains the film by {100 * loose.best.strain:.2f} % on "
            f"{loose.best.area_a2:.1f} Å2 ({round(loose.best.area_a2 * per_area)} atoms)"
        )
    raise InvalidInput(
        f"No supercells match within {arguments.max_mismatch_percent:g} % up to "
        f"{found.searched_a2:.0f} Å2 (max_atoms = {arguments.max_atoms}; the surface cells have "
        f"{areas[0]:.1f} and {areas[1]:.1f} Å2 with {counts[0]} and {counts[1]} atoms)",
        allowed=nearest,
        next_step="Raise max_mismatch_percent or max_atoms, lower min_thickness_a, or choose "
        "other planes.",
    )


def _lattice_report(substrate: _Side, film: _Side, match: Match) -> dict[str, Any]:
    """Both cells, what they mismatch by, and the strain that makes the film fit."""
    import numpy as np
    from pymatgen.analysis.elasticity.strain import Deformation

    whole = np.eye(3)
    whole[:2, :2] = match.deformation
    strain = Deformation(whole).green_lagrange_strain
    to, of = match.substrate @ upright(substrate.vectors), match.film @ upright(film.vectors)
    lengths = np.linalg.norm(to, axis=1), np.linalg.norm(of, axis=1)
    angles = [_angle_deg(*vectors) for vectors in (to, of)]
    mismatch = 100 * (lengths[1] / lengths[0] - 1)
    return {
        "area_a2": round(match.area_a2, 4),
        "substrate_a_b_a": rounded(lengths[0], 5),
        "film_a_b_a": rounded(lengths[1], 5),
        "mismatch_a_b_percent": rounded(mismatch, 5),
        "substrate_angle_deg": round(angles[0], 4),
        "film_angle_deg": round(angles[1], 4),
        "mismatch_angle_deg": round(angles[1] - angles[0], 5) + 0.0,
        "mismatch_means": "(film - substrate) / substrate, before straining; only the film is "
        "strained, in the plane",
        "film_strain_xx_yy_xy": rounded([strain[0, 0], strain[1, 1], strain[0, 1]], 7),
        "film_strain_means": "Green-Lagrange tensor in the plane, x along the film's own surface "
        "vector a; tensor shear",
        "film_principal_strains_percent": rounded([100 * one for one in match.strains], 5),
        "film_von_mises_strain": round(float(strain.von_mises_strain), 7),
        "matrix_substrate": match.substrate.tolist(),
        "matrix_film": match.film.tolist(),
        "matrix_means": "rows = a and b of the new cell in primitive surface vectors",
    }


def _angle_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    import numpy as np

    crossed = one[0] * other[1] - one[1] * other[0]
    return float(np.degrees(np.arctan2(crossed, one @ other)))


def _orientation(substrate: _Side, film: _Side, match: Match) -> str:
    """Which directions [u v w] of the two conventional cells lie along a and b."""
    told = []
    for at, name in enumerate("ab"):
        both = [
            _direction(matrix[at] @ side.axes)
            for side, matrix in ((substrate, match.substrate), (film, match.film))
        ]
        told.append(f"{name}: substrate {both[0]} || film {both[1]}")
    return "; ".join(told)


def _direction(uvw: NDArray[np.float64]) -> str:
    """The smallest integers along a lattice vector, which has halves and thirds at most."""
    whole = [round(6 * float(x)) for x in uvw]
    return f"[{' '.join(str(x // gcd(*whole)) for x in whole)}]"


EDIT = Edit(name="interface", arguments=InterfaceArguments, run=interface)

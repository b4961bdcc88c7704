"""`adsorbate`: put a molecule or an atom on the upper surface of a slab."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.shells import SHELL_WIDTH, first_shell
from llamp_mcp.structures.surfaces.adsorption_sites import (
    AdsorptionKind,
    AdsorptionSite,
    adsorption_sites,
)
from llamp_mcp.structures.surfaces.molecules import (
    Molecule,
    as_report,
    binding_atom,
    from_box,
    named,
    turned,
)
from llamp_mcp.structures.surfaces.surface import AXES, Axis, Profile, profile
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.edits.edit import Lookup

_LEAST_VACUUM_A: Final = 5.0
_TOUCHING_A: Final = 1.5
"""Nearer than this to the next image of the slab a molecule would be bonded to both."""

_ROOMY_A: Final = 5.0
_OWN_IMAGE_A: Final = 3.0
_LISTED: Final = 10

Direction = Annotated[list[float], Field(min_length=3, max_length=3)]


class AdsorbateArguments(Arguments):
    """What, how high, where, and how it lies."""

    molecule: str | None = Field(None, description='"CO2" (G2 set), or an element')
    structure_id: str | None = Field(None, description="a molecule in a box")
    height_a: Annotated[float, Field(gt=0, le=50)] = Field(description="Å above the top atom")
    site_kind: AdsorptionKind | None = Field(None, description="default ontop")
    site_index: Annotated[int, Field(ge=0)] | None = Field(None, description="of inequivalent ones")
    position: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        None, description="fractions of a and b"
    )
    orientation: Literal["flat", "upright"] | Direction | None = Field(
        None, description="or [x, y, z] of its axis"
    )
    binding_atom: str | int | None = Field(None, description="element or number")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("molecule", "structure_id")
        if self.position is not None and (self.site_kind or self.site_index is not None):
            raise ValueError("give position or site_kind with site_index, not both")
        if isinstance(self.orientation, list) and not any(self.orientation):
            raise ValueError("orientation [0, 0, 0] is no direction")
        return self


class _Place(NamedTuple):
    """Where the binding atom goes: a point in Å, and what the report tells of it."""

    point: NDArray[np.float64]
    report: dict[str, Any]


def adsorbate(structure: Structure, arguments: AdsorbateArguments, *, lookup: Lookup) -> Edited:
    """Add the molecule as the last sites, rigid, its binding atom over the chosen site.

    The upper surface is the one c points out of. Heights are along the normal of a and b.
    """
    seen = profile(structure)
    _check_vacuum(structure, seen)
    if arguments.structure_id is not None:
        molecule = from_box(lookup(arguments.structure_id))
    else:
        molecule = named(arguments.molecule or "")
    binding, rule = binding_atom(molecule, arguments.binding_atom)
    place = _place(structure, seen, arguments)
    along = structure.lattice.matrix[0]
    lying = turned(molecule, binding, arguments.orientation, seen.normal, along)
    base = seen.bottom_a + seen.thickness_a + arguments.height_a
    coords = place.point + base * seen.normal + lying.coords
    heights = arguments.height_a + lying.coords @ seen.normal
    room_a = seen.gap_a - float(heights.max())
    _check_room(room_a, arguments)
    made = _joined(structure, molecule, coords)
    added = list(range(len(structure), len(made)))
    own_a = _own_image_a(structure, coords)
    report = {
        "side": "top: the side c points to, along the normal of a and b",
        **as_report(molecule, coords),
        "adsorbate_sites": added,
        "binding_atom": f"site {added[binding]} ({molecule.symbol(binding)}); {rule}",
        "orientation": lying.told,
        **_measured(structure, made, seen, added, binding),
        **place.report,
        "closest_own_image_a": round(own_a, 3),
        "gap_above_adsorbate_a": round(room_a, 3),
    }
    return Edited(made, report, notes=_notes(structure, own_a, room_a))


def _check_vacuum(structure: Structure, seen: Profile) -> None:
    """Hold to a slab with its vacuum along c.

    Raises:
        InvalidInput: It has none there.
    """
    if seen.gap_a >= _LEAST_VACUUM_A:
        return
    turns: dict[Axis, str] = {"a": "[[0,1,0],[0,0,1],[1,0,0]]", "b": "[[0,0,1],[1,0,0],[0,1,0]]"}
    gaps = {axis: profile(structure, axis).gap_a for axis in AXES}
    for axis, matrix in turns.items():
        if gaps[axis] >= _LEAST_VACUUM_A:
            raise InvalidInput(
                f"The vacuum of this structure lies along {axis} ({gaps[axis]:.2f} Å), not along c",
                next_step=f"First make {axis} the third axis: supercell with matrix={matrix}.",
            )
    raise InvalidInput(
        f"There is no vacuum to put a molecule into: the widest gap along c is {seen.gap_a:.2f} Å",
        allowed=f"a slab with at least {_LEAST_VACUUM_A:g} Å of vacuum along c",
        next_step="First cut a slab (slab), or widen the gap (vacuum with min_vacuum_a=15).",
    )


def _check_room(room_a: float, arguments: AdsorbateArguments) -> None:
    if room_a < _TOUCHING_A:
        raise InvalidInput(
            f"With height_a = {arguments.height_a:g} the molecule's highest atom comes to "
            f"{room_a:.2f} Å below the next image of the slab",
            allowed=f"at least {_TOUCHING_A} Å, better {_ROOMY_A:g}",
            next_step="First widen the gap: vacuum with a larger min_vacuum_a; or lower height_a.",
        )


def _place(structure: Structure, seen: Profile, arguments: AdsorbateArguments) -> _Place:
    """The point over which the binding atom goes.

    Raises:
        InvalidInput: There is no such site.
    """
    import numpy as np

    if arguments.position is not None:
        point = np.array(arguments.position) @ structure.lattice.matrix[:2]
        return _Place(point, {"position": list(arguments.position)})
    found = adsorption_sites(structure, seen)
    kind = arguments.site_kind or "ontop"
    at = arguments.site_index or 0
    of_kind = [site for site in found if site.kind == kind]
    if at >= len(of_kind):
        raise InvalidInput(
            f"There is no {kind} site with site_index {at}",
            allowed="; ".join(_line(found, site) for site in found[:_LISTED]) or "position=[x, y]",
        )
    chosen = of_kind[at]
    return _Place(
        chosen.point,
        {
            "chosen_site": chosen.as_report(at),
            "sites_found": dict(Counter(site.kind for site in found)),
            "other_sites": [_line(found, site) for site in found if site is not chosen][:_LISTED],
        },
    )


def _line(found: list[AdsorptionSite], site: AdsorptionSite) -> str:
    at = [other for other in found if other.kind == site.kind].index(site)
    x, y = site.position
    over = f", over {site.over}" if site.over else ""
    atoms = f"{' '.join(site.atoms)}{over}"
    return f"{site.kind} {at} at ({x:.4f}, {y:.4f}): {atoms}, {site.multiplicity} in the cell"


def _joined(structure: Structure, molecule: Molecule, coords: NDArray[np.float64]) -> Structure:
    """The slab with the molecule's atoms behind its own."""
    import numpy as np

    made = structure.copy()
    properties = {"magmom": 0.0} if "magmom" in structure.site_properties else None
    fractions = np.mod(np.round(structure.lattice.get_fractional_coords(coords), 12), 1.0)
    for species, at in zip(molecule.species, fractions, strict=True):
        made.append(species, at, properties=properties)
    return made


def _measured(
    structure: Structure, made: Structure, seen: Profile, added: list[int], binding: int
) -> dict[str, Any]:
    """Heights and distances, from the structure that was made."""
    import numpy as np

    atoms = made.frac_coords[added] @ made.lattice.matrix
    period_a = seen.thickness_a + seen.gap_a
    over = np.mod(atoms @ seen.normal - seen.bottom_a - seen.thickness_a, period_a)
    top = int(np.argmax(seen.heights_a))
    apart = made.lattice.get_all_distances(made.frac_coords[added], structure.frac_coords)
    who, nearest = np.unravel_index(int(np.argmin(np.round(apart, 6))), apart.shape)
    near = _near_slab(made, added[binding], len(structure), float(apart[binding].min()))
    count = first_shell([distance for distance, _ in near])
    return {
        "height_a": round(float(over[binding]), 4),
        "height_of": f"binding atom over the topmost surface atom, site {top} "
        f"({structure[top].species_string})",
        "lowest_atom_height_a": round(float(over.min()), 4),
        "nearest_surface_atom": f"site {int(nearest)} ({structure[int(nearest)].species_string}), "
        f"{float(apart.min()):.3f} Å from site {added[int(who)]} "
        f"({made[added[int(who)]].species_string})",
        "binding_atom_coordination": count,
        "binding_atom_neighbours": dict(Counter(species for _, species in near[:count])),
        "binding_atom_distances_a": [round(distance, 3) for distance, _ in near[:count]],
    }


def _near_slab(
    made: Structure, binding: int, slab_sites: int, nearest_a: float
) -> list[tuple[float, str]]:
    """Distances to the atoms of the slab around the binding atom, images counted, and species."""
    return sorted(
        (round(float(one.nn_distance), 4), str(one.species_string))
        for one in made.get_neighbors(made[binding], SHELL_WIDTH * nearest_a + 0.01)
        if one.index < slab_sites
    )


def _own_image_a(structure: Structure, coords: NDArray[np.float64]) -> float:
    """Shortest distance of the molecule's atoms to those of its images, Å."""
    import numpy as np

    steps = [[i, j, k] for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2) for k in (-1, 0, 1)]
    shifts = np.array([step for step in steps if any(step)]) @ structure.lattice.matrix
    between = coords[:, None] - coords[None]
    lengths = np.linalg.norm(between[None] + shifts[:, None, None], axis=3)
    return float(lengths.min())


def _notes(structure: Structure, own_a: float, room_a: float) -> tuple[str, ...]:
    notes = []
    if own_a < _OWN_IMAGE_A:
        notes.append(
            f"The adsorbate comes within {own_a:.2f} Å of its own image: make a supercell of the "
            "slab along a and b first."
        )
    if room_a < _ROOMY_A:
        notes.append(
            f"Only {room_a:.2f} Å are left between the adsorbate and the next image of the slab: "
            "widen the gap with vacuum."
        )
    if any(structure.site_properties.get("magmom", ())):
        notes.append(
            "The slab has magnetic moments per site; those of the adsorbate are set to 0 μB."
        )
    return tuple(notes)


EDIT = Edit(name="adsorbate", arguments=AdsorbateArguments, run=adsorbate)

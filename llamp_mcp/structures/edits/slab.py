"""`slab`: cut a slab along a lattice plane, with a chosen termination and a vacuum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.formats import MAX_ATOMS
from llamp_mcp.structures.surfaces.formal_charges import FormalCharges, formal_charges
from llamp_mcp.structures.surfaces.miller import MILLER_TOLD, Indices, Miller, Plane, plane
from llamp_mcp.structures.surfaces.slab_report import LISTED, Cut, slab_report, told
from llamp_mcp.structures.surfaces.surface import PLANE_A, VACUUM_TOLD
from llamp_mcp.structures.surfaces.termination import Termination, terminations
from llamp_mcp.structures.symmetry import MAX_SYMPREC_A, SYMPREC_A
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure
    from pymatgen.core.surface import SlabGenerator


class SlabArguments(Arguments):
    """Which plane, how thick, how far apart, and how it ends."""

    miller: Miller = Field(description=MILLER_TOLD)
    min_thickness_a: Annotated[float, Field(gt=0, le=500)] = Field(
        10.0, description="Å, default 10"
    )
    min_vacuum_a: Annotated[float, Field(gt=0, le=200)] = Field(15.0, description=VACUUM_TOLD)
    termination: Annotated[int, Field(ge=0)] = Field(0, description="number as reported")
    symmetric: bool = Field(False, description="bottom as top")
    symprec_a: Annotated[float, Field(gt=0, le=MAX_SYMPREC_A)] = Field(
        SYMPREC_A, description="Å, default 0.01"
    )


def slab(structure: Structure, arguments: SlabArguments) -> Edited:
    """Cut the slab from the bulk as it stands, without relaxing it.

    The surface cell is the primitive one, a along x, b in the xy plane, c along z and normal to
    both; the slab sits in the middle of the cell.
    """
    found = plane(structure, arguments.miller, arguments.symprec_a)
    cut = _cut(found, arguments, formal_charges(found.oriented))
    made = _with_properties(structure, cut.structure)
    report = slab_report(found, cut)
    return Edited(made, report, cells=None, notes=_notes(structure, found, cut, report))


def _cut(found: Plane, arguments: SlabArguments, charges: FormalCharges) -> Cut:
    """The slab, thick enough, at the chosen termination.

    Raises:
        InvalidInput: There is no such termination, no symmetric slab, or it has too many atoms.
    """
    import numpy as np

    generator, height_a = _generator(found)
    all_found = terminations(
        found.oriented,
        height_a,
        generator.gen_possible_terminations(ftol=PLANE_A),
        charges.charges,
        arguments.symprec_a,
    )
    chosen = _chosen(all_found, arguments, found.miller)
    left_out = (chosen.equalising or 0.0) * height_a if arguments.symmetric else 0.0
    cells = _cells(found, chosen, height_a, left_out, arguments)
    # The generator counts whole cells; the vacuum is set exactly, below.
    generator.min_slab_size = (cells - 0.5) * height_a
    raw = generator.get_slab(shift=chosen.shift)
    heights = raw.frac_coords[:, 2] * (cells + 1) * height_a
    kept = [at for at in range(len(raw)) if heights[at] >= left_out - 1e-6]
    made, order = _upright(raw, heights, kept, arguments.min_vacuum_a)
    bulk_sites = np.array(raw.site_properties["bulk_equivalent"])[order]
    return Cut(made, bulk_sites, charges, all_found, arguments.termination, arguments.symmetric)


def _generator(found: Plane) -> tuple[SlabGenerator, float]:
    """Pymatgen's generator of slabs of the oriented cell, and that cell's height in Å."""
    import numpy as np
    from pymatgen.core.surface import SlabGenerator

    cell = found.oriented.copy()
    # Given, they are not computed; the second tells which bulk site an atom of the slab was.
    cell.add_site_property("bulk_wyckoff", [""] * len(cell))
    cell.add_site_property("bulk_equivalent", list(range(len(cell))))
    a, b, _ = cell.lattice.matrix
    height_a = float(cell.volume / np.linalg.norm(np.cross(a, b)))
    made = SlabGenerator(
        cell, (0, 0, 1), height_a, 0.5 * height_a, primitive=False, reorient_lattice=False
    )
    return made, height_a


def _chosen(all_found: list[Termination], arguments: SlabArguments, miller: Indices) -> Termination:
    if arguments.termination >= len(all_found):
        listed = "; ".join(
            f"{at}: top {one.top}, bottom {one.bottom}" for at, one in enumerate(all_found[:LISTED])
        )
        raise InvalidInput(
            f"There is no termination {arguments.termination} of {told(miller)}",
            allowed=f"0 to {len(all_found) - 1} ({listed})",
        )
    chosen = all_found[arguments.termination]
    if arguments.symmetric and chosen.equalising is None:
        raise InvalidInput(
            f"No slab along {told(miller)} has equal surfaces: no symmetry operation of the "
            "crystal turns this plane's normal over",
            next_step="Leave symmetric out, or choose another plane.",
        )
    return chosen


def _cells(
    found: Plane, chosen: Termination, height_a: float, left_out: float, arguments: SlabArguments
) -> int:
    """How many oriented cells make the slab thick enough between its outermost atoms."""
    import numpy as np

    heights = np.mod(found.oriented.frac_coords[:, 2] - chosen.shift, 1.0) * height_a
    cells = max(1, int(arguments.min_thickness_a / height_a))
    while True:
        stacked = (heights + height_a * np.arange(cells)[:, None]).ravel()
        stacked = stacked[stacked >= left_out - 1e-6]
        if len(stacked) > MAX_ATOMS:
            raise InvalidInput(
                f"A slab of {arguments.min_thickness_a:g} Å has more than {MAX_ATOMS} atoms",
                next_step="Lower min_thickness_a, or choose a plane with smaller indices.",
            )
        if len(stacked) and np.ptp(stacked) >= arguments.min_thickness_a - 1e-3:
            return cells
        cells += 1


def _upright(
    raw: Structure, heights: NDArray[np.float64], kept: list[int], vacuum_a: float
) -> tuple[Structure, list[int]]:
    """The kept atoms in a cell with c along the normal, sorted by species and height."""
    import numpy as np
    from pymatgen.core import Lattice, Structure

    a, b, _ = raw.lattice.matrix
    normal = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    lowest, thickness = heights[kept].min(), np.ptp(heights[kept])
    c = float(thickness + vacuum_a)
    flat = raw.lattice
    lattice = Lattice.from_parameters(flat.a, flat.b, c, 90, 90, flat.gamma)
    coords = Lattice([a, b, c * normal]).get_fractional_coords(raw.cart_coords)
    coords[:, 2] = (heights - lowest + vacuum_a / 2) / c
    coords = np.mod(np.round(coords, 10), 1.0)
    species = list(dict.fromkeys(site.species for site in raw))
    order = sorted(
        kept,
        key=lambda at: (
            species.index(raw[at].species),
            round(float(coords[at, 2]) * c, 4),
            *np.round(coords[at, :2], 5).tolist(),
        ),
    )
    made = Structure(lattice, [raw[at].species for at in order], coords[order])
    return made, order


def _with_properties(bulk: Structure, made: Structure) -> Structure:
    """Give back site properties that are the same on all sites of a species."""
    for name in _kept_properties(bulk):
        by_species = {site.species: site.properties[name] for site in bulk}
        made.add_site_property(name, [by_species[site.species] for site in made])
    return made


def _kept_properties(bulk: Structure) -> list[str]:
    kept = []
    for name in sorted(bulk.site_properties):
        values: dict[Any, set[str]] = {}
        for site in bulk:
            values.setdefault(site.species, set()).add(repr(site.properties[name]))
        if all(len(found) == 1 for found in values.values()):
            kept.append(name)
    return kept


def _notes(bulk: Structure, found: Plane, cut: Cut, report: dict[str, Any]) -> tuple[str, ...]:
    notes = []
    if found.miller_given != found.miller:
        notes.append(
            f"miller {told(found.miller)} was taken in the conventional standard cell; the given "
            f"cell {report['given_cell']}."
        )
    if report["is_polar"]:
        way_out = (
            "symmetric=true takes the dipole away, at the cost of stoichiometry."
            if cut.chosen.equalising is not None
            else "The crystal has no symmetry that would make its two surfaces equal."
        )
        notes.append(
            f"This {told(found.miller)} slab is polar (dipole {report['dipole_e_per_a']} e/Å): "
            "unreconstructed, its energy grows with its thickness (Tasker 1979, "
            f"doi 10.1088/0022-3719/12/22/036). {way_out}"
        )
    if report["bulk_coordinated_atoms"].startswith("0 "):
        notes.append("No atom keeps the coordination of the bulk: raise min_thickness_a.")
    kept = _kept_properties(bulk)
    lost = [f"{name} per site" for name in sorted(bulk.site_properties) if name not in kept]
    if bulk._charge:
        lost.append(f"the cell's charge of {bulk._charge:+g} e")
    if lost:
        notes.append(f"dropped with the cell: {', '.join(lost)}")
    return tuple(notes)


EDIT = Edit(name="slab", arguments=SlabArguments, run=slab)

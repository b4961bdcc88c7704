"""What a slab reports: its plane, its surfaces, its size, its polarity, its coordination."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.structures.surfaces.surface import Profile, plane_formula, planes, profile
from llamp_mcp.structures.surfaces.termination import POLAR_E_PER_A, Termination, bonds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.surfaces.formal_charges import FormalCharges
    from llamp_mcp.structures.surfaces.miller import Indices, Plane

LISTED: Final = 12
"""Terminations a report spells out."""


class Cut(NamedTuple):
    """A slab as cut.

    Attributes:
        structure: Its atoms, c along the normal.
        bulk_sites: Which site of the oriented bulk cell each of them was.
        charges: Of the bulk sites.
        terminations: All that the plane has.
        termination: The number of the chosen one.
        symmetric: Whether its bottom was made equal to its top.
    """

    structure: Structure
    bulk_sites: NDArray[np.int_]
    charges: FormalCharges
    terminations: list[Termination]
    termination: int
    symmetric: bool

    @property
    def chosen(self) -> Termination:
        """The termination of its top."""
        return self.terminations[self.termination]


def slab_report(found: Plane, cut: Cut) -> dict[str, Any]:
    """All that proves a slab."""
    of_slab = profile(cut.structure)
    return {
        **_miller_report(found),
        **_termination_report(cut, of_slab),
        **_size_report(cut.structure, of_slab),
        "surfaces_equivalent": cut.symmetric or cut.chosen.symmetric,
        "stoichiometric": _fractions(cut.structure) == _fractions(found.oriented),
        **_polarity(cut, of_slab),
        **_coordination(cut, of_slab, found.oriented),
    }


def told(miller: Indices) -> str:
    """Miller indices as people write them, such as (1 -1 0)."""
    return f"({' '.join(map(str, miller))})"


def _miller_report(found: Plane) -> dict[str, Any]:
    cell = found.conventional.lattice
    lengths = " ".join(f"{x:.4f}" for x in cell.abc)
    angles = " ".join(f"{x:.2f}" for x in cell.angles)
    given = told(found.miller_given) if found.miller_given else "not determined"
    return {
        "miller": list(found.miller),
        "miller_cell": f"conventional standard cell: {len(found.conventional)} atoms, a b c "
        f"{lengths} Å, angles {angles} deg",
        "given_cell": "is that cell"
        if found.was_standard
        else f"is another; there the plane is {given}",
    }


def _termination_report(cut: Cut, of_slab: Profile) -> dict[str, Any]:
    groups = planes(of_slab.heights_a)
    listed = [
        {
            "index": at,
            "top": one.top,
            "bottom": one.bottom,
            "shift": round(one.shift, 4),
            "symmetric": one.symmetric,
            "polar": one.polar,
            "broken_bonds": one.broken_bonds,
        }
        for at, one in enumerate(cut.terminations[:LISTED])
    ]
    return {
        "termination": cut.termination,
        "top": plane_formula(cut.structure, groups[-1]),
        "bottom": plane_formula(cut.structure, groups[0]),
        "terminations_found": len(cut.terminations),
        "terminations": listed,
        "n_layers": len(groups),
    }


def _size_report(made: Structure, of_slab: Profile) -> dict[str, Any]:
    lattice = made.lattice
    return {
        "measured": "along the surface normal, between outermost nuclei",
        "thickness_a": round(of_slab.thickness_a, 4),
        "vacuum_a": round(of_slab.gap_a, 4),
        "area_a2": round(float(lattice.volume / lattice.c), 4),
        "surface_cell": f"primitive, a = {lattice.a:.4f} Å, b = {lattice.b:.4f} Å, gamma = "
        f"{lattice.gamma:.3f} deg; c along +normal, perpendicular to a and b; slab in the middle",
    }


def _fractions(structure: Structure) -> dict[str, float]:
    composition = structure.composition.fractional_composition
    return {str(one): round(float(amount), 6) for one, amount in composition.items()}


def _polarity(cut: Cut, of_slab: Profile) -> dict[str, Any]:
    """Dipole of the formal charges along the normal, and Tasker's type of the plane."""
    import numpy as np

    source: dict[str, Any] = {"charges_from": cut.charges.source}
    if cut.charges.charges is None:
        return {"is_polar": None, "dipole_e_per_a": None, **source}
    q = np.array(cut.charges.charges)[cut.bulk_sites]
    net = float(q.sum())
    area = cut.structure.lattice.volume / cut.structure.lattice.c
    dipole = float(q @ (of_slab.heights_a - of_slab.thickness_a / 2) / area)
    is_polar = abs(dipole) > POLAR_E_PER_A
    report = {"is_polar": is_polar, "dipole_e_per_a": round(dipole, 5) + 0.0, **source}
    if abs(net) > 1e-3:
        return {**report, "net_formal_charge_e": round(net, 4)}
    charged = any(abs(q[group].sum()) > 1e-3 for group in planes(of_slab.heights_a))
    return {**report, "tasker_type": 3 if is_polar else (2 if charged else 1)}


def _coordination(cut: Cut, of_slab: Profile, oriented: Structure) -> dict[str, Any]:
    """How many atoms kept the coordination of the bulk, and which lost neighbours on each side."""
    import numpy as np

    made = cut.structure
    of_bulk = bonds(oriented, cut.charges.charges)
    reach = of_bulk.reach_a[cut.bulk_sites]
    starts, _, _, lengths = made.get_neighbor_list(float(reach.max()))
    now = np.bincount(starts[lengths <= reach[starts]], minlength=len(made))
    full = of_bulk.coordination(len(oriented))[cut.bulk_sites]
    sides: dict[str, Counter[str]] = {"top": Counter(), "bottom": Counter()}
    for at in np.flatnonzero(now < full):
        side = "top" if of_slab.heights_a[at] > of_slab.thickness_a / 2 else "bottom"
        sides[side][f"{made[int(at)].species_string} {now[at]} of {full[at]}"] += 1
    return {
        "bulk_coordinated_atoms": f"{int((now == full).sum())} of {len(made)}",
        **{
            f"undercoordinated_{side}": dict(sorted(found.items())) for side, found in sides.items()
        },
    }

"""`sort`: another order of the sites, the crystal as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymatgen.core import Composition, PeriodicSite, Structure

_LISTED = 60

Key = Literal["electronegativity", "symbol", "atomic_number", "a", "b", "c"]


class SortArguments(Arguments):
    """What the order follows."""

    by: Key = Field(
        "electronegativity",
        description="a b c: along that axis",
    )


def sort(structure: Structure, arguments: SortArguments) -> Edited:
    """Reorder the sites, ascending; equal ones keep their order."""
    from pymatgen.core import Structure

    key = _key(arguments.by)
    order = sorted(range(len(structure)), key=lambda site: key(structure[site]))
    made = Structure.from_sites([structure[site] for site in order], charge=structure._charge)
    report: dict[str, Any] = {
        "by": arguments.by,
        "n_moved": sum(new != old for new, old in enumerate(order)),
        "old_site_of_new": order[:_LISTED],
    }
    if len(order) > _LISTED:
        report["old_site_of_new_cut"] = f"{_LISTED} of {len(order)}"
    return Edited(made, report)


def _key(by: Key) -> Callable[[PeriodicSite], Any]:
    if by in ("a", "b", "c"):
        axis = "abc".index(by)
        # Rounded before and after, so that a tiny negative number is not the far side of the cell.
        return lambda site: round(round(float(site.frac_coords[axis]), 6) % 1.0, 6)
    if by == "symbol":
        return lambda site: site.species_string
    if by == "atomic_number":
        return lambda site: _mean(site.species, lambda element: element.Z)
    # `Element.X` warns for the noble gases, which have none; they come last.
    return lambda site: _mean(site.species, lambda element: element.data.get("X") or float("inf"))


def _mean(species: Composition, value: Callable[[Any], float]) -> float:
    """Mean over what a site holds, by occupancy."""
    held = [(getattr(one, "element", one), share) for one, share in species.items()]
    return sum(value(element) * share for element, share in held) / species.num_atoms


EDIT = Edit(name="sort", arguments=SortArguments, run=sort)

"""What an edit is: a name, its arguments, and a function from structure to structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.contacts import OVERLAP_A, Contacts, contacts
from llamp_mcp.structures.identity import position
from llamp_mcp.structures.shells import coordination

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike
    from pymatgen.core import Species, Structure

    from llamp_mcp.structures.variants import Arguments

    Lookup = Callable[[str], Structure]

SITES_REPORTED = 3
"""Sites whose surroundings a report spells out."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit made.

    Attributes:
        structure: A new structure; the one given to the edit is left as it was.
        report: What only this edit can tell; `apply_edits` adds what is common to all.
        cells: How many of the former cells the new cell holds (1/4 for fcc made primitive); None
            where it is another cell altogether, such as that of a slab.
        notes: What a reader must know.
    """

    structure: Structure
    report: dict[str, Any] = field(default_factory=dict)
    cells: float | None = 1.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """One kind of edit.

    Attributes:
        name: Its `op`.
        arguments: Model of what it takes.
        run: `run(structure, arguments)`, or `run(structure, arguments, *, lookup)` where other
            structures take part, which `lookup` gives by their handles. It may raise
            `InvalidInput` and must not change a structure.
    """

    name: str
    arguments: type[Arguments]
    run: Callable[..., Edited]


def surroundings(structure: Structure, site: int) -> dict[str, Any]:
    """A site as reports give it: number, species, position, first and next shell."""
    return {
        "site": site,
        "species": structure[site].species_string,
        "frac_coords": position(structure[site]),
        **coordination(structure, site),
    }


def check_apart(before: Structure, after: Structure) -> Contacts:
    """How near atoms are after an edit.

    Raises:
        InvalidInput: The edit brought two atoms onto each other.
    """
    found = contacts(after)
    closest = found.shortest
    if closest.distance_a < OVERLAP_A and (
        closest.distance_a < contacts(before).shortest.distance_a - 1e-6
    ):
        raise InvalidInput(
            f"Then {closest}",
            allowed=f"at least {OVERLAP_A} Å",
            next_step="Choose another position or a smaller change.",
        )
    return found


def with_atom(
    structure: Structure, species: Species, frac_coords: ArrayLike
) -> tuple[Structure, tuple[str, ...]]:
    """A copy with one atom more, as the last site, and notes on what it was given.

    Raises:
        InvalidInput: The position is that of another atom.
    """
    import numpy as np

    wrapped = np.mod(frac_coords, 1.0)
    wrapped[wrapped >= 1.0] = 0.0  # a tiny negative number is 1.0 after the division
    grown = structure.copy()
    magnetic = "magmom" in structure.site_properties
    grown.append(species, wrapped, properties={"magmom": 0.0} if magnetic else None)
    check_apart(structure, grown)
    note = "The structure has magnetic moments per site; the new atom's is set to 0 μB."
    return grown, (note,) if any(structure.site_properties.get("magmom", ())) else ()

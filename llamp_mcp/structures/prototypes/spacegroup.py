"""A crystal from its space group, lattice and asymmetric unit."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.contacts import OVERLAP_A, contacts
from llamp_mcp.structures.formats import MAX_ATOMS
from llamp_mcp.structures.prototypes.arguments import Built
from llamp_mcp.structures.prototypes.settings import lattice_of, setting_named
from llamp_mcp.structures.shells import coordination
from llamp_mcp.structures.species import species_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Lattice, Structure

    from llamp_mcp.structures.prototypes.arguments import PrototypeSite, SpacegroupArguments
    from llamp_mcp.structures.prototypes.settings import Setting
    from llamp_mcp.structures.prototypes.wyckoff import Position

    Point = NDArray[np.float64]

ROUNDING_A: Final = 0.05
"""A point this near to its own image was meant to be on the symmetry element between them."""

SITES_TOLD: Final = 12
"""Sites of the asymmetric unit whose surroundings are told."""


class Placed(NamedTuple):
    """A site of the asymmetric unit where it is put.

    Attributes:
        species: Its name.
        point: Fractional coordinates.
        position: Its Wyckoff position, where the setting has a table of them.
        values: x, y, z of the position's first representative.
    """

    species: str
    point: Point
    position: Position | None
    values: dict[str, float]

    def short(self, at: int) -> str:
        """Species and position, or its number among the sites."""
        return f"{self.species} {self.position.name if self.position else f'sites[{at}]'}"

    def __str__(self) -> str:
        if self.position is None:
            return f"{self.species} {_coords(self.point)}"
        free = "".join(f" {name}={value:.6g}" for name, value in self.values.items())
        return f"{self.species} {self.position}{free}"


def spacegroup(arguments: SpacegroupArguments) -> Built:
    """The conventional cell that the operations of a space group make of some sites.

    Raises:
        InvalidInput: An unknown group or species, a lattice or a Wyckoff position that does not
            fit, or atoms on top of each other.
    """
    setting = setting_named(arguments.spacegroup)
    lattice = lattice_of(arguments.lattice, setting)
    placed: list[Placed] = []
    notes: list[str] = []
    for at, site in enumerate(arguments.sites):
        species_named(site.species)
        one, note = _place(f"prototype.sites[{at}] ({site.species})", site, setting, lattice)
        placed.append(one)
        notes.extend(note)
    if setting.other_origin:
        notes.append(
            f"The coordinates are taken to be for {setting.symbol}; if they are for the other "
            f"origin, use spacegroup={setting.other_origin!r}."
        )
    return assemble(setting, lattice, placed, notes)


def assemble(
    setting: Setting, lattice: Lattice, placed: Sequence[Placed], notes: Sequence[str] = ()
) -> Built:
    """All images of the sites, and what is to be told of them.

    Raises:
        InvalidInput: Too many atoms, or two on top of each other.
    """
    from pymatgen.core import Structure

    orbits = [setting.orbit(one.point) for one in placed]
    if (total := sum(map(len, orbits))) > MAX_ATOMS:
        raise InvalidInput(f"That makes {total} atoms", allowed=f"at most {MAX_ATOMS} atoms")
    structure = Structure(
        lattice,
        [
            species_named(one.species)
            for one, orbit in zip(placed, orbits, strict=True)
            for _ in orbit
        ],
        [point for orbit in orbits for point in orbit],
    )
    close = contacts(structure)
    sites = "; ".join(map(str, placed))
    if close.shortest.distance_a < OVERLAP_A:
        raise InvalidInput(
            f"Then {close.shortest}; the sites are {sites}",
            allowed=f"at least {OVERLAP_A} Å between atoms",
            next_step="Check the coordinates and that no site is given twice."
            + _other_origin(setting),
        )
    told = [f"{len(structure)} atoms in the conventional cell of {setting.symbol}: {sites}."]
    if len(placed) <= SITES_TOLD:
        starts = accumulate([0, *map(len, orbits[:-1])])
        names = [one.short(at) for at, one in enumerate(placed)]
        told.append(first_shells(structure, zip(names, starts, strict=True)))
    if close.warning:
        told.append(close.warning)
    return Built(structure, (*told, *notes))


def first_shells(structure: Structure, sites: Iterable[tuple[str, int]]) -> str:
    """The first shells of some sites, each under its name."""
    shown = []
    for name, site in sites:
        found = coordination(structure, site)
        near = " + ".join(f"{count} {species}" for species, count in found["neighbours"].items())
        low, high = found["distances_a"][0], found["distances_a"][-1]
        distances = f"{low:.3f}" if high - low < 0.0015 else f"{low:.3f}-{high:.3f}"
        shown.append(f"{name}: {near} at {distances} Å")
    return f"First shells: {'; '.join(shown)}."


def _place(
    where: str, site: PrototypeSite, setting: Setting, lattice: Lattice
) -> tuple[Placed, list[str]]:
    """A site as given, on the Wyckoff position it is meant for, and what was done to it."""
    import numpy as np

    wanted = _wanted(where, site, setting)
    if site.frac_coords is not None:
        given = np.array(site.frac_coords)
    else:
        assert wanted is not None
        given = wanted.point(**site.parameters)
    point, notes = _on_its_element(where, given, setting, lattice)
    position, values = setting.locate(point)
    if wanted is not None and position is not None and wanted != position:
        raise InvalidInput(
            f"{where}: {_coords(point)} is on {position} of {setting.symbol}, not on {wanted}",
            next_step=f"Correct the coordinates, or give wyckoff={position.name!r}.",
        )
    return Placed(site.species, point, position, values), notes


def _wanted(where: str, site: PrototypeSite, setting: Setting) -> Position | None:
    """The Wyckoff position that is given.

    Raises:
        InvalidInput: The group has no such position, or x, y, z are not those it leaves open.
    """
    if site.wyckoff is None:
        return None
    if not setting.positions:
        raise InvalidInput(
            f"{where}: Wyckoff letters are known for the standard settings only, and "
            f"{setting.symbol} is another",
            next_step="Give frac_coords without wyckoff.",
        )
    position = setting.position(site.wyckoff)
    if position is None:
        raise InvalidInput(
            f"{where}: {setting.symbol} has no Wyckoff position {clip(site.wyckoff)}",
            allowed="; ".join(map(str, setting.positions)),
        )
    if site.frac_coords is None and set(site.parameters) != set(position.free):
        free = ", ".join(position.free) or "none of x, y, z"
        raise InvalidInput(
            f"{where}: the position {position} of {setting.symbol} takes {free}; got "
            f"{', '.join(site.parameters) or 'none'}"
        )
    return position


def _on_its_element(
    where: str, given: Point, setting: Setting, lattice: Lattice
) -> tuple[Point, list[str]]:
    """The point, moved onto the symmetry element that rounded coordinates (0.333) miss.

    Raises:
        InvalidInput: It is too far from the element for rounding, and too near for two atoms.
    """
    import numpy as np

    shifts = setting.images(given) - given
    shifts -= np.round(shifts)
    distances = np.linalg.norm(shifts @ lattice.matrix, axis=1)
    near = distances < ROUNDING_A
    if (close := distances[~near]).size and close.min() < OVERLAP_A:
        raise InvalidInput(
            f"{where}: {_coords(given)} is {close.min():.3f} Å from its own image by the symmetry "
            f"of {setting.symbol}",
            allowed=f"on a special position, or at least {OVERLAP_A} Å between images",
            next_step="Give its coordinates with more digits, or wyckoff with x, y, z."
            + _other_origin(setting),
        )
    ideal = given + shifts[near].mean(axis=0)
    moved_a = float(np.linalg.norm((ideal - given) @ lattice.matrix))
    if moved_a < 1e-6:
        return given, []
    told = (
        f"{where}: {_coords(given)} was moved by {moved_a:.2g} Å to {_coords(ideal)}, the special "
        f"position it is rounded from; else its images were {distances[near].max():.2g} Å apart."
    )
    return ideal, [told]


def _other_origin(setting: Setting) -> str:
    other = setting.other_origin
    return f" Or the coordinates are for the other origin: spacegroup={other!r}." if other else ""


def _coords(point: Point) -> str:
    return "(" + ", ".join(f"{float(x) + 0.0:.6g}" for x in point) + ")"

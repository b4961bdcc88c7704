"""What the blocks of an analysis share: their failure, their tables, symmetry-equivalent sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.symmetry import MAX_ATOMS, SYMPREC_A, analyzer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import PeriodicSite, Structure
    from spglib import SpglibDataset


class Undetermined(InvalidInput):
    """The arguments are right, but this block has no answer for this structure.

    Other blocks of the same call may have one, so this fails the call only where none has.
    """


class Orbits(NamedTuple):
    """Equivalent sites by the first of them, and why they are not known, or nothing."""

    sites: dict[int, list[int]]
    note: str


class Primitive(NamedTuple):
    """The primitive cell as it stands, and which of its sites each site of the given cell is."""

    structure: Structure
    site_of: list[int]


def table(name: str, rows: Sequence[dict[str, Any]], total: int) -> dict[str, Any]:
    """A table as every block gives it: what of it is shown, then the rows."""
    return {"total": total, "returned": len(rows), "truncated": len(rows) < total, name: list(rows)}


def dataset(structure: Structure, symprec_a: float) -> SpglibDataset:
    """Spglib's account of the symmetry.

    Raises:
        Undetermined: The cell is too large, or spglib finds no symmetry.
    """
    if len(structure) > MAX_ATOMS:
        raise Undetermined(
            f"{len(structure)} sites are too many for a search for symmetry",
            allowed=f"at most {MAX_ATOMS}",
        )
    try:
        return analyzer(structure, symprec_a).get_symmetry_dataset()
    except InvalidInput as error:
        raise Undetermined(error.what, allowed=error.allowed, next_step=error.next_step) from error


def inequivalent(structure: Structure, symprec_a: float) -> Orbits:
    """Sites that the symmetry of the crystal makes equal.

    A supercell longer along a than along b leaves them equal. Where the symmetry is not known, each
    site stands for itself.
    """
    try:
        return Orbits(grouped(dataset(structure, symprec_a)), "")
    except Undetermined as error:
        alone = {site: [site] for site in range(len(structure))}
        return Orbits(alone, f"every site is told by itself: {error.what}")


def grouped(found: SpglibDataset) -> dict[int, list[int]]:
    """The crystallographic orbits of spglib's dataset, by their first sites."""
    orbits: dict[int, list[int]] = {}
    for site, orbit in enumerate(found.crystallographic_orbits.tolist()):
        orbits.setdefault(orbit, []).append(site)
    return {sites[0]: sites for sites in orbits.values()}


def primitive(structure: Structure, symprec_a: float = SYMPREC_A) -> Primitive:
    """The primitive cell without moving an atom; the cell as given where symmetry is not known."""
    from pymatgen.core import Structure

    try:
        found = dataset(structure, symprec_a)
    except Undetermined:
        return Primitive(structure, list(range(len(structure))))
    site_of: list[int] = found.mapping_to_primitive.tolist()
    first = [site_of.index(site) for site in range(max(site_of) + 1)]
    reduced = Structure(
        found.primitive_lattice,
        [structure[site].species for site in first],
        structure.cart_coords[first],
        coords_are_cartesian=True,
    )
    return Primitive(reduced, site_of)


def occupant(site: PeriodicSite) -> str:
    """What sits on a site, with occupancies where it is shared: "Cu0.75Au0.25"."""
    if site.is_ordered:
        return str(site.specie)
    shares = sorted(site.species.items(), key=lambda item: (-item[1], str(item[0])))
    return "".join(f"{species}{share:g}" for species, share in shares)


def check_elements(structure: Structure) -> None:
    """Hold to atoms of which values are known.

    Raises:
        Undetermined: A site holds a placeholder such as "X".
    """
    from pymatgen.core import DummySpecies

    dummies = {str(one) for one in structure.composition if isinstance(one, DummySpecies)}
    if dummies:
        raise Undetermined(
            f"{', '.join(sorted(dummies))} is no element",
            next_step="Give it an element with edit_structure, op substitute.",
        )

"""Structures built from a few words: bulk crystals, space group with sites, molecules in a box."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field

from llamp_mcp.errors import InvalidInput, clip, one_of
from llamp_mcp.structures.formats import MAX_ATOMS, from_atoms
from llamp_mcp.structures.variants import Arguments, parse_variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymatgen.core import Lattice, Structure
    from pymatgen.symmetry.groups import SpaceGroup

Length = Annotated[float, Field(gt=0, le=1000)]
Angle = Annotated[float, Field(gt=0, lt=180)]
Crystal = Literal[
    "sc",
    "fcc",
    "bcc",
    "hcp",
    "diamond",
    "zincblende",
    "rocksalt",
    "cesiumchloride",
    "fluorite",
    "wurtzite",
    "bct",
    "rhombohedral",
    "tetragonal",
    "orthorhombic",
]

TWO_ORIGINS: Final = frozenset(
    (
        48,
        50,
        59,
        68,
        70,
        85,
        86,
        88,
        125,
        126,
        129,
        130,
        133,
        134,
        137,
        138,
        141,
        142,
        201,
        203,
        222,
        224,
        227,
        228,
    )
)
"""Groups with two origin choices in the International Tables for Crystallography A."""


class BulkArguments(Arguments):
    """`ase.build.bulk`."""

    name: str = Field(description='"Cu", "NaCl"')
    crystal: Crystal | None = Field(None, description="crystal type")
    a: Length | None = Field(None, description="Å; omitted: ASE's experimental reference")
    c: Length | None = Field(None, description="Å")
    u: float | None = Field(None, description="internal coordinate of wurtzite")
    cubic: bool = Field(False, description="cubic cell")
    orthorhombic: bool = Field(False, description="orthorhombic cell")


class CellShape(Arguments):
    """Lattice constants; those the crystal system fixes may be left out."""

    a: Length
    b: Length | None = None
    c: Length | None = None
    alpha: Angle | None = None
    beta: Angle | None = None
    gamma: Angle | None = None


class PrototypeSite(Arguments):
    """One site of the asymmetric unit."""

    species: str
    frac_coords: Annotated[list[float], Field(min_length=3, max_length=3)]


class SpacegroupArguments(Arguments):
    """pymatgen's `Structure.from_spacegroup`."""

    spacegroup: int | str = Field(description='number or symbol; "Fd-3m:2" is origin choice 2')
    lattice: CellShape = Field(description="Å and degrees")
    sites: Annotated[list[PrototypeSite], Field(min_length=1)] = Field(
        description="asymmetric unit"
    )


class MoleculeArguments(Arguments):
    """`ase.build.molecule`."""

    name: str = Field(description='"CO2"')
    vacuum_a: Annotated[float, Field(ge=1, le=100)] = Field(
        10.0, description="Å between periodic images, default 10"
    )


PROTOTYPES: Final[dict[str, type[Arguments]]] = {
    "bulk": BulkArguments,
    "spacegroup": SpacegroupArguments,
    "molecule": MoleculeArguments,
}


class Built(NamedTuple):
    """A structure and what must be said of how it was built."""

    structure: Structure
    notes: tuple[str, ...]


def build(given: Mapping[str, Any]) -> Built:
    """The structure a prototype object describes.

    Raises:
        InvalidInput: The object is wrong, or nothing can be built from it.
    """
    _, arguments = parse_variant("prototype", "kind", PROTOTYPES, given)
    match arguments:
        case BulkArguments():
            return _bulk(arguments)
        case SpacegroupArguments():
            return _spacegroup(arguments)
        case MoleculeArguments():
            return _molecule(arguments)
    raise TypeError(f"{type(arguments)} has no builder")


def _bulk(arguments: BulkArguments) -> Built:
    from ase.build import bulk

    try:
        atoms = bulk(
            arguments.name,
            arguments.crystal,
            a=arguments.a,
            c=arguments.c,
            u=arguments.u,
            cubic=arguments.cubic,
            orthorhombic=arguments.orthorhombic,
        )
    # bulk() has no error type of its own: a wrong name is a KeyError, a cell that a crystal type
    # lacks an assertion, missing constants a TypeError.
    except (
        ValueError,
        KeyError,
        RuntimeError,
        AssertionError,
        TypeError,
        NotImplementedError,
    ) as error:
        raise InvalidInput(
            f"ASE cannot build bulk {clip(arguments.name)}: {error or type(error).__name__}",
            next_step="Name an element or a formula with crystal= and a= in Å, such as "
            "{'kind': 'bulk', 'name': 'NaCl', 'crystal': 'rocksalt', 'a': 5.64}.",
        ) from error
    notes = []
    if arguments.a is None:
        notes.append(
            "Lattice constants are ASE's experimental reference values for "
            f"{arguments.name}, not the Materials Project's."
        )
    if atoms.has("initial_magmoms"):
        notes.append("Magnetic moments per site are ASE's reference values in μB.")
    return Built(from_atoms(atoms), tuple(notes))


def _spacegroup(arguments: SpacegroupArguments) -> Built:
    from pymatgen.core import Structure

    from llamp_mcp.structures.edits.edit import species_named

    group = _group(arguments.spacegroup)
    lattice = _lattice(arguments.lattice, group)
    species = [species_named(site.species) for site in arguments.sites]
    coords = [site.frac_coords for site in arguments.sites]
    symbol = str(arguments.spacegroup) if isinstance(arguments.spacegroup, str) else group.symbol
    structure = Structure.from_spacegroup(
        group.int_number if isinstance(arguments.spacegroup, int) else symbol,
        lattice,
        species,
        coords,
    )
    if len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"That makes {len(structure)} atoms", allowed=f"at most {MAX_ATOMS} atoms"
        )
    notes = [f"{len(structure)} atoms in the conventional cell of {group.symbol}."]
    if group.int_number in TWO_ORIGINS:
        choice = 2 if symbol.endswith(":2") else 1
        other = f"{group.symbol}:{3 - choice}"
        notes.append(
            f"{group.symbol} has two origin choices; this is choice {choice}. If the coordinates "
            f"are for the other, use spacegroup={other!r}."
        )
    return Built(structure, tuple(notes))


@lru_cache(maxsize=16)
def _group(named: int | str) -> SpaceGroup:
    from pymatgen.symmetry.groups import SpaceGroup

    # Kept, because pymatgen takes most of a second to expand a cubic group.
    try:
        if isinstance(named, int) or named.isdigit():
            return SpaceGroup.from_int_number(int(named))
        return SpaceGroup(named)
    except ValueError as error:
        raise InvalidInput(
            f"Unknown space group {clip(named)}",
            allowed="1 to 230, or a Hermann-Mauguin symbol such as 'Fm-3m' or 'P6_3/mmc'",
        ) from error


def _lattice(given: CellShape, group: SpaceGroup) -> Lattice:
    """The lattice, with what the crystal system fixes put in.

    Raises:
        InvalidInput: A constant is missing, or contradicts the space group.
    """
    from pymatgen.core import Lattice

    system = group.crystal_system
    cubic = system == "cubic"
    uniaxial = system in ("tetragonal", "trigonal", "hexagonal")
    fixed: dict[str, float] = {}
    if cubic or uniaxial:
        fixed["b"] = given.a
    if cubic:
        fixed["c"] = given.a
    if system in ("orthorhombic", "monoclinic", "tetragonal", "cubic"):
        fixed |= {"alpha": 90.0, "gamma": 90.0}
    if system in ("orthorhombic", "tetragonal", "cubic"):
        fixed["beta"] = 90.0
    if system in ("trigonal", "hexagonal"):
        fixed |= {"alpha": 90.0, "beta": 90.0, "gamma": 120.0}
    values = fixed | given.model_dump(exclude_none=True)
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    if missing := [name for name in names if name not in values]:
        raise InvalidInput(f"prototype.lattice of a {system} group needs {', '.join(missing)}")
    lattice = Lattice.from_parameters(**values)
    told = ", ".join(f"{name}={values[name]:g}" for name in names)
    # pymatgen builds some cell from any three angles, with others where these cannot meet.
    if any(abs(lattice.parameters[at] - values[name]) > 1e-3 for at, name in enumerate(names)):
        raise InvalidInput(
            f"No cell has {told}",
            allowed="angles with a sum below 360 degrees, each below the sum of the others",
        )
    if not group.is_compatible(lattice):
        raise InvalidInput(
            f"The lattice {told} does not fit the {system} space group {group.symbol}",
            allowed="lattice constants of the crystal system; leave out those it fixes",
        )
    return lattice


def _molecule(arguments: MoleculeArguments) -> Built:
    from ase.build import molecule
    from ase.collections import g2

    if arguments.name not in g2.names:
        raise one_of("molecule", arguments.name, g2.names)
    atoms = molecule(arguments.name, vacuum=arguments.vacuum_a / 2)
    atoms.pbc = True
    note = (
        f"{arguments.name} in a periodic box with {arguments.vacuum_a:g} Å of vacuum between "
        "images; geometry from ASE's G2 set."
    )
    return Built(from_atoms(atoms), (note,))

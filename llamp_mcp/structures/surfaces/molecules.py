"""Molecules to put on a surface: by name or out of a box, and how they are turned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.species import species_named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Composition, Structure

    Vectors = NDArray[np.float64]

_BONDED: Final = 1.25
"""Atoms nearer than this times the sum of their covalent radii are of one molecule."""

_CENTRAL_A: Final = 0.2
"""An atom this near to the centre of the others is in the middle of its molecule."""

_LEVEL_A: Final = 0.1
"""Upright, no atom may be deeper than this below the one that binds; else it is laid flat."""

_SAME: Final = 1e-3
"""Relative difference of extents below which a molecule has no longest or flattest direction."""


class Molecule(NamedTuple):
    """A molecule in space.

    Attributes:
        name: What it is called in reports.
        species: Of each atom.
        coords: Å, shape (atoms, 3).
    """

    name: str
    species: list[Composition]
    coords: Vectors

    def symbol(self, at: int) -> str:
        """The species of an atom as text."""
        return " ".join(str(one) for one in self.species[at])


def named(name: str) -> Molecule:
    """A molecule of ASE's G2 set, or a single atom.

    Raises:
        InvalidInput: It is neither.
    """
    from ase.build import molecule
    from ase.collections import g2
    from pymatgen.core import Composition

    if name in g2.names:
        atoms = molecule(name)
        species = [Composition(symbol) for symbol in atoms.get_chemical_symbols()]
        return Molecule(f"{name} (geometry of ASE's G2 set)", species, atoms.positions)
    try:
        only = species_named(name)
    except InvalidInput:
        raise InvalidInput(
            f"Unknown molecule {clip(name)}",
            allowed=f"an element symbol, or one of {', '.join(g2.names)}",
            next_step="Any other: make it with create_structure and give its structure_id.",
        ) from None
    import numpy as np

    return Molecule(f"{name} atom", [Composition({only: 1})], np.zeros((1, 3)))


def from_box(structure: Structure) -> Molecule:
    """The one molecule in a periodic box, put together where the box cuts it.

    Raises:
        InvalidInput: The box holds several, or a crystal.
    """
    import numpy as np
    from pymatgen.analysis.molecule_structure_comparator import CovalentRadius

    radii = np.array(
        [
            max(CovalentRadius.radius.get(one.symbol, 1.5) for one in site.species)
            for site in structure
        ]
    )
    starts, ends, images, lengths = structure.get_neighbor_list(2 * _BONDED * float(radii.max()))
    bonded = lengths < _BONDED * (radii[starts] + radii[ends])
    starts, ends, images = starts[bonded], ends[bonded], images[bonded]
    cells = {0: np.zeros(3)}
    queue = [0]
    while queue:
        at = queue.pop()
        for edge in np.flatnonzero(starts == at):
            there, cell = int(ends[edge]), cells[at] + images[edge]
            if there not in cells:
                cells[there] = cell
                queue.append(there)
            elif np.any(cells[there] != cell):
                raise InvalidInput(
                    f"{structure.formula} is bonded to its own images: a crystal, or a molecule in "
                    "too small a box",
                    next_step="Give a molecule with at least 3 Å of vacuum around it.",
                )
    if len(cells) < len(structure):
        raise InvalidInput(
            f"{structure.formula} is not one molecule: {len(cells)} of its {len(structure)} atoms "
            f"hang together (bonds up to {_BONDED} times the covalent radii)",
            next_step="Give one molecule; add several one after the other.",
        )
    shifts = np.array([cells[at] for at in range(len(structure))])
    coords = (structure.frac_coords + shifts) @ structure.lattice.matrix
    return Molecule(structure.formula, [site.species for site in structure], coords)


def binding_atom(molecule: Molecule, wanted: str | int | None) -> tuple[int, str]:
    """The atom that binds, and by which rule it was chosen.

    Raises:
        InvalidInput: The molecule has no such atom.
    """
    import numpy as np

    symbols = [molecule.symbol(at) for at in range(len(molecule.species))]
    if isinstance(wanted, int):
        if not 0 <= wanted < len(symbols):
            raise InvalidInput(
                f"The molecule has no atom {wanted} to bind with",
                allowed=f"0 to {len(symbols) - 1} ({', '.join(symbols)})",
            )
        return wanted, "as given"
    from_centre = np.linalg.norm(molecule.coords - molecule.coords.mean(axis=0), axis=1)
    elements = [
        max(species.element_composition, key=lambda one: one.X) for species in molecule.species
    ]
    choice = list(range(len(symbols)))
    rule = "nearest to the molecule's centre; among equals not H, then the less electronegative"
    if wanted is not None:
        choice = [at for at in choice if wanted in (symbols[at], elements[at].symbol)]
        rule = f"as given; of several {wanted} the one nearest to the molecule's centre"
        if not choice:
            raise InvalidInput(
                f"binding_atom {clip(wanted)} is not in the molecule",
                allowed=", ".join(dict.fromkeys(symbols)),
            )
    chosen = min(
        choice,
        key=lambda at: (
            round(float(from_centre[at]), 3),
            elements[at].symbol == "H",
            elements[at].X,
            at,
        ),
    )
    return chosen, rule


class Turned(NamedTuple):
    """A molecule as it is turned.

    Attributes:
        coords: Positions relative to the binding atom, Å, shape (atoms, 3).
        told: How it lies, in words.
    """

    coords: Vectors
    told: str


def turned(
    molecule: Molecule,
    binding: int,
    orientation: str | list[float] | None,
    normal: Vectors,
    along: Vectors,
) -> Turned:
    """Turn a molecule about its binding atom.

    Args:
        molecule: It keeps its shape and handedness.
        binding: The atom that binds.
        orientation: `flat`, `upright`, the direction of its axis, or None: upright where the
            binding atom is the lowest then, else flat, as CO2 that binds with its C.
        normal: Unit vector out of the surface, shape (3,).
        along: A vector in the surface, shape (3,).
    """
    import numpy as np

    at_origin = molecule.coords - molecule.coords[binding]
    if len(at_origin) == 1:
        return Turned(at_origin, "a single atom")
    others = np.delete(at_origin, binding, axis=0).mean(axis=0)
    is_central = bool(np.linalg.norm(others) < _CENTRAL_A)
    longest, flattest = _extents(at_origin, others)
    along = along / np.linalg.norm(along)
    flat = Turned(
        at_origin @ _frame(longest, flattest).T @ _frame(along, normal),
        "flat: its longest direction along a, its flattest along the normal",
    )
    if orientation == "flat":
        return flat
    axis = longest if is_central else others / np.linalg.norm(others)
    what = "longest direction" if is_central else "binding atom to the centre of the others"
    target, told = normal, f"upright: its axis ({what}) along the normal"
    if isinstance(orientation, list):
        target = np.array(orientation) / np.linalg.norm(orientation)
        told = f"its axis ({what}) along {np.round(target, 4).tolist()} in Cartesian x, y, z"
    second = along if abs(along @ target) < 0.99 else np.cross(normal, along)
    on_end = at_origin @ _frame(axis, _aside(at_origin, axis)).T @ _frame(target, second)
    if orientation is None and (on_end @ normal).min() < -_LEVEL_A:
        return flat
    return Turned(on_end, told)


def _frame(first: Vectors, second: Vectors) -> Vectors:
    """Orthonormal right-handed rows: the first vector, the second made normal to it, the rest."""
    import numpy as np

    one = first / np.linalg.norm(first)
    two = second - (second @ one) * one
    two /= np.linalg.norm(two)
    made: Vectors = np.array([one, two, np.cross(one, two)])
    return made


def _extents(coords: Vectors, others: Vectors) -> tuple[Vectors, Vectors]:
    """The longest and the flattest direction; the binding atom at their lower end.

    Where two extents are equal, as in benzene or methane, atoms take the place of the arbitrary
    axes: the farthest from the centre, and the farthest from the line to it.
    """
    import numpy as np

    centred = coords - coords.mean(axis=0)
    extents, axes = np.linalg.eigh(centred.T @ centred)
    longest, flattest = axes[:, 2], axes[:, 0]
    if extents[2] - extents[1] < _SAME * extents[2]:
        longest = centred[int(np.argmax(np.round(np.linalg.norm(centred, axis=1), 4)))]
    longest = _pointing(longest / np.linalg.norm(longest), others)
    if extents[1] - extents[0] < _SAME * extents[2]:
        flattest = np.cross(longest, _aside(centred, longest))
    return longest, _pointing(flattest / np.linalg.norm(flattest), others)


def _aside(coords: Vectors, axis: Vectors) -> Vectors:
    """Direction, normal to an axis, of the atom farthest from it; of a line any normal one."""
    import numpy as np

    off = coords - np.outer(coords @ axis, axis)
    lengths = np.round(np.linalg.norm(off, axis=1), 4)
    if lengths.max() > 1e-3:
        farthest: Vectors = off[int(np.argmax(lengths))]
        return farthest
    unit: Vectors = np.eye(3)[int(np.argmin(np.abs(axis)))]
    return unit


def _pointing(axis: Vectors, others: Vectors) -> Vectors:
    """The axis on the side of the other atoms, or with its first large component positive."""
    import numpy as np

    side = float(axis @ others)
    if abs(side) < 1e-3:
        side = float(axis[int(np.argmax(np.abs(axis) > 0.1))])
    return axis if side > 0 else -axis


def as_report(molecule: Molecule, coords: Vectors) -> dict[str, Any]:
    """What the molecule is, and its own shortest distance."""
    import numpy as np

    told: dict[str, Any] = {"molecule": molecule.name}
    if len(coords) > 1:
        apart = np.linalg.norm(coords[:, None] - coords[None], axis=2)
        told["shortest_bond_in_molecule_a"] = round(float(apart[apart > 0].min()), 4)
    return told

"""What of a structure is drawn: its atoms, their images on the cell's faces, sticks, cell edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.pictures.bonds import Bonds, Cell, find_bonds, plus, radius_a

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MAX_ATOMS: Final = 8_000
"""More are a grey cloud, and take seconds."""

MAX_ATOMS_WITH_BONDS: Final = 1_000
"""Among more atoms sticks can no longer be told apart."""

MAX_ATOMS_COMPLETED: Final = 24
"""Among so few, those inside the cell show also neighbours beyond its faces, if not larger."""

VACUUM_A: Final = 8.0
"""An empty layer this thick is vacuum: no images are drawn across it."""

ON_FACE_A: Final = 0.1
"""An atom this near to a face of the cell is on it, and drawn on the opposite one, too."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Things to draw, in Å, Cartesian.

    Attributes:
        sites: Number of the site of each atom drawn, (n,).
        centres: (n, 3).
        outside: Whether the atom is drawn only to complete the neighbours of one inside, (n,).
        sticks: Pairs of drawn atoms joined by a stick, (m, 2).
        edges: Ends of the edges of the cells drawn, (k, 2, 3).
        own_edges: Whether the edge belongs to the cell at the origin, (k,).
        vacuum: Names of the axes along which there is vacuum.
        bonds: Of the structure; None where none are drawn.
    """

    sites: Integers
    centres: Floats
    outside: NDArray[np.bool_]
    sticks: Integers
    edges: Floats
    own_edges: NDArray[np.bool_]
    vacuum: tuple[str, ...]
    bonds: Bonds | None


class Home(NamedTuple):
    """Where the atoms of one cell are drawn.

    Attributes:
        cells: Lattice translation from the stored coordinates of each site, (n, 3).
        middles: Fractional coordinates there, of the atom or the middle of its molecule, (n, 3).
        vacuum: Along which axes there is vacuum, (3,).
    """

    cells: Integers
    middles: Floats
    vacuum: NDArray[np.bool_]


def compose(structure: Structure, repeats: Sequence[int], *, with_bonds: bool) -> Scene:
    """What is drawn of a structure.

    Args:
        structure: Of at least one atom.
        repeats: How many cells along a, b, c.
        with_bonds: Whether to look for bonds; among too many atoms none are drawn.

    Raises:
        InvalidInput: There would be too many atoms.
    """
    import numpy as np

    if (count := len(structure) * prod(repeats)) > MAX_ATOMS:
        raise InvalidInput(
            f"A picture of {count} atoms would show none of them",
            allowed=f"at most {MAX_ATOMS} atoms",
            next_step="View a smaller cell, or export the structure and use a viewer.",
        )
    matrix = structure.lattice.matrix
    frac = structure.frac_coords
    found = find_bonds(structure) if count <= MAX_ATOMS_WITH_BONDS else None
    molecules = found.molecules if found else []
    home = settle(structure, molecules)
    sites, cells = _inside(structure, home, repeats)
    sticks = np.zeros((0, 2), int)
    inside = len(sites)
    bonds = found if with_bonds else None
    if bonds:
        completed = ~_on_face(structure, frac[sites] + cells, repeats)
        completed &= inside <= MAX_ATOMS_COMPLETED
        radii = np.array([radius_a(site.species) for site in structure])
        sites, cells, sticks = _joined(bonds, sites, cells, completed, radii)
    edges, own_edges = _edges(matrix, repeats)
    return Scene(
        sites=sites,
        centres=(frac[sites] + cells) @ matrix,
        outside=np.arange(len(sites)) >= inside,
        sticks=sticks,
        edges=edges,
        own_edges=own_edges,
        vacuum=tuple(name for name, empty in zip("abc", home.vacuum, strict=True) if empty),
        bonds=bonds,
    )


def _home_cells(structure: Structure) -> tuple[Integers, NDArray[np.bool_]]:
    """The translation that brings each site into the cell, and along which axes there is vacuum.

    Where a slab or a molecule lies across a face of its cell, the smaller part is moved over, so
    that it is drawn in one piece.
    """
    import numpy as np

    frac = structure.frac_coords
    home = -np.floor(frac + 1e-9).astype(int)
    vacuum = np.zeros(3, bool)
    for axis, spacing in enumerate(plane_spacings(structure)):
        heights = frac[:, axis] + home[:, axis]
        order = np.sort(heights)
        gaps = np.append(order[1:], order[0] + 1) - order
        widest = int(gaps.argmax())
        vacuum[axis] = gaps[widest] * spacing > VACUUM_A
        if not vacuum[axis] or widest == len(order) - 1:
            continue
        above = heights > order[widest]
        if above.sum() * 2 > len(heights):
            home[~above, axis] += 1
        else:
            home[above, axis] -= 1
    return home, vacuum


def plane_spacings(structure: Structure) -> Floats:
    """Distances of opposite faces of the cell, Å."""
    import numpy as np

    spacings: Floats = 1 / np.linalg.norm(np.linalg.inv(structure.lattice.matrix), axis=0)
    return spacings


def settle(structure: Structure, molecules: Sequence[dict[int, Cell]]) -> Home:
    """Where the atoms of one cell are drawn: inside it, molecules and slabs in one piece.

    Args:
        structure: Of at least one atom.
        molecules: Those of its `Bonds`.
    """
    import numpy as np

    home, vacuum = _home_cells(structure)
    cells, middles = home.copy(), structure.frac_coords + home
    for molecule in molecules:
        members = list(molecule)
        own = np.array([molecule[site] for site in members])
        middle = (structure.frac_coords[members] + own).mean(axis=0)
        back = np.where(vacuum, home[members[0]], -np.floor(middle + 1e-6).astype(int))
        cells[members] = own + back
        middles[members] = middle + back
    return Home(cells, middles, vacuum)


def _inside(structure: Structure, home: Home, repeats: Sequence[int]) -> tuple[Integers, Integers]:
    """Sites and cells of the atoms within the repeated cell, both ends included.

    A molecule is drawn whole wherever its middle is within.
    """
    import numpy as np

    vacuum = home.vacuum
    ranges = [
        range(count) if empty else range(-1, count + 1)
        for count, empty in zip(repeats, vacuum, strict=True)
    ]
    slack = ON_FACE_A / plane_spacings(structure)
    chosen_sites, chosen_cells = [], []
    for shift in product(*ranges):
        at = home.middles + shift
        within = (at >= -slack) & (at <= np.array(repeats) + slack)
        sites = np.flatnonzero((within | vacuum).all(axis=1))
        chosen_sites.append(sites)
        chosen_cells.append(home.cells[sites] + np.array(shift, int))
    return np.concatenate(chosen_sites), np.concatenate(chosen_cells)


def _on_face(structure: Structure, frac: Floats, repeats: Sequence[int]) -> NDArray[np.bool_]:
    """Which atoms lie on the outer faces of the cells drawn."""
    import numpy as np

    slack = ON_FACE_A / plane_spacings(structure)
    on_face: NDArray[np.bool_] = (
        (np.abs(frac) <= slack) | (np.abs(frac - np.array(repeats)) <= slack)
    ).any(axis=1)
    return on_face


def _joined(
    bonds: Bonds,
    sites: Integers,
    cells: Integers,
    completed: NDArray[np.bool_],
    radii: Floats,
) -> tuple[Integers, Integers, Integers]:
    """Sticks between drawn atoms; with the neighbours that some still lack."""
    import numpy as np

    placed: list[tuple[int, Cell]] = [
        (site, (a, b, c)) for site, (a, b, c) in zip(sites.tolist(), cells.tolist(), strict=True)
    ]
    number = {key: at for at, key in enumerate(placed)}
    sticks = set()
    for at, (site, cell) in enumerate(placed[:]):
        for link in bonds.of_site[site]:
            key = link.site, plus(cell, link.image)
            if key not in number:
                if not completed[at] or radii[link.site] > radii[site]:
                    continue
                number[key] = len(placed)
                placed.append(key)
            other = number[key]
            sticks.add((min(at, other), max(at, other)))
    pairs = np.array(sorted(sticks), int).reshape(-1, 2)
    return (
        np.array([site for site, _ in placed], int),
        np.array([cell for _, cell in placed], int).reshape(-1, 3),
        pairs,
    )


def _edges(matrix: Floats, repeats: Sequence[int]) -> tuple[Floats, NDArray[np.bool_]]:
    """Edges of all cells drawn, each once, and which are those of the cell at the origin."""
    import numpy as np

    ends, own = [], []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        for start in product(*(range(n + (at != axis)) for at, n in enumerate(repeats))):
            stop = list(start)
            stop[axis] += 1
            ends.append((start, stop))
            own.append(start[axis] == 0 and all(start[other] <= 1 for other in others))
    return np.array(ends, float) @ matrix, np.array(own)

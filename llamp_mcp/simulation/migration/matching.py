"""Which site of one structure is which of another: the assignment of least displacement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

CELL_A: Final = 1e-3
"""Largest difference of a component of two cells' vectors, in Å, that counts as none."""

_SAME_A2: Final = 1e-6
_MOVES_A: Final = 0.3
_LISTED: Final = 8


class Matching(NamedTuple):
    """How the atoms of two ends of a path correspond.

    Attributes:
        order: For each site of the initial structure, its site in the final one.
        displacements_a: Shortest way of each atom of the initial structure, shape (atoms, 3).
    """

    order: list[int]
    displacements_a: NDArray[np.float64]

    @property
    def reordered(self) -> bool:
        """Whether the order of sites differs."""
        return self.order != list(range(len(self.order)))

    @property
    def length_a(self) -> float:
        """Distance of the two structures in the space of all coordinates, Å."""
        import numpy as np

        return float(np.linalg.norm(self.displacements_a))

    def _runs(self) -> list[list[int]]:
        """[first, last, first in final] of each run of sites that keep their order."""
        made: list[list[int]] = []
        for at, to in enumerate(self.order):
            if made and to - at == made[-1][2] - made[-1][0]:
                made[-1][1] = at
            else:
                made.append([at, at, to])
        return made

    def report(self, initial: Structure) -> dict[str, Any]:
        """What a result says of it."""
        import numpy as np

        lengths = np.linalg.norm(self.displacements_a, axis=1)
        farthest = [int(at) for at in np.argsort(-lengths) if lengths[at] > _MOVES_A]
        return {
            "reordered": self.reordered,
            "runs": self._runs(),
            "length_a": self.length_a,
            "shift_a": float(np.linalg.norm(np.median(self.displacements_a, axis=0))),
            "n_moving": len(farthest),
            "moving": [
                {
                    "site": at,
                    "species": initial[at].species_string,
                    "distance_a": float(lengths[at]),
                }
                for at in farthest[:_LISTED]
            ],
        }


def match(initial: Structure, final: Structure) -> Matching:
    """The assignment, within each element, that minimises the sum of squared displacements.

    The order given is kept where it is as good.

    Raises:
        InvalidInput: Cells or compositions differ.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    _check_alike(initial, final)
    before, after = _symbols(initial), _symbols(final)
    order = np.zeros(len(initial), dtype=int)
    total = 0.0
    for symbol in np.unique(before):
        rows, columns = np.flatnonzero(before == symbol), np.flatnonzero(after == symbol)
        squared = (
            initial.lattice.get_all_distances(initial.frac_coords[rows], final.frac_coords[columns])
            ** 2
        )
        row, column = linear_sum_assignment(squared)
        order[rows[row]] = columns[column]
        total += float(squared[row, column].sum())
    kept = _displacements(initial, final, np.arange(len(initial)))
    if (before == after).all() and float((kept**2).sum()) <= total + _SAME_A2:
        return Matching(list(range(len(initial))), kept)
    return Matching(order.tolist(), _displacements(initial, final, order))


def _displacements(
    initial: Structure, final: Structure, order: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Shortest vectors, images counted, Å, shape (atoms, 3)."""
    from ase.geometry import find_mic

    ways: NDArray[np.float64] = find_mic(
        final.cart_coords[order] - initial.cart_coords, initial.lattice.matrix
    )[0]
    return ways


def _symbols(structure: Structure) -> NDArray[np.str_]:
    import numpy as np

    return np.array([site.specie.symbol for site in structure])


def _check_alike(initial: Structure, final: Structure) -> None:
    import numpy as np

    of_initial, of_final = (one.composition.element_composition.formula for one in (initial, final))
    if of_initial != of_final:
        raise InvalidInput(
            f"initial_id is {of_initial}, final_id is {of_final}",
            allowed="two structures of the same atoms",
        )
    if not np.allclose(initial.lattice.matrix, final.lattice.matrix, atol=CELL_A):
        difference = np.abs(initial.lattice.matrix - final.lattice.matrix).max()
        raise InvalidInput(
            f"The cells of initial_id and final_id differ by up to {difference:.4f} Å",
            allowed=f"the same cell within {CELL_A} Å: a path is at fixed cell",
            next_step="Make both from one supercell, or set_lattice of one to that of the other.",
        )

"""Ways to end a crystal at a lattice plane.

A termination is a cut between two atomic planes. Two cuts are the same surface where a symmetry
operation of the bulk brings one to the other without turning the crystal over; a slab has equal
surfaces on both sides where one that turns it over brings its upper cut to its lower one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.structures.shells import first_shell
from llamp_mcp.structures.surfaces.surface import PLANE_A, plane_formula
from llamp_mcp.structures.symmetry import analyzer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

SAME_CUT_A: Final = 0.05
"""Cuts nearer than this, in Å along the normal, are one."""

POLAR_E_PER_A: Final = 1e-3
"""Dipole per area, in e/Å, above which a slab is polar: pymatgen's limit."""


class Bonds(NamedTuple):
    """First-shell bonds of a crystal, each from both of its ends.

    Attributes:
        starts: Site each starts from, shape (n,).
        rises: How far it rises along c, in c, shape (n,).
        own: Whether it is in the first shell of the site it starts from, shape (n,).
        strengths: Pauling's charge over coordination number, of the stronger end, in e; 1 without
            charges; shape (n,).
        reach_a: Of every site, the length of its longest first-shell bond, Å.
    """

    starts: NDArray[np.int_]
    rises: NDArray[np.float64]
    own: NDArray[np.bool_]
    strengths: NDArray[np.float64]
    reach_a: NDArray[np.float64]

    def coordination(self, sites: int) -> NDArray[np.int_]:
        """How many atoms are in the first shell of each site."""
        import numpy as np

        return np.bincount(self.starts[self.own], minlength=sites)


class Termination(NamedTuple):
    """One way to cut; slabs of whole cells have it on both sides.

    Attributes:
        shift: Of the cut along c, as a fraction of the oriented cell.
        top: Outermost plane of the slab below the cut, such as "Zn1 O1".
        bottom: That of the slab above it.
        symmetric: Whether symmetry turns such a slab onto itself, top to bottom.
        equalising: How much of the lowest cell is left out, in c, to make the lower surface
            the mirror image of the upper one; None where no symmetry turns the crystal over.
        dipole_e_per_a: Of one cell between two such cuts, per area; None without charges.
        broken_bonds: First-shell bonds that the cut crosses, per surface cell.
        strength: Sum of their strengths.
    """

    shift: float
    top: str
    bottom: str
    symmetric: bool
    equalising: float | None
    dipole_e_per_a: float | None
    broken_bonds: int
    strength: float

    @property
    def polar(self) -> bool | None:
        """Whether a slab of whole cells has a dipole along its normal."""
        if self.dipole_e_per_a is None:
            return None
        return abs(self.dipole_e_per_a) > POLAR_E_PER_A


def bonds(oriented: Structure, charges: list[float] | None) -> Bonds:
    """The first-shell bonds of a crystal."""
    import numpy as np

    sites = len(oriented)
    cutoff_a = 3.5
    while True:
        starts, ends, images, lengths = oriented.get_neighbor_list(cutoff_a)
        shells = [np.sort(lengths[starts == at]) for at in range(sites)]
        counts = [first_shell(shell.tolist()) for shell in shells]
        if all(0 < count < len(shell) for count, shell in zip(counts, shells, strict=True)):
            break
        cutoff_a *= 1.3
    reach = np.array([shell[n - 1] for n, shell in zip(counts, shells, strict=True)]) * (1 + 1e-4)
    own, others = lengths <= reach[starts], lengths <= reach[ends]
    each = np.abs(charges if charges is not None and any(charges) else np.array(counts)) / counts
    strengths = np.maximum(np.where(own, each[starts], 0), np.where(others, each[ends], 0))
    along = oriented.frac_coords[:, 2]
    rises = along[ends] + images[:, 2] - along[starts]
    kept = own | others
    return Bonds(starts[kept], rises[kept], own[kept], strengths[kept], reach)


def terminations(
    oriented: Structure,
    height_a: float,
    shifts: list[float],
    charges: list[float] | None,
    symprec_a: float,
) -> list[Termination]:
    """The distinct ways to cut, those without a dipole first, then the weakest bonds first.

    Args:
        oriented: Primitive cell with a and b in the plane.
        height_a: Of that cell along the normal, Å.
        shifts: Cuts between atomic planes, as fractions of c.
        charges: Of its sites, in e.
        symprec_a: Tolerance of its symmetry, Å.
    """
    keeping, turning = _along_c(oriented, symprec_a)
    found: list[Termination] = []
    joined = bonds(oriented, charges)
    for shift in shifts:
        images = [shift + step for step in keeping]
        if any(
            _apart(image, other.shift) * height_a < SAME_CUT_A
            for image in images
            for other in found
        ):
            continue
        found.append(_termination(oriented, height_a, shift, charges, joined, turning))
    area = oriented.volume / height_a
    return sorted(
        found,
        key=lambda one: (bool(one.polar), round(one.strength / area, 6), round(one.shift, 4)),
    )


def _termination(
    oriented: Structure,
    height_a: float,
    shift: float,
    charges: list[float] | None,
    joined: Bonds,
    turning: list[float],
) -> Termination:
    import numpy as np

    along = np.mod(oriented.frac_coords[:, 2] - shift, 1.0)
    order = np.argsort(along, kind="stable")
    steps = np.flatnonzero(np.diff(along[order]) * height_a > PLANE_A) + 1
    groups = [part.tolist() for part in np.split(order, steps)]
    # A slab of this cut, turned over, is cut at turn - shift: what lies between is left out.
    left_out = [(turn - 2 * shift) % 1.0 for turn in turning]
    left_out = [0.0 if _apart(part, 0) * height_a < SAME_CUT_A else part for part in left_out]
    lower = along[joined.starts]
    crossed = np.abs(np.floor(lower + joined.rises) - np.floor(lower)) / 2  # told from both ends
    return Termination(
        shift=shift,
        top=plane_formula(oriented, groups[-1]),
        bottom=plane_formula(oriented, groups[0]),
        symmetric=0.0 in left_out,
        equalising=min(left_out, default=None),
        dipole_e_per_a=None
        if charges is None
        else float(charges @ along) * height_a / (oriented.volume / height_a),
        broken_bonds=round(crossed.sum()),
        strength=float(crossed @ joined.strengths),
    )


def _along_c(oriented: Structure, symprec_a: float) -> tuple[list[float], list[float]]:
    """What symmetry does along c: steps that keep its direction, and offsets where c is turned."""
    import numpy as np

    keeping, turning = set(), set()
    for operation in analyzer(oriented, symprec_a).get_symmetry_operations():
        row = np.round(operation.rotation_matrix[2]).astype(int).tolist()
        offset = round(float(operation.translation_vector[2]) % 1.0, 6) % 1.0
        if row == [0, 0, 1]:
            keeping.add(offset)
        elif row == [0, 0, -1]:
            turning.add(offset)
    return sorted(keeping), sorted(turning)


def _apart(one: float, other: float) -> float:
    """Distance of two positions along c, in c."""
    return abs((one - other + 0.5) % 1.0 - 0.5)

"""Miller indices of a cell, in the families that its symmetry makes equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.symmetry import MAX_ATOMS, analyzer

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

Indices = tuple[int, int, int]

_SAME_DEG: Final = 1e-4
"""Angle within which a reflection belongs to a peak."""

_WHOLE: Final = 0.05
"""How far h·t may be from an integer: spglib's translations are as exact as the positions, and the
fractions that make a reflection absent are 1/6 at least."""


class Reflections:
    """Reflections of a cell up to an angle.

    Args:
        cell: Whose axes the indices refer to.
        last_deg: The largest 2θ.
        wavelength_a: Å; with it 2θ = 2 arcsin(λ / 2d).
        symprec_a: Tolerance of the symmetry, in Å.
    """

    def __init__(
        self, cell: Structure, last_deg: float, wavelength_a: float, symprec_a: float
    ) -> None:
        import numpy as np

        radius = 2 * np.sin(np.radians(last_deg / 2)) / wavelength_a
        reciprocal = cell.lattice.reciprocal_lattice_crystallographic
        points: Any = reciprocal.get_points_in_sphere(
            [[0, 0, 0]], [0, 0, 0], radius, zip_results=False
        )
        indices, lengths = points[:2]
        order = np.argsort(lengths)[1:]  # the first one is the origin
        self._indices: NDArray[np.int_] = np.rint(indices[order]).astype(int)
        self._two_theta_deg = 2 * np.degrees(
            np.arcsin(np.clip(wavelength_a * lengths[order] / 2, 0, 1))
        )
        self._rotations: NDArray[np.int_] = np.eye(3, dtype=int)[None]
        self._translations: NDArray[np.float64] = np.zeros((1, 3))
        if len(cell) <= MAX_ATOMS:
            dataset = analyzer(cell, symprec_a).get_symmetry_dataset()
            self._rotations, self._translations = dataset.rotations, dataset.translations

    def __len__(self) -> int:
        return len(self._indices)

    def families(self, first_deg: float, last_deg: float) -> list[tuple[Indices, int]]:
        """Planes that diffract between two angles 2θ: one of each family, and how many it has.

        Planes equal under the Laue class (the point group and inversion) are one family. Those that
        the space group extinguishes are left out, unless nothing else is there.
        """
        import numpy as np

        at = np.searchsorted(self._two_theta_deg, [first_deg - _SAME_DEG, last_deg + _SAME_DEG])
        here = self._indices[at[0] : at[1]]
        kept = here[~self._absent(here)]
        left = {_triple(hkl) for hkl in (kept if len(kept) else here)}
        found = []
        while left:
            named = max(left, key=_plainness)
            equal = np.concatenate([named @ self._rotations, -(named @ self._rotations)])
            members = left & {_triple(hkl) for hkl in equal}
            left -= members
            found.append((named, len(members)))
        return found

    def _absent(self, indices: NDArray[np.int_]) -> NDArray[np.bool_]:
        """Whether an operation {R|t} with hR = h and h·t not whole extinguishes each reflection."""
        import numpy as np

        kept_in_place = (np.einsum("mi,rij->rmj", indices, self._rotations) == indices[None]).all(
            axis=2
        )
        phases = self._translations @ indices.T
        return np.asarray((kept_in_place & (abs(phases - np.rint(phases)) > _WHOLE)).any(axis=0))


def _triple(hkl: Iterable[int]) -> Indices:
    h, k, l = (int(index) for index in hkl)  # noqa: E741
    return h, k, l


def _plainness(hkl: Indices) -> tuple[int, Indices]:
    """Largest for the member that names a family: few minus signs, then large h, then k."""
    return sum(index >= 0 for index in hkl), hkl

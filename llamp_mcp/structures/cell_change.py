"""What edits that change the cell tell of it: both lattices, and the strain between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Lattice, Structure

    Array = NDArray[np.float64]

VOIGT: Final = "voigt order xx yy zz yz xz xy; engineering shear = 2 x tensor shear"


def lattices(before: Structure, after: Structure) -> dict[str, dict[str, float]]:
    """`lattice_before` and `lattice_after`: a, b, c in Å, angles in degrees."""
    return {"lattice_before": described(before.lattice), "lattice_after": described(after.lattice)}


def described(lattice: Lattice) -> dict[str, float]:
    """Lengths in Å and angles in degrees."""
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    return {name: round(float(x), 6) for name, x in zip(names, lattice.parameters, strict=True)}


def voigt_forms(tensor: Array) -> dict[str, Any]:
    """A symmetric tensor as six numbers, with engineering shear and with tensor shear."""
    shears = [tensor[1, 2], tensor[0, 2], tensor[0, 1]]
    normal = [tensor[0, 0], tensor[1, 1], tensor[2, 2]]
    return {
        "voigt_engineering": rounded([*normal, *(2 * shear for shear in shears)]),
        "voigt_tensor": rounded([*normal, *shears]),
    }


def green_lagrange(before: Lattice, after: Lattice) -> Array:
    """The strain (FᵀF - 1)/2 in the former Cartesian axes; F takes lattice vectors to new ones.

    A rotation leaves it as it is, however large: it is zero exactly where the shape is the same.
    """
    import numpy as np

    deformation = np.linalg.solve(before.matrix, after.matrix).T
    strain: Array = (deformation.T @ deformation - np.eye(3)) / 2
    return strain


def strained(before: Structure, after: Structure) -> dict[str, Any]:
    """Both lattices and the Green-Lagrange strain between them."""
    tensor = green_lagrange(before.lattice, after.lattice)
    return {
        **lattices(before, after),
        "strain_tensor": rounded(tensor),
        **voigt_forms(tensor),
        "convention": f"Green-Lagrange strain (F^T F - 1)/2 in the former Cartesian axes; {VOIGT}",
    }


def rounded(values: Any, digits: int = 8) -> Any:
    """Numbers as nested lists, without -0.0."""
    import numpy as np

    return (np.round(np.asarray(values, dtype=float), digits) + 0.0).tolist()

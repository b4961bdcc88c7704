"""From stresses of strained cells to the elastic tensor, its averages and its stability.

Voigt order everywhere: xx yy zz yz xz xy; shear strains are engineering strains (twice the tensor
component), stresses are positive under tension, moduli are in GPa.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import SimulationError
from llamp_mcp.structures.symmetry import SYMPREC_A

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from pymatgen.core.structure import Structure

    Floats = np.ndarray[Any, np.dtype[np.float64]]

VOIGT: Final = ("xx", "yy", "zz", "yz", "xz", "xy")
_SINGULAR: Final = 1e-6
"""Smallest over largest eigenvalue below which the tensor has no inverse worth printing."""


class Fit(NamedTuple):
    """Stress as a linear function of strain.

    Attributes:
        tensor: 6 by 6, GPa, as fitted: rows are strains, columns stresses; not symmetric.
        stress_gpa: Stress at zero strain, xx yy zz yz xz xy.
        residual_gpa: Root mean square of what the lines leave.
        r_squared: Of all stresses together.
        nonlinearity_percent: How much the tensor changes, largest component over largest
            component, when only the smaller strains are used.
    """

    tensor: Floats
    stress_gpa: Floats
    residual_gpa: float
    r_squared: float
    nonlinearity_percent: float


class Averages(NamedTuple):
    """Moduli of a polycrystal by Voigt (upper bound), Reuss (lower bound) and Hill (mean), GPa.

    Hill: doi 10.1088/0370-1298/65/5/307.
    """

    bulk_voigt_gpa: float
    bulk_reuss_gpa: float
    bulk_vrh_gpa: float
    shear_voigt_gpa: float
    shear_reuss_gpa: float
    shear_vrh_gpa: float
    youngs_gpa: float
    poisson: float
    anisotropy: float


def strains(largest: float) -> list[tuple[int, float]]:
    """Voigt component and value of each strain: four of each, symmetric around zero."""
    values = (-largest, -largest / 2, largest / 2, largest)
    return [(component, value) for component in range(6) for value in values]


def deformation(component: int, value: float) -> Floats:
    """The 3 by 3 matrix that strains row vectors: symmetric, so that nothing is rotated."""
    import numpy as np

    voigt = np.zeros(6)
    voigt[component] = value
    xx, yy, zz, yz, xz, xy = voigt * (1, 1, 1, 0.5, 0.5, 0.5)
    strained: Floats = np.array([[1 + xx, xy, xz], [xy, 1 + yy, yz], [xz, yz, 1 + zz]])
    return strained


def fit(strained: Sequence[tuple[int, float]], stresses: Sequence[Sequence[float]]) -> Fit:
    """Least squares of all stresses at once, with the stress at zero strain free.

    Args:
        strained: Component and value of each strain.
        stresses: GPa, 6 for each strain.
    """
    import numpy as np

    strain = np.zeros((len(strained), 6))
    for row, (component, value) in enumerate(strained):
        strain[row, component] = value
    stress = np.asarray(stresses, dtype=float)
    design = np.column_stack([strain, np.ones(len(strain))])
    solved = np.linalg.lstsq(design, stress, rcond=None)[0]
    left = stress - design @ solved
    small = np.abs(strain).max(axis=1) < 0.75 * np.abs(strain).max()
    near = np.linalg.lstsq(design[small], stress[small], rcond=None)[0]
    largest = np.abs(solved[:6]).max()
    spread = float(((stress - stress.mean(axis=0)) ** 2).sum())
    return Fit(
        tensor=solved[:6],
        stress_gpa=solved[6],
        residual_gpa=float(np.sqrt((left**2).mean())),
        r_squared=1 - float((left**2).sum()) / spread if spread else 1.0,
        nonlinearity_percent=float(100 * np.abs(near[:6] - solved[:6]).max() / largest)
        if largest
        else 0.0,
    )


def symmetrised(tensor: Floats, structure: Structure) -> Floats:
    """The part of a 6 by 6 tensor that has the symmetry of the crystal, in its own axes."""
    from pymatgen.core.elasticity import ElasticTensor

    full = ElasticTensor.from_voigt((tensor + tensor.T) / 2)
    fitted: Floats = full.fit_to_structure(structure, symprec=SYMPREC_A).voigt
    return fitted


def ieee_rotation(structure: Structure) -> Floats:
    """Rows: the standard axes x y z of a crystal in the axes its cell is stored in.

    IEEE standard 176-1987 as pymatgen has it (doi 10.1038/sdata.2015.9): cubic axes along a b c,
    the axis of highest symmetry along z (y for monoclinic crystals).
    """
    import numpy as np
    from pymatgen.core.elasticity import ElasticTensor

    rotation: Floats = np.asarray(ElasticTensor.get_ieee_rotation(structure))
    # Inversion leaves a tensor of rank four as it is, but axes are given right-handed.
    return rotation if np.linalg.det(rotation) > 0 else -rotation


def rotated(tensor: Floats, rotation: Floats) -> Floats:
    """A 6 by 6 tensor in the axes that are the rows of `rotation`."""
    from pymatgen.core.elasticity import ElasticTensor

    turned: Floats = ElasticTensor.from_voigt(tensor).rotate(rotation, tol=1e-3).voigt
    return turned


def eigenvalues(tensor: Floats) -> Floats:
    """Ascending, GPa; all positive: stable against every strain (10.1103/PhysRevB.90.224104).

    Of the tensor in Mandel's orthonormal basis, so that they are the same in all axes.
    """
    import numpy as np

    scale = np.sqrt([1, 1, 1, 2, 2, 2])
    values: Floats = np.linalg.eigvalsh(tensor * np.outer(scale, scale))
    return values


def averages(tensor: Floats) -> Averages:
    """Averages over orientations.

    Anisotropy: the universal index 5 G_V/G_R + K_V/K_R - 6, which is 0 for an isotropic solid
    (doi 10.1103/PhysRevLett.101.055504).

    Raises:
        SimulationError: Some strain costs nothing, so that the tensor has no inverse.
    """
    import numpy as np

    found = eigenvalues(tensor)
    if np.abs(found).min() <= _SINGULAR * np.abs(found).max():
        raise SimulationError(
            "The elastic tensor has no inverse: eigenvalues in GPa "
            + " ".join(f"{value:.3g}" for value in found),
            next_step="Some strain costs no energy here: check the structure with view_structure.",
        )
    c, s = tensor, np.linalg.inv(tensor)
    k_voigt = c[:3, :3].sum() / 9
    k_reuss = 1 / s[:3, :3].sum()
    off = c[0, 1] + c[0, 2] + c[1, 2]
    g_voigt = (np.trace(c[:3, :3]) - off + 3 * np.trace(c[3:, 3:])) / 15
    off = s[0, 1] + s[0, 2] + s[1, 2]
    g_reuss = 15 / (4 * np.trace(s[:3, :3]) - 4 * off + 3 * np.trace(s[3:, 3:]))
    k, g = (k_voigt + k_reuss) / 2, (g_voigt + g_reuss) / 2
    return Averages(
        bulk_voigt_gpa=float(k_voigt),
        bulk_reuss_gpa=float(k_reuss),
        bulk_vrh_gpa=float(k),
        shear_voigt_gpa=float(g_voigt),
        shear_reuss_gpa=float(g_reuss),
        shear_vrh_gpa=float(g),
        youngs_gpa=float(9 * k * g / (3 * k + g)),
        poisson=float((3 * k - 2 * g) / (2 * (3 * k + g))),
        anisotropy=float(5 * g_voigt / g_reuss + k_voigt / k_reuss - 6),
    )

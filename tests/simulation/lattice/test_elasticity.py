from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.core.elasticity import ElasticTensor, Strain
from scipy.spatial.transform import Rotation

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.lattice import elasticity
from llamp_mcp.structures.symmetry import analyzer

SEEDS = st.integers(0, 10_000)


def stable_tensor(seed: int) -> np.ndarray:
    """A symmetric tensor whose eigenvalues are all positive, GPa."""
    root = np.random.default_rng(seed).normal(size=(6, 6))
    return 20 * root @ root.T + 30 * np.eye(6)


def cubic(c11: float, c12: float, c44: float) -> np.ndarray:
    tensor = np.diag([float(c11)] * 3 + [float(c44)] * 3)
    tensor[:3, :3] += c12 * (1 - np.eye(3))
    return tensor


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_averages_are_those_of_pymatgen(seed):
    """Oracle: pymatgen's properties of the same tensor; its Young's modulus is in Pa."""
    tensor = stable_tensor(seed)
    found, oracle = elasticity.averages(tensor), ElasticTensor.from_voigt(tensor)

    assert found.bulk_voigt_gpa == pytest.approx(oracle.k_voigt)
    assert found.bulk_reuss_gpa == pytest.approx(oracle.k_reuss)
    assert found.shear_voigt_gpa == pytest.approx(oracle.g_voigt)
    assert found.shear_reuss_gpa == pytest.approx(oracle.g_reuss)
    assert found.youngs_gpa == pytest.approx(oracle.y_mod / 1e9)
    assert found.poisson == pytest.approx(oracle.homogeneous_poisson)
    assert found.anisotropy == pytest.approx(oracle.universal_anisotropy)


def test_an_isotropic_solid_has_no_anisotropy_and_equal_bounds():
    """C44 = (C11 - C12) / 2 is what makes a cubic crystal isotropic."""
    found = elasticity.averages(cubic(110, 50, 30))

    assert found.anisotropy == pytest.approx(0, abs=1e-12)
    assert found.shear_reuss_gpa == pytest.approx(30)
    assert found.shear_voigt_gpa == pytest.approx(30)
    assert found.youngs_gpa == pytest.approx(2 * 30 * (1 + found.poisson))


def test_eigenvalues_of_a_cubic_tensor_are_the_born_criteria():
    """Analytic: C11 + 2 C12, C11 - C12 twice, 2 C44 three times (10.1103/PhysRevB.90.224104)."""
    found = elasticity.eigenvalues(cubic(100, 60, 35))

    assert found == pytest.approx([40, 40, 70, 70, 70, 220])


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_nothing_that_is_no_matter_of_axes_changes_when_they_are_turned(seed):
    tensor = stable_tensor(seed)
    rotation = Rotation.random(random_state=seed).as_matrix()
    turned = elasticity.rotated(tensor, rotation)

    assert elasticity.averages(turned) == pytest.approx(elasticity.averages(tensor))
    assert elasticity.eigenvalues(turned) == pytest.approx(elasticity.eigenvalues(tensor))
    assert elasticity.rotated(turned, rotation.T) == pytest.approx(tensor)


def test_a_direction_without_stiffness_has_no_averages():
    with pytest.raises(SimulationError, match="has no inverse"):
        elasticity.averages(np.diag([100.0, 100, 0, 0, 0, 40]))


@pytest.mark.parametrize("component", range(6))
def test_deformations_strain_as_voigt_notation_says_and_turn_nothing(component):
    """Oracle: pymatgen's strain of a Voigt vector, engineering shear."""
    found = elasticity.deformation(component, 0.01)
    oracle = Strain.from_voigt(0.01 * np.eye(6)[component])

    assert found - np.eye(3) == pytest.approx(np.asarray(oracle))
    assert found == pytest.approx(found.T)


def test_a_fit_returns_the_tensor_and_the_stress_that_made_the_data():
    tensor, rest = stable_tensor(1), np.arange(6) / 10
    strains = elasticity.strains(0.01)
    stresses = [value * tensor[component] + rest for component, value in strains]
    found = elasticity.fit(strains, stresses)

    assert found.tensor == pytest.approx(tensor)
    assert found.stress_gpa == pytest.approx(rest)
    assert found.residual_gpa == pytest.approx(0, abs=1e-10)
    assert found.r_squared == pytest.approx(1)
    assert found.nonlinearity_percent == pytest.approx(0, abs=1e-9)


def test_even_terms_cancel_and_odd_ones_are_told():
    """Strains are symmetric around zero, so a quadratic term cannot tilt the line."""
    strains = elasticity.strains(0.01)
    tensor = cubic(100, 60, 35)
    quadratic = [v * tensor[c] + 5000 * v**2 for c, v in strains]
    cubic_term = [v * tensor[c] * (1 + 1000 * v**2) for c, v in strains]

    assert elasticity.fit(strains, quadratic).tensor == pytest.approx(tensor)
    assert elasticity.fit(strains, quadratic).nonlinearity_percent == pytest.approx(0, abs=1e-9)
    assert elasticity.fit(strains, cubic_term).nonlinearity_percent > 1


@pytest.mark.parametrize(
    ("lattice", "group"),
    [
        (Lattice.cubic(4), 221),
        (Lattice.hexagonal(3, 5), 191),
        (Lattice.orthorhombic(3, 4, 5), 47),
        (Lattice.orthorhombic(5, 3, 4), 47),
        (Lattice.tetragonal(3, 5), 123),
        (Lattice.monoclinic(3, 4, 5, 100), 10),
        (Lattice.rhombohedral(4, 70), 166),
        (Lattice.from_parameters(3, 4, 5, 70, 80, 95), 2),
    ],
)
def test_standard_axes_are_right_handed_and_the_same_however_the_crystal_is_turned(lattice, group):
    """A tensor with the symmetry of the crystal, turned with it, is the same in its own axes."""
    crystal = Structure(lattice, ["Cu"], [[0, 0, 0]])
    assert analyzer(crystal).get_space_group_number() == group
    tensor = elasticity.symmetrised(stable_tensor(3), crystal)
    axes = elasticity.ieee_rotation(crystal)
    turn = Rotation.random(random_state=7).as_matrix()
    turned = Structure(crystal.lattice.matrix @ turn.T, ["Cu"], [[0, 0, 0]])
    # Components of the same tensor when crystal and axes are turned: axes are rows, turn is not.
    turned_tensor = elasticity.rotated(tensor, turn)
    turned_axes = elasticity.ieee_rotation(turned)

    assert np.linalg.det(axes) == pytest.approx(1)
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert elasticity.rotated(turned_tensor, turned_axes) == pytest.approx(
        elasticity.rotated(tensor, axes), abs=1e-6
    )

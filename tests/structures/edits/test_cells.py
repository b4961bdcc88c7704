"""Edits of cells and positions: strain, perturb, primitive, conventional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher

from llamp_mcp.errors import InvalidInput
from tests.structures.conftest import copper, crystals, edit, salt, silicon

if TYPE_CHECKING:
    from pymatgen.core import Structure

voigt_strains = st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=6)


def tensor(voigt: list[float]) -> Any:
    xx, yy, zz, yz, xz, xy = voigt
    return np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])


@given(crystals(), voigt_strains)
def test_the_volume_follows_the_determinant_and_fractions_stay(
    structure: Structure, voigt: list[float]
) -> None:
    step = edit(structure, {"op": "strain", "voigt": voigt})[0]
    determinant = np.linalg.det(np.eye(3) + tensor(voigt))
    assert step.structure.volume == pytest.approx(determinant * structure.volume)
    assert step.report["volumetric_strain_percent"] == pytest.approx(
        100 * (determinant - 1), abs=1e-4
    )
    assert np.allclose(step.structure.frac_coords, structure.frac_coords, atol=1e-12)
    assert step.structure.species == structure.species


@given(crystals(), voigt_strains)
def test_a_strain_and_its_inverse_cancel(structure: Structure, voigt: list[float]) -> None:
    inverse = np.linalg.inv(np.eye(3) + tensor(voigt)) - np.eye(3)
    steps = edit(
        structure,
        {"op": "strain", "voigt": voigt},
        {"op": "strain", "matrix": inverse.tolist()},
    )
    assert np.allclose(steps[-1].structure.lattice.matrix, structure.lattice.matrix, atol=1e-9)


def test_engineering_shear_is_twice_the_tensor_component() -> None:
    # Along a cube's edges: xy shear turns the 90° between a and b by the engineering shear.
    made = edit(copper(), {"op": "strain", "voigt": [0, 0, 0, 0, 0, 0.02]})[0].structure
    assert np.cos(np.radians(made.lattice.gamma)) == pytest.approx(0.02, rel=1e-3)
    assert made.lattice.alpha == pytest.approx(90)


def test_both_voigt_forms_and_both_lattices_are_told() -> None:
    report = edit(copper(), {"op": "strain", "voigt": [0.01, 0, 0, 0, 0, 0.02]})[0].report
    assert report["voigt_engineering"] == [0.01, 0, 0, 0, 0, 0.02]
    assert report["voigt_tensor"] == [0.01, 0, 0, 0, 0, 0.01]
    assert "engineering shear = 2 x tensor shear" in report["convention"]
    assert report["lattice_before"]["a"] == 3.615
    assert report["lattice_after"]["gamma"] == pytest.approx(90 - np.degrees(0.02), abs=0.02)
    assert "rotation_part" not in report


def test_the_rotation_in_a_displacement_gradient_is_told_apart() -> None:
    step = edit(copper(), {"op": "strain", "matrix": [[0, 0.01, 0], [0, 0, 0], [0, 0, 0]]})[0]
    assert step.report["voigt_engineering"] == [0, 0, 0, 0, 0, 0.01]
    assert step.report["rotation_part"] == [[0, 0.005, 0], [-0.005, 0, 0], [0, 0, 0]]


def test_each_voigt_component_strains_its_own_axis() -> None:
    made = edit(copper(), {"op": "strain", "voigt": [0.01, 0.02, 0.03, 0, 0, 0]})[0].structure
    assert made.lattice.abc == pytest.approx([3.615 * x for x in (1.01, 1.02, 1.03)])


def test_an_isotropic_strain_keeps_the_space_group_and_a_uniaxial_one_lowers_it() -> None:
    same = edit(copper(), {"op": "strain", "voigt": [0.02, 0.02, 0.02, 0, 0, 0]})[0].report
    assert same["spacegroup_after"] == "Fm-3m (225)"
    lower = edit(copper(), {"op": "strain", "voigt": [0.02, 0, 0, 0, 0, 0]})[0].report
    assert lower["spacegroup_after"] == "I4/mmm (139)"


@given(crystals(), st.floats(0.001, 0.05), st.integers(0, 1000))
def test_every_atom_moves_by_the_distance_and_the_seed_repeats_it(
    structure: Structure, distance: float, seed: int
) -> None:
    move = {"op": "perturb", "distance_a": distance, "seed": seed}
    one, other = edit(structure, move)[0], edit(structure, move)[0]
    assert one.structure == other.structure
    moved = [a.distance(b) for a, b in zip(one.structure, structure, strict=True)]
    assert moved == pytest.approx([distance] * len(structure), rel=1e-6)
    assert one.structure.lattice == structure.lattice
    assert (one.report["distance_a"], one.report["seed"]) == (distance, seed)


def test_the_seed_is_zero_unless_given_and_matters() -> None:
    silent, zero, one = (
        edit(silicon(), {"op": "perturb", "distance_a": 0.1, **seed})[0].structure
        for seed in ({}, {"seed": 0}, {"seed": 1})
    )
    assert silent == zero
    assert zero != one


@pytest.mark.parametrize(("structure", "primitive"), [(copper(), 1), (salt(), 2), (silicon(), 2)])
def test_primitive_and_conventional_are_the_same_crystal(
    structure: Structure, primitive: int
) -> None:
    small, large = edit(structure, {"op": "primitive"}, {"op": "conventional"})
    assert len(small.structure) == primitive
    assert len(large.structure) == 4 * primitive
    assert large.structure.lattice.angles == pytest.approx((90, 90, 90))
    for step in (small, large):
        assert StructureMatcher(primitive_cell=True).fit(step.structure, structure)
        assert step.report["volumetric_strain_percent"] == pytest.approx(0, abs=1e-6)
        assert step.report["spacegroup_before"] == step.report["spacegroup_after"]
        assert "10.1016/j.commatsci.2010.05.010" in step.report["convention"]


@given(crystals())
def test_a_primitive_cell_of_any_crystal_holds_the_same_matter(structure: Structure) -> None:
    step = edit(structure, {"op": "primitive"})[0]
    assert len(structure) % len(step.structure) == 0
    # Lattice vectors may be idealised by up to symprec, 0.01 Å of at least 3 Å each.
    assert step.structure.density == pytest.approx(structure.density, rel=1e-2)
    again = edit(step.structure, {"op": "primitive"})[0]
    assert len(again.structure) == len(step.structure)


def test_a_looser_tolerance_finds_the_symmetry_of_a_slightly_moved_crystal() -> None:
    moved = edit(copper(), {"op": "perturb", "distance_a": 0.02})[0].structure
    assert len(edit(moved, {"op": "primitive"})[0].structure) == 4
    assert len(edit(moved, {"op": "primitive", "symprec_a": 0.2})[0].structure) == 1


def test_magnetic_moments_lost_with_the_cell_are_told() -> None:
    magnetic = copper()
    magnetic.add_site_property("magmom", [1.0, -1.0, 1.0, -1.0])
    step = edit(magnetic, {"op": "primitive"})[0]
    assert "magmom" in step.notes[0]
    assert "magmom" not in step.structure.site_properties


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"op": "strain", "voigt": [-1, 0, 0, 0, 0, 0]},
            "determinant of 1 . strain 0.*0.01 is 1 %",
        ),
        ({"op": "strain", "voigt": [-3, 0, 0, 0, 0, 0]}, "inside out"),
        ({"op": "strain", "voigt": [0.01] * 5}, "voigt: .*at least 6"),
        ({"op": "strain"}, "exactly one of voigt | matrix"),
        ({"op": "strain", "voigt": [-0.9] * 3 + [0] * 3}, "apart.*at least 0.5 Å"),
        ({"op": "perturb"}, "needs 'distance_a'"),
        ({"op": "perturb", "distance_a": 5}, "less than or equal to 1"),
        ({"op": "perturb", "distance_a": 0}, "greater than 0"),
        ({"op": "perturb", "distance_a": 0.1, "seed": -1}, "seed: "),
        ({"op": "primitive", "symprec_a": 0}, "symprec_a: "),
    ],
)
def test_an_impossible_change_of_cell_is_explained(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(copper(), arguments)

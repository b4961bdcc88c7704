from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase.utils import rotate
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.pictures.view import look
from tests.structures.conftest import SILICON_A, crystals, silicon


@given(crystals(), st.sampled_from(["standard", "a", "b", "c"]))
def test_a_view_is_a_proper_rotation(structure: Structure, orientation: Any) -> None:
    rotation = look(structure.lattice, orientation).rotation
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)


@given(crystals(), st.tuples(*[st.integers(-3, 3)] * 3).filter(any))
def test_points_along_the_zone_axis_fall_onto_each_other(
    structure: Structure, direction: tuple[int, int, int]
) -> None:
    view = look(structure.lattice, "standard", direction)
    behind, before = view.project(np.array([[0, 0, 0], direction]) @ structure.lattice.matrix)
    assert before[:2] == pytest.approx(behind[:2], abs=1e-9)
    assert before[2] > behind[2]


@given(crystals())
def test_c_is_upright_and_a_comes_forward_in_the_three_quarter_view(structure: Structure) -> None:
    view = look(structure.lattice, "standard")
    a, _, c = view.project(structure.lattice.matrix)
    assert c[0] == pytest.approx(0, abs=1e-9)
    assert c[1] > 0
    a -= (a @ c) / (c @ c) * c
    assert a[2] > 0
    assert np.array(view.towards) @ structure.lattice.matrix @ view.rotation[2] > 0


def test_the_dumbbells_of_silicon_along_110_are_a_quarter_of_a_long() -> None:
    # Analytic; it is what electron microscopes resolve as 1.36 Å.
    structure = silicon(conventional=True)
    view = look(structure.lattice, "standard", [1, 1, 0])
    start = structure.cart_coords[0]
    bonds = [near.coords - start for near in structure.get_neighbors(structure[0], 2.4)]
    lengths = sorted(np.linalg.norm(view.project(np.array(bonds))[:, :2], axis=1))
    assert lengths[:2] == pytest.approx([SILICON_A / 4] * 2)
    assert lengths[2:] == pytest.approx([SILICON_A * np.sqrt(3) / 4] * 2)


@pytest.mark.parametrize(
    ("direction", "turned"),
    [([0, 0, 1], ""), ([0, -1, 0], "-90x"), ([1, 0, 0], "-90x,-90y"), ([0, 1, 0], "-90x,180y")],
)
def test_views_of_an_orthorhombic_cell_are_those_of_ase(direction: list[int], turned: str) -> None:
    view = look(Lattice.orthorhombic(3, 4, 5), "standard", direction)
    points = np.random.default_rng(0).normal(size=(5, 3))
    assert np.allclose(view.project(points), points @ rotate(turned))


def test_a_left_handed_cell_is_not_mirrored() -> None:
    mirrored = Lattice([[4, 0, 0], [0, 5, 0], [0, 0, -6]])
    a, b, c = look(mirrored, "standard").project(mirrored.matrix)
    assert np.linalg.det([a, b, c]) == pytest.approx(-120)
    assert c[1] > 0


@pytest.mark.parametrize(
    ("orientation", "direction", "said"),
    [
        ("standard", [0, 0, 0], r"not all zero"),
        ("standard", [1, 1], r"three integers"),
        ("a", [1, 1, 0], r"Both orientation 'a' and direction \[1, 1, 0\]"),
    ],
)
def test_a_direction_that_cannot_be_is_explained(
    orientation: Any, direction: list[int], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        look(Lattice.cubic(4), orientation, direction)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from tests.structures.conftest import copper, crystals, edit, silicon

small_matrices = st.lists(
    st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=3, max_size=3
).filter(lambda matrix: 0 < round(np.linalg.det(matrix)) <= 12)


@given(crystals(), st.lists(st.integers(1, 3), min_size=3, max_size=3))
def test_repeats_multiply_atoms_and_volume_and_keep_the_composition(
    structure: Structure, repeats: list[int]
) -> None:
    step = edit(structure, {"op": "supercell", "repeats": repeats})[0]
    cells = int(np.prod(repeats))
    assert len(step.structure) == cells * len(structure)
    assert step.structure.volume == pytest.approx(cells * structure.volume)
    assert step.structure.composition.reduced_formula == structure.composition.reduced_formula
    assert step.structure.lattice.abc == pytest.approx(np.multiply(structure.lattice.abc, repeats))
    assert step.report["determinant"] == cells
    assert step.report["volumetric_strain_percent"] == pytest.approx(0, abs=1e-6)
    assert step.report["min_distance_a"] == pytest.approx(
        edit(structure, {"op": "supercell", "repeats": [1, 1, 1]})[0].report["min_distance_a"]
    )


@given(crystals(), small_matrices)
def test_a_matrix_multiplies_by_its_determinant_and_its_rows_are_the_new_vectors(
    structure: Structure, matrix: list[list[int]]
) -> None:
    step = edit(structure, {"op": "supercell", "matrix": matrix})[0]
    cells = round(np.linalg.det(matrix))
    assert len(step.structure) == cells * len(structure)
    assert step.structure.lattice.matrix == pytest.approx(
        np.array(matrix) @ structure.lattice.matrix
    )
    assert step.report["volumetric_strain_percent"] == pytest.approx(0, abs=1e-6)


@given(small_matrices)
def test_a_supercell_keeps_the_space_group(matrix: list[list[int]]) -> None:
    report = edit(silicon(), {"op": "supercell", "matrix": matrix})[0].report
    assert report["spacegroup_before"] == report["spacegroup_after"] == "Fd-3m (227)"


@pytest.mark.parametrize(("target", "atoms"), [(1, 2), (16, 16), (17, 16), (54, 54), (64, 64)])
def test_a_target_is_met_as_nearly_as_a_compact_cell_can(target: int, atoms: int) -> None:
    step = edit(silicon(), {"op": "supercell", "target_atoms": target})[0]
    assert len(step.structure) == atoms
    assert f"{target} atoms" in step.report["chosen_for"]


def test_a_target_of_a_cube_number_of_cubic_cells_is_the_cube() -> None:
    step = edit(copper(), {"op": "supercell", "target_atoms": 108})[0]
    assert step.structure.lattice.abc == pytest.approx((3 * 3.615,) * 3)
    assert step.structure.lattice.angles == pytest.approx((90, 90, 90))


def test_a_cube_is_wholly_compact_and_a_bar_less() -> None:
    cube, bar = (
        edit(copper(), {"op": "supercell", "repeats": repeats})[0].report
        for repeats in ([2, 2, 2], [1, 1, 8])
    )
    assert (cube["shortest_width_a"], cube["compactness"]) == (7.23, 1)
    assert (bar["shortest_width_a"], bar["compactness"]) == (3.615, 0.5)
    assert bar["lattice_after"]["c"] == pytest.approx(8 * 3.615)


def test_from_the_primitive_cell_of_silicon_the_cube_of_64_is_found() -> None:
    step = edit(silicon(), {"op": "supercell", "target_atoms": 64})[0]
    assert step.structure.lattice.angles == pytest.approx((90, 90, 90))


@given(crystals(), st.integers(1, 150))
def test_no_target_makes_a_needle(structure: Structure, target: int) -> None:
    made = edit(structure, {"op": "supercell", "target_atoms": target})[0].structure
    widths = 1 / np.linalg.norm(made.lattice.inv_matrix, axis=0)
    before = 1 / np.linalg.norm(structure.lattice.inv_matrix, axis=0)
    ratio = min(widths) / made.volume ** (1 / 3)
    assert ratio >= min(0.5, min(before) / structure.volume ** (1 / 3))


def test_a_flat_cell_grows_along_its_short_axes_first() -> None:
    plate = Structure(Lattice.orthorhombic(3, 3, 24), ["Cu"], [[0, 0, 0]])
    made = edit(plate, {"op": "supercell", "target_atoms": 36})[0].structure
    assert made.lattice.c == pytest.approx(24)
    assert len(made) == 36


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"repeats": [80, 80, 80]}, r"1024000 atoms \(512000 cells of 2\).*at most 20000"),
        ({"matrix": [[10**6, 0, 0], [0, 10**6, 0], [0, 0, 10**6]]}, "at most 20000"),
        ({"target_atoms": 20_001}, "at most 20000"),
        ({"matrix": [[1, 0, 0], [2, 0, 0], [0, 0, 1]]}, "singular"),
        ({"matrix": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}, "determinant -1.*Swap two rows"),
        ({"matrix": [[1.5, 0, 0], [0, 1, 0], [0, 0, 1]]}, r"matrix\[0\]\[0\]: .*integer"),
        ({"repeats": [0, 1, 1]}, r"repeats\[0\]: .*greater than or equal to 1"),
        ({"repeats": [2, 2]}, "repeats: .*at least 3 items"),
        ({"repeats": "2x2x2"}, "repeats: .*list.*given '2x2x2'"),
        ({}, "exactly one of repeats | matrix | target_atoms; got none"),
        ({"repeats": [1, 1, 1], "target_atoms": 4}, "got repeats and target_atoms"),
        ({"repeats": [2, 1, 1], "site": 0}, "does not take 'site'; it takes repeats"),
    ],
)
def test_an_impossible_supercell_is_explained(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(silicon(), {"op": "supercell", **arguments})

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.spatial.transform import Rotation

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.lattice.standard import standard_cell

CRYSTALS = {
    "fcc": bulk("Cu"),
    "bcc": bulk("Fe"),
    "hcp": bulk("Ti"),
    "diamond": bulk("Si"),
    "rock salt": bulk("NaCl", "rocksalt", 5.6),
    "rhombohedral": bulk("As"),
    "body-centred tetragonal": bulk("In"),
}


@pytest.mark.parametrize("name", CRYSTALS)
def test_primitive_and_conventional_cells_are_the_same_crystal_in_the_same_axes(name):
    cell = standard_cell(CRYSTALS[name])
    matrix = np.array(cell.primitive_matrix)

    assert cell.conventional.cell.array.T @ matrix == pytest.approx(cell.primitive.cell.array.T)
    ratio = cell.conventional.get_volume() / cell.primitive.get_volume()
    assert len(cell.conventional) == pytest.approx(ratio * len(cell.primitive))
    # Every atom of the primitive cell is one of the conventional cell's.
    inverse = np.linalg.inv(cell.conventional.cell.array)
    fractions = cell.primitive.positions @ inverse
    for fraction in fractions:
        apart = fraction - cell.conventional.get_scaled_positions()
        assert np.abs(apart - np.rint(apart)).max(axis=1).min() < 1e-6


@pytest.mark.parametrize("name", CRYSTALS)
def test_the_cell_a_crystal_comes_in_does_not_matter(name):
    """A turned supercell with atoms off by less than the tolerance."""
    crystal = CRYSTALS[name]
    moved = crystal.repeat((2, 1, 1))
    moved.set_cell(moved.cell.array @ Rotation.random(random_state=1).as_matrix(), scale_atoms=True)
    moved.positions += np.random.default_rng(0).normal(scale=1e-4, size=moved.positions.shape)
    one, other = standard_cell(crystal), standard_cell(moved)

    assert one.spacegroup == other.spacegroup
    assert one.primitive.cell.cellpar() == pytest.approx(other.primitive.cell.cellpar(), abs=1e-3)
    assert one.path == other.path
    assert len(one.primitive) == len(other.primitive)


def test_special_points_of_fcc_are_the_textbook_ones():
    """X is (0, 1, 0), L is (1/2, 1/2, 1/2) of the cubic reciprocal cell (and their like)."""
    cell = standard_cell(bulk("Cu", a=4.0))
    reciprocal = cell.primitive.cell.reciprocal().array

    def star(label: str) -> list[float]:
        return sorted(abs(4.0 * np.array(cell.points[label]) @ reciprocal))

    assert star("X") == pytest.approx([0, 0, 1])
    assert star("L") == pytest.approx([0.5, 0.5, 0.5])
    assert star("GAMMA") == [0, 0, 0]


def test_supercells_are_wide_enough_in_each_direction_and_no_larger():
    cell = standard_cell(bulk("Ti"))
    repeats = cell.repeats()

    assert min(cell.heights_a(repeats)) >= 10
    for axis in range(3):
        fewer = [n - (at == axis) for at, n in enumerate(repeats)]
        assert cell.heights_a(fewer)[axis] < 10


def test_supercells_of_large_cells_are_bounded():
    atoms = Atoms("Cu", cell=[2.5, 2.5, 2.5], pbc=True).repeat((1, 1, 60))
    atoms.positions += np.random.default_rng(0).normal(scale=0.1, size=atoms.positions.shape)
    cell = standard_cell(atoms)

    assert cell.n_atoms(cell.repeats()) <= 300
    assert cell.repeats()[int(np.argmax(cell.heights_a([1, 1, 1])))] == 1


def test_two_atoms_in_one_place_are_refused():
    with pytest.raises(InvalidInput, match="no two atoms coincide"):
        standard_cell(Atoms("Cu2", positions=[[0, 0, 0], [0, 0, 1e-4]], cell=[3, 3, 3], pbc=True))

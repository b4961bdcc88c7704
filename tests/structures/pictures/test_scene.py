from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.pictures.scene import MAX_ATOMS_WITH_BONDS, compose
from tests.structures.conftest import copper, crystal, crystals, salt, silicon
from tests.structures.pictures.crystals import carbon_dioxide, perovskite, slab

if TYPE_CHECKING:
    from pymatgen.core import Structure

ONE = (1, 1, 1)


@pytest.mark.parametrize(
    ("structure", "atoms", "sticks"),
    [(salt(), 27, 54), (copper(), 14, 0), (perovskite(), 15, 6)],
)
def test_atoms_on_faces_edges_and_corners_are_repeated(
    structure: Structure, atoms: int, sticks: int
) -> None:
    scene = compose(structure, ONE, with_bonds=True)
    assert (len(scene.sites), len(scene.sticks)) == (atoms, sticks)
    assert not scene.outside.any()


def test_diamond_looks_as_in_textbooks() -> None:
    scene = compose(crystal("Fd-3m:1", 5.43, Si=0.0), ONE, with_bonds=True)
    assert (len(scene.sites), len(scene.sticks), scene.outside.sum()) == (18, 16, 0)


def test_atoms_inside_a_small_cell_show_all_their_neighbours() -> None:
    scene = compose(silicon(), ONE, with_bonds=True)
    assert (len(scene.sites), scene.outside.sum(), len(scene.sticks)) == (10, 8, 8)
    ends = Counter(scene.sticks.ravel().tolist())
    assert [ends[at] for at in (0, 1)] == [4, 4]


def test_an_almost_closed_cell_is_completed_too() -> None:
    moved = salt()
    moved.translate_sites(list(range(len(moved))), [-0.004, 0.004, 0.0])
    assert len(compose(moved, ONE, with_bonds=False).sites) == 27


@given(crystals())
def test_every_site_is_drawn_in_the_cell(structure: Structure) -> None:
    scene = compose(structure, ONE, with_bonds=True)
    inside = scene.centres[~scene.outside]
    assert set(scene.sites[~scene.outside].tolist()) == set(range(len(structure)))
    if not scene.vacuum and not (scene.bonds and scene.bonds.molecules):
        frac = structure.lattice.get_fractional_coords(inside)
        spacings = 1 / np.linalg.norm(np.linalg.inv(structure.lattice.matrix), axis=0)
        assert (frac * spacings > -0.11).all()
        assert ((frac - 1) * spacings < 0.11).all()


@given(crystals())
def test_drawn_atoms_are_where_the_sites_are_up_to_translations(structure: Structure) -> None:
    scene = compose(structure, (2, 1, 1), with_bonds=True)
    frac = structure.lattice.get_fractional_coords(scene.centres)
    shifts = frac - structure.frac_coords[scene.sites]
    assert np.allclose(shifts, shifts.round(), atol=1e-6)
    assert len(np.unique(scene.centres.round(4), axis=0)) == len(scene.sites)


def test_sticks_are_as_long_as_their_bonds() -> None:
    scene = compose(silicon(), (2, 2, 2), with_bonds=True)
    ends = scene.centres[scene.sticks]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    assert lengths == pytest.approx(np.full(len(lengths), 2.357), abs=1e-3)


@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 1, 1), (2, 3, 4)])
def test_every_edge_of_the_cells_is_drawn_once(repeats: tuple[int, int, int]) -> None:
    scene = compose(copper(), repeats, with_bonds=False)
    a, b, c = repeats
    expected = a * (b + 1) * (c + 1) + b * (a + 1) * (c + 1) + c * (a + 1) * (b + 1)
    middles = scene.edges.mean(axis=1).round(6)
    assert len(np.unique(middles, axis=0)) == len(middles) == expected
    assert scene.own_edges.sum() == 12
    assert np.linalg.norm(scene.edges[:, 1] - scene.edges[:, 0], axis=1) == pytest.approx(3.615)


@pytest.mark.parametrize("shift", [0.0, 0.5, 0.72, 0.8, 0.9])
def test_a_slab_is_drawn_in_one_piece_and_not_across_the_vacuum(shift: float) -> None:
    scene = compose(slab(shift=shift), ONE, with_bonds=False)
    assert scene.vacuum == ("c",)
    assert np.ptp(scene.centres[:, 2]) == pytest.approx(0.21 * 26)
    assert len(scene.sites) == 2 * 4 + 2 * 1


def test_a_molecule_across_a_corner_is_drawn_whole_and_once() -> None:
    scene = compose(carbon_dioxide(at=(0, 0, 0)), ONE, with_bonds=True)
    assert scene.vacuum == ("a", "b", "c")
    assert sorted(scene.sites.tolist()) == [0, 1, 2]
    carbon = scene.centres[scene.sites.tolist().index(0)]
    lengths = np.linalg.norm(scene.centres - carbon, axis=1)
    assert sorted(lengths) == pytest.approx([0, 1.179, 1.179], abs=1e-3)
    assert len(scene.sticks) == 2


def test_many_atoms_are_drawn_without_sticks() -> None:
    many = salt() * (5, 5, 6)
    assert len(many) > MAX_ATOMS_WITH_BONDS
    scene = compose(many, ONE, with_bonds=True)
    assert scene.bonds is None
    assert len(scene.sites) == 11 * 11 * 13


def test_too_many_atoms_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"16000 atoms.*at most 8000.*smaller cell"):
        compose(salt(), (20, 10, 10), with_bonds=True)

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.migration.matching import match
from tests.simulation.conftest import copper


def hop() -> tuple[Structure, Structure, int]:
    """A vacancy on site 0, and on a neighbour; the number of that neighbour."""
    host = copper(2)
    near = min(int(one.index) for one in host.get_neighbors(host[0], 2.6))
    initial, final = host.copy(), host.copy()
    initial.remove_sites([0])
    final.remove_sites([near])
    return initial, final, near


def test_a_vacancy_hop_moves_one_atom_by_a_neighbour_distance():
    initial, final, near = hop()
    found = match(initial, final)
    lengths = np.linalg.norm(found.displacements_a, axis=1)

    assert lengths.max() == pytest.approx(3.6 / 2**0.5)
    assert (lengths > 1e-9).sum() == 1
    report = found.report(initial)
    assert report["moving"][0]["site"] == near - 1, "sites after the first are one lower"
    assert report["n_moving"] == 1


def test_any_order_of_sites_gives_the_same_displacements():
    initial, final, _ = hop()
    shuffled = np.random.default_rng(3).permutation(len(final))
    other = Structure.from_sites([final[int(at)] for at in shuffled])
    found = match(initial, other)

    assert found.reordered
    assert found.length_a == pytest.approx(match(initial, final).length_a)
    assert sorted(found.order) == list(range(len(initial)))
    back = np.array([other[at].frac_coords for at in found.order]) - initial.frac_coords
    shortest = (back - np.round(back)) @ initial.lattice.matrix
    assert np.allclose(shortest, found.displacements_a)


def test_runs_say_the_whole_order():
    initial, final, _ = hop()
    found = match(initial, final)
    told = [
        to + step
        for first, last, to in found.report(initial)["runs"]
        for step in range(last - first + 1)
    ]
    assert told == found.order


def test_the_order_given_is_kept_where_it_is_as_good():
    two = Structure(Lattice.cubic(4), ["Cu", "Cu"], [[0.0, 0, 0], [0.5, 0, 0]])
    turned = Structure(Lattice.cubic(4), ["Cu", "Cu"], [[0.25, 0, 0], [0.75, 0, 0]])
    assert not match(two, turned).reordered


def test_elements_are_not_exchanged():
    one = Structure(Lattice.cubic(5), ["Cu", "Au"], [[0.0, 0, 0], [0.5, 0.5, 0.5]])
    other = Structure(Lattice.cubic(5), ["Au", "Cu"], [[0.1, 0, 0], [0.6, 0.5, 0.5]])
    found = match(one, other)
    assert found.order == [1, 0]
    assert np.linalg.norm(found.displacements_a, axis=1).min() > 3


def test_a_path_across_the_boundary_is_the_short_one():
    one = Structure(Lattice.cubic(5), ["Cu"], [[0.95, 0, 0]])
    other = Structure(Lattice.cubic(5), ["Cu"], [[0.05, 0, 0]])
    assert match(one, other).displacements_a[0] == pytest.approx([0.5, 0, 0])


def test_other_atoms_and_other_cells_are_refused():
    initial, _, _ = hop()
    with pytest.raises(InvalidInput, match="the same atoms"):
        match(initial, copper(2))
    stretched = initial.copy()
    stretched.scale_lattice(1.01 * initial.volume)
    with pytest.raises(InvalidInput, match="differ by up to"):
        match(initial, stretched)

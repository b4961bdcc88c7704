from __future__ import annotations

import pytest
from ase.build import bulk
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.formats import from_atoms
from llamp_mcp.structures.shells import coordination, first_shell
from tests.structures.conftest import copper, salt, silicon


def test_a_shell_ends_at_a_gap_of_more_than_a_tenth() -> None:
    assert first_shell([2.0, 2.1, 2.3, 2.54]) == 3
    assert first_shell([2.0, 2.0]) == 2
    assert first_shell([2.0]) == 1


@pytest.mark.parametrize(
    ("structure", "first", "second"),
    [(silicon(), 4, 12), (copper(), 12, 6), (salt(), 6, 12), (from_atoms(bulk("Fe")), 8, 6)],
)
def test_coordination_of_textbook_crystals(structure: Structure, first: int, second: int) -> None:
    # Geometry of the lattice types: diamond, fcc, rock salt, bcc.
    report = coordination(structure, 0)
    assert report["coordination"] == first == len(report["distances_a"])
    assert report["next_shell"]["count"] == second


def test_a_shell_without_gaps_ends_three_tenths_beyond_its_first_distance() -> None:
    assert first_shell([2.0 + 0.05 * n for n in range(100)]) == 13


def test_the_shell_of_an_atom_alone_in_a_large_box_is_its_images() -> None:
    lonely = Structure(Lattice.cubic(20), ["He"], [[0, 0, 0]])
    report = coordination(lonely, 0)
    assert (report["coordination"], report["distances_a"]) == (6, [20.0] * 6)

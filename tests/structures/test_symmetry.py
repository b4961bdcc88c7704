from __future__ import annotations

import pytest
from hypothesis import given
from moyopy import Cell, MoyoDataset
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.symmetry import MAX_ATOMS, SYMPREC_A, analyzer, space_group
from tests.structures.conftest import bravais_crystals, copper, salt, silicon


@pytest.mark.parametrize(
    ("structure", "symbol", "number"),
    [(silicon(), "Fd-3m", 227), (copper(), "Fm-3m", 225), (salt(), "Fm-3m", 225)],
)
def test_textbook_space_groups(structure: Structure, symbol: str, number: int) -> None:
    assert space_group(structure) == (symbol, number)


@pytest.mark.parametrize(
    ("lattice", "group"),
    [
        (Lattice.rhombohedral(3.5, 88), "R-3m (166)"),
        # A body-centred tetragonal cell by its primitive vectors, which are equally long.
        (Lattice([[-2.75, 2.75, 2.8], [2.75, -2.75, 2.8], [2.75, 2.75, -2.8]]), "I4/mmm (139)"),
    ],
)
def test_a_cell_two_degrees_off_is_not_taken_for_cubic(lattice: Lattice, group: str) -> None:
    # The tolerance told is one of lengths; pymatgen adds one of angles, 5° unless told otherwise.
    assert str(space_group(Structure(lattice, ["Li"], [[0, 0, 0]]))) == group


@given(bravais_crystals())
def test_space_groups_are_those_of_moyo(structure: Structure) -> None:
    # Second implementation.
    cell = Cell(
        structure.lattice.matrix.tolist(),
        structure.frac_coords.tolist(),
        list(structure.atomic_numbers),
    )
    found = space_group(structure)
    assert found is not None
    assert found.number == MoyoDataset(cell, symprec=SYMPREC_A).number


def test_magnetic_moments_do_not_lower_the_space_group() -> None:
    magnetic = copper()
    magnetic.add_site_property("magmom", [1.0, -1.0, 1.0, None])
    assert str(space_group(magnetic)) == "Fm-3m (225)"


def test_coinciding_atoms_have_no_space_group_and_the_error_says_why() -> None:
    doubled = Structure(Lattice.cubic(3), ["Cu", "Cu"], [[0.0, 0.0, 0.0], [0.0, 0.0, 1e-5]])
    assert space_group(doubled) is None
    with pytest.raises(InvalidInput, match="no two atoms coincide"):
        analyzer(doubled)


def test_a_very_large_cell_goes_without() -> None:
    assert space_group(Structure(Lattice.cubic(3), ["Cu"], [[0, 0, 0]]) * (18, 18, 18)) is None
    assert MAX_ATOMS < 18**3

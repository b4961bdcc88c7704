from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.symmetry import MAX_ATOMS, analyzer, space_group
from tests.structures.conftest import copper, salt, silicon


@pytest.mark.parametrize(
    ("structure", "symbol", "number"),
    [(silicon(), "Fd-3m", 227), (copper(), "Fm-3m", 225), (salt(), "Fm-3m", 225)],
)
def test_textbook_space_groups(structure: Structure, symbol: str, number: int) -> None:
    assert space_group(structure) == (symbol, number)


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

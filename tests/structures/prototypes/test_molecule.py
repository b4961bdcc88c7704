from __future__ import annotations

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.prototypes import build


@pytest.mark.parametrize(("name", "formula"), [("CO2", "C1 O2"), ("C60", "C60"), ("O", "O1")])
def test_a_molecule_stands_in_the_middle_of_a_box_with_the_vacuum_told(
    name: str, formula: str
) -> None:
    built = build({"kind": "molecule", "name": name})
    low, high = built.structure.cart_coords.min(axis=0), built.structure.cart_coords.max(axis=0)
    assert built.structure.lattice.abc == pytest.approx(tuple(high - low + 10))
    assert (low + high) / 2 == pytest.approx([edge / 2 for edge in built.structure.lattice.abc])
    assert built.structure.formula == formula
    assert "10 Å" in built.notes[0]


def test_magnetic_moments_of_a_molecule_are_told() -> None:
    assert "moments" in build({"kind": "molecule", "name": "O2"}).notes[1]


def test_an_unknown_molecule_is_explained_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"Unknown molecule 'LiFePO4'.*CO2"):
        build({"kind": "molecule", "name": "LiFePO4"})

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from ase.build import fcc111
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.formats import from_atoms
from tests.structures.analysis.crystals import alloy, molybdenite, perovskite, told
from tests.structures.conftest import copper, crystal, salt, silicon


def graphite() -> Structure:
    coords = [(0, 0, 0.25), (0, 0, 0.75), (1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75)]
    return Structure(Lattice.hexagonal(2.46, 6.7), ["C"] * 4, coords)


def selenium() -> Structure:
    """Helical chains along c: P3_121, Se at (x, 0, 1/3)."""
    x = 0.2254
    coords = [(x, 0, 1 / 3), (0, x, 2 / 3), (-x, -x, 0)]
    return Structure(Lattice.hexagonal(4.366, 4.954), ["Se"] * 3, coords)


def dry_ice() -> Structure:
    return crystal("Pa-3", 5.62, C=0.0, O=0.1185)


def component(block: dict[str, Any]) -> tuple[Any, ...]:
    (row,) = block["components"]
    return tuple(row.values())


@pytest.mark.parametrize(
    ("structure", "kind", "expected"),
    [
        (silicon(), "network", ("Si", 3, None, 1)),
        (copper(), "network", ("Cu", 3, None, 1)),
        (salt(), "network", ("NaCl", 3, None, 1)),
        (perovskite(), "network", ("SrTiO3", 3, None, 1)),
        (molybdenite(), "layers", ("MoS2", 2, "(0 0 1)", 2)),
        (graphite(), "layers", ("C", 2, "(0 0 1)", 2)),
        (selenium(), "chains", ("Se", 1, "[0 0 1]", 1)),
        (dry_ice(), "molecules", ("C1 O2", 0, None, 4)),
    ],
)
def test_textbook_crystals(structure: Structure, kind: str, expected: tuple[Any, ...]) -> None:
    # Larsen and others 2019 (doi 10.1103/PhysRevMaterials.3.034003) name these as examples of
    # each dimensionality.
    block = told("dimensionality", structure)
    assert block["kind"] == kind
    assert component(block) == expected


CELLS = [
    [[1, 0, 0], [0, 1, 0], [0, 1, 1]],
    [[2, 1, 0], [0, 1, 1], [1, 0, 2]],
    [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
]


@pytest.mark.parametrize("matrix", CELLS)
def test_layers_have_the_same_normal_in_any_cell(matrix: list[list[int]]) -> None:
    # Identity: the reciprocal vector hkl of the given cell is normal to the layers.
    made = molybdenite()
    made.make_supercell(matrix, to_unit_cell=False)
    _, _, direction, _ = component(told("dimensionality", made))
    hkl = [int(x) for x in re.findall(r"-?\d+", direction)]
    normal = np.array(hkl) @ made.lattice.reciprocal_lattice.matrix
    assert np.cross(normal, [0, 0, 1]) == pytest.approx(0, abs=1e-9)
    assert np.gcd.reduce(hkl) == 1


@pytest.mark.parametrize("matrix", CELLS)
def test_chains_have_the_same_direction_in_any_cell(matrix: list[list[int]]) -> None:
    made = selenium()
    made.make_supercell(matrix, to_unit_cell=False)
    _, _, direction, _ = component(told("dimensionality", made))
    uvw = [int(x) for x in re.findall(r"-?\d+", direction)]
    assert np.cross(np.array(uvw) @ made.lattice.matrix, [0, 0, 1]) == pytest.approx(0, abs=1e-9)
    assert np.gcd.reduce(uvw) == 1


def test_a_slab_is_as_thick_as_ase_made_it() -> None:
    atoms = fcc111("Cu", (1, 1, 5), a=3.615, vacuum=6, periodic=True)
    block = told("dimensionality", from_atoms(atoms))
    assert (block["dimensionality"], component(block)[2]) == (2, "(0 0 1)")
    gaps = {row["axis"]: row for row in block["empty_layers"]}
    assert gaps["c"]["thickness_a"] == pytest.approx(4 * 3.615 / 3**0.5, abs=1e-3)
    assert gaps["c"]["widest_gap_a"] == pytest.approx(12, abs=1e-3)
    assert [gaps[axis]["vacuum"] for axis in "abc"] == [False, False, True]


def test_a_slab_across_the_boundary_of_its_cell_has_the_same_gap() -> None:
    atoms = fcc111("Cu", (1, 1, 4), a=3.615, vacuum=5, periodic=True)
    shifted = atoms.copy()
    shifted.positions += [0, 0, 6]
    one, other = (told("dimensionality", from_atoms(it))["empty_layers"] for it in (atoms, shifted))
    assert one == other


def test_a_molecule_in_a_box_has_vacuum_on_all_sides() -> None:
    box = Structure(Lattice.cubic(12), ["C", "O"], [[0.0] * 3, [1.13 / 12, 0.0, 0.0]])
    block = told("dimensionality", box)
    assert component(block) == ("C1 O1", 0, None, 1)
    assert all(row["vacuum"] for row in block["empty_layers"])


def test_where_bonds_are_not_known_the_gaps_are_told() -> None:
    block = told("dimensionality", alloy(0.5))
    assert block["dimensionality"] is None
    assert "more than half" in block["dimensionality_not_determined"]
    assert len(block["empty_layers"]) == 3

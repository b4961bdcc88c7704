from __future__ import annotations

from typing import Any

import ase.build
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import from_atoms
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import crystals, edit, salt, silicon

AXES = "abc"
SLAB = {"op": "slab", "miller": [1, 0, 0], "min_vacuum_a": 12}


def gap(structure: Structure, axis: str) -> float:
    """The widest gap between atoms along the normal of the two other axes, by brute force."""
    at = AXES.index(axis)
    others = [structure.lattice.matrix[i] for i in range(3) if i != at]
    normal = np.cross(*others)
    normal /= np.linalg.norm(normal)
    period = abs(structure.lattice.matrix[at] @ normal)
    heights = np.sort((structure.cart_coords @ normal) % period)
    return float(np.diff([*heights, heights[0] + period]).max())


@given(crystals(charged=True), st.sampled_from(AXES), st.floats(5, 30), st.booleans())
def test_the_gap_becomes_what_was_asked_for_and_the_layer_stays_as_it_was(
    structure: Structure, axis: str, width: float, centred: bool
) -> None:
    asked = {"op": "vacuum", "axis": axis, "min_vacuum_a": width, "centred": centred}
    step = edit(structure, asked)[0]
    made, report, at = step.structure, step.report, AXES.index(axis)
    assert gap(made, axis) == pytest.approx(width, abs=1e-6)
    assert report["gap_a_after"] == pytest.approx(width, abs=1e-4)
    assert report["gap_a_before"] == pytest.approx(gap(structure, axis), abs=1e-4)
    assert made.composition == structure.composition
    assert [site.species for site in made] == [site.species for site in structure]
    others = [i for i in range(3) if i != at]
    assert made.lattice.matrix[others].tolist() == structure.lattice.matrix[others].tolist()
    turned = np.cross(made.lattice.matrix[at], structure.lattice.matrix[at])
    assert np.allclose(turned, 0, atol=1e-8)
    # The atoms keep their places to each other: with the former gap the former crystal is back.
    back = edit(made, {**asked, "min_vacuum_a": gap(structure, axis)})[0].structure
    assert back.lattice.abc == pytest.approx(structure.lattice.abc)
    assert np.sort(back.distance_matrix.ravel()) == pytest.approx(
        np.sort(structure.distance_matrix.ravel()), abs=1e-6
    )
    assert "volumetric_strain_percent" not in report


def test_a_slab_gets_the_cell_that_ase_gives_it() -> None:
    # ase.build.add_vacuum adds to a third axis; fcc111 has it upright, the sheared one has not.
    for shear in (0, 1.3):
        atoms = ase.build.fcc111("Cu", (1, 1, 4), a=3.6, vacuum=5)
        atoms.cell[2, 0] += shear
        expected = atoms.copy()
        ase.build.add_vacuum(expected, 7)
        step = edit(from_atoms(atoms), {"op": "vacuum", "min_vacuum_a": 17})[0]
        assert step.structure.lattice.matrix == pytest.approx(expected.cell.array)
        distances = from_atoms(expected).distance_matrix
        assert step.structure.distance_matrix == pytest.approx(distances)


def test_the_vacuum_of_a_sheared_cell_is_measured_along_the_normal() -> None:
    step = edit(silicon(), {"op": "vacuum", "axis": "a", "min_vacuum_a": 10})[0]
    b, c = step.structure.lattice.matrix[1:]
    area = np.linalg.norm(np.cross(b, c))
    report = step.report
    assert step.structure.volume == pytest.approx(area * (10 + report["thickness_a"]), rel=1e-4)
    # Between a and the (111) normal: arccos √(2/3).
    assert report["axis_tilt_deg"] == pytest.approx(np.degrees(np.arccos(np.sqrt(2 / 3))), abs=1e-3)
    assert "normal of the plane of b and c" in report["measured"]


def test_a_bulk_cell_is_cut_and_the_report_says_so() -> None:
    step = edit(salt(), {"op": "vacuum"})[0]
    assert step.report["gap_a_before"] == 2.82
    assert step.report["gap_a_after"] == 15
    assert "crystal without a vacuum" in step.notes[0]
    assert edit(step.structure, {"op": "vacuum", "min_vacuum_a": 20})[0].notes == ()


def test_a_layer_across_the_boundary_is_put_together() -> None:
    whole = edit(salt(), SLAB)[0].structure
    straddling = whole.copy()
    straddling.translate_sites(list(range(len(whole))), [0, 0, 0.45], to_unit_cell=True)
    assert np.ptp(straddling.frac_coords[:, 2]) > 0.8
    wider = [
        edit(one, {"op": "vacuum", "min_vacuum_a": 25, "centred": True})[0]
        for one in (whole, straddling)
    ]
    assert structure_id(wider[0].structure) == structure_id(wider[1].structure)
    z = wider[1].structure.frac_coords[:, 2]
    assert (z.min() + z.max()) / 2 == pytest.approx(0.5)
    assert wider[1].report["thickness_a"] == wider[0].report["thickness_a"]


def test_without_centring_the_lowest_atom_stays_where_it_is() -> None:
    slab = edit(salt(), SLAB)[0].structure
    made = edit(slab, {"op": "vacuum", "min_vacuum_a": 30})[0].structure
    assert made.cart_coords == pytest.approx(slab.cart_coords)


def test_a_vacuum_is_made_narrower_too_and_twice_is_once() -> None:
    slab = edit(salt(), SLAB)[0].structure
    once, twice = edit(slab, *[{"op": "vacuum", "min_vacuum_a": 8, "centred": True}] * 2)
    assert once.report["gap_a_before"] == 12
    assert structure_id(once.structure) == structure_id(twice.structure)


def test_properties_of_sites_and_the_charge_are_kept() -> None:
    chain = Structure(Lattice.cubic(4), ["Fe"], [[0.0, 0, 0]], charge=1)
    chain.add_site_property("magmom", [2.0])
    made = edit(chain, {"op": "vacuum", "axis": "b", "min_vacuum_a": 9})[0].structure
    assert made.site_properties["magmom"] == [2.0]
    assert made._charge == 1
    assert made.lattice.abc == pytest.approx((4, 9, 4))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"axis": "z"}, "axis: .*'a', 'b' or 'c'"),
        ({"min_vacuum_a": 0}, "greater than 0"),
        ({"min_vacuum_a": 0.1, "axis": "c"}, "apart"),
        ({"gap_a": 3}, "does not take 'gap_a'|Unknown|not take"),
    ],
)
def test_an_impossible_vacuum_is_explained(arguments: dict[str, Any], said: str) -> None:
    pair = Structure(Lattice.cubic(5), ["H", "H"], [[0.0, 0, 0], [0, 0, 0.5]])
    with pytest.raises(InvalidInput, match=said):
        edit(pair, {"op": "vacuum", **arguments})

"""translate, rotate, set_lattice, scale_volume, sort: what each report proves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pymatgen.analysis.elasticity import Deformation
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from tests.structures.conftest import copper, edit, salt, silicon

HEXAGONAL = Structure(
    Lattice.hexagonal(3, 5), ["Ga", "N"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.4]]
)
MONOCLINIC = Structure(Lattice.monoclinic(5, 6, 7, 105), ["Li", "O"], [[0.1, 0.2, 0.3], [0.6] * 3])


def test_a_shift_of_some_atoms_reports_their_new_surroundings() -> None:
    step = edit(salt(), {"op": "translate", "vector_a": [0.2, 0, 0], "sites": [0]})[0]
    assert step.report["frac_vector"] == pytest.approx([0.2 / 5.64, 0, 0])
    moved = step.report["moved"][0]
    assert (moved["coordination"], moved["polyhedron"]) == (6, "octahedral")
    assert moved["distances_a"][0] == pytest.approx(2.62)
    assert step.report["n_moved"] == 1


def test_a_cartesian_shift_in_an_oblique_cell_is_told_in_lattice_vectors() -> None:
    step = edit(MONOCLINIC, {"op": "translate", "vector_a": [0, 0, 1]})[0]
    assert MONOCLINIC.lattice.get_cartesian_coords(step.report["frac_vector"]) == pytest.approx(
        [0, 0, 1], abs=1e-6
    )
    assert step.report["length_a"] == pytest.approx(1)


def test_shifted_atoms_come_in_at_the_other_side() -> None:
    made = edit(copper(), {"op": "translate", "frac_vector": [0.75, -0.25, 2]})[0].structure
    assert np.all((made.frac_coords >= 0) & (made.frac_coords < 1))


@pytest.mark.parametrize("structure", [copper(), HEXAGONAL, MONOCLINIC])
def test_one_length_set_stretches_without_turning_the_crystal(structure: Structure) -> None:
    a = 1.02 * structure.lattice.a
    step = edit(structure, {"op": "set_lattice", "lattice": {"a": a}})[0]
    made = step.structure.lattice
    assert made.parameters == pytest.approx((a, *structure.lattice.parameters[1:]))
    deformation = np.linalg.solve(structure.lattice.matrix, made.matrix).T
    assert np.allclose(deformation, deformation.T)  # no rotation
    # Second implementation of the strain.
    theirs = Deformation(deformation).green_lagrange_strain
    assert np.allclose(step.report["strain_tensor"], theirs, atol=1e-7)
    assert step.report["voigt_engineering"] == pytest.approx(list(theirs.voigt), abs=1e-7)
    assert step.report["lattice_after"]["a"] == pytest.approx(a, abs=1e-6)


def test_the_strain_of_a_rotated_lattice_is_zero() -> None:
    turned = edit(HEXAGONAL, {"op": "rotate", "axis": [1, 2, 3], "angle_deg": 50})[0].structure
    step = edit(HEXAGONAL, {"op": "set_lattice", "matrix": turned.lattice.matrix.tolist()})[0]
    assert step.report["voigt_tensor"] == pytest.approx([0] * 6, abs=1e-7)


def test_cartesian_coordinates_are_kept_where_asked() -> None:
    step = edit(MONOCLINIC, {"op": "set_lattice", "lattice": {"b": 9}, "keep": "cartesian"})[0]
    off = step.structure.cart_coords - MONOCLINIC.cart_coords
    images = step.structure.lattice.get_fractional_coords(off)
    assert np.allclose(images, np.round(images), atol=1e-6)
    assert step.report["kept"] == "cartesian coordinates"


def test_a_left_handed_lattice_stays_left_handed() -> None:
    mirrored = Structure(Lattice(-MONOCLINIC.lattice.matrix), ["Li"], [[0, 0, 0]])
    made = edit(mirrored, {"op": "set_lattice", "lattice": {"c": 8}})[0].structure
    assert np.linalg.det(made.lattice.matrix) < 0
    assert made.lattice.c == pytest.approx(8)


@pytest.mark.parametrize(
    "asked", [{"factor": 1.331}, {"volume_a3": 1.331 * 47.2416}, {"volume_per_atom_a3": 15.72}]
)
def test_a_volume_is_scaled_alike_in_all_directions(asked: dict[str, float]) -> None:
    step = edit(copper(), {"op": "scale_volume", **asked})[0]
    wanted = step.report["volume_a3_after"]
    assert step.structure.lattice.abc == pytest.approx([wanted ** (1 / 3)] * 3)
    linear = step.report["linear_strain_percent"]
    assert (1 + linear / 100) ** 3 == pytest.approx(step.report["factor"], rel=1e-6)
    assert step.report["volume_per_atom_a3_after"] == pytest.approx(wanted / 4, rel=1e-6)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    step = edit(HEXAGONAL, {"op": "rotate", "axis": [0, 0, 3], "angle_deg": 90})[0]
    assert np.allclose(
        step.report["rotation_matrix"], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-8
    )
    assert step.report["lattice_before"] == step.report["lattice_after"]


def test_a_molecule_across_a_face_turns_whole_about_the_fixed_point() -> None:
    # N2 along x at the corner of its box, half of it on the other side.
    box = Structure(Lattice.cubic(8), ["N", "N"], [[0.06875, 0, 0], [0.93125, 0, 0]])
    step = edit(
        box,
        {
            "op": "rotate",
            "axis": [0, 0, 1],
            "angle_deg": 90,
            "sites": [0, 1],
            "anchor_frac": [0, 0, 0],
        },
    )[0]
    assert step.report["min_distance_a"] == pytest.approx(1.1)
    assert step.structure.frac_coords[0] == pytest.approx([0, 0.06875, 0], abs=1e-9)
    assert step.report["distances_to_anchor_a"] == pytest.approx([0.55, 0.55])


def test_moments_with_a_direction_are_said_not_to_turn() -> None:
    magnetic = copper()
    magnetic.add_site_property("magmom", [[0, 0, 1.0]] * 4)
    turn = {"op": "rotate", "axis": [1, 0, 0], "angle_deg": 90}
    assert "not turned" in edit(magnetic, turn)[0].notes[0]
    assert edit(copper(), turn)[0].notes == ()


def test_sites_sorted_by_electronegativity_have_the_metal_first_and_noble_gases_last() -> None:
    mixed = Structure(
        Lattice.cubic(6),
        ["He", "O", "Na", "Cl"],
        [[0.0] * 3, [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    )
    from llamp_mcp.structures.edits.sort import SortArguments, sort

    edited = sort(mixed, SortArguments())
    assert [site.species_string for site in edited.structure] == ["Na", "Cl", "O", "He"]
    assert edited.report["old_site_of_new"] == [2, 3, 1, 0]


def test_the_mapping_of_a_large_cell_is_cut_and_says_so() -> None:
    step = edit(silicon(conventional=True) * (2, 2, 2), {"op": "sort", "by": "c"})[0]
    assert len(step.report["old_site_of_new"]) == 60
    assert step.report["old_site_of_new_cut"] == "60 of 64"


def test_charge_and_moments_come_along_when_sites_are_sorted() -> None:
    charged = salt()
    charged.add_site_property("magmom", [float(at) for at in range(8)])
    charged.set_charge(1)
    step = edit(charged, {"op": "sort", "by": "c"})[0]
    assert step.structure.site_properties["magmom"] == step.report["old_site_of_new"]
    assert step.structure._charge == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"op": "translate"}, "exactly one of frac_vector | vector_a"),
        ({"op": "translate", "vector_a": [1, 0]}, "vector_a: .*at least 3"),
        ({"op": "translate", "vector_a": [1, 0, 0], "sites": [9]}, "no site 9.*0 to 3"),
        ({"op": "translate", "frac_vector": [0.5, 0.5, 0], "sites": [0]}, "apart.*at least 0.5 Å"),
        ({"op": "set_lattice"}, "exactly one of lattice | matrix"),
        ({"op": "set_lattice", "lattice": {}}, "lattice: give any of a, b, c"),
        ({"op": "set_lattice", "lattice": {"d": 3}}, "lattice: give any of a, b, c"),
        ({"op": "set_lattice", "lattice": {"a": -3}}, "lattice: a must be between 0 and 1000"),
        ({"op": "set_lattice", "lattice": {"alpha": 30, "beta": 120}}, "flat cell"),
        ({"op": "set_lattice", "matrix": [[1, 0, 0], [2, 0, 0], [0, 0, 1]]}, "flat cell"),
        ({"op": "set_lattice", "matrix": [[0, 4, 0], [4, 0, 0], [0, 0, 4]]}, "left-handed.*Swap"),
        ({"op": "scale_volume"}, "exactly one of volume_a3"),
        ({"op": "scale_volume", "factor": 0}, "factor: .*greater than 0"),
        ({"op": "scale_volume", "factor": 1e-4}, "apart.*at least 0.5 Å"),
        ({"op": "rotate", "axis": [0, 0, 0], "angle_deg": 3}, "no direction"),
        (
            {"op": "rotate", "axis": [0, 0, 1], "angle_deg": 9, "sites": [0]},
            "both sites and anchor",
        ),
        ({"op": "sort", "by": "mass"}, "by: .*'electronegativity'"),
    ],
)
def test_what_cannot_be_done_is_explained(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(copper(), asked)

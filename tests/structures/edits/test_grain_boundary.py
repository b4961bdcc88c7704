"""`grain_boundary`: coincidence lattices, planes, and grains that are the bulk inside."""

from __future__ import annotations

from functools import cache
from math import acos, degrees, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from pymatgen.core.interface import GrainBoundaryGenerator
from scipy.spatial.transform import Rotation

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.joins.coincidence import lattice_for
from tests.structures.conftest import copper, crystal, edit, salt, silicon

if TYPE_CHECKING:
    from llamp_mcp.structures.edits.apply import Step

CU_A = 3.615


def titanium() -> Structure:
    coords = [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]
    return Structure(Lattice.hexagonal(2.95, 4.68), ["Ti", "Ti"], coords)


@cache
def rutile() -> Structure:
    lattice = Lattice.tetragonal(4.594, 2.959)
    coords = [[0.0, 0.0, 0.0], [0.305, 0.305, 0.0]]
    return Structure.from_spacegroup("P4_2/mnm", lattice, ["Ti", "O"], coords)


@cache
def sapphire() -> Structure:
    lattice = Lattice.hexagonal(4.759, 12.991)
    return Structure.from_spacegroup(
        "R-3c", lattice, ["Al", "O"], [[0.0, 0.0, 0.352], [0.306, 0.0, 0.25]]
    )


def orthorhombic() -> Structure:
    return Structure(Lattice.orthorhombic(3.0, 4.25, 5.2), ["Fe", "O"], [[0.0] * 3, [0.5] * 3])


def boundary(structure: Structure, axis: list[int], miller: list[int], **more: Any) -> Step:
    return edit(structure, {"op": "grain_boundary", "axis": axis, "miller": miller, **more})[0]


def directions_deg(step: Step, grain: str, axis: Any, length_a: float) -> set[float]:
    """Directions of bonds normal to an axis in the middle of a grain, about it, modulo 90°."""
    made = step.structure
    first, last = map(int, step.report[f"sites_{grain}"].split(" to "))
    heights = made.frac_coords[first : last + 1, 2]
    middle = first + int(np.argmin(abs(heights - np.median(heights))))
    vectors = np.array([n.coords for n in made.get_neighbors(made[middle], length_a * 1.02)])
    vectors -= made[middle].coords
    flat = vectors[abs(vectors @ axis) < 1e-3]
    one = np.cross(axis, [0.12, 0.34, 0.56])
    one /= np.linalg.norm(one)
    angles = np.degrees(np.arctan2(flat @ np.cross(axis, one), flat @ one)) % 90
    return set(np.round(angles, 3))


@pytest.mark.parametrize(
    ("miller", "sigma", "angle_deg"),
    [([2, 1, 0], 5, 53.1301), ([3, 1, 0], 5, 36.8699), ([3, 2, 0], 13, 67.3801)],
)
def test_a_symmetric_tilt_boundary_of_copper_has_its_angle(
    miller: list[int], sigma: int, angle_deg: float
) -> None:
    # Mirror-symmetric about (h k 0): the grains' [100] are turned by twice the angle of the plane
    # to {100}; tan(θ/2) = k/h or, equally, (h - k)/(h + k) by the fourfold axis.
    step = boundary(copper(), [0, 0, 1], miller, sigma=sigma, min_thickness_a=20)
    report = step.report
    assert report["angle_deg"] == pytest.approx(angle_deg, abs=1e-3)
    assert report["angle_measured_deg"] == pytest.approx(angle_deg, abs=1e-3)
    assert report["kind"] == "tilt"
    assert report["plane_of_bottom_grain"] in (
        [-miller[0], miller[1], 0],
        [miller[0], -miller[1], 0],
    )
    lattice = step.structure.lattice.matrix
    axis = next(v / np.linalg.norm(v) for v in lattice if abs(np.linalg.norm(v) - CU_A) < 1e-6)
    low, high = (directions_deg(step, grain, axis, CU_A / sqrt(2)) for grain in ("bottom", "top"))
    assert len(low) == len(high) == 1
    turned = (high.pop() - low.pop()) % 90
    expected = angle_deg % 90
    assert min(abs(turned - expected), abs(90 - turned - expected)) < 0.01
    # The boundary cell: the axis a, and the vector of the plane normal to it, centred by fcc.
    h, k, _ = miller
    period = sqrt(h * h + k * k) * CU_A / (2 if (h + k) % 2 == 0 else 1)
    assert report["area_a2"] in (
        pytest.approx(CU_A * period, abs=1e-3),
        pytest.approx(CU_A * period / 2, abs=1e-3),
    )


def test_the_coherent_twin_is_the_same_by_twist_and_by_tilt() -> None:
    twist = boundary(copper(), [1, 1, 1], [1, 1, 1], sigma=3)
    tilt = boundary(copper(), [1, -1, 0], [1, 1, 1], sigma=3)
    assert twist.report["kind"] == "twist"
    assert twist.report["angle_deg"] == pytest.approx(60)
    assert tilt.report["kind"] == "tilt"
    assert tilt.report["angle_deg"] == pytest.approx(degrees(acos(1 / 3)))
    assert StructureMatcher(primitive_cell=False).fit(twist.structure, tilt.structure)
    for step in (twist, tilt):
        assert step.report["removed_atoms"] == 0
        # In a coherent twin each atom keeps its 12 nearest neighbours.
        assert step.report["bulk_like_atoms"] == f"{len(step.structure)} of {len(step.structure)}"
        assert step.report["nearest_across_a"] == pytest.approx(CU_A / sqrt(2), abs=1e-3)


@pytest.mark.parametrize(
    ("axis", "miller", "sigma"),
    [
        ([0, 0, 1], [2, 1, 0], 5),
        ([0, 0, 1], [0, 0, 1], 13),
        ([1, 1, 0], [1, -1, 2], 3),
        ([1, 1, 1], [2, -3, 1], 7),
        ([1, 1, 0], [3, 1, 4], 9),
    ],
)
def test_the_cell_holds_sigma_times_what_the_bulk_does(
    axis: list[int], miller: list[int], sigma: int
) -> None:
    for bulk, primitive_a3, atoms in (
        (copper(), CU_A**3 / 4, 1),
        (silicon(), silicon().volume, 2),
        (crystal("Im-3m", 2.87, Fe=0.0), 2.87**3 / 2, 1),
    ):
        step = boundary(bulk, axis, miller, sigma=sigma, min_thickness_a=6)
        report = step.report
        cells = 2 * sigma * report["repeats"]
        assert step.structure.volume == pytest.approx(cells * primitive_a3, rel=1e-6)
        assert len(step.structure) + report["removed_atoms"] == cells * atoms
        assert report["thickness_per_grain_a"] >= 6
        assert report["area_a2"] * report["thickness_per_grain_a"] == pytest.approx(
            step.structure.volume / 2, rel=1e-4
        )
        assert report["principal_strains_bottom_percent"] == [0, 0, 0]


@pytest.mark.parametrize(
    ("axis", "miller", "sigma"),
    [
        ((0, 0, 1), (2, 1, 0), 5),
        ((0, 0, 1), (5, 1, 0), 13),
        ((1, 2, 3), (3, 1, 5), 9),
        ((1, 1, 1), (2, 3, 7), 91),
        ((0, 0, 1), (9, 4, 0), 97),
        ((1, 1, 0), (1, -1, 6), 19),
    ],
)
def test_one_point_in_sigma_coincides_and_the_plane_is_the_one_wanted(
    axis: tuple[int, int, int], miller: tuple[int, int, int], sigma: int
) -> None:
    lattice = lattice_for(copper(), axis, 0.01)
    own = lattice.generator.initial_structure.lattice.matrix
    for angle_deg in lattice.angles(axis)[sigma]:
        top, bottom = lattice.cells(axis, angle_deg, miller)
        # a and b lie in the plane, and no lattice plane lies between: the smallest cell there is.
        assert np.allclose((top[:2] @ own) @ miller, 0, atol=1e-6)
        assert round(abs(np.linalg.det(top))) == sigma
        # Both are cells of one lattice that is turned by the angle about the axis.
        turn = Rotation.from_rotvec(np.radians(angle_deg) * np.array(axis) / np.linalg.norm(axis))
        assert np.allclose(turn.apply(bottom @ own), top @ own, atol=1e-6)
        # Of the points of the lattice in that cell, only the origin is also one of the other grain.
        steps = np.stack(np.meshgrid(*[np.arange(sigma)] * 3, indexing="ij"), -1).reshape(-1, 3)
        back = turn.inv().as_matrix().T
        images = steps @ own @ back @ np.linalg.inv(own)
        common = np.abs(images - np.rint(images)).max(axis=1) < 1e-6
        assert common.sum() * sigma == len(steps)


@pytest.mark.filterwarnings("ignore:.*grain_label.*:UserWarning")
def test_pymatgen_itself_makes_the_same_boundary() -> None:
    # Where its search for the cell along the plane succeeds, as for these.
    for miller, angle in (((3, 1, 0), 36.86989764584402), ((2, 1, 0), 53.13010235415598)):
        half = CU_A / 2
        cell = Structure(
            Lattice([[half, half, 0], [0, half, half], [half, 0, half]]), ["Cu"], [[0] * 3]
        )
        theirs = GrainBoundaryGenerator(cell).gb_from_parameters((0, 0, 1), angle, 3, plane=miller)
        plain = Structure(theirs.lattice, theirs.species, theirs.frac_coords)
        a, b, _ = theirs.lattice.matrix
        thickness_a = theirs.volume / np.linalg.norm(np.cross(a, b)) / 2
        ours = boundary(
            copper(), [0, 0, 1], list(miller), sigma=5, min_thickness_a=thickness_a - 0.1
        )
        assert ours.report["angle_deg"] == pytest.approx(angle)
        assert StructureMatcher(primitive_cell=False, scale=False).fit(ours.structure, plain)


@pytest.mark.parametrize(
    ("bulk", "axis", "miller", "sigma"),
    [
        (copper(), [0, 0, 1], [2, 1, 0], 5),
        (silicon(), [0, 0, 1], [3, 1, 0], 5),
        (salt(), [0, 0, 1], [2, 1, 0], 5),
        (titanium(), [0, 0, 1], [0, 0, 1], 7),
        (rutile(), [0, 0, 1], [2, 1, 0], 5),
        (sapphire(), [1, 1, 1], [1, 1, 1], 7),
    ],
)
def test_thicker_grains_add_only_bulk(
    bulk: Structure, axis: list[int], miller: list[int], sigma: int
) -> None:
    thin, thick = (
        boundary(bulk, axis, miller, sigma=sigma, min_thickness_a=t, max_atoms=4000)
        for t in (16, 32)
    )
    odd = []
    for step in (thin, thick):
        like, _, total = step.report["bulk_like_atoms"].split(" ")
        odd.append(int(total) - int(like))
    assert odd[0] == odd[1]
    assert len(thick.structure) > len(thin.structure)
    assert thick.report["removed_atoms"] == thin.report["removed_atoms"]
    assert thick.report["nearest_across_a"] == pytest.approx(
        thin.report["nearest_across_a"], abs=1e-3
    )


def test_a_gap_sets_the_grains_apart_at_both_boundaries() -> None:
    close = boundary(copper(), [0, 0, 1], [2, 1, 0], sigma=5)
    apart = boundary(copper(), [0, 0, 1], [2, 1, 0], sigma=5, gap_a=3)
    added = apart.structure.volume - close.structure.volume
    assert added == pytest.approx(2 * 3 * close.report["area_a2"], rel=1e-5)
    assert apart.report["removed_atoms"] == 0
    assert apart.report["nearest_across_a"] >= 3


def test_grains_are_numbered_bottom_first_and_the_cell_is_upright() -> None:
    step = boundary(copper(), [0, 0, 1], [3, 1, 0], sigma=5, min_thickness_a=15)
    n = step.report["atoms_bottom"]
    heights = step.structure.frac_coords[:, 2]
    assert np.mean(heights[:n]) < 0.5 < np.mean(heights[n:])
    assert step.report["atoms_bottom"] + step.report["atoms_top"] == len(step.structure)
    assert step.report["c_to_normal_deg"] == pytest.approx(0, abs=1e-3)


def test_the_sense_of_the_angle_counts() -> None:
    # About [001], +53.13° makes (210) a mirror plane and -53.13° does not.
    ahead = boundary(copper(), [0, 0, 1], [2, 1, 0], angle_deg=53.13)
    back = boundary(copper(), [0, 0, 1], [2, 1, 0], angle_deg=-53.13)
    turned_axis = boundary(copper(), [0, 0, -1], [2, 1, 0], angle_deg=53.13)
    assert back.report["area_a2"] == turned_axis.report["area_a2"]
    assert back.report["area_a2"] == pytest.approx(5 * ahead.report["area_a2"], abs=1e-3)


def test_the_primitive_cell_of_any_setting_gives_the_same_boundary() -> None:
    cells = [silicon(), silicon(conventional=True), silicon().get_reduced_structure()]
    reports = [boundary(cell, [1, 1, 0], [1, -1, 1], sigma=3).report for cell in cells]
    for key in ("n_atoms", "area_a2", "bulk_like_atoms", "angle_deg", "removed_atoms"):
        assert len({report[key] for report in reports}) == 1


def test_an_axial_ratio_is_made_rational_and_the_strain_is_told() -> None:
    report = boundary(titanium(), [1, 2, 0], [1, 0, 1], sigma=11).report
    mu, nu = report["axial_ratio_squared_used"]
    ratio = sqrt(mu / nu) / (4.68 / 2.95)
    strains = np.array(report["principal_strains_bottom_percent"]) / 100
    assert abs(ratio - 1) <= 0.01
    assert abs(strains).max() <= abs(ratio - 1)
    assert abs(strains).max() > 0
    with pytest.raises(InvalidInput, match=r"max_mismatch_percent|Sigma 11 does not exist"):
        boundary(titanium(), [1, 2, 0], [1, 0, 1], sigma=11, max_mismatch_percent=0.01)


def test_about_the_c_axis_no_ratio_is_needed() -> None:
    for bulk, sigma in ((titanium(), 7), (rutile(), 5)):
        report = boundary(bulk, [0, 0, 1], [0, 0, 1], sigma=sigma, min_thickness_a=5).report
        assert report["axial_ratio_squared_used"] is None
        assert report["principal_strains_bottom_percent"] == [0, 0, 0]


def test_orthorhombic_crystals_turn_about_their_axes() -> None:
    lattice = lattice_for(orthorhombic(), (0, 0, 1), 0.01)
    sigma = min(lattice.angles((0, 0, 1)))
    report = boundary(orthorhombic(), [0, 0, 1], [0, 0, 1], sigma=sigma).report
    assert report["kind"] == "twist"
    assert abs(np.array(report["principal_strains_bottom_percent"])).max() <= 1


def test_an_impossible_sigma_or_angle_is_answered_with_what_there_is() -> None:
    with pytest.raises(InvalidInput, match=r"Sigma 4 .*5: 36.8699 53.1301") as told:
        boundary(copper(), [0, 0, 1], [2, 1, 0], sigma=4)
    assert "13: 22.6199" in str(told.value)
    with pytest.raises(InvalidInput, match=r"30.5102 deg \(Sigma 65\)"):
        boundary(copper(), [0, 0, 1], [2, 1, 0], angle_deg=30)
    with pytest.raises(InvalidInput, match=r"exactly one of sigma \| angle_deg"):
        boundary(copper(), [0, 0, 1], [2, 1, 0])


def test_crystals_without_coincidences_are_refused() -> None:
    leaning = Structure(Lattice.from_parameters(3, 4, 5, 80, 85, 95), ["Fe"], [[0, 0, 0]])
    with pytest.raises(InvalidInput, match="is triclinic"):
        boundary(leaning, [0, 0, 1], [0, 0, 1], sigma=5)
    shared = copper()
    shared.replace_species({"Cu": {"Cu": 0.5, "Au": 0.5}})
    with pytest.raises(InvalidInput, match="order or sqs"):
        boundary(shared, [0, 0, 1], [0, 0, 1], sigma=5)


def test_a_boundary_too_large_is_refused_before_it_is_built() -> None:
    with pytest.raises(InvalidInput, match=r"would have \d+ atoms .*max_atoms"):
        boundary(copper(), [1, 2, 3], [7, 5, 3], sigma=81, max_atoms=500)


def test_a_composition_changed_by_removed_atoms_is_told() -> None:
    step = boundary(sapphire(), [1, 1, 1], [1, 1, 1], sigma=7)
    held = step.structure.composition
    assert 2 * held["O"] != 3 * held["Al"]
    assert any("changed the composition" in note for note in step.notes)

"""`twist`: commensurate bilayers of any plane lattice."""

from __future__ import annotations

from itertools import product
from math import cos, degrees, radians, sin
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.joins.commensurate import Wanted, smallest_common_cell
from tests.structures.conftest import copper, edit, salt


def graphene(vacuum_a: float = 20.0) -> Structure:
    lattice = Lattice.hexagonal(2.46, vacuum_a)
    return Structure(lattice, ["C", "C"], [[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]])


def molybdenite() -> Structure:
    height = 1.56 / 20
    coords = [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, height], [2 / 3, 1 / 3, -height]]
    return Structure(Lattice.hexagonal(3.16, 20), ["Mo", "S", "S"], coords)


def phosphorene() -> Structure:
    coords = [[0, 0.08, 0.45], [0, 0.92, 0.55], [0.5, 0.58, 0.55], [0.5, 0.42, 0.45]]
    return Structure(Lattice.orthorhombic(3.31, 4.38, 20), ["P"] * 4, coords)


def janus(a: float = 3.2) -> Structure:
    """A layer whose top and bottom differ, so that one turned over would be seen."""
    lattice = Lattice.from_parameters(a, 1.3 * a, 20, 90, 90, 77)
    return Structure(lattice, ["Mo", "S", "Se"], [[0, 0, 0.5], [0.3, 0.6, 0.42], [0.7, 0.2, 0.58]])


def twist(structure: Structure, angle_deg: float, **arguments: Any) -> Any:
    others = {"other": arguments.pop("other")} if "other" in arguments else None
    if others:
        arguments["structure_id"] = "other"
    wanted = {"op": "twist", "angle_deg": angle_deg, "gap_a": 3.35, **arguments}
    return edit(structure, wanted, others=others)[0]


def halves(step: Any) -> tuple[Structure, Structure]:
    n_bottom = step.report["atoms_per_layer"][0]
    return (
        Structure.from_sites(step.structure[:n_bottom]),
        Structure.from_sites(step.structure[n_bottom:]),
    )


def bond_directions_deg(layer: Structure, period_deg: float) -> set[float]:
    first, second, images, lengths = layer.get_neighbor_list(1.6)
    vectors = layer.cart_coords[second] + images @ layer.lattice.matrix - layer.cart_coords[first]
    assert np.allclose(lengths, 2.46 / 3**0.5, atol=1e-9)
    found = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % period_deg
    return set(np.round(np.where(found > period_deg - 1e-6, 0, found), 5))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 6])
def test_turned_graphene_is_that_of_lopes_dos_santos(m: int) -> None:
    # doi 10.1103/PhysRevLett.99.256802 in the form of Mele (doi 10.1103/PhysRevB.81.161405):
    # neighbouring m, n = m + 1 give cos θ = (m² + 4mn + n²) / 2(m² + mn + n²), 4(m² + mn + n²)
    # atoms.
    n = m + 1
    size = m * m + m * n + n * n
    angle = degrees(np.arccos((m * m + 4 * m * n + n * n) / (2 * size)))
    step = twist(graphene(), round(angle, 2))
    assert step.report["angle_deg"] == pytest.approx(angle, abs=1e-5)
    assert len(step.structure) == 4 * size
    assert step.report["atoms_per_layer"] == [2 * size, 2 * size]
    assert step.report["mismatch_percent"] == 0
    assert step.report["strained"] == "none"


def test_the_named_graphene_cells_have_28_76_and_148_atoms() -> None:
    found = [len(twist(graphene(), angle).structure) for angle in (21.79, 13.17, 9.43)]
    assert found == [28, 76, 148]


@pytest.mark.parametrize("angle", [21.79, 38.21, 13.17, -21.79])
def test_the_turn_of_the_bonds_is_the_one_told(angle: float) -> None:
    step = twist(graphene(), angle)
    bottom, top = (bond_directions_deg(half, 60) for half in halves(step))
    assert len(bottom) == len(top) == 1  # bonds of a layer are 60° apart, and keep their length
    turned = (top.pop() - bottom.pop() - step.report["angle_deg"]) % 60
    assert min(turned, 60 - turned) < 1e-4


def test_a_turn_by_90_degrees_puts_the_axis_where_it_was_told() -> None:
    # The top layer's own a axis, 3.31 Å long, lies along the bottom one's b when turned by +90°.
    step = twist(phosphorene(), 90, max_mismatch_percent=1)
    report = step.report
    assert report["angle_deg"] == pytest.approx(90)
    bottom, top = (np.array(report[f"matrix_{name}"]) for name in ("bottom", "top"))
    plane = phosphorene().lattice.matrix[:2, :2]
    u, v = bottom @ plane, top @ plane
    turn = np.array([[0, 1], [-1, 0]])  # row vectors, counterclockwise
    assert np.allclose(v @ turn, u, rtol=0.01)
    strains = np.array(report["principal_strains_top_percent"])
    assert np.allclose(sorted(strains), [-0.755287, 0.761035], atol=1e-5)  # 4 x 3.31, 3 x 4.38 Å
    assert "top layer only" in report["strained"]


def test_the_gap_is_between_the_facing_planes_and_layers_keep_their_shape() -> None:
    step = twist(molybdenite(), 21.79, min_vacuum_a=12)
    report, made = step.report, step.structure
    z = np.sort(made.cart_coords[:, 2])
    n = report["atoms_per_layer"][0]
    assert z[n] - z[n - 1] == pytest.approx(3.35)
    assert report["gap_measured_a"] == pytest.approx(3.35, abs=1e-4)
    assert z[-1] - z[0] == pytest.approx(2 * 3.12 + 3.35)
    assert made.lattice.c == pytest.approx(2 * 3.12 + 3.35 + 12)
    bonds = molybdenite().get_neighbor_list(2.6)[3]
    assert np.allclose(made.get_neighbor_list(2.6)[3], bonds[0], atol=1e-9)
    assert report["min_distance_a"] == pytest.approx(float(bonds[0]), abs=1e-3)


def test_the_top_layer_is_turned_not_turned_over() -> None:
    for layer in halves(twist(janus(), 180)):
        z = {site.species_string: site.coords[2] for site in layer}
        assert z["S"] < z["Mo"] < z["Se"]
    assert twist(janus(), 180).report["mismatch_percent"] == 0  # a 2-fold axis of every lattice


@pytest.mark.parametrize(("m", "n"), [(1, 2), (2, 3), (1, 4)])
def test_square_lattices_turn_by_pythagorean_angles(m: int, n: int) -> None:
    # cos θ = 2mn / (m² + n²): the coincidence lattices of a square, Σ = m² + n² (odd).
    layer = Structure(Lattice.tetragonal(3.9, 20), ["Fe", "Se"], [[0, 0, 0.5], [0.5, 0.5, 0.55]])
    size = m * m + n * n
    step = twist(layer, round(degrees(np.arccos(2 * m * n / size)), 2))
    assert step.report["cells_per_layer"] == [size, size]
    assert step.report["mismatch_percent"] == 0


def brute_force(plane: Any, wanted: Wanted, most: int) -> int:
    """Fewest cells per layer, by trying every pair of integer matrices up to `most`."""
    vectors = [np.array(uv) for uv in product(range(-most, most + 1), repeat=2) if any(uv)]
    angle = radians(wanted.angle_deg)
    turn = np.array([[cos(angle), sin(angle)], [-sin(angle), cos(angle)]])
    near = [
        (u, v)
        for u in vectors
        for v in vectors
        if np.linalg.norm(u @ plane - v @ plane @ turn) < 0.12 * np.linalg.norm(u @ plane)
    ]
    best = 10**6
    for (u1, v1), (u2, v2) in product(near, repeat=2):
        cells = u1[0] * u2[1] - u1[1] * u2[0], v1[0] * v2[1] - v1[1] * v2[0]
        if cells[0] != cells[1] or not 0 < cells[0] < best:
            continue
        deformation = np.linalg.solve(np.array([v1, v2]) @ plane, np.array([u1, u2]) @ plane)
        left, stretch, right = np.linalg.svd(deformation)
        rotation = left @ right
        off = np.degrees(np.arctan2(rotation[0, 1], rotation[0, 0])) - wanted.angle_deg
        if max(abs(stretch - 1)) <= wanted.max_strain and (
            abs((off + 180) % 360 - 180) <= wanted.angle_tolerance_deg
        ):
            best = cells[0]
    return int(best)


@pytest.mark.parametrize("angle", [20, 37, 90])
def test_no_smaller_cell_of_an_oblique_lattice_is_missed(angle: float) -> None:
    plane = np.array([[3.0, 0.0], [1.0, 3.4]])
    wanted = Wanted(angle, 2.0, 0.04, (1, 1), 400)
    found = smallest_common_cell(plane, plane, wanted)
    assert found is not None
    assert found.atoms == 2 * brute_force(plane, wanted, 5)


@given(st.floats(2.5, 5), st.floats(1, 2), st.floats(60, 120), st.floats(0, 180))
def test_what_is_told_of_a_common_cell_follows_from_its_matrices(
    a: float, ratio: float, gamma: float, angle: float
) -> None:
    plane = np.array([[a, 0], [ratio * a * cos(radians(gamma)), ratio * a * sin(radians(gamma))]])
    found = smallest_common_cell(plane, plane, Wanted(angle, 1.0, 0.03, (2, 2), 800))
    if found is None:
        return
    u, v = (matrix @ plane for matrix in found.matrices)
    assert np.linalg.det(u) > 0
    assert np.linalg.det(v) > 0
    turn = radians(found.angle_deg)
    stretch = np.linalg.solve(v, u) @ np.array([[cos(turn), -sin(turn)], [sin(turn), cos(turn)]])
    assert np.allclose(stretch, stretch.T, atol=1e-9)  # what is left of the map is a pure stretch
    assert np.allclose(np.linalg.eigvalsh(stretch) - 1, found.strains, atol=1e-9)
    assert found.strain <= 0.03 + 1e-9
    assert abs((found.angle_deg - angle + 180) % 360 - 180) <= 1.0 + 1e-9


def test_two_different_layers_are_joined() -> None:
    step = twist(graphene(), 0, other=molybdenite(), max_mismatch_percent=1)
    bottom, top = halves(step)
    assert {site.species_string for site in bottom} == {"C"}
    assert {site.species_string for site in top} == {"Mo", "S"}
    assert step.report["atoms_per_layer"] == [len(bottom), len(top)]
    a = step.report["cell_a_b_gamma"][0]
    cells = step.report["cells_per_layer"]
    assert a == pytest.approx(2.46 * cells[0] ** 0.5, abs=1e-4)
    assert step.report["mismatch_percent"] == pytest.approx(
        100 * abs(a / (3.16 * cells[1] ** 0.5) - 1), abs=1e-4
    )


def test_a_layer_across_the_boundary_of_a_leaning_cell_is_put_together() -> None:
    whole = janus()
    leaning = Lattice(whole.lattice.matrix + np.array([[0, 0, 0], [0, 0, 0], [1.1, 0.4, 0]]))
    moved = Structure(leaning, whole.species, whole.cart_coords, coords_are_cartesian=True)
    moved.translate_sites(range(3), [0.2, 0.1, 0.5])
    expected = twist(whole, 180).structure
    made = twist(moved, 180).structure
    assert np.allclose(made.lattice.parameters, expected.lattice.parameters, atol=1e-6)
    n = len(whole)
    for layer in (slice(0, n), slice(n, 2 * n)):
        assert np.allclose(
            made.distance_matrix[layer, layer], expected.distance_matrix[layer, layer], atol=1e-6
        )


def test_an_impossible_angle_is_answered_with_those_near_it() -> None:
    with pytest.raises(InvalidInput) as told:
        twist(graphene(), 30)
    assert "29.8417 deg with 0.000 % mismatch, 724 atoms" in str(told.value)
    assert "32.2042 deg with 0.000 % mismatch, 52 atoms" in str(told.value)
    assert "max_mismatch_percent" in str(told.value)


def test_a_crystal_without_vacuum_is_refused_with_the_next_step() -> None:
    for bulk in (salt(), copper()):
        with pytest.raises(InvalidInput, match="vacuum edit"):
            twist(bulk, 30)
    with pytest.raises(InvalidInput, match="top layer"):
        twist(graphene(), 30, other=salt())


def test_moments_stay_and_what_only_one_layer_has_is_told() -> None:
    magnetic = graphene()
    magnetic.add_site_property("magmom", [1.0, -1.0])
    both = twist(magnetic, 21.79)
    assert sorted(both.structure.site_properties["magmom"]) == [-1.0] * 14 + [1.0] * 14
    one = twist(magnetic, 21.79, other=graphene())
    assert any("magmom" in note for note in one.notes)


def test_the_same_request_gives_the_same_bilayer() -> None:
    first, second = (twist(graphene(), 27.8).structure for _ in range(2))
    assert np.array_equal(first.frac_coords, second.frac_coords)
    assert first.lattice == second.lattice

"""`interface`: a film on a substrate, and the match of their surface lattices."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.analysis.interfaces.zsl import ZSLGenerator
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.joins.lattice_match import search
from tests.structures.conftest import copper, crystal, edit, salt, silicon

if TYPE_CHECKING:
    from llamp_mcp.structures.edits.apply import Step

SI_A, GE_A = 5.44370237, 5.66


@cache
def of_group(
    group: str, lattice: tuple[float, ...], *atoms: tuple[str, float, float, float]
) -> Structure:
    a, b, c, alpha, beta, gamma = lattice
    cell = Lattice.from_parameters(a, b, c, alpha, beta, gamma)
    names, coords = [name for name, *_ in atoms], [list(at) for _, *at in atoms]
    return Structure.from_spacegroup(group, cell, names, coords)


def germanium() -> Structure:
    return crystal("Fd-3m:2", GE_A, Ge=0.125)


def sapphire() -> Structure:
    lattice = (4.759, 4.759, 12.991, 90, 90, 120)
    return of_group("R-3c", lattice, ("Al", 0, 0, 0.352), ("O", 0.306, 0, 0.25)).copy()


def gallium_nitride() -> Structure:
    lattice = (3.189, 3.189, 5.185, 90, 90, 120)
    atoms = ("Ga", 1 / 3, 2 / 3, 0), ("N", 1 / 3, 2 / 3, 0.377)
    return of_group("P6_3mc", lattice, *atoms).copy()


def rutile() -> Structure:
    lattice = (4.594, 4.594, 2.959, 90, 90, 90)
    return of_group("P4_2/mnm", lattice, ("Ti", 0, 0, 0), ("O", 0.305, 0.305, 0)).copy()


def baddeleyite() -> Structure:
    lattice = (5.15, 5.21, 5.32, 90, 99.2, 90)
    atoms = ("Zr", 0.275, 0.04, 0.208), ("O", 0.07, 0.332, 0.345), ("O", 0.45, 0.757, 0.479)
    return of_group("P2_1/c", lattice, *atoms).copy()


def perovskite(large: str, small: str, a: float) -> Structure:
    lattice = (a, a, a, 90, 90, 90)
    atoms = (large, 0, 0, 0), (small, 0.5, 0.5, 0.5), ("O", 0.5, 0.5, 0)
    return of_group("Pm-3m", lattice, *atoms).copy()


def graphene() -> Structure:
    coords = [[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]]
    return Structure(Lattice.hexagonal(2.46, 20), ["C", "C"], coords)


def join(
    substrate: Structure, film: Structure, miller: list[int], film_miller: list[int], **more: Any
) -> Step:
    wanted = {"op": "interface", "structure_id": "film", "miller": miller, **more}
    return edit(substrate, {**wanted, "film_miller": film_miller}, others={"film": film})[0]


def parts(step: Step) -> tuple[Structure, Structure]:
    n = step.report["atoms_substrate"]
    return Structure.from_sites(step.structure[:n]), Structure.from_sites(step.structure[n:])


def test_germanium_on_silicon_is_strained_as_its_lattice_constant_says() -> None:
    report = join(silicon(), germanium(), [0, 0, 1], [0, 0, 1]).report
    assert report["mismatch_a_b_percent"] == pytest.approx([100 * (GE_A / SI_A - 1)] * 2, abs=1e-3)
    assert report["mismatch_angle_deg"] == 0
    stretch = SI_A / GE_A
    lagrange = (stretch**2 - 1) / 2
    assert report["film_strain_xx_yy_xy"] == pytest.approx([lagrange, lagrange, 0], abs=1e-6)
    strain = np.diag([lagrange, lagrange, 0])
    deviator = strain - np.trace(strain) / 3 * np.eye(3)
    assert report["film_von_mises_strain"] == pytest.approx(
        np.sqrt(2 / 3 * (deviator**2).sum()), abs=1e-6
    )
    assert report["film_principal_strains_percent"] == pytest.approx(
        [100 * (stretch - 1)] * 2, abs=1e-3
    )
    assert report["area_a2"] == pytest.approx(SI_A**2 / 2, abs=1e-3)


@pytest.mark.parametrize("miller", [[0, 0, 1], [1, 1, 0], [1, 1, 1], [2, 1, 1]])
def test_a_crystal_on_itself_has_no_mismatch_and_parallel_axes(miller: list[int]) -> None:
    report = join(silicon(), silicon(conventional=True), miller, miller).report
    assert report["mismatch_a_b_percent"] == [0, 0]
    assert report["film_von_mises_strain"] == pytest.approx(0, abs=1e-7)
    assert report["atoms_substrate"] == report["atoms_film"]
    for pair in report["orientation"].split("; "):
        substrate, film = pair.split(": substrate ")[1].split(" || film ")
        assert substrate == film


def test_iron_grows_on_magnesia_turned_by_45_degrees() -> None:
    # Fe(001)[100] || MgO(001)[110], as every textbook on spin valves has it: a_MgO = 1.04 √2 a_Fe.
    magnesia, iron = crystal("Fm-3m", 4.21, Mg=0.0, O=0.5), crystal("Im-3m", 2.87, Fe=0.0)
    report = join(magnesia, iron, [0, 0, 1], [0, 0, 1]).report
    assert report["orientation"].startswith("a: substrate [-1 1 0] || film [0 1 0]")
    assert report["mismatch_a_b_percent"] == pytest.approx([100 * (2.87 * 2**0.5 / 4.21 - 1)] * 2)


def test_gallium_nitride_on_sapphire_is_turned_by_30_degrees_with_16_percent() -> None:
    report = join(
        sapphire(), gallium_nitride(), [0, 0, 1], [0, 0, 1], max_mismatch_percent=17
    ).report
    expected = 100 * (3.189 * 3**0.5 / 4.759 - 1)
    assert report["mismatch_a_b_percent"] == pytest.approx([expected] * 2, abs=1e-3)
    assert report["mismatch_angle_deg"] == pytest.approx(0, abs=1e-4)
    # The longest side of one hexagonal cell lies along the diagonal of the other.
    assert "substrate [1 0 0] || film [2 1 0]" in report["orientation"]


@pytest.mark.parametrize("gap_a", [1.5, 2.0, 3.2])
def test_gap_vacuum_and_thickness_are_those_of_the_atoms(gap_a: float) -> None:
    step = join(
        copper(), rutile(), [1, 1, 1], [1, 1, 0], gap_a=gap_a, min_vacuum_a=12, min_thickness_a=7
    )
    report, made = step.report, step.structure
    low, high = (part.cart_coords[:, 2] for part in parts(step))
    assert high.min() - low.max() == pytest.approx(gap_a, abs=1e-9)
    assert report["gap_measured_a"] == pytest.approx(gap_a, abs=1e-4)
    assert made.lattice.c - (high.max() - low.min()) == pytest.approx(12, abs=1e-9)
    assert report["thickness_substrate_a"] == pytest.approx(np.ptp(low), abs=1e-4)
    assert report["thickness_film_a"] == pytest.approx(np.ptp(high), abs=1e-4)
    assert min(np.ptp(low), np.ptp(high)) >= 7
    assert made.lattice.alpha == made.lattice.beta == 90


@pytest.mark.parametrize(
    ("substrate", "film", "miller", "film_miller"),
    [
        (silicon(), germanium(), [1, 1, 1], [1, 1, 1]),
        (copper(), rutile(), [1, 1, 1], [1, 1, 0]),
        (sapphire(), gallium_nitride(), [0, 0, 1], [0, 0, 1]),
        (sapphire(), baddeleyite(), [0, 1, 2], [0, 0, 1]),
    ],
)
def test_the_substrate_is_its_bulk_and_the_film_is_its_bulk_strained(
    substrate: Structure, film: Structure, miller: list[int], film_miller: list[int]
) -> None:
    step = join(substrate, film, miller, film_miller, min_thickness_a=5)
    report = step.report
    matcher = StructureMatcher(
        primitive_cell=False, scale=False, ltol=1e-3, stol=1e-3, angle_tol=0.1
    )
    of = {"substrate": (substrate, miller), "film": (film, film_miller)}
    for name, part in zip(of, parts(step), strict=True):
        bulk, plane = of[name]
        cut = {"op": "slab", "miller": plane, "min_thickness_a": 5}
        slab = edit(bulk, cut)[0].structure
        matrix = np.eye(3, dtype=int)
        matrix[:2, :2] = report[f"matrix_{name}"]
        expected = slab.make_supercell(matrix, in_place=False)
        # Both in cells as high, and the film in its own in-plane vectors again.
        a, b = report[f"{name}_a_b_a"]
        gamma = report[f"{name}_angle_deg"]
        lattice = Lattice.from_parameters(a, b, part.lattice.c, 90, 90, gamma)
        unstrained = Structure(lattice, part.species, part.frac_coords)
        upright = Structure(
            Lattice.from_parameters(
                *expected.lattice.abc[:2], part.lattice.c, 90, 90, expected.lattice.gamma
            ),
            expected.species,
            expected.frac_coords * [1, 1, expected.lattice.c / part.lattice.c],
        )
        assert matcher.fit(unstrained, upright)
        assert np.linalg.det(np.array(report[f"matrix_{name}"])) > 0  # turned, never reflected


def test_every_pair_of_terminations_can_be_chosen() -> None:
    titanate, aluminate = perovskite("Sr", "Ti", 3.905), perovskite("La", "Al", 3.79)
    seen = set()
    for number in range(4):
        step = join(
            titanate, aluminate, [0, 0, 1], [0, 0, 1], termination=number, min_thickness_a=5
        )
        assert step.report["terminations_found"] == 4
        low, high = parts(step)
        top = {s.species_string for s in low if s.coords[2] > low.cart_coords[:, 2].max() - 0.1}
        bottom = {
            s.species_string for s in high if s.coords[2] < high.cart_coords[:, 2].min() + 0.1
        }
        told = step.report["terminations"][number]
        assert all(name in told.split(" | ")[0] for name in top)
        assert all(name in told.split(" | ")[1] for name in bottom)
        seen.add((tuple(sorted(top)), tuple(sorted(bottom))))
    assert len(seen) == 4
    with pytest.raises(InvalidInput, match=r"pair of terminations 4.*0 to 3"):
        join(titanate, aluminate, [0, 0, 1], [0, 0, 1], termination=4, min_thickness_a=5)


def test_sites_are_numbered_substrate_first() -> None:
    step = join(copper(), crystal("Fm-3m", 3.52, Ni=0.0), [1, 1, 1], [1, 1, 1])
    n = step.report["atoms_substrate"]
    names = [site.species_string for site in step.structure]
    assert names == ["Cu"] * n + ["Ni"] * step.report["atoms_film"]
    assert step.report["sites_bottom"] == f"0 to {n - 1}"
    assert step.report["sites_top"] == f"{n} to {len(names) - 1}"


def test_a_layer_is_taken_as_it_is() -> None:
    step = join(copper(), graphene(), [1, 1, 1], [0, 0, 1], gap_a=3)
    assert step.report["atoms_film"] == 2
    assert step.report["mismatch_a_b_percent"] == pytest.approx(
        [100 * (2.46 / (3.615 / 2**0.5) - 1)] * 2, abs=1e-4
    )
    assert any("layer already" in note for note in step.notes)
    with pytest.raises(InvalidInput, match=r"its plane is \(0 0 1\)"):
        join(copper(), graphene(), [1, 1, 1], [1, 0, 0])


def test_a_slab_cut_before_can_be_the_substrate() -> None:
    cut = {"op": "slab", "miller": [1, 1, 1], "min_thickness_a": 6, "min_vacuum_a": 12}
    wanted = {"op": "interface", "structure_id": "film", "miller": [0, 0, 1]}
    steps = edit(
        copper(), cut, {**wanted, "film_miller": [0, 0, 1], "gap_a": 3}, others={"film": graphene()}
    )
    assert steps[1].report["atoms_substrate"] == len(steps[0].structure)


def test_polar_sides_are_told() -> None:
    step = join(sapphire(), gallium_nitride(), [0, 0, 1], [0, 0, 1], min_thickness_a=5)
    assert any("film slab is polar" in note for note in step.notes)


def test_a_mismatch_above_the_limit_is_refused_with_the_best_there_is() -> None:
    with pytest.raises(InvalidInput) as told:
        join(silicon(), germanium(), [0, 0, 1], [0, 0, 1], max_mismatch_percent=0.1, max_atoms=300)
    assert "within 0.1 %" in str(told.value)
    assert "strains the film by 1.38 %" in str(told.value)
    assert "max_mismatch_percent or max_atoms" in str(told.value)


def test_surface_cells_larger_than_max_atoms_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"a common cell has at least \d+ atoms.*max_atoms = 10"):
        join(sapphire(), gallium_nitride(), [0, 0, 1], [0, 0, 1], max_atoms=10)


def test_a_side_that_cannot_be_cut_is_named() -> None:
    with pytest.raises(InvalidInput, match="substrate: A slab of 500 Å has more than"):
        join(sapphire(), salt(), [19, 18, 17], [0, 0, 1], min_thickness_a=500)


hexagons = st.floats(2.5, 6).map(lambda a: np.array([[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0]]))
rectangles = st.tuples(st.floats(2.5, 6), st.floats(1, 1.6)).map(
    lambda sides: np.array([[sides[0], 0, 0], [0, sides[0] * sides[1], 0]])
)


def smallest_of_pymatgen(substrate: Any, film: Any, limit: float, area: float) -> float | None:
    generator: Any = ZSLGenerator(
        max_area_ratio_tol=(1 + limit) ** 2 - 1,
        max_area=area,
        max_length_tol=limit,
        max_angle_tol=2 * limit,
    )
    areas = []
    for match in generator(film, substrate):
        to, of = np.array(match.substrate_sl_vectors), np.array(match.film_sl_vectors)
        metrics = of @ of.T, to @ to.T
        stretches = np.sqrt(np.linalg.eigvals(np.linalg.solve(*metrics)).real)
        if abs(stretches - 1).max() <= limit:
            areas.append(float(np.linalg.norm(np.cross(*to))))
    return min(areas, default=None)


@given(rectangles, hexagons, st.sampled_from([0.02, 0.05]))
def test_the_smallest_match_is_the_one_of_zur_and_mcgill(
    substrate: Any, film: Any, limit: float
) -> None:
    ours = search(substrate, film, limit, 90).best
    theirs = smallest_of_pymatgen(substrate, film, limit, 90)
    # theirs stops short of the whole area, so it may miss the last one
    assert theirs is None or ours is not None
    if theirs is not None and ours is not None:
        assert ours.area_a2 == pytest.approx(theirs, rel=1e-6)
        assert ours.strain <= limit + 1e-9


@given(rectangles, hexagons)
def test_what_is_told_of_a_match_follows_from_its_matrices(substrate: Any, film: Any) -> None:
    found = search(substrate, film, 0.05, 90).best
    if found is None:
        return
    to, of = (found.substrate @ substrate)[:, :2], (found.film @ film)[:, :2]
    assert np.linalg.det(to) > 0
    assert np.linalg.det(of) > 0
    assert np.allclose(of @ found.deformation.T, to, atol=1e-9)
    stretches = np.linalg.svd(found.deformation, compute_uv=False)
    assert np.allclose(sorted(stretches - 1), found.strains, atol=1e-9)
    assert found.area_a2 == pytest.approx(np.linalg.det(to))

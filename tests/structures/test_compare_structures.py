from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.utils.structure_comparator import SymmetryEquivalenceCheck
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.core.structure_matcher import ElementComparator, StructureMatcher
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.compare_structures import (
    OPERATION,
    CompareStructuresParams,
    CompareStructuresResult,
    compare_structures,
)
from llamp_mcp.structures.comparison.cells import bare
from llamp_mcp.structures.comparison.overlay import Tolerances
from llamp_mcp.structures.comparison.pair import compare
from tests.structures.conftest import copper, crystal, crystals, salt, silicon

if TYPE_CHECKING:
    from collections.abc import Callable

    from llamp_mcp.structures.store import StructureStore

DEFAULT = Tolerances(0.2, 0.3, 5, scale=True, primitive=True)


@cache
def quartz(hand: str = "right") -> Structure:
    """P3_221, or its mirror image, P3_121."""
    group, z = ("P3_221", 1) if hand == "right" else ("P3_121", -1)
    coords = [[0.4697, 0.0, z * 2 / 3], [0.4135, 0.2669, z * (0.1191 + 2 / 3)]]
    return Structure.from_spacegroup(group, Lattice.hexagonal(4.916, 5.4054), ["Si", "O"], coords)


@cache
def triphylite() -> Structure:
    lattice = Lattice.orthorhombic(10.33, 6.01, 4.69)
    coords = [
        [0.0, 0.0, 0.0],
        [0.282, 0.25, 0.975],
        [0.095, 0.25, 0.418],
        [0.097, 0.25, 0.743],
        [0.457, 0.25, 0.206],
        [0.166, 0.046, 0.285],
    ]
    return Structure.from_spacegroup("Pnma", lattice, ["Li", "Fe", "P", "O", "O", "O"], coords)


def rutile() -> Structure:
    species = ["Ti"] * 2 + ["O"] * 4
    x = 0.3053
    coords = [
        [0.0, 0.0, 0.0],
        [0.5, 0.5, 0.5],
        [x, x, 0.0],
        [1 - x, 1 - x, 0.0],
        [0.5 + x, 0.5 - x, 0.5],
        [0.5 - x, 0.5 + x, 0.5],
    ]
    return Structure(Lattice.tetragonal(4.594, 2.959), species, coords)


def disguised(structure: Structure, repeats: tuple[int, int, int], seed: int = 3) -> Structure:
    """The same crystal in a supercell, turned and moved, its sites shuffled; by ASE."""
    random = np.random.default_rng(seed)
    atoms = AseAtomsAdaptor.get_atoms(structure).repeat(repeats)
    atoms.rotate(float(random.uniform(10, 170)), random.normal(size=3), rotate_cell=True)
    atoms.translate(random.normal(size=3))
    return AseAtomsAdaptor.get_structure(atoms[random.permutation(len(atoms))])


def displaced(structure: Structure, sigma_a: float, seed: int = 0) -> Structure:
    random = np.random.default_rng(seed)
    made = structure.copy()
    moved = made.cart_coords + random.normal(0, sigma_a, (len(made), 3))
    return Structure(made.lattice, made.species, moved, coords_are_cartesian=True)


def told(reference: Structure, other: Structure, **changes: Any) -> dict[str, Any]:
    """The comparison of two structures."""
    ignored = changes.pop("ignored", [])
    return compare(bare(reference, ignored), bare(other, ignored), DEFAULT._replace(**changes))


@pytest.fixture
def run(store: StructureStore) -> Callable[..., CompareStructuresResult]:
    def call(*given: Structure, **arguments: Any) -> CompareStructuresResult:
        step = LineageStep(action="create_structure")
        handles = [store.put(structure, step) for structure in given]
        params = CompareStructuresParams(structure_ids=handles, **arguments)
        return compare_structures(params, structures=store)

    return call


CRYSTALS: list[Callable[[], Structure]] = [silicon, copper, salt, quartz, rutile, triphylite]


@pytest.mark.parametrize("made", CRYSTALS)
@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 1, 1), (1, 2, 3)])
@pytest.mark.parametrize("primitive", [True, False])
def test_a_crystal_in_disguise_matches_exactly(
    made: Callable[[], Structure], repeats: tuple[int, int, int], primitive: bool
) -> None:
    report = told(made(), disguised(made(), repeats), primitive=primitive)
    assert report["match"] is True
    assert report["max_distance_a"] == pytest.approx(0, abs=1e-4)
    assert report["principal_strains_percent"] == pytest.approx([0, 0, 0], abs=1e-4)
    assert report["mirror_image"] is False
    relation = np.array(report["cell_in_reference_axes"])
    assert abs(np.linalg.det(relation)) == pytest.approx(np.prod(repeats), abs=1e-2)
    assert np.allclose(relation, np.round(relation))


@given(crystals(), st.integers(0, 99))
@settings(max_examples=25)
def test_random_crystals_in_disguise_match(structure: Structure, seed: int) -> None:
    report = told(structure, disguised(structure, (2, 1, 1), seed))
    assert report["match"] is True
    assert report["max_distance_a"] == pytest.approx(0, abs=1e-3)
    assert report["principal_strains_percent"] == pytest.approx([0, 0, 0], abs=1e-3)


def test_the_mapping_pairs_like_with_like() -> None:
    structure = triphylite()
    other = disguised(structure, (1, 1, 2))
    report = told(structure, other, primitive=False)
    rows = report["mapping"]
    assert (report["pairs"], len(rows), report["truncated"]) == (56, 24, True)
    for row in rows:
        assert structure[row["reference_site"]].species == other[row["site"]].species
    assert len({row["site"] for row in rows}) == len(rows)
    # As many neighbours at the same distances.
    for row in rows[:3]:
        one, two = (
            sorted(near.nn_distance for near in s.get_neighbors(s[at], 3))
            for s, at in ((structure, row["reference_site"]), (other, row["site"]))
        )
        assert one == pytest.approx(two, abs=1e-6)


def test_a_structure_that_only_moved_a_little_keeps_its_axes_and_numbers() -> None:
    report = told(triphylite(), displaced(triphylite(), 0.02))
    assert report["cell_in_reference_axes"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert all(row["reference_site"] == row["site"] for row in report["mapping"])


@pytest.mark.parametrize("made", CRYSTALS)
def test_a_homogeneous_strain_is_recovered(made: Callable[[], Structure]) -> None:
    strain = np.array([[0.012, 0.004, 0], [0.004, -0.02, 0.003], [0, 0.003, 0.015]])
    strained = made().copy()
    strained.lattice = Lattice(strained.lattice.matrix @ (np.eye(3) + strain))
    report = told(made(), disguised(strained, (2, 1, 1)))
    assert report["match"] is True
    assert report["rmsd_a"] == pytest.approx(0, abs=1e-4), "fractions are unchanged"
    principal = sorted(100 * np.linalg.eigvalsh(strain), reverse=True)
    assert report["principal_strains_percent"] == pytest.approx(principal, abs=2e-3)
    volume = 100 * (np.linalg.det(np.eye(3) + strain) - 1)
    assert report["volume_change_percent"] == pytest.approx(volume, abs=1e-3)


def test_the_smallest_strain_is_told_where_several_lattices_map() -> None:
    # Flipping an axis also maps 92° on 88°, at a shear of 4°, and a lattice of one atom has no
    # site to tell.
    oblique = Structure(Lattice.monoclinic(3.1, 4.2, 5.3, 92), ["Po"], [[0, 0, 0]])
    report = told(oblique, disguised(oblique, (1, 2, 1)))
    assert report["principal_strains_percent"] == pytest.approx([0, 0, 0], abs=1e-3)


@pytest.mark.parametrize("repeats", [1, 2])
def test_one_displaced_atom_gives_the_analytic_rmsd(repeats: int) -> None:
    # With the mean removed: d sqrt(n - 1) / n, and d (n - 1) / n for the atom itself.
    made = silicon(conventional=True) * (repeats, 1, 1)
    n, d = len(made), 0.1
    made.translate_sites([3], [0, d, 0], frac_coords=False)
    report = told(silicon(), disguised(made, (1, 1, 1)))
    assert report["rmsd_a"] == pytest.approx(d * (n - 1) ** 0.5 / n, abs=1e-5)
    assert report["max_distance_a"] == pytest.approx(d * (n - 1) / n, abs=1e-5)
    length_a = (silicon().volume / 2) ** (1 / 3)
    assert report["max_normalised"] == pytest.approx(d * (n - 1) / n / length_a, abs=1e-5)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (quartz(), displaced(quartz() * (2, 1, 1), 0.05)),
        (displaced(quartz(), 0.05), displaced(quartz() * (1, 2, 1), 0.03, 1)),
        (silicon(), displaced(silicon() * (2, 2, 2), 0.08)),
        (displaced(silicon() * (2, 2, 1), 0.05), displaced(silicon() * (2, 2, 1), 0.05, 1)),
        (triphylite(), displaced(triphylite(), 0.1)),
        (rutile(), displaced(rutile() * (1, 1, 2), 0.1)),
    ],
)
def test_distances_agree_with_pymatgen(one: Structure, other: Structure) -> None:
    matcher = StructureMatcher(
        primitive_cell=False, attempt_supercell=True, comparator=ElementComparator()
    )
    rms, largest = matcher.get_rms_dist(one, other)
    report = told(one, other)
    assert report["rms_normalised"] == pytest.approx(rms, abs=2e-4)
    assert report["max_normalised"] == pytest.approx(largest, abs=2e-3)


PAIRS: dict[str, tuple[Callable[[], Structure], Callable[[], Structure]]] = {
    "the same": (quartz, lambda: disguised(quartz(), (1, 1, 1))),
    "fcc and bcc": (copper, lambda: crystal("Im-3m", 2.87, Cu=0.0)),
    "rock salt and caesium chloride": (salt, lambda: crystal("Pm-3m", 3.5, Na=0.0, Cl=0.5)),
    "rock salt and zinc blende": (salt, lambda: crystal("F-43m", 6.1, Na=0.0, Cl=0.25)),
    "slightly moved": (rutile, lambda: displaced(rutile(), 0.02)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_verdict_is_that_of_ase_and_of_pymatgen(name: str) -> None:
    one, other = (made() for made in PAIRS[name])
    verdict = told(one, other, length=0.05, site=0.05, angle_deg=1)["match"]
    atoms = [AseAtomsAdaptor.get_atoms(s.get_primitive_structure()) for s in (one, other)]
    check = SymmetryEquivalenceCheck(ltol=0.05, stol=0.05, angle_tol=1, scale_volume=True)
    assert verdict == check.compare(*atoms)
    matcher = StructureMatcher(ltol=0.05, stol=0.05, angle_tol=1, comparator=ElementComparator())
    assert verdict == matcher.fit(one, other)


def test_bcc_is_not_fcc_and_the_bain_strain_is_what_it_would_take() -> None:
    a = 3.615
    bcc = crystal("Im-3m", a / 2 ** (1 / 3), Cu=0.0)
    report = told(copper(), bcc)
    assert report["match"] is False
    assert "lattices: none maps" in report["reasons"][0]
    assert report["reasons"][1] == ("space group Im-3m (229) against Fm-3m (225) in the reference")
    # Bain: at constant volume 2^(1/6) along two axes and 2^(-1/3) along the third.
    bain = [100 * (2 ** (1 / 6) - 1)] * 2 + [100 * (2 ** (-1 / 3) - 1)]
    assert report["nearest"]["principal_strains_percent"] == pytest.approx(bain, abs=1e-3)
    needed = {name: value for name, value in report["nearest"].items() if "tolerance" in name}
    taken = DEFAULT._replace(
        length=needed["length_tolerance"] + 1e-3, angle_deg=needed["angle_tolerance_deg"] + 0.01
    )
    assert compare(bare(copper(), []), bare(bcc, []), taken)["match"] is True
    for short in (
        taken._replace(length=needed["length_tolerance"] - 1e-3),
        taken._replace(angle_deg=needed["angle_tolerance_deg"] - 0.01),
    ):
        assert compare(bare(copper(), []), bare(bcc, []), short)["match"] is False


def test_sites_that_are_too_far_say_how_far() -> None:
    moved = quartz().copy()
    moved.translate_sites([0], [0.9, 0, 0], frac_coords=False)
    report = told(quartz(), moved, site=0.1)
    assert report["reasons"][0].startswith("sites: with the lattices mapped, max_distance = 0.8 Å")
    needed = report["nearest"]["site_tolerance"]
    assert 0.1 < needed < 0.5
    assert told(quartz(), moved, site=needed + 1e-3)["match"] is True


def test_the_same_prototype_with_other_elements_is_no_match_but_told() -> None:
    potassium = crystal("Fm-3m", 6.29, K=0.0, Cl=0.5)
    report = told(salt(), disguised(potassium, (1, 2, 1)))
    assert report["match"] is False
    assert report["reasons"][0] == (
        "composition K8 Cl8 against Na4 Cl4 in the reference; without Na; with K instead"
    )
    prototype = report["prototype"]
    assert prototype["elements"] == {"K": "Na", "Cl": "Cl"}
    assert prototype["rmsd_a"] == pytest.approx(0, abs=1e-4)
    change = 100 * ((6.29 / 5.64) ** 3 - 1)
    assert prototype["volume_change_percent"] == pytest.approx(change, abs=1e-3)
    assert "prototype" not in told(salt(), crystal("Pm-3m", 4.12, Cs=0.0, Cl=0.5))


def test_elements_that_swap_places_are_the_same_rock_salt() -> None:
    swapped = salt()
    swapped.replace_species({"Na": "Cl", "Cl": "Na"})
    assert told(salt(), swapped)["match"] is True


def test_a_framework_matches_without_its_guests() -> None:
    framework = triphylite().copy()
    framework.remove_species(["Li"])
    report = told(triphylite(), framework)
    assert "without Li" in report["reasons"][0]
    assert "ignore_species=['Li']" in report["reasons"][1]
    without = told(triphylite(), framework, ignored=["Li"])
    assert without["match"] is True
    for row in without["mapping"]:  # numbers are those of the structures as given
        one, two = triphylite()[row["reference_site"]], framework[row["site"]]
        assert one.species == two.species
        assert np.allclose(one.coords, two.coords)


def test_only_a_mirror_image_matches_the_other_quartz() -> None:
    left = told(quartz(), disguised(quartz("left"), (1, 1, 1)))
    assert (left["match"], left["mirror_image"]) == (True, True)
    right = told(quartz(), disguised(quartz(), (1, 1, 1)))
    assert (right["match"], right["mirror_image"]) == (True, False)


def test_a_vacancy_is_no_match_and_two_cells_with_one_are() -> None:
    defect = silicon(conventional=True) * (2, 1, 1)
    defect.remove_sites([0])
    report = told(silicon(), defect)
    assert "primitive cells of 15 sites against 2 in the reference" in report["reasons"][0]
    assert told(displaced(defect, 0.02), disguised(defect, (1, 1, 1)))["match"] is True


def test_cells_that_share_no_supercell_match_after_averaging_and_say_so() -> None:
    one, two = displaced(salt() * (2, 1, 1), 0.02), displaced(salt() * (1, 1, 3), 0.02, 1)
    report = told(one, two)
    assert (report["match"], report["averaged"]) == (True, True)
    assert report["rmsd_a"] < 0.02
    assert abs(np.linalg.det(report["cell_in_reference_axes"])) == pytest.approx(3 / 2, abs=1e-2)
    assert told(one, two, primitive=False)["match"] is False


def test_volumes_are_scaled_only_if_asked() -> None:
    swollen = salt()
    swollen.scale_lattice(1.9 * swollen.volume)
    scaled = told(salt(), swollen)
    assert (scaled["match"], scaled["volume_change_percent"]) == (True, pytest.approx(90))
    unscaled = told(salt(), swollen, scale=False)
    assert "at unequal volumes" in unscaled["reasons"][0]
    assert "volume per site +90 % of the reference's" in unscaled["reasons"]


def test_shared_sites_compare_by_their_occupancies() -> None:
    def mixed(share: float) -> Structure:
        made = salt()
        made.replace_species({"Na": {"Na": share, "K": 1 - share}})
        return made

    assert told(mixed(0.5), mixed(0.5) * (2, 1, 1))["match"] is True
    assert told(mixed(0.5), mixed(0.25))["match"] is False
    ordered = salt() * (2, 1, 1)
    ordered.replace(0, "K")
    for site in range(1, 4):
        ordered.replace(site, "K")
    assert ordered.composition.reduced_formula == "KNaCl2"
    assert told(mixed(0.5), ordered)["match"] is False


def test_oxidation_states_and_properties_are_left_aside() -> None:
    charged = salt()
    charged.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    charged.add_site_property("magmom", [1.0] * len(charged))
    assert told(salt(), charged)["match"] is True


def test_the_tool_describes_each_structure_and_compares_with_the_first(
    run: Callable[..., CompareStructuresResult],
) -> None:
    result = run(salt(), salt() * (2, 1, 1), crystal("Fm-3m", 6.29, K=0.0, Cl=0.5))
    assert [row["formula"] for row in result.structures] == ["NaCl", "NaCl", "KCl"]
    assert [row["n_sites"] for row in result.structures] == [8, 16, 8]
    assert {row["spacegroup"] for row in result.structures} == {"Fm-3m (225)"}
    assert [row["match"] for row in result.comparisons] == [True, False]
    text = result.text()
    assert all(row["structure_id"] in text for row in result.structures)
    assert "[2 0 0] [0 1 0] [0 0 1]" in text
    assert "reason: composition K4 Cl4 against Na4 Cl4" in text
    assert "scaled to the mean volume per site" in text
    facts = {(fact.subject, fact.property): fact for fact in OPERATION.facts(result)}
    reference, other, _ = (row["structure_id"] for row in result.structures)
    assert facts[(other, f"rmsd_a({reference})")].value == 0
    assert facts[(other, f"rmsd_a({reference})")].unit == "Å"
    assert facts[(reference, "n_sites")].value == 8


def test_every_number_of_the_result_is_in_its_text(
    run: Callable[..., CompareStructuresResult],
) -> None:
    result = run(quartz(), displaced(quartz(), 0.05), crystal("Fd-3m:2", 7.16, Si=0.125))
    text = result.text()

    def numbers(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [n for item in value.values() for n in numbers(item)]
        if isinstance(value, list):
            return [n for item in value for n in numbers(item)]
        return [value] if isinstance(value, float) else []

    for number in numbers(result.model_dump()):
        assert f"{number:.6g}" in text


def test_equal_handles_are_the_same_representation(
    run: Callable[..., CompareStructuresResult],
) -> None:
    result = run(quartz(), quartz())
    assert result.comparisons[0]["match"] is True
    assert "same representation" in result.comparisons[0]["identical"]
    assert "same representation" in result.text()


def test_what_cannot_be_compared_is_explained(
    run: Callable[..., CompareStructuresResult], store: StructureStore
) -> None:
    positions = np.random.default_rng(1).random((250, 3))
    gas = Structure(Lattice.cubic(30), ["Na", "Cl"] * 125, positions)
    with pytest.raises(InvalidInput, match=r"cell of 250 sites .* at most 240"):
        run(salt(), gas)
    with pytest.raises(InvalidInput, match=r"5488 sites.*at most 5000.*primitive"):
        run(copper(), copper() * (14, 14, 7))
    with pytest.raises(InvalidInput, match=r"ignore_species .*'Xe'.*Allowed: Cl, Na"):
        run(salt(), salt() * (2, 1, 1), ignore_species=["Xe"])
    assert "no site is left" in run(salt(), salt() * (2, 1, 1), ignore_species=["Na", "Cl"]).text()
    params = CompareStructuresParams(structure_ids=["s-" + "0" * 16, "s-" + "1" * 16])
    with pytest.raises(NotFound):
        compare_structures(params, structures=store)

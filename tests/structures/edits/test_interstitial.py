from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from tests.structures.conftest import copper, crystals, edit, silicon

LITHIUM = {"op": "interstitial", "species": "Li"}


@pytest.mark.parametrize(
    "host",
    [silicon(), silicon(conventional=True), silicon() * (2, 2, 2), silicon(conventional=True) * 2],
    ids=["2 atoms", "8 atoms", "16 atoms", "64 atoms"],
)
def test_lithium_at_the_tetrahedral_site_of_silicon_proves_itself(host: Structure) -> None:
    # Story S7: four neighbours at 2.357 Å and six at 2.722 Å, no strain.
    step = edit(host, {**LITHIUM, "site_kind": "tetrahedral"})[0]
    inserted = step.report["inserted"]
    assert inserted["site_kind"] == "tetrahedral"
    assert inserted["coordination"] == 4
    assert inserted["distances_a"] == pytest.approx([2.357] * 4, abs=1e-3)
    assert inserted["neighbours"] == {"Si": 4}
    assert inserted["next_shell"]["count"] == 6
    assert inserted["next_shell"]["distances_a"] == pytest.approx([2.722] * 2, abs=1e-3)
    assert inserted["site"] == len(host)
    assert step.report["volumetric_strain_percent"] == 0
    assert len(step.structure) == len(host) + 1


def test_the_middle_of_the_primitive_cell_of_silicon_is_the_hexagonal_site() -> None:
    # Story S7: what the paper's agent called tetrahedral has six neighbours at 2.257 Å.
    inserted = edit(silicon(), {**LITHIUM, "frac_coords": [0.5, 0.5, 0.5]})[0].report["inserted"]
    assert (inserted["site_kind"], inserted["coordination"]) == ("hexagonal", 6)
    assert inserted["distances_a"] == pytest.approx([2.257] * 6, abs=1e-3)


@pytest.mark.parametrize("third", [0.375, 0.625])
def test_the_tetrahedral_sites_of_the_primitive_cell_are_where_they_should_be(third: float) -> None:
    inserted = edit(silicon(), {**LITHIUM, "frac_coords": [third] * 3})[0].report["inserted"]
    assert (inserted["site_kind"], inserted["coordination"]) == ("tetrahedral", 4)


@pytest.mark.parametrize(
    ("coords", "kind", "count"),
    [([0.5, 0.5, 0.5], "octahedral", 6), ([0.25, 0.25, 0.25], "tetrahedral", 4)],
)
def test_positions_in_fcc_copper_are_named(coords: list[float], kind: str, count: int) -> None:
    inserted = edit(copper(), {**LITHIUM, "frac_coords": coords})[0].report["inserted"]
    assert (inserted["site_kind"], inserted["coordination"]) == (kind, count)


def test_the_caller_chooses_among_inequivalent_sites_of_a_kind() -> None:
    arsenide = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(5.65), ["Ga", "As"], [[0, 0, 0], [0.25, 0.25, 0.25]]
    )
    asked = {**LITHIUM, "site_kind": "tetrahedral"}
    reports = [edit(arsenide, {**asked, "site_index": at})[0].report for at in (0, 1)]
    assert {str(report["inserted"]["neighbours"]) for report in reports} == {
        "{'As': 4}",
        "{'Ga': 4}",
    }
    assert reports[0]["same_kind"] == reports[1]["same_kind"]
    assert [len(report["same_kind"]) for report in reports] == [2, 2]
    assert reports[0]["equivalent_by"] == "space group, symprec 0.01 Å"
    with pytest.raises(InvalidInput, match=r"2 inequivalent tetrahedral sites.*0 to 1: 0: tetra"):
        edit(arsenide, {**asked, "site_index": 2})
    with pytest.raises(InvalidInput, match="site_index = 1 beside frac_coords"):
        edit(arsenide, {**LITHIUM, "frac_coords": [0.5] * 3, "site_index": 1})


def test_carbon_in_bcc_iron_goes_to_the_compressed_octahedron() -> None:
    iron = Structure.from_spacegroup("Im-3m", Lattice.cubic(2.866), ["Fe"], [[0, 0, 0]])
    grown, added = edit(
        iron,
        {"op": "supercell", "repeats": [2, 2, 2]},
        {"op": "interstitial", "species": "C", "site_kind": "octahedral"},
    )
    assert added.report["inserted"]["coordination"] == 2
    assert added.report["inserted"]["next_shell"]["count"] == 4
    assert added.report["equivalent_sites"] == 6 * 8
    assert len(added.structure) == len(grown.structure) + 1


def test_a_kind_that_is_not_there_lists_those_that_are_with_coordinates() -> None:
    with pytest.raises(InvalidInput) as caught:
        edit(silicon(), {**LITHIUM, "site_kind": "octahedral"})
    text = str(caught.value)
    assert "No octahedral site" in text
    assert "tetrahedral at (0.375, 0.375, 0.375): 4 Si nearest at 2.357 Å" in text
    assert "hexagonal at (" in text


def test_other_sites_are_listed_beside_the_one_chosen() -> None:
    report = edit(copper(), {**LITHIUM, "site_kind": "octahedral"})[0].report
    assert report["equivalent_sites"] == 4
    assert report["other_sites"][0].startswith("tetrahedral at (")


@given(crystals(), st.lists(st.floats(-1, 2), min_size=3, max_size=3))
def test_an_atom_is_added_and_nothing_else_changes(
    structure: Structure, coords: list[float]
) -> None:
    try:
        step = edit(structure, {**LITHIUM, "frac_coords": coords})[0]
    except InvalidInput as error:
        assert "apart" in str(error)  # noqa: PT017
        return
    assert len(step.structure) == len(structure) + 1
    assert step.structure.lattice == structure.lattice
    assert step.structure.sites[:-1] == structure.sites
    assert step.structure.composition == structure.composition + {"Li": 1}
    assert all(0 <= x < 1 for x in step.structure.frac_coords[-1])
    assert step.report["volumetric_strain_percent"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"species": "Li", "frac_coords": [0.875] * 3},
            r"site 1 \(Si\) and site 2 \(Li\).*0.000 Å",
        ),
        ({"species": "Li", "frac_coords": [-0.1, 0.9, 0.9]}, "apart.*at least 0.5 Å"),
        ({"species": "Xx", "site_kind": "tetrahedral"}, "'Xx' is not a chemical species"),
        ({"species": "X", "site_kind": "tetrahedral"}, "'X' is not a chemical species"),
        ({"species": "Li", "site_kind": "tetra"}, "site_kind: .*'tetrahedral'"),
        ({"species": "Li"}, "exactly one of site_kind | frac_coords"),
        ({"site_kind": "tetrahedral"}, "needs 'species'"),
        ({"species": "Li", "frac_coords": [0, 0, float("inf")]}, "finite"),
    ],
)
def test_an_impossible_interstitial_is_explained(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(silicon(), {"op": "interstitial", **arguments})


def test_an_atom_near_another_is_added_with_a_warning() -> None:
    step = edit(silicon(), {**LITHIUM, "frac_coords": [0.125, 0.125, 0.3]})[0]
    assert step.report["min_distance_a"] < 1
    assert "0.674 Å apart" in step.report["warning"]


def test_the_moment_of_an_atom_added_to_a_magnet_is_told() -> None:
    magnetic = copper()
    magnetic.add_site_property("magmom", [1.0] * 4)
    step = edit(magnetic, {**LITHIUM, "site_kind": "octahedral"})[0]
    assert step.structure.site_properties["magmom"] == [1.0] * 4 + [0.0]
    assert "0 μB" in step.notes[0]

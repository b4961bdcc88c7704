from __future__ import annotations

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.search_materials import OPERATION, SearchParams, search_materials


@pytest.fixture
def search(source):
    def call(**arguments):
        return search_materials(SearchParams(**arguments), source=source)

    return call


def _ids(result):
    return [row["material_id"] for row in result.materials]


def test_a_formula_finds_all_its_entries_however_it_is_written(search):
    assert set(_ids(search(formula="NaCl"))) == {"mp-22851", "mp-22862", "mp-1120767"}
    assert _ids(search(formula="Na2Cl2")) == _ids(search(formula="Cl Na"))


def test_a_chemical_system_is_exact_and_sorted_by_hull_energy(search):
    result = search(chemsys="Li-Fe-O", limit=50)
    energies = [row["energy_above_hull"] for row in result.materials]
    assert energies == sorted(energies)
    assert energies[0] == 0
    assert max(energies) <= 0.05
    assert result.total == result.returned == 30


def test_the_hull_of_li_fe_o_is_that_of_the_2021_entries(search):
    """Stable ternaries of the 2021 entries by pymatgen's PhaseDiagram."""
    assert {r["formula"] for r in search(chemsys="O-Li-Fe", stable_only=True).materials} == {
        "Li5FeO4",
        "LiFeO2",
        "Li2FeO3",
    }


def test_elements_and_excluded_elements_are_both_honoured(search):
    for row in search(elements=["Si", "O"], exclude_elements=["Li"], limit=50).materials:
        assert "Si" in row["formula"]
        assert "O" in row["formula"]
    assert "mp-149" not in _ids(search(elements=["Si"], exclude_elements=["Si"], limit=50))


def test_a_range_drops_what_has_no_value_and_says_how_many(search):
    result = search(elements=["Si", "O"], ranges={"bulk_modulus": [100, None]}, limit=50)
    assert result.total == 8
    assert all(row["bulk_modulus.vrh"] >= 100 for row in result.materials)
    assert "1 more meet all else but have no bulk_modulus.vrh here" in result.text()


def test_s14_the_stiffest_silica_is_found_with_its_id(search):
    result = search(chemsys="Si-O", sort_by="bulk_modulus", descending=True, limit=1)
    assert _ids(result) == ["mp-9258"]
    assert result.materials[0]["bulk_modulus.vrh"] == 310.27


def test_entries_without_a_value_come_last_in_both_directions(search):
    for descending in (False, True):
        gaps = [
            "band_gap" in row
            for row in search(
                formula="FePO4", sort_by="band_gap", descending=descending, limit=50
            ).materials
        ]
        assert gaps == sorted(gaps, reverse=True)
        assert gaps[:2] == [True, True]


def test_symmetry_and_ordering_filter(search):
    cubic = search(crystal_system="cubic", limit=50)
    assert all(row["symmetry"]["crystal_system"] == "Cubic" for row in cubic.materials)
    assert "mp-149" in _ids(search(spacegroup_number=227, formula="Si"))
    assert _ids(search(formula="FePO4", magnetic_ordering="AFM", sort_by="material_id")) == [
        "mp-504276",
        "mp-704220",
        "mp-760343",
    ]


def test_pages_cover_everything_once(search):
    seen, cursor = [], ""
    while True:
        page = search(elements=["O"], limit=17, cursor=cursor)
        seen += _ids(page)
        assert page.truncated == (page.next_cursor is not None)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert len(seen) == len(set(seen)) == page.total


@pytest.mark.parametrize("cursor", ["20", "x-y", "-1-abc", "20-00000000", "²-"])
def test_a_cursor_of_another_search_is_refused(search, cursor):
    with pytest.raises(InvalidInput, match="not one of this search"):
        search(elements=["O"], cursor=cursor)


def test_a_cursor_does_not_carry_over_to_other_criteria(search):
    cursor = search(elements=["O"], limit=5).next_cursor
    with pytest.raises(InvalidInput, match="Leave the cursor out"):
        search(elements=["Li"], limit=5, cursor=cursor)


def test_unknown_ids_are_named(search):
    result = search(material_ids=["mp-149", "mp-5"])
    assert _ids(result) == ["mp-149"]
    assert "not in this source: mp-5" in result.text()


def test_nothing_found_is_an_answer_that_says_what_it_means(search):
    result = search(formula="C60")
    assert (result.total, result.materials, result.next_cursor) == (0, [], None)
    assert "absence here means nothing" in result.text()


def test_a_page_of_twenty_costs_at_most_1500_tokens(search):
    for arguments in (
        {},
        {"elements": ["O"]},
        {"sort_by": "band_gap"},
        {"sort_by": "bulk_modulus"},
    ):
        result = search(limit=20, **arguments)
        assert result.returned == 20
        assert len(result.text().encode()) / 4 <= 1500


def test_the_text_has_one_line_per_material_with_units(search):
    line = next(
        line
        for line in search(formula="Cu", fields=["bulk_modulus.vrh"]).text().splitlines()
        if line.startswith("mp-30 ")
    )
    assert line == "mp-30 Cu: bulk_modulus.vrh = 151.394 GPa [a]"


def test_units_and_sources_explain_what_is_shown(search):
    result = search(formula="Fe", fields=["density", "bulk_modulus", "ordering"])
    assert result.units == {"density": "g/cm³", "bulk_modulus": "GPa"}
    for row in result.materials:
        assert set(row["sources"].values()) <= set(result.sources)


@pytest.mark.parametrize(
    "arguments",
    [
        {"formula": "Qq2"},
        {"formula": "H2O)"},
        {"chemsys": "Li-Zz"},
        {"elements": ["Xx"]},
        {"exclude_elements": ["o"]},
        {"material_ids": ["hello"]},
        {"material_ids": ["mp-foo"]},
        {"material_ids": ["mp-99999999999"]},
        {"fields": ["bandgap"]},
        {"fields": ["elastic_tensor"]},
        {"sort_by": "beauty"},
        {"ranges": {"gap": [0, 1]}},
        {"ranges": {"ordering": [0, 1]}},
        {"ranges": {"band_gap": [2, 1]}},
    ],
)
def test_bad_input_is_refused_with_a_text_that_helps(search, arguments):
    with pytest.raises(InvalidInput) as error:
        search(**arguments)
    assert "Allowed" in str(error.value) or error.value.next_step


@pytest.mark.parametrize(
    "arguments",
    [
        {"text": "stiff"},
        {"crystal_system": "quasi"},
        {"spacegroup_number": 231},
        {"limit": 0},
        {"limit": 51},
        {"ranges": {"band_gap": [1]}},
        {"ranges": {"band_gap": [float("nan"), 1]}},
        {"magnetic_ordering": "sideways"},
    ],
)
def test_arguments_outside_the_schema_are_refused(arguments):
    with pytest.raises(ValidationError):
        SearchParams(**arguments)


def test_facts_are_the_values_of_the_rows(search):
    facts = {(f.subject, f.property): f for f in OPERATION.facts(search(formula="Cu"))}
    assert facts["mp-30", "bulk_modulus.vrh"].value == 151.394
    assert facts["mp-30", "bulk_modulus.vrh"].unit == "GPa"
    assert facts["mp-30", "symmetry.number"].value == 225

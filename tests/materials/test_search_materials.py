from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import filters
from llamp_mcp.materials.files.layout import Writer
from llamp_mcp.materials.files.source import SqliteSource
from llamp_mcp.materials.search_materials import OPERATION, SearchParams, search_materials
from llamp_mcp.server.schemas import input_schema, output_schema

_HEADER = {
    "kind": "snapshot",
    "name": "made up for tests",
    "database_version": "none",
    "licence": "none",
    "attribution": "none",
    "notice": "synthetic values, none of a real material",
}


def _document(number, formula, composition, **values):
    """A made-up entry; values that tests do not name follow from its number."""
    crystal_system, symbol, group = (("Cubic", "Fm-3m", 225), ("Triclinic", "P-1", 2))[number % 2]
    return {
        "material_id": f"mp-{3200000 + number}",
        "formula_pretty": formula,
        "composition_reduced": composition,
        "elements": sorted(composition),
        "nelements": len(composition),
        "nsites": 4 + number,
        "symmetry": {"crystal_system": crystal_system, "symbol": symbol, "number": group},
        "energy_above_hull": 0.0123457 * number,
        "is_stable": number == 0,
        "formation_energy_per_atom": -1.234567 - number,
        "band_gap": 1.234567 + number,
        "is_metal": False,
        "theoretical": number % 2 == 0,
        "bulk_modulus": {"vrh": 100.123 + number, "voigt": 101.0, "reuss": 99.0},
        "density": 3.456789 + number,
        "possible_species": ["Fe3+", "O2-"] if "Fe" in composition else [],
        "has_props": {"elasticity": number < 2, "thermo": True},
        **values,
    }


_MADE_UP = (
    _document(0, "LaFeO3", {"La": 1, "Fe": 1, "O": 3}),
    _document(1, "FeBiO3", {"Bi": 1, "Fe": 1, "O": 3}),
    _document(2, "CsPbI3", {"Cs": 1, "Pb": 1, "I": 3}, bulk_modulus=None),
    _document(3, "H2O", {"H": 2, "O": 1}, is_metal=None),
    _document(4, "CuH10SO9", {"Cu": 1, "H": 10, "S": 1, "O": 9}),
)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """A source that holds synthetic entries with every kind of value."""
    path = tmp_path_factory.mktemp("made_up") / "made_up.sqlite"
    with Writer(path) as writer:
        for document in _MADE_UP:
            writer.add("summary", document)
        for number, words in enumerate(("orthorhombic perovskite", "rhombohedral perovskite")):
            robocrys = {"material_id": f"mp-{3200000 + number}", "description": words}
            writer.add("robocrys", robocrys)
        writer.finish(_HEADER)
    source = SqliteSource(path)
    yield source
    source.close()


class _Uncounted:
    """A source that does not count what lacks a value, as the live one."""

    def __init__(self, source):
        self._source = source

    def __getattr__(self, name):
        return getattr(self._source, name)

    def search(self, query):
        page = self._source.search(query)
        return replace(page, lacking={}, notes=("fetched on a day",))


@pytest.fixture
def search(source):
    def call(**arguments):
        return search_materials(SearchParams(**arguments), source=source)

    return call


@pytest.fixture
def search_made_up(made_up):
    def call(**arguments):
        return search_materials(SearchParams(**arguments), source=made_up)

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
        {"fields": ["gap"]},
        {"fields": ["elastic_tensor"]},
        {"fields": ["decomposes_to"]},
        {"fields": ["bulk_modulus.hill"]},
        {"flags": {"band_gap": True}},
        {"flags": {"is_stable": False}, "stable_only": True},
        {"ranges": {"k_vrh": [0, 1], "bulk_modulus": [0, 1]}},
        {"text": "band gap > 3"},
        {"text": "123"},
        {"possible_species": ["Fe"]},
        {"has_props": ["robocrys"]},
        {"formula": "**O3"},
        {"formula": "Fe3+"},
        {"formula": "nacl"},
        {"chemsys": "LiFeO2"},
        {"chemsys": "Li-*,Fe-O"},
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
        {"hardness": [1, 2]},
        {"crystal_system": "quasi"},
        {"spacegroup_number": 231},
        {"limit": -1},
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


def _formulas(result):
    return [row["formula"] for row in result.materials]


@pytest.mark.parametrize(
    ("arguments", "formulas"),
    [
        ({"formula": "O3FeLa"}, ["LaFeO3"]),
        ({"formula": "LaFeO3, CsPbI3"}, ["LaFeO3", "CsPbI3"]),
        ({"formula": "Fe*O3"}, ["LaFeO3", "FeBiO3"]),
        ({"formula": "ABX3"}, ["LaFeO3", "FeBiO3", "CsPbI3"]),
        ({"formula": "ABO3", "elements": ["O"]}, ["LaFeO3", "FeBiO3"]),
        ({"formula": "D2O"}, ["H2O"]),
        ({"formula": "CuSO4·5H2O"}, ["CuH10SO9"]),
        ({"chemsys": "Fe-*-O"}, ["LaFeO3", "FeBiO3"]),
        ({"chemsys": "H-O,Cs-I-Pb"}, ["CsPbI3", "H2O"]),
        ({"elements": ["D"], "exclude_elements": ["Cu"]}, ["H2O"]),
        ({"material_ids": ["mp-3200001"]}, ["FeBiO3"]),
        ({"text": "Perovskite"}, ["LaFeO3", "FeBiO3"]),
        ({"text": "orthorhombic perovskite"}, ["LaFeO3"]),
        ({"possible_species": ["Fe+3", "O2-"]}, ["LaFeO3", "FeBiO3"]),
        ({"has_props": ["elasticity"]}, ["LaFeO3", "FeBiO3"]),
        ({"crystal_system": "triclinic"}, ["FeBiO3", "H2O"]),
        ({"spacegroup_number": 225, "elements": ["O"]}, ["LaFeO3", "CuH10SO9"]),
        ({"stable_only": True}, ["LaFeO3"]),
        ({"flags": {"theoretical": False}}, ["FeBiO3", "H2O"]),
        ({"flags": {"is_stable": False, "theoretical": True}}, ["CsPbI3", "CuH10SO9"]),
        ({"ranges": {"nsites": [4.5, 6.5]}}, ["FeBiO3", "CsPbI3"]),
        ({"ranges": {"k_vrh": [101, None], "Band gap": [None, 4.3]}}, ["FeBiO3", "H2O"]),
        ({"sort_by": "bandgap", "descending": True, "limit": 2}, ["CuH10SO9", "H2O"]),
        ({"sort_by": "k_vrh", "descending": True, "limit": 1}, ["CuH10SO9"]),
        ({"sort_by": "material_id", "descending": True, "limit": 1}, ["CuH10SO9"]),
        ({"sort_by": "formula_pretty", "limit": 2}, ["CsPbI3", "CuH10SO9"]),
    ],
)
def test_every_criterion_selects_what_it_says(search_made_up, arguments, formulas):
    assert _formulas(search_made_up(**arguments)) == formulas


@pytest.mark.parametrize("name", filters.RANGES)
def test_every_number_can_be_filtered_and_sorted_by(search, name):
    result = search(ranges={name: [None, None]}, sort_by=name, fields=[name])
    assert all(name in row for row in result.materials)
    values = [row[name] for row in result.materials]
    assert values == sorted(values)


def test_entries_without_the_value_sorted_by_come_last(search_made_up):
    for descending in (False, True):
        result = search_made_up(sort_by="bulk_modulus", descending=descending)
        assert _formulas(result)[-1] == "CsPbI3"


def test_a_count_needs_no_rows(search):
    result = search(elements=["O"], limit=0)
    assert (result.returned, result.materials, result.next_cursor) == (0, [], None)
    assert result.total == search(elements=["O"]).total
    assert f"{result.total} match" in result.text()


def test_how_a_formula_was_read_is_said(search_made_up):
    assert "searched as H" in search_made_up(formula="D2O").text()
    assert "searched as H" in search_made_up(elements=["D"]).text()
    assert "searched as ABC3" in search_made_up(formula="ABO3").text()
    assert "searched as CuSO4(H2O)5" in search_made_up(formula="CuSO4*5H2O").text()
    assert "Note" not in search_made_up(formula="LaFeO3", fields=["density"]).text()


def test_a_source_that_does_not_count_still_says_that_some_are_left_out(made_up):
    params = SearchParams(ranges={"bulk_modulus": [0, None]}, flags={"is_metal": False})
    result = search_materials(params, source=_Uncounted(made_up))
    assert "entries without a value of bulk_modulus.vrh, is_metal are left out" in result.notes
    assert "fetched on a day" in result.notes
    assert len(result.notes) == len(set(result.notes))
    plain = search_materials(SearchParams(crystal_system="cubic"), source=_Uncounted(made_up))
    assert not any("left out" in note for note in plain.notes)


def test_ids_that_fail_another_criterion_are_not_called_unknown(search_made_up):
    ids = ["mp-3200000", "mp-3200001", "mp-3209999"]
    result = search_made_up(material_ids=ids, stable_only=True)
    assert _formulas(result) == ["LaFeO3"]
    assert "not in this source: mp-3209999" in result.notes


def test_an_unphysical_value_is_given_with_a_warning(search):
    """Story S1: the hull entry of cobalt."""
    result = search(formula="Co")
    assert result.materials[0]["bulk_modulus.vrh"] < 0
    assert any("mp-54: bulk_modulus.vrh" in note and "unphysical" in note for note in result.notes)


def test_s5_awkward_formulas_find_their_entries(search):
    """Story S5: band gaps of the paper, by the formulas as users write them."""
    for text, gap in (("Ba(PdS2)2", 0.779), ("FePO4", 2.1932), ("DyBi2IO4", 1.367)):
        rows = search(formula=text, fields=["band_gap"]).materials
        assert any(row.get("band_gap") == pytest.approx(gap, abs=1e-3) for row in rows), text


def test_s4_the_gap_of_silicon_comes_with_its_caveat(search):
    result = search(formula="Si", fields=["band_gap"])
    assert result.materials[0]["band_gap"] == 0.6105
    assert "too small" in result.text()


def test_s9_density_and_volume_per_atom_of_sodium_chloride_come_per_entry(search):
    """Story S9: never averaged; where hull energies are not known, the order says nothing."""
    result = search(formula="NaCl", fields=["density", "density_atomic"])
    rows = {row["material_id"]: row for row in result.materials}
    assert {"density", "density_atomic"} <= rows["mp-22862"].keys()
    assert any("no energy_above_hull here" in note for note in result.notes)
    ordered = search(formula="Si", fields=["density"])
    assert not any("no energy_above_hull here" in note for note in ordered.notes)


def test_names_are_accepted_as_people_say_them(search_made_up):
    result = search_made_up(fields=["Band gap", "k_vrh", "spacegroup"], limit=1)
    assert {"band_gap", "bulk_modulus.vrh", "symmetry"} < result.materials[0].keys()
    assert result.units == {"band_gap": "eV", "bulk_modulus.vrh": "GPa"}


def test_every_value_and_id_of_the_result_is_in_its_text(search_made_up):
    fields = ["symmetry", "bulk_modulus", "possible_species", "has_props", "theoretical", "nsites"]
    result = search_made_up(fields=fields)
    text = result.text()
    for row in result.materials:
        line = next(li for li in text.splitlines() if li.startswith(row["material_id"] + " "))
        assert all(name in line for name in row if name in fields)
        assert str(row["nsites"]) in line
    assert "bulk_modulus.vrh = 100.123 GPa" in text
    assert "Fm-3m (225) Cubic" in text
    assert "Fe3+" in text


def test_a_page_of_twenty_full_rows_costs_at_most_1500_tokens(tmp_path):
    """Every usual value there, six digits each, long formulas and ids, as a live page is."""
    symmetry = {"crystal_system": "Orthorhombic", "symbol": "P2_12_12_1", "number": 19}
    amounts = {"Ba": 12, "Al": 24, "Mg": 11, "Si": 13, "O": 96}
    with Writer(tmp_path / "full.sqlite") as writer:
        for number in range(20):
            writer.add(
                "summary", _document(number, "Ba12Al24Mg11Si13O96", amounts, symmetry=symmetry)
            )
        writer.finish(_HEADER)
    source = SqliteSource(tmp_path / "full.sqlite")
    result = search_materials(SearchParams(ranges={"band_gap": [0, None]}), source=source)
    source.close()
    assert result.returned == 20
    assert all(len(row) == 9 for row in result.materials)  # id, formula, six values, sources
    assert len(result.text().encode()) / 4 <= 1500


def test_the_tool_stays_within_its_share_of_the_list():
    schema = input_schema(OPERATION.params)
    tool = {
        "name": OPERATION.name,
        "title": OPERATION.title,
        "description": OPERATION.description,
        "inputSchema": schema,
        "outputSchema": output_schema(OPERATION.result),
    }
    assert len(json.dumps(tool, ensure_ascii=False, separators=(",", ":")).encode()) <= 3300
    assert all(described.get("description") for described in schema["properties"].values())

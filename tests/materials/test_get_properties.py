"""Stories S1, S4, S5, S8 and S9, and the rule by which a formula means an entry.

The values are those of the Materials Project as printed in the notebooks of arXiv:2401.17244.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.get_properties import OPERATION, PropertiesParams, get_properties
from llamp_mcp.materials.groups import GROUPS
from tests.materials.made_up import MadeUpSource


@pytest.fixture
def ask(source):
    def call(*materials, **arguments):
        return get_properties(
            PropertiesParams(materials=list(materials), **arguments), source=source
        )

    return call


def _by_request(result):
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in result.results:
        rows.setdefault(row["requested"], []).append(row)
    return rows


METALS = {
    "Sc": ("mp-67", 54.533),
    "Ti": ("mp-72", 112.881),
    "V": ("mp-146", 181.232),
    "Cr": ("mp-90", 233.652),
    "Fe": ("mp-13", 207.093),
    "Ni": ("mp-23", 173.808),
    "Cu": ("mp-30", 151.394),
    "Zn": ("mp-79", 85.872),
}


@pytest.mark.parametrize("arguments", [{"groups": ["elasticity"]}, {"fields": ["bulk_modulus"]}])
def test_s1_each_metal_gets_its_hull_entry(ask, arguments):
    rows = _by_request(ask(*METALS, **arguments))
    for metal, (material_id, modulus) in METALS.items():
        row = rows[metal][0]
        assert (row["material_id"], row["groups"]["elasticity"]["bulk_modulus"]["vrh"]) == (
            material_id,
            modulus,
        )
        assert "on the hull" in row["selection"]


def test_s1_cobalt_is_warned_about_with_the_next_candidate_beside_it(ask):
    result = ask("Co", fields=["bulk_modulus"])
    first, second = result.results
    assert first["material_id"] == "mp-54"
    assert first["groups"]["elasticity"]["bulk_modulus"]["vrh"] == -1127.579
    assert any("unphysical" in warning for warning in first["warnings"])
    assert second["material_id"] == "mp-102"
    assert second["groups"]["elasticity"]["bulk_modulus"]["vrh"] == 200.587
    assert "beside the unphysical mp-54" in second["selection"]
    text = result.text()
    assert "mp-54 Co: bulk_modulus.vrh = -1127.579 GPa" in text
    assert "bulk_modulus.vrh = -1127.579 is unphysical (below 0)" in text
    assert "mp-102 Co: bulk_modulus.vrh = 200.587 GPa" in text


def test_s1_manganese_is_listed_and_none_is_chosen(ask):
    rows = ask("Mn", groups=["elasticity"]).results
    moduli = {r["material_id"]: r["groups"]["elasticity"]["bulk_modulus"]["vrh"] for r in rows}
    assert moduli == {"mp-8634": 280.959, "mp-542909": 248.693}
    assert all(row["selection"].startswith("none chosen") for row in rows)
    assert "mp-35" in rows[0]["selection"]


def test_an_unphysical_value_that_was_not_asked_for_does_not_warn(ask):
    assert ask("Zn", fields=["bulk_modulus"]).results[0]["warnings"] == []
    assert "homogeneous_poisson" in ask("Zn", groups=["elasticity"]).text().split("Warning:")[1]


GAPS = {
    "Si": 0.6105,
    "Ge": 0.0,
    "GaAs": 0.1861,
    "GaN": 1.7265,
    "SiC": 1.8389,
    "BN": 4.3683,
    "InSe": 0.459,
    "MoS2": 1.2042,
    "BaTiO3": 2.293,
    "CsPbI3": 2.5181,
    "Ba(PdS2)2": 0.7792,
    "FePO4": 2.1932,
    "DyBi2IO4": 1.3668,
    "NaFe(SO4)2": 2.0944,
    "Eu2B5BrO9": 0.8801,
    "Sr5As3H": 0.6764,
    "TlGaS2": 1.7885,
    "AgSbS2": 0.0,
    "Pr3S3N": 1.1501,
    "LiLaO2": 3.7336,
}


def test_s4_s5_band_gaps_with_the_caveat_and_one_entry_each(ask):
    result = ask(*GAPS, groups=["electronic_structure"])
    assert len(result.results) == len(GAPS)
    for row in result.results:
        assert row["groups"]["electronic_structure"]["band_gap"] == pytest.approx(
            GAPS[row["requested"]], abs=1e-9
        )
        assert row["selection"]
    assert any("too small" in note for note in result.notes)
    assert result.units["band_gap"] == "eV"


def test_s5_an_entry_said_to_be_stable_goes_before_one_above_the_hull(ask):
    row = ask("NaFe(SO4)2", fields=["band_gap"]).results[0]
    assert row["material_id"] == "mp-1102092"
    assert "mp-1210660" in row["selection"]


def test_s5_an_entry_off_the_hull_is_said_to_be(ask):
    assert "0.114625 eV/atom above the hull" in ask("AgSbS2", fields=["band_gap"]).text()
    assert "0.0230296 eV/atom above the hull" in ask("mp-1020057", fields=["band_gap"]).text()


def test_s8_magnetic_ordering_of_stable_fepo4(ask):
    row = ask("FePO4", groups=["magnetism", "summary"]).results[0]
    assert row["material_id"] == "mp-753395"
    magnetism, summary = row["groups"]["magnetism"], row["groups"]["summary"]
    assert magnetism["ordering"] == "FM"
    assert magnetism["total_magnetization_normalized_formula_units"] == pytest.approx(5.0, abs=1e-6)
    assert summary["symmetry"]["symbol"] == "P-1"
    assert summary["symmetry"]["number"] == 2
    assert "of 26 candidates" in row["selection"]
    assert "mp-19109" in row["selection"]


def test_s9_sodium_chloride_has_density_and_volume_per_atom(ask):
    result = ask("mp-22862", fields=["density", "density_atomic", "volume"])
    summary = result.results[0]["groups"]["summary"]
    assert summary["density"] == pytest.approx(2.224545043829438)
    # One formula unit of 58.443 g/mol fills the printed cell: 2 atoms in 43.6253 Å³.
    assert summary["density_atomic"] == pytest.approx(43.625325465502776 / 2)
    assert any("another database version" in note for note in result.notes)


def test_s9_without_hull_energies_no_polymorph_is_chosen(ask):
    rows = ask("NaCl", fields=["density"]).results
    assert {row["material_id"] for row in rows} == {"mp-22851", "mp-22862", "mp-1120767"}
    assert all(row["selection"].startswith("none chosen") for row in rows)


def test_s15_the_tensor_comes_when_named_with_its_voigt_order(ask):
    result = ask("Cu", fields=["elastic_tensor.ieee_format"])
    tensor = result.results[0]["groups"]["elasticity"]["elastic_tensor"]["ieee_format"]
    assert [len(row) for row in tensor] == [6] * 6
    assert "Voigt order xx, yy, zz, yz, xz, xy" in result.text()
    assert (
        "elastic_tensor" not in ask("Cu", groups=["elasticity"]).results[0]["groups"]["elasticity"]
    )


def test_two_groups_that_select_two_entries_give_two_rows(ask):
    rows = ask("Mn", groups=["thermo", "elasticity"]).results
    assert [row["material_id"] for row in rows] == ["mp-35", "mp-8634", "mp-542909"]
    assert [list(row["groups"]) for row in rows] == [["thermo"], ["elasticity"], ["elasticity"]]


def test_a_single_candidate_without_hull_energy_is_chosen_and_said(ask):
    row = ask("GaN", fields=["band_gap"]).results[0]
    assert row["selection"] == (
        "only candidate with band_gap of 13 entries here (energy_above_hull unknown here)"
    )


def test_every_value_names_a_source_that_is_explained(ask):
    result = ask("Fe", "mp-22862", "RbI", "FePO4", "SiC", groups=["summary", "thermo"])
    for row in result.results:
        for fields in row["groups"].values():
            for name in fields:
                assert row["sources"][name] in result.sources


def test_the_text_holds_every_id_and_number(ask):
    result = ask("Fe", "Si", "mp-753395", groups=["summary", "elasticity", "magnetism"])
    text = result.text()
    for row in result.results:
        assert row["material_id"] in text
        for fields in row["groups"].values():
            for value in fields.values():
                for number in value.values() if isinstance(value, dict) else [value]:
                    if isinstance(number, float):
                        assert f"{number:.6g}" in text
    assert text.startswith("Source: offline extract of ")


def test_a_full_request_stays_within_the_budget_of_an_answer(ask):
    metals = [*METALS, "Co", "Mn", *list(GAPS)[:8]]
    result = ask(*metals, groups=["summary", "thermo", "elasticity"])
    assert len(result.text().encode()) / 4 < 6000
    assert {row["requested"] for row in result.results} == set(metals)
    assert any("left out for length" in note for note in result.notes)


def test_tensors_of_many_entries_are_refused(ask):
    with pytest.raises(InvalidInput, match="at most 5 entries"):
        ask(*METALS, fields=["elastic_tensor"])


def test_what_is_missing_is_said_beside_what_is_there(ask):
    result = ask("mp-149", "mp-5", "mp-3666", "C60", fields=["band_gap"])
    assert [row["material_id"] for row in result.results] == ["mp-149"]
    text = result.text()
    assert "mp-5 is not in this source" in text
    assert "mp-3666 has no band_gap in this source" in text
    assert "no entry of composition C60" in text


def test_nothing_at_all_is_an_error_that_forbids_guessing(ask):
    with pytest.raises(NotFound, match="Do not answer from memory"):
        ask("mp-3666", fields=["band_gap"])


@pytest.mark.parametrize(
    ("material", "reason"),
    [
        ("hello", "capital letter"),
        ("mp-foo", "not a material id"),
        ("mp-99999999999", "not a material id"),
        ("Qq2", "not a chemical element"),
        ("H2O)", "no opening bracket"),
    ],
)
def test_bad_materials_are_refused(ask, material, reason):
    with pytest.raises(InvalidInput, match=reason):
        ask("Si", material)


def test_bad_fields_and_groups_are_refused_with_the_allowed_ones(ask):
    with pytest.raises(InvalidInput, match="Did you mean 'band_gap'"):
        ask("Si", fields=["bandgap"])
    with pytest.raises(InvalidInput, match="Did you mean 'band_gap'"):
        ask("Si", fields=["band_gaps"])
    with pytest.raises(InvalidInput, match=r"bulk_modulus\.vrh"):
        ask("Si", fields=["bulk_modulus.hill"])
    with pytest.raises(InvalidInput, match="Unknown field of thermo 'band_gap'"):
        ask("Si", groups=["thermo"], fields=["band_gap"])
    with pytest.raises(ValidationError, match="'oxidation_states'"):
        ask("Si", groups=["bandstructure"])
    with pytest.raises(ValidationError):
        PropertiesParams(materials=[])
    with pytest.raises(ValidationError):
        PropertiesParams.model_validate({"materials": ["Si"], "group": "thermo"})


def test_facts_carry_unit_and_source(ask):
    facts = {
        (f.subject, f.property): f for f in OPERATION.facts(ask("Co", fields=["bulk_modulus"]))
    }
    fact = facts["mp-102", "bulk_modulus.vrh"]
    assert (fact.value, fact.unit, fact.formula) == (200.587, "GPa", "Co")
    assert re.search("LLaMP notebook 03a", fact.source)


# --- any source: how often it is asked, and what is told of its documents; all values made up ---

ID, OTHER, LOW = "mp-3200001", "mp-3200002", "mp-3200003"


def made_up(**endpoints):
    summaries = [
        {"material_id": ID, "formula_pretty": "FeO", "energy_above_hull": 0.1, "density": 1.0},
        {"material_id": OTHER, "formula_pretty": "NiO", "energy_above_hull": 0.0},
        {
            "material_id": LOW,
            "formula_pretty": "FeO",
            "energy_above_hull": 0.0,
            "has_props": {"thermo": True, "absorption": False},
        },
    ]
    return MadeUpSource(**{"summary": summaries, **endpoints})


def read(source, *materials, **arguments):
    return get_properties(PropertiesParams(materials=list(materials), **arguments), source=source)


def test_ten_formulas_and_three_groups_are_four_requests(source, monkeypatch):
    asked = []

    def counted(name):
        original = getattr(source, name)

        def call(*arguments):
            asked.append(name)
            return original(*arguments)

        return call

    for name in ("search", "rows"):
        monkeypatch.setattr(source, name, counted(name))
    metals = [*METALS, "Co", "Mn"]
    result = read(source, *metals, groups=["summary", "thermo", "elasticity"])
    assert {row["requested"] for row in result.results} == set(metals)
    assert asked == ["search", "rows", "rows", "rows"]


def test_only_entries_that_may_have_a_group_are_asked_for_it():
    source = made_up(absorption=[{"material_id": ID, "bandgap": 1.0}])
    result = read(source, "FeO", "mp-3200003", groups=["absorption"])
    assert [row["material_id"] for row in result.results] == [ID]
    assert f"lower but without absorption here: {LOW}" in result.results[0]["selection"]
    assert f"{LOW} has no absorption in this source" in result.notes
    assert [ids for kind, ids, _ in source.asked if kind == "absorption"] == [(ID,)]


def polymorphs(number):
    return [
        {"material_id": f"mp-{3201000 + n}", "formula_pretty": "FeO", "energy_above_hull": n / 100}
        for n in range(number)
    ]


def test_of_hundreds_of_polymorphs_the_lowest_are_read_in_one_request():
    entries = polymorphs(300)
    source = MadeUpSource(
        summary=entries,
        magnetism=[{"material_id": d["material_id"], "ordering": "FM"} for d in entries],
    )
    result = read(source, "FeO", groups=["magnetism"])
    assert [row["material_id"] for row in result.results] == ["mp-3201000"]
    assert any("100 of its 300 entries" in note for note in result.notes)
    [ids] = [ids for kind, ids, _ in source.asked if kind == "magnetism"]
    assert len(ids) == 200


def test_the_others_are_read_where_none_of_the_lowest_has_the_values():
    entries = polymorphs(300)
    last = entries[-1]["material_id"]
    source = MadeUpSource(summary=entries, magnetism=[{"material_id": last, "ordering": "FM"}])
    result = read(source, "FeO", groups=["magnetism"])
    assert [row["material_id"] for row in result.results] == [last]
    assert not any("not looked at" in note for note in result.notes)


TOTAL = [[float(i == j) for j in range(6)] for i in range(3)]


def test_one_name_with_two_units_is_told_apart():
    source = made_up(
        dielectric=[{"material_id": ID, "total": [[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0]]}],
        piezoelectric=[{"material_id": ID, "total": TOTAL}],
    )
    result = read(source, ID, groups=["dielectric", "piezoelectric"], fields=["total"])
    assert result.units == {"total": "relative permittivity", "piezoelectric.total": "C/m²"}
    assert result.results[0]["groups"]["piezoelectric"]["total"] == TOTAL
    text = result.text()
    assert "total (relative permittivity):" in text
    assert "piezoelectric.total (C/m², Voigt order" in text


def test_values_that_differ_between_groups_are_both_told_and_are_two_facts():
    source = made_up(thermo=[{"material_id": ID, "energy_above_hull": 0.4}])
    result = read(source, ID, groups=["summary", "thermo"])
    text = result.text()
    assert "energy_above_hull = 0.1 eV/atom" in text
    assert "thermo.energy_above_hull = 0.4 eV/atom" in text
    facts = {fact.property: (fact.value, fact.unit) for fact in OPERATION.facts(result)}
    assert facts["energy_above_hull"] == (0.1, "eV/atom")
    assert facts["thermo.energy_above_hull"] == (0.4, "eV/atom")


def test_a_field_that_was_named_and_is_missing_is_said():
    source = made_up(elasticity=[{"material_id": ID, "bulk_modulus": {"vrh": 2.0}}])
    result = read(source, ID, fields=["bulk_modulus.vrh", "bulk_modulus.reuss", "fitting_data"])
    said = f"no bulk_modulus.reuss, fitting_data in the elasticity data here of {ID}"
    assert said in result.notes


def test_a_huge_field_is_a_link_that_the_text_names():
    energies = [n / 10 for n in range(2001)]
    source = made_up(absorption=[{"material_id": ID, "energies": energies}])
    result = read(source, ID, groups=["absorption"], fields=["energies"])
    [link] = result.links()
    assert link.uri == f"mp://{ID}/absorption"
    assert f"energies (0 of 2001 values; all: mp://{ID}/absorption)" in result.text()
    assert result.results[0]["groups"]["absorption"] == {}
    assert len(result.text()) < 1000


def test_everything_of_one_material_fits_in_an_answer():
    facets = [
        {"miller_index": [n, 1, 0], "surface_energy": 1.0 + n, "work_function": 4.5}
        for n in range(50)
    ]
    rows = [
        {"material_id": ID, "sub_id": f"mp-{n}", "sub_form": "NaCl", "area": 50.0 + n}
        for n in range(300)
    ]
    source = made_up(
        surface_properties=[{"material_id": ID, "surfaces": facets}],
        substrates=rows,
        robocrys=[{"material_id": ID, "description": "words " * 2000}],
        tasks=[{"material_id": ID, "task_id": f"mp-{n}", "run_type": "GGA"} for n in range(100)],
        provenance=[{"material_id": ID, "authors": [{"name": f"A. {n}"} for n in range(90)]}],
    )
    five = ["surface", "substrates", "robocrys", "tasks", "provenance"]
    text = read(source, ID, groups=five).text()
    assert len(text.encode()) / 4 <= 2500
    assert "surfaces (8 of 50 items; all: mp://mp-3200001/surface)" in text
    assert "substrates (6 of 300 items" in text
    everything = read(source, ID, groups=list(GROUPS))
    assert len(everything.text().encode()) / 4 < 6000


def test_many_materials_with_long_groups_are_cut_to_the_length_of_an_answer():
    many = [f"mp-{3200100 + n}" for n in range(20)]
    summaries = [{"material_id": i, "formula_pretty": "FeO"} for i in many]
    words = [{"material_id": i, "description": "words " * 2000} for i in many]
    result = read(MadeUpSource(summary=summaries, robocrys=words), *many, groups=["robocrys"])
    assert len(result.text().encode()) / 4 < 6000
    told = {row["material_id"] for row in result.results}
    left = [i for i in many if i not in told]
    assert left
    assert all(any(i in note and "left out" in note for note in result.notes) for i in left)


def test_an_isotope_is_said_to_be_read_as_its_element(ask):
    result = ask("Si", "D2O", fields=["density"])
    assert any("D2O" in note and "isotopes" in note for note in result.notes)


def test_a_formula_alone_is_told_without_values():
    result = read(made_up(), ID, fields=["formula_pretty"])
    assert f"{ID} FeO" in result.text()

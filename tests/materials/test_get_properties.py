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
    with pytest.raises(InvalidInput, match="Unknown field of thermo 'band_gap'"):
        ask("Si", groups=["thermo"], fields=["band_gap"])
    with pytest.raises(ValidationError, match="'oxidation_states'"):
        ask("Si", groups=["piezoelectric"])
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

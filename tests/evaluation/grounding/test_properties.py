from __future__ import annotations

import pytest

from llamp_mcp.evaluation.grounding.catalogue import PROPERTIES, RELATED, TOLD, Property
from llamp_mcp.evaluation.grounding.properties import MENTION, asked
from llamp_mcp.evaluation.grounding.quantities import unit
from llamp_mcp.materials.groups import GROUPS


@pytest.mark.parametrize(
    ("name", "meant", "per"),
    [
        ("bulk modulus", "bulk_modulus", ""),
        ("K_VRH", "bulk_modulus", ""),
        ("Bulk moduli (VRH)", "bulk_modulus", ""),
        ("bulk_modulus.vrh", "bulk_modulus", ""),
        ("elasticity.bulk_modulus.vrh", "bulk_modulus", ""),
        ("bulk_modulus_gpa", "bulk_modulus", ""),
        ("bulk_modulus_vrh_gpa", "bulk_modulus", ""),
        ("Voigt bulk modulus", "bulk_modulus.voigt", ""),
        ("G_VRH", "shear_modulus", ""),
        ("Young\u2019s modulus", "youngs_modulus", ""),
        ("bandgap", "band_gap", ""),
        ("Eg", "band_gap", ""),
        ("DFT band gap", "band_gap", ""),
        ("E_hull", "energy_above_hull", ""),
        ("hull distance", "energy_above_hull", ""),
        ("energy above the convex hull", "energy_above_hull", ""),
        ("formation energy", "formation_energy", ""),
        ("formation energy per atom", "formation_energy", "atom"),
        ("formation_energy_per_atom", "formation_energy", "atom"),
        ("formation energy per formula unit", "formation_energy", "formula unit"),
        ("vacancy formation energy", "vacancy_formation_energy", ""),
        ("volume per atom", "volume", "atom"),
        ("density_atomic", "volume", "atom"),
        ("volume", "volume", "cell"),
        ("density", "density", ""),
        ("lattice parameter a", "a", ""),
        ("lattice constant", "lattice_parameter", ""),
        ("total magnetization per formula unit", "magnetization", "formula unit"),
        ("total_magnetization", "magnetization", "cell"),
        ("dielectric constant", "dielectric_constant", ""),
        ("refractive index", "refractive_index", ""),
        ("n", "refractive_index", ""),
        ("Debye temperature", "debye_temperature", ""),
        ("space group", "spacegroup", ""),
        ("bulk modulus derivative", "bulk_modulus_derivative", ""),
    ],
)
def test_people_call_a_property_by_many_names(name: str, meant: str, per: str) -> None:
    found = asked(name)
    assert found.property is not None
    assert (found.property.name, found.per) == (meant, per)


def test_a_unit_in_brackets_behind_a_name_is_its_unit() -> None:
    assert asked("Formation energy (eV/atom)").unit == "eV/atom"
    assert asked("Total magnetization [\u03bcB/f.u.]").unit == "\u03bcB/f.u."
    assert asked("bulk modulus (VRH)").unit == ""


def test_bounds_of_a_modulus_are_related_to_it_but_not_meant_by_the_name_of_its_average() -> None:
    assert asked("bulk modulus").rank("bulk_modulus.vrh") == TOLD
    assert asked("bulk modulus").rank("bulk_modulus.voigt") == RELATED
    assert asked("bulk_modulus.vrh").rank("bulk_modulus.voigt") is None
    assert asked("bulk modulus").rank("shear_modulus.vrh") is None


def test_facts_that_no_property_lists_answer_to_their_own_names() -> None:
    assert asked("c11").rank("c11_gpa") == TOLD
    assert asked("elastic constant C11").rank("c11_gpa") == TOLD
    assert asked("heat capacity").rank("heat_capacity_j_per_k_mol at 300 K") == TOLD
    assert asked("max force").rank("max_force_ev_per_a") == TOLD
    assert asked("melting point").rank("c11_gpa") is None


@pytest.mark.parametrize("known", PROPERTIES, ids=lambda known: known.name)
def test_a_property_has_a_unit_that_is_known_and_a_group_that_has_its_fields(
    known: Property,
) -> None:
    assert unit(known.unit) is not None
    home = asked(known.name).home()
    if home is not None:
        group, fields = home
        assert [field for field in fields if GROUPS[group].field(field) is None] == []


def test_names_in_a_text_are_whole_words() -> None:
    text = "density of states, density, bulk-modulus, `bulk_modulus.vrh`, gapless, e_hull, gap"
    assert [match.group() for match in MENTION.finditer(text)] == [
        "density",
        "bulk-modulus",
        "bulk_modulus.vrh",
        "e_hull",
        "gap",
    ]

from __future__ import annotations

import pytest

from llamp_mcp.materials import presentation
from llamp_mcp.materials.groups import field_named


def told(group, name, value, mark=""):
    return presentation.value_text(field_named(name, group), name, value, mark)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.23456789, "1.23457"),
        (123456.78912, "123456.789"),
        (-0.0000123456, "-1.23456e-05"),
        (7, "7"),
        (True, "true"),
        ("FM", "FM"),
    ],
)
def test_numbers_are_short(value, text):
    assert presentation.number(value) == text


@pytest.mark.parametrize(
    ("group", "name", "value", "text"),
    [
        ("thermo", "energy_above_hull", 0.01, "energy_above_hull = 0.01 eV/atom"),
        ("dielectric", "n", 1.5, "n = 1.5"),
        ("elasticity", "bulk_modulus", {"vrh": 2.0}, "bulk_modulus.vrh = 2 GPa"),
        (
            "bonds",
            "bond_length_stats",
            {"min": 2.0, "variance": 0.5},
            "bond_length_stats.min = 2 Å, variance = 0.5 Å²",
        ),
        (
            "thermo",
            "decomposes_to",
            [{"material_id": "mp-1", "amount": 0.5}, {"material_id": "mp-2"}],
            "decomposes_to: material_id mp-1, amount 0.5 | material_id mp-2",
        ),
        (
            "surface",
            "surfaces",
            [{"miller_index": [1, 1, -1], "surface_energy": 1.25, "is_reconstructed": None}],
            "surfaces: miller_index [1, 1, -1], surface_energy 1.25 J/m²",
        ),
        ("provenance", "database_IDs", {"icsd": ["a", "b"]}, "database_IDs: icsd = [a, b]"),
        ("piezoelectric", "max_direction", [1, 0, 0], "max_direction = [1, 0, 0]"),
        (
            "oxidation_states",
            "average_oxidation_states",
            {"Xa": 2.5},
            "average_oxidation_states: Xa = 2.5",
        ),
    ],
)
def test_a_value_is_told_with_its_unit(group, name, value, text):
    assert told(group, name, value) == text


def test_a_space_group_is_told_in_one_phrase():
    value = {"symbol": "P-1", "number": 2, "crystal_system": "Triclinic", "symprec": 0.1}
    assert told("summary", "symmetry", value) == "symmetry = P-1 (2) Triclinic, symprec 0.1"


def test_a_matrix_says_its_order():
    matrix = [[float(i == j) for j in range(6)] for i in range(3)]
    text = told("piezoelectric", "total", matrix, " [a]")
    assert text.startswith(f"\n  total (C/m², {presentation.VOIGT}) [a]:\n  [1, 0, 0, 0, 0, 0]")
    assert "Voigt" not in told("dielectric", "total", [[1.0, 0, 0]] * 3)


def test_every_number_of_a_nested_value_is_in_the_text():
    value = {"a": {"b": [1.5, {"c": 2.5}]}, "d": [[3.5], [4.5, None]]}
    text = told("elasticity", "fitting_data", value)
    assert all(number in text for number in ("1.5", "2.5", "3.5", "4.5"))


def test_facts_of_lists_carry_their_place_and_the_unit_of_their_column():
    row = {"material_id": "mp-3200001", "formula": "Xa", "sources": {}}
    values = {
        "surfaces": [{"surface_energy": 1.0}, {"surface_energy": 2.0, "miller_index": [1, 0, 0]}],
        "bond_length_stats": {"min": 2.0, "variance": 0.1},
    }
    fields = {
        "surfaces": field_named("surfaces", "surface"),
        "bond_length_stats": field_named("bond_length_stats", "bonds"),
    }
    found = {
        fact.property: (fact.value, fact.unit)
        for fact in presentation.facts(row, values, {}, "made up", fields)
    }
    assert found == {
        "surfaces[0].surface_energy": (1.0, "J/m²"),
        "surfaces[1].surface_energy": (2.0, "J/m²"),
        "bond_length_stats.min": (2.0, "Å"),
        "bond_length_stats.variance": (0.1, "Å²"),
    }


def test_sources_get_letters_in_the_order_in_which_they_are_met():
    legend = presentation.Legend({"x": "Paper X"})
    assert legend.mark(None) == ""
    assert [legend.mark(key) for key in ("x", "y", "x")] == [" [a]", " [b]", " [a]"]
    assert legend.line() == "Sources: [a] Paper X; [b] y"

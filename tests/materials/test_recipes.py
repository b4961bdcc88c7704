"""Recipes here are made up: DOIs under 10.0000 do not exist, and nobody made these materials so."""

from __future__ import annotations

import pytest

from llamp_mcp.materials.recipes import found_keywords, kelvin, matches, without_water
from llamp_mcp.materials.source import RecipeQuery


def value(units="°C", **given):
    return {"min_value": None, "max_value": None, "values": [], "units": units, **given}


def recipe(**given):
    return {
        "doi": "10.0000/made-up.1",
        "paragraph_string": "The powders were ball-milled in ethanol and calcined under Ar.",
        "targets_formula_s": ["LiFePO4"],
        "precursors_formula_s": ["Li2CO3", "FeC2O4", "H9N2PO4"],
        "operations": [
            {"type": "MixingOperation", "token": "ball-milled", "conditions": {}},
            {
                "type": "HeatingOperation",
                "token": "calcined",
                "conditions": {"heating_temperature": [value(values=[350.0, 700.0])]},
            },
        ],
        **given,
    }


def test_celsius_and_kelvin_are_told_apart_however_they_are_written():
    assert kelvin(700.0, "°C") == kelvin(700.0, " ℃ ") == kelvin(700.0, "oC") == 973.15
    assert kelvin(700.0, "K") == 700.0


@pytest.mark.parametrize("units", ["", "min", "°F", "kK"])
def test_a_number_in_another_unit_is_no_temperature(units):
    assert kelvin(700.0, units) is None
    assert kelvin(None, "K") is None


@pytest.mark.parametrize("target", ["LiFePO4", "FeLiO4P", "Li2Fe2P2O8", "LiFe(PO4)"])
def test_a_target_is_found_however_its_formula_is_written(target):
    assert matches(recipe(), RecipeQuery(target=target))


@pytest.mark.parametrize("target", ["Fe", "FePO4", "Li3Fe2P3O12", "LiMnPO4"])
def test_another_composition_is_not_found_even_of_the_same_elements(target):
    assert not matches(recipe(), RecipeQuery(target=target))


def test_all_precursors_must_be_there():
    assert matches(recipe(), RecipeQuery(precursors=("Li2CO3", "(NH4)2HPO4")))
    assert not matches(recipe(), RecipeQuery(precursors=("Li2CO3", "LiOH")))


def test_water_of_crystallisation_is_left_out_of_the_comparison():
    document = recipe(precursors_formula_s=["FeC2O4·2H2O"])
    assert matches(document, RecipeQuery(precursors=("FeC2O4",)))
    assert without_water("FeC2O4 · 2H2O") == ("FeC2O4", "2H2O")
    assert without_water("CuSO4*5H₂O") == ("CuSO4", "5H₂O")
    assert without_water("H2O") == ("H2O", "")


def test_a_formula_that_nobody_can_read_only_equals_itself():
    document = recipe(targets_formula_s=["LixFePO4"])
    assert matches(document, RecipeQuery(target="LixFePO4"))
    assert not matches(document, RecipeQuery(target="LiFePO4"))


def test_all_operations_must_be_there_in_any_order():
    assert matches(recipe(), RecipeQuery(operations=("HeatingOperation", "MixingOperation")))
    assert not matches(recipe(), RecipeQuery(operations=("HeatingOperation", "QuenchingOperation")))


@pytest.mark.parametrize(
    ("lowest", "highest", "found"),
    [
        (973.15, None, True),
        (973.16, None, False),
        (None, 623.15, True),
        (None, 623.0, False),
        (973.15, 973.15, True),
        (700.0, 900.0, False),  # between the two values; and 700 is °C here
    ],
)
def test_one_value_lies_in_the_range_by_its_own_unit(lowest, highest, found):
    assert matches(recipe(), RecipeQuery(temperature_k=(lowest, highest))) is found


def test_an_interval_without_values_does_not_match_as_at_the_projects_endpoint():
    heated = {"heating_temperature": [value(min_value=600.0, max_value=800.0)]}
    document = recipe(operations=[{"type": "HeatingOperation", "conditions": heated}])
    assert not matches(document, RecipeQuery(temperature_k=(900.0, 1000.0)))


def test_any_keyword_as_a_whole_word_of_the_paragraph_or_of_what_was_taken_from_it():
    assert matches(recipe(), RecipeQuery(keywords=("hydrothermal", "Ethanol")))
    assert not matches(recipe(), RecipeQuery(keywords=("hydrothermal",)))
    assert not matches(recipe(), RecipeQuery(keywords=("mill",)))
    assert matches(recipe(paragraph_string=""), RecipeQuery(keywords=("calcined",)))
    assert found_keywords(recipe(), ("ar", "ethanol", "N2")) == 2


def test_everything_that_is_set_must_hold():
    query = RecipeQuery(target="LiFePO4", operations=("QuenchingOperation",))
    assert not matches(recipe(), query)
    assert matches(recipe(), RecipeQuery())


def test_a_recipe_that_gives_nothing_matches_nothing_that_is_asked():
    bare = {"doi": "10.0000/made-up.2", "operations": None, "targets_formula_s": None}
    for query in (
        RecipeQuery(target="LiFePO4"),
        RecipeQuery(operations=("HeatingOperation",)),
        RecipeQuery(temperature_k=(0.0, None)),
        RecipeQuery(keywords=("calcined",)),
    ):
        assert not matches(bare, query)

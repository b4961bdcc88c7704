"""Recipes of the fake source are made up: their DOIs, under 10.0000, do not exist."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.find_synthesis import OPERATION, SynthesisParams, find_synthesis
from llamp_mcp.materials.recipes import matches
from llamp_mcp.materials.source import Recipes
from llamp_mcp.provenance import SourceMeta
from tests.materials.test_recipes import recipe, value
from tests.server.test_text import complete


class MadeUp:
    """Answers with made-up recipes, and remembers what it was asked."""

    def __init__(self, *documents):
        self.documents, self.asked = documents, []

    def meta(self):
        return SourceMeta(
            kind="snapshot",
            name="made up",
            database_version="2020.01",
            licence="CC BY 4.0",
            attribution="nobody",
            materials=0,
            notice="made-up recipes",
        )

    def citations(self):
        return {"one": {"name": "First origin", "database_version": "v1"}}

    def recipes(self, query):
        self.asked.append(query)
        found = [document for document in self.documents if matches(document, query)]
        return Recipes(len(found), tuple(found[: query.limit]), ("cached yesterday",))


def asked(source: Any, **arguments: Any):
    return find_synthesis(SynthesisParams(**arguments), source=source)


def find(*documents, **arguments):
    return asked(MadeUp(*documents), **arguments)


def steps(*operations):
    return recipe(operations=list(operations))


def heating(*temperatures, **given):
    return {
        "type": "HeatingOperation",
        "token": "fired",
        "conditions": {"heating_temperature": list(temperatures), **given},
    }


def first_step(*operations):
    return find(steps(*operations), target="LiFePO4").recipes[0]["operations"][0]


def test_a_recipe_is_told_step_by_step_with_its_doi():
    heated = heating(
        value(values=[700.0]), heating_time=[value("h", values=[8.0])], heating_atmosphere=["N2"]
    )
    mixed = {
        "type": "MixingOperation",
        "token": "milled",
        "conditions": {"mixing_media": "ethanol", "mixing_device": "zirconia"},
    }
    document = steps(mixed, heated) | {
        "reaction_string": "made-up reaction",
        "synthesis_type": "solid-state",
        "precursors": [{"material_formula": "Li2CO3", "material_string": "lithium carbonate"}],
        "_sources": {"doi": "one", "operations": "one"},
    }
    result = find(document, target="LiFePO4")
    told = result.recipes[0]
    assert told["doi"] == "10.0000/made-up.1"
    assert told["precursors"] == ["Li2CO3"]
    assert told["operations"] == [
        {
            "step": 1,
            "type": "MixingOperation",
            "word": "milled",
            "medium": "ethanol",
            "device": "zirconia",
        },
        {
            "step": 2,
            "type": "HeatingOperation",
            "word": "fired",
            "temperatures": [{"printed": "700 °C", "kelvin": [973.15]}],
            "times": ["8 h"],
            "atmospheres": ["N2"],
        },
    ]
    text = result.text()
    assert "doi 10.0000/made-up.1 (solid-state): LiFePO4 [a]" in text
    assert "  reaction: made-up reaction" in text
    assert "  1. Mixing “milled”, medium ethanol, device zirconia" in text
    assert "  2. Heating “fired”, 700 °C (973.15 K), 8 h, in N2" in text
    assert "[a] First origin (v1)" in text


def test_what_is_not_printed_is_not_filled_in():
    assert first_step({"type": "HeatingOperation", "token": "heated", "conditions": {}}) == {
        "step": 1,
        "type": "HeatingOperation",
        "word": "heated",
    }
    text = find(steps({"type": "HeatingOperation"}), target="LiFePO4").text()
    assert "  1. Heating\n" in text


def test_a_recipe_without_doi_says_so_and_one_without_steps_too():
    text = find({"targets_formula_s": ["LiFePO4"]}, target="LiFePO4").text()
    assert "doi not given" in text
    assert "no steps were extracted" in text


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (value(values=[350.0, 700.0]), {"printed": "350, 700 °C", "kelvin": [623.15, 973.15]}),
        (
            value(min_value=600.0, max_value=800.0),
            {"printed": "600 to 800 °C", "kelvin": [873.15, 1073.15]},
        ),
        (value(min_value=600.0), {"printed": "≥ 600 °C", "kelvin": [873.15]}),
        (value(max_value=600.0), {"printed": "≤ 600 °C", "kelvin": [873.15]}),
        (value(min_value=600.0, max_value=600.0), {"printed": "600 °C", "kelvin": [873.15]}),
        (value("K", values=[1373.0]), {"printed": "1373 K", "kelvin": [1373.0]}),
        (value("", values=[5.0]), {"printed": "5"}),
    ],
)
def test_temperatures_are_told_as_printed_and_in_kelvin(printed, told):
    assert first_step(heating(printed))["temperatures"] == [told]


def test_a_temperature_without_a_number_is_left_out():
    assert "temperatures" not in first_step(heating(value()))


def test_kelvin_is_not_said_twice():
    text = find(steps(heating(value("K", values=[1373.0]))), target="LiFePO4").text()
    assert "fired”, 1373 K\n" in text


def test_formulas_are_normalised_before_they_are_searched():
    source = MadeUp(recipe())
    result = asked(source, target="Li2Fe2P2O8", precursors=["FeC2O4·2H2O", "Li2 C O3"])
    assert source.asked[0].target == "LiFePO4"
    assert source.asked[0].precursors == ("Fe(CO2)2", "Li2CO3")
    assert result.searched == {"target": "LiFePO4", "precursors": ["Fe(CO2)2", "Li2CO3"]}
    assert any("FeC2O4·2H2O was searched as Fe(CO2)2" in note for note in result.notes)


@pytest.mark.parametrize("target", ["LiFePo4x", "Qq2", "lithium iron phosphate", "H2O)", "mp-149"])
def test_what_is_not_a_formula_is_refused(target):
    with pytest.raises(InvalidInput, match="Allowed"):
        find(target=target)


def test_a_search_for_nothing_is_refused_and_the_arguments_are_named():
    with pytest.raises(InvalidInput, match=r"Nothing to search for.*target, precursors, keywords"):
        find(keywords=[" , "], temperature_range_k=[None, None])


@pytest.mark.parametrize("bounds", [[900.0], [1000.0, 900.0], [-5.0, None]])
def test_a_range_that_is_none_is_refused(bounds):
    with pytest.raises(InvalidInput, match="temperature_range_k"):
        find(target="LiFePO4", temperature_range_k=bounds)


@pytest.mark.parametrize(
    "arguments",
    [{"operations": ["Heating"]}, {"limit": 0}, {"limit": 11}, {"temperature": [1, 2]}],
)
def test_arguments_outside_their_bounds_are_refused(arguments):
    with pytest.raises(ValidationError):
        SynthesisParams(**arguments)


def test_keywords_with_commas_are_several_as_the_projects_client_would_make_them():
    source = MadeUp()
    asked(source, keywords=["ball milling, argon"])
    assert source.asked[0].keywords == ("ball milling", "argon")


def test_what_of_a_paper_was_searched_for_keywords_is_said():
    assert any("beginning of each paragraph" in n for n in find(recipe(), keywords=["Ar"]).notes)
    assert not any("paragraph" in n for n in find(recipe(), target="LiFePO4").notes)


def test_no_recipe_is_an_answer_that_says_what_was_searched_and_what_to_do():
    result = find(recipe(), target="NaCl", temperature_range_k=[1000, None])
    assert (result.total, result.returned, result.recipes) == (0, 0, [])
    text = result.text()
    assert "0 recipes found, 0 shown for target NaCl, temperature_range_k 1000, open." in text
    complete(text, result.model_dump())
    assert "does not mean that it was never made" in text
    assert "text mining" not in text


def test_more_recipes_than_asked_for_are_counted():
    result = find(recipe(), recipe(doi="10.0000/made-up.3"), target="LiFePO4", limit=1)
    assert (result.total, result.returned) == (2, 1)
    assert any("raise limit" in note for note in result.notes)
    assert "2 recipes found, 1 shown" in result.text()


def test_what_the_source_says_and_how_recipes_were_made_is_told():
    notes = find(recipe(), target="LiFePO4").notes
    assert "cached yesterday" in notes
    assert any("10.1038/s41597-019-0224-1" in note and "may be missing" in note for note in notes)


def test_only_a_short_quotation_of_the_paper_is_given():
    long = recipe(paragraph_string="word " * 200)
    quoted = find(long, target="LiFePO4").recipes[0]["excerpt"]
    assert len(quoted) <= 161
    assert quoted.endswith("…")


def test_the_quotation_is_where_the_keywords_stand_when_the_source_marks_them():
    marked = recipe(highlights=[{"texts": [{"value": "milled in "}, {"value": "ethanol"}]}])
    assert find(marked, target="LiFePO4").recipes[0]["excerpt"] == "milled in ethanol"


def test_facts_hold_every_doi_and_every_temperature():
    result = find(steps(heating(value(values=[350.0, 700.0]))), target="LiFePO4")
    told = [
        (fact.subject, fact.property, fact.value, fact.unit) for fact in OPERATION.facts(result)
    ]
    doi = "10.0000/made-up.1"
    assert told == [
        (doi, "doi", doi, None),
        (doi, "operations.1.temperature_k", 623.15, "K"),
        (doi, "operations.1.temperature_k.1", 973.15, "K"),
    ]


def test_the_recipes_of_lithium_iron_phosphate_in_the_sample_all_have_a_doi(source):
    """Story S6."""
    result = asked(source, target="LiFePO4", limit=10)
    assert result.total == result.returned == 5
    assert all(recipe["doi"].startswith("10.") for recipe in result.recipes)
    text = result.text()
    for recipe_told in result.recipes:
        assert f"doi {recipe_told['doi']} (solid-state): LiFePO4 [a]" in text
    assert "9. Heating, 700 °C (973.15 K), 8 h, in N2" in text
    complete(text, result.model_dump())


def test_a_temperature_printed_in_kelvin_is_found_in_the_sample_by_its_range(source):
    result = asked(source, target="BaTiO3", temperature_range_k=[1372, 1374])
    assert [recipe["doi"] for recipe in result.recipes] == ["10.1016/j.matlet.2018.03.008"]
    assert "1373 K" in result.text()


def test_a_hydrate_finds_the_recipes_of_the_sample_that_begin_with_it(source):
    assert asked(source, precursors=["FeC2O4·2H2O", "Li2CO3"]).total == 3

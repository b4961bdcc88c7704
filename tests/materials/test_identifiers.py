from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import identifiers


@pytest.mark.parametrize("text", ["mp-149", " MP-149 ", "mvc-12345", "mp-3347529"])
def test_ids_of_the_project_are_accepted(text):
    assert identifiers.material_id(text) == text.strip().lower()


def test_an_id_in_letters_is_the_number_it_stands_for():
    """Oracle: emmet's `AlphaID`, the Project's own reading."""
    from emmet.core.mpid import AlphaID

    for number in (0, 13, 149, 3347529, 3347530, 4000000):
        letters = str(AlphaID(number, padlen=8, prefix="mp"))
        assert identifiers.material_id(letters) == AlphaID(letters, padlen=8).string
        assert identifiers.id_number(identifiers.material_id(letters)) == number
        assert identifiers.material_id(f"mp-{number}") == AlphaID(letters, padlen=8).string


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "mp-foo",
        "mp-ft",
        "mp-whatever",
        "mp-aaaaaaaft",
        "mp-99999999999",
        "mp-",
        "mp149",
        "149",
        "mp--1",
        "mp-1²",
        "mp-1\n2",
    ],
)
def test_what_is_not_an_id_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match="such as 'mp-149'"):
        identifiers.material_id(text)


@pytest.mark.parametrize("text", ["mp-foo", "mp-99999999999", "mp149", "mvc-x"])
def test_a_material_that_looks_like_an_id_is_judged_as_one(text):
    with pytest.raises(InvalidInput, match="is not a material id"):
        identifiers.material(text)


def test_a_material_is_an_id_or_a_formula():
    assert identifiers.material("MP-149") == ("id", "mp-149")
    assert identifiers.material("Fe2O3") == ("formula", "Fe2 O3")


@pytest.mark.parametrize("text", ["mp-30 Cu", "mp-30 Cu:", "mp-30 (Cu)", "mp-30: Cu"])
def test_an_id_with_its_formula_behind_it_as_results_are_written_is_the_id(text):
    assert identifiers.material(text) == ("id", "mp-30")


def test_an_id_with_something_else_behind_it_is_refused():
    with pytest.raises(InvalidInput):
        identifiers.material("mp-30 Xx")


def test_a_formula_among_elements_stands_for_its_elements_and_is_said_to():
    found, notes = identifiers.elements_or_formulas(["GaN", "O"])
    assert found == ("Ga", "N", "O")
    assert "formula='GaN'" in notes[0]
    assert identifiers.elements_or_formulas(["Co"]) == (("Co",), [])
    with pytest.raises(InvalidInput):
        identifiers.elements_or_formulas(["GaXx"])


def test_a_material_that_is_neither_gets_both_forms_as_examples():
    with pytest.raises(InvalidInput, match=r"'mp-149'.*'Fe2O3'"):
        identifiers.material("hello")


def test_a_chemical_system_is_sorted():
    assert identifiers.chemical_system("Li-Fe-O") == "Fe-Li-O"


@pytest.mark.parametrize("text", ["Li-Xx", "Li-", "Li-Li", "Li2-O", "li-o", "H-D", "LiFeO2"])
def test_a_bad_chemical_system_is_refused(text):
    with pytest.raises(InvalidInput):
        identifiers.chemical_system(text)


@pytest.mark.parametrize(
    ("text", "systems"),
    [
        ("", ()),
        ("Li-O, O-Si,Li-O", ("Li-O", "O-Si")),
        ("Li-Fe-*", ("Fe-Li-*",)),
        ("*-O", ("O-*",)),
        ("* - *", ("*-*",)),
        ("D-O", ("H-O",)),
    ],
)
def test_chemical_systems_may_be_several_or_have_wildcards(text, systems):
    assert identifiers.chemical_systems(text) == systems


@pytest.mark.parametrize("text", [",", "Li-O,", "-", "Li-O;Na-O"])
def test_an_empty_chemical_system_is_refused_rather_than_left_out(text):
    with pytest.raises(InvalidInput, match="'Li-Fe-O'"):
        identifiers.chemical_systems(text)


def test_wildcards_in_several_systems_are_refused_as_the_project_does():
    with pytest.raises(InvalidInput, match="one by one"):
        identifiers.chemical_systems("Li-*, Fe-O")


def test_elements_by_name_or_in_small_letters_are_corrected():
    for wrong, right in (("iron", "Fe"), ("o", "O"), ("LI", "Li")):
        with pytest.raises(InvalidInput, match=f"Did you mean '{right}'"):
            identifiers.elements([wrong])


@pytest.mark.parametrize(
    ("text", "ion"),
    [
        ("Fe3+", "Fe3+"),
        ("Fe+3", "Fe3+"),
        ("Fe³⁺", "Fe3+"),
        ("Li1+", "Li+"),
        ("Li+", "Li+"),
        ("O2-", "O2-"),
        ("O 2−", "O2-"),  # noqa: RUF001
        ("Mn2.5+", "Mn2.50+"),
    ],
)
def test_an_ion_is_written_as_the_project_does(text, ion):
    assert identifiers.species(text) == ion


@pytest.mark.parametrize("text", ["Fe", "3+", "Fe3+2", "Fe.+", "SO4 2-", "Qq2+", "", "Fe++"])
def test_what_is_no_ion_is_refused(text):
    with pytest.raises(InvalidInput, match="Allowed"):
        identifiers.species(text)


@given(st.text(max_size=30))
def test_any_text_is_either_understood_or_refused_as_input(text):
    try:
        kind, name = identifiers.material(text)
    except InvalidInput:
        return
    assert kind in {"id", "formula"}
    assert name

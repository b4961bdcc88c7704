from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import identifiers


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ba(PdS2)2", "Ba1 Pd2 S4"),
        ("BaPd2S4", "Ba1 Pd2 S4"),
        ("NaFe(SO4)2", "Fe1 Na1 O8 S2"),
        ("Fe PO4", "Fe1 O4 P1"),
        (" Fe2P2O8 ", "Fe1 O4 P1"),
        ("O", "O2"),
        ("O2", "O2"),
        ("Fe0.5O0.5", "Fe1 O1"),
        ("[Fe(CN)6]", "C6 Fe1 N6"),
    ],
)
def test_all_ways_to_write_a_formula_give_one_key(text, key):
    assert identifiers.formula_key(text) == key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Qq2", "'Qq' is not a chemical element"),
        ("H2O)", "')' has no opening bracket"),
        ("(Fe2O3", "'(' is never closed"),
        ("(Fe]", "']' has no opening bracket"),
        ("fe2o3", "capital letter"),
        ("hello", "capital letter"),
        ("", "empty"),
        ("Fe0", "no atoms"),
        ("123", "capital letter"),
        ("Fe*", "characters no formula has"),
        ("Fe1.2.3", "not a chemical formula"),
        ("Fe" * 60, "too long"),
    ],
)
def test_a_bad_formula_is_refused_with_its_reason(text, reason):
    with pytest.raises(InvalidInput) as error:
        identifiers.formula_key(text)
    assert reason in str(error.value)
    assert "Allowed" in str(error.value)


@pytest.mark.parametrize("text", ["mp-149", " MP-149 ", "mvc-12345", "mp-12345678"])
def test_ids_of_the_project_are_accepted(text):
    assert identifiers.material_id(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    ["hello", "mp-foo", "mp-99999999999", "mp-", "mp149", "149", "mp--1", "mp-1²", "mp-1\n2"],
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


def test_a_material_that_is_neither_gets_both_forms_as_examples():
    with pytest.raises(InvalidInput, match=r"'mp-149'.*'Fe2O3'"):
        identifiers.material("hello")


def test_a_chemical_system_is_sorted():
    assert identifiers.chemical_system("Li-Fe-O") == "Fe-Li-O"


@pytest.mark.parametrize("text", ["Li-Xx", "Li-", "Li-Li", "Li2-O", "li-o"])
def test_a_bad_chemical_system_is_refused(text):
    with pytest.raises(InvalidInput):
        identifiers.chemical_system(text)


@given(st.text(max_size=30))
def test_any_text_is_either_understood_or_refused_as_input(text):
    try:
        kind, name = identifiers.material(text)
    except InvalidInput:
        return
    assert kind in {"id", "formula"}
    assert name

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core.composition import Composition

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import formulas

_ELEMENTS = ("Li", "Na", "Fe", "Co", "Si", "P", "O", "S", "N", "F", "Cl", "H", "He", "U")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ba(PdS2)2", "Ba1 Pd2 S4"),
        ("BaPd2S4", "Ba1 Pd2 S4"),
        ("NaFe(SO4)2", "Fe1 Na1 O8 S2"),
        ("Fe PO4", "Fe1 O4 P1"),
        (" Fe2P2O8 ", "Fe1 O4 P1"),
        ("Fe₂O₃", "Fe2 O3"),
        ("CuSO4·5H2O", "Cu1 H10 O9 S1"),
        ("CuSO₄•5H₂O", "Cu1 H10 O9 S1"),
        ("CuSO4*5H2O", "Cu1 H10 O9 S1"),
        ("CuSO4.H2O", "Cu1 H2 O5 S1"),
        ("CaSO4·0.5H2O", "Ca2 H2 O9 S2"),
        ("3CaO·Al2O3", "Al2 Ca3 O6"),
        ("O", "O2"),
        ("O2", "O2"),
        ("LiO", "Li2 O2"),
        ("He", "He1"),
        ("Fe0.5O0.5", "Fe1 O1"),
        ("[Fe(CN)6]", "C6 Fe1 N6"),
        ("D2O", "H2 O1"),
        ("HDO", "H2 O1"),
        ("DyBi2IO4", "Bi2 Dy1 I1 O4"),
        ("TlGaS2", "Ga1 S2 Tl1"),
    ],
)
def test_all_ways_to_write_a_formula_give_one_key(text, key):
    assert formulas.formula_key(text) == key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Qq2", "'Qq' is not a chemical element"),
        ("H2O)", "')' has no opening bracket"),
        ("(Fe2O3", "'(' is never closed"),
        ("(Fe]", "']' has no opening bracket"),
        ("nacl", "Did you mean 'NaCl'?"),
        ("sio2", "Did you mean 'SiO2' or 'SIO2'?"),
        ("LIFEPO4", "'LiFePO4'"),
        ("iron", "Did you mean 'Fe'?"),
        ("hello", "capital letter"),
        ("", "empty"),
        ("5·", "characters no formula has"),
        ("Fe0", "no atoms"),
        ("123", "capital letter"),
        ("Fe*O3", "Only search_materials takes wildcards"),
        ("ABO3", "'A' is not a chemical element"),
        ("Fe1.2.3", "not a chemical formula"),
        ("Fe" * 60, "too long"),
        ("Fe3+", "possible_species=['Fe3+']"),
        ("Fe³⁺", "neutral"),
        ("Fe(III)", "neutral"),
        ("SO4^2-", "neutral"),
        ("Fe-O", "Use chemsys='Fe-O'"),
        ("Fe1-xO", "x is not a number"),
        ("CuSO4.5H2O", "Write 'CuSO4(H2O)5' for a hydrate"),
    ],
)
def test_a_bad_formula_is_refused_with_its_reason(text, reason):
    with pytest.raises(InvalidInput) as error:
        formulas.formula_key(text)
    assert reason in str(error.value)
    assert "Allowed" in str(error.value)


_AMOUNTS = st.lists(
    st.tuples(st.sampled_from(_ELEMENTS), st.integers(1, 12)), min_size=1, max_size=6
)


def _written(amounts):
    return "".join(f"{symbol}{amount}" for symbol, amount in amounts)


@given(_AMOUNTS, st.integers(1, 9), st.randoms())
def test_a_key_does_not_depend_on_order_or_multiple(amounts, factor, random):
    shuffled = [(symbol, factor * amount) for symbol, amount in amounts]
    random.shuffle(shuffled)
    key = formulas.formula_key(_written(amounts))
    assert formulas.formula_key(_written(shuffled)) == key
    assert formulas.formula_key(f"({_written(amounts)}){factor}") == key
    assert formulas.formula_key(key) == key


@given(_AMOUNTS)
def test_a_key_is_the_reduced_composition_of_pymatgen(amounts):
    """Oracle: `Composition.reduced_composition`, on which the Project's documents are built."""
    counts: Counter[str] = Counter()
    for symbol, amount in amounts:
        counts[symbol] += amount
    if not counts.keys() & {"He"}:  # of which pymatgen warns
        theirs = Composition(counts).reduced_composition.get_el_amt_dict()
        assert formulas.formula_key(_written(amounts)) == formulas.composition_key(theirs)


_UNNAMED = st.dictionaries(st.sampled_from("AEGJLMQRXZ"), st.integers(1, 12), min_size=1)


@given(_UNNAMED)
def test_an_anonymous_formula_is_that_of_pymatgen(amounts):
    """Oracle: `Composition.anonymized_formula`, which the Project stores."""
    elements = dict(
        zip(amounts, ("Li", "K", "Mg", "Fe", "Co", "Si", "P", "U", "S", "Cl"), strict=False)
    )
    theirs = Composition({elements[letter]: n for letter, n in amounts.items()})
    assert formulas.wanted(_written(amounts.items())).anonymous == theirs.anonymized_formula


def test_isotopes_and_rewritten_formulas_are_explained():
    (isotopes,) = formulas.remarks("D2O")
    assert "searched as H" in isotopes
    assert formulas.remarks("CuSO4*5H2O") == ("CuSO4*5H2O is searched as CuSO4(H2O)5",)
    assert formulas.remarks("DyBi2IO4") == formulas.remarks("TlGaS2") == ()
    assert formulas.remarks("Fe PO₄") == formulas.remarks("O2") == formulas.remarks("") == ()
    assert formulas.remarks("C60") == ("C60 means the composition C here, not the molecule",)


def test_several_formulas_are_searched_for_at_once():
    assert formulas.wanted("Fe2O3, Fe3O4,O3Fe2").keys == ("Fe2 O3", "Fe3 O4")
    assert formulas.wanted("").keys == ()


@pytest.mark.parametrize(
    ("text", "anonymous", "said"),
    [
        ("ABC3", "ABC3", ""),
        ("A2BX6", "AB2C6", "each letter is any element"),
        ("ABO3", "ABC3", "add elements=['O']"),
        ("A(BX3)2", "AB2C6", "each letter is any element"),
    ],
)
def test_a_letter_that_is_no_element_makes_a_formula_anonymous(text, anonymous, said):
    wanted = formulas.wanted(text)
    assert (wanted.anonymous, wanted.keys) == (anonymous, ())
    assert said in " ".join(wanted.notes)
    assert bool(wanted.notes) == bool(said)


def test_a_wildcard_is_any_one_further_element():
    keys = formulas.wanted("Fe*O3").keys
    assert len(keys) == 116
    assert {"Bi1 Fe1 O3", "Fe1 La1 O3"} <= set(keys)
    assert not any(key.startswith(("Fe2", "O4")) for key in keys)
    assert "Al2 O3" in formulas.wanted("*2O3").keys


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("**O3", r"Use formula='ABC3' with elements=\['O'\]"),
        ("**", "Use formula='AB'"),
        ("AB, Fe2O3", "Search for it alone"),
        ("Fe*, Si*", "several calls"),
        ("MgX2", "'X' is not a chemical element"),
        ("Fe2O3; Fe3O4", "characters no formula has"),
        (",", "it is empty"),
        ("Fe2O3,", "it is empty"),
    ],
)
def test_what_cannot_be_searched_for_comes_with_what_can(text, advice):
    with pytest.raises(InvalidInput, match=advice):
        formulas.wanted(text)


@given(st.text(max_size=30))
def test_any_text_is_understood_or_refused_as_input(text):
    try:
        wanted = formulas.wanted(text)
    except InvalidInput:
        return
    assert wanted.keys or wanted.anonymous or not text.strip()


@pytest.mark.parametrize("text", ["Si", "O2", "Li2O2", "FePO4", "BaTiO3", "Fe2O3", "Li3Fe2P3O12"])
def test_anonymous_formulas_are_those_of_pymatgen(text):
    from pymatgen.core import Composition

    key = formulas.formula_key(text)
    assert formulas.anonymous_key(key) == Composition(text).anonymized_formula

from __future__ import annotations

from math import gcd

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.thermodynamics.balance import balance


def solve(reactants, products):
    named = [(formula, Composition(formula)) for formula in (*reactants, *products)]
    return balance(named, len(reactants))


@pytest.mark.parametrize(
    ("reactants", "products", "amounts"),
    [
        (["BaCO3", "TiO2"], ["BaTiO3", "CO2"], [-1, -1, 1, 1]),
        (["NH4NO3", "C3H8"], ["CO2", "H2O", "N2"], [-10, -1, 3, 24, 10]),
        (["KMnO4", "HCl"], ["KCl", "MnCl2", "H2O", "Cl2"], [-2, -16, 2, 2, 8, 5]),
        (["P2I4", "P4", "H2O"], ["PH4I", "H3PO4"], [-10, -13, -128, 40, 32]),
        (["TiO2"], ["TiO2"], [-1, 1]),
    ],
)
def test_textbook_equations_are_balanced(reactants, products, amounts):
    """Oracle: atoms counted by hand; the largest is a classic of balancing."""
    assert solve(reactants, products) == amounts


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 80), st.integers(0, 1))
def test_combustion_follows_its_formula(carbon, hydrogen, oxygen):
    """Oracle: CaHbOc + (a + b/4 - c/2) O2 -> a CO2 + b/2 H2O."""
    fuel = f"C{carbon}H{hydrogen}" + "O" * oxygen
    amounts = solve([fuel, "O2"], ["CO2", "H2O"])
    needed = [-4, -(4 * carbon + hydrogen - 2 * oxygen), 4 * carbon, 2 * hydrogen]
    divisor = gcd(*needed)
    assert amounts == [amount // divisor for amount in needed]


@pytest.mark.parametrize(
    ("reactants", "products", "match"),
    [
        (["Fe"], ["Fe2O3"], "O only among the products"),
        (["Li", "Fe", "O2"], ["Fe2O3"], "Li only among the reactants"),
        (["FeO"], ["Fe2O3"], "no amounts conserve all of Fe, O"),
        (["Li", "Fe", "O2"], ["LiFeO2", "Li2O"], "2 independent balances"),
        (["Fe", "Fe"], ["Fe"], "2 independent balances"),
        (["FeO", "LiFeO2"], ["Fe2O3", "Li2O"], "FeO takes no part"),
        (["Fe", "FeO"], ["Fe2O3"], "balances only with Fe as a product"),
        (["C1001H1"], ["C", "H2"], "no balance with amounts below 1000"),
    ],
)
def test_an_equation_without_a_single_balance_is_refused_with_the_reason(
    reactants, products, match
):
    with pytest.raises(InvalidInput, match=match):
        solve(reactants, products)

from __future__ import annotations

from itertools import combinations

import pytest
from ase.data import chemical_symbols
from hypothesis import given
from hypothesis import strategies as st

from llamp_mcp.structures.pictures.colours import difference, element_colours, name_of


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("O", "red"), ("H", "white"), ("C", "grey"), ("Cl", "green"), ("S", "yellow"), ("Au", "gold")],
)
def test_elements_have_the_colours_chemists_know(symbol: str, name: str) -> None:
    assert name_of(element_colours([symbol])[symbol]) == name


@given(st.sets(st.sampled_from(chemical_symbols[1:104]), min_size=2, max_size=6))
def test_no_two_elements_of_a_picture_look_alike(symbols: set[str]) -> None:
    colours = element_colours(symbols)
    assert colours.keys() == symbols
    for one, other in combinations(colours.values(), 2):
        assert difference(one, other) > 50


def test_alike_elements_are_told_apart_by_name_and_the_lighter_keeps_its_colour() -> None:
    colours = element_colours(["Na", "Li", "O"])
    assert colours["Li"] == element_colours(["Li"])["Li"]
    assert len({name_of(colour) for colour in colours.values()}) == 3


def test_colours_do_not_depend_on_the_order_of_the_elements() -> None:
    assert element_colours(["Gd", "Eu", "Li", "Na"]) == element_colours(["Na", "Li", "Eu", "Gd"])


def test_what_is_no_element_and_what_is_heavy_hydrogen_has_a_colour_too() -> None:
    colours = element_colours(["X", "D", "O"])
    assert name_of(colours["D"]) == "white"
    assert difference(colours["X"], colours["O"]) > 100

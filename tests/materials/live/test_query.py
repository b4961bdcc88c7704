from __future__ import annotations

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.filters import FILTERS
from llamp_mcp.materials.live.query import criteria, with_value
from llamp_mcp.materials.source import Condition, Query

FEPO4, SI = "Fe1 O4 P1", "Si1"


def where(field, **bounds):
    return Query(conditions=(Condition(field, **bounds),))


def test_nothing_asked_is_no_parameter():
    assert criteria(Query()) == {}


def test_every_filter_becomes_its_parameter():
    for name, filter_ in FILTERS.items():
        if filter_.is_range:
            asked = criteria(where(name, minimum=1.0, maximum=2.0))
            assert asked == {f"{filter_.parameter}_min": 1, f"{filter_.parameter}_max": 2}
        else:
            asked = criteria(where(name, equals=225.0 if name == "symmetry.number" else "x"))
            assert asked is not None
            assert list(asked) == [filter_.parameter]


def test_bounds_of_whole_numbers_are_whole():
    assert criteria(where("nsites", minimum=1.2, maximum=7.9)) == {"nsites_min": 2, "nsites_max": 7}


def test_equals_is_a_range_of_one_number():
    asked = criteria(where("band_gap", equals=0.5))
    assert asked == {"band_gap_min": 0.5, "band_gap_max": 0.5}


def test_conditions_on_one_field_are_joined():
    query = Query(
        conditions=(Condition("band_gap", minimum=1), Condition("band_gap", minimum=2, maximum=3))
    )
    assert criteria(query) == {"band_gap_min": 2, "band_gap_max": 3}


@pytest.mark.parametrize("value", [True, 1.0, "true"])
def test_flags_are_sent_as_words(value):
    assert criteria(where("is_stable", equals=value)) == {"is_stable": "true"}


@pytest.mark.parametrize("value", [False, 0.0, "false"])
def test_a_flag_may_be_asked_to_be_off(value):
    assert criteria(where("theoretical", equals=value)) == {"theoretical": "false"}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("band_gap", {"band_gap_min": -1e30}),
        ("nsites", {"nsites_min": -(2**31)}),
        ("is_stable", {}),
        ("symmetry.number", {}),
        ("is_metal", {"has_props": "electronic_structure"}),
        ("ordering", {"has_props": "magnetism"}),
    ],
)
def test_a_condition_without_bounds_asks_for_a_value(field, expected):
    assert criteria(where(field)) == expected


def test_a_field_that_cannot_be_filtered_names_those_that_can():
    with pytest.raises(InvalidInput, match=r"cannot filter by 'warnings'.*energy_above_hull"):
        criteria(where("warnings", equals="x"))


def test_lists_are_joined_by_commas():
    query = Query(
        chemsys=("Fe-O", "O-Ti"),
        possible_species=("Fe3+", "O2-"),
        has_props=("elasticity", "dos"),
        elements=("O",),
        exclude_elements=("H", "F"),
    )
    assert criteria(query) == {
        "chemsys": "Fe-O,O-Ti",
        "possible_species": "Fe3+,O2-",
        "has_props": "elasticity,dos",
        "elements": "O",
        "exclude_elements": "H,F",
    }


def test_formulas_are_joined_without_blanks():
    assert criteria(Query(formulas=(FEPO4, SI))) == {"formula": "Fe1O4P1,Si1"}


@pytest.mark.parametrize(
    "more",
    [
        {"elements": ("O",)},
        {"exclude_elements": ("Si",)},
        {"chemsys": ("Fe-O-P", "H-O")},
        {"chemsys": ("Fe-O-*",)},
        {"chemsys": ("Fe-*-*", "Si-*-*-*")},
        {"anonymous": "ABC4"},
        {"conditions": (Condition("nelements", minimum=2),)},
    ],
)
def test_what_a_formula_decides_is_not_asked_of_the_server_which_would_mix_it_up(more):
    assert criteria(Query(formulas=(FEPO4, SI), **more)) == {"formula": "Fe1O4P1"}


@pytest.mark.parametrize(
    "query",
    [
        Query(formulas=(SI,), elements=("O",)),
        Query(elements=("O", "Fe"), exclude_elements=("O",)),
        Query(chemsys=("Fe-O-*",), exclude_elements=("O",)),
        Query(chemsys=("Fe-O-*",), conditions=(Condition("nelements", maximum=2),)),
        where("band_gap", minimum=2, maximum=1),
        Query(conditions=(Condition("is_metal", equals=True), Condition("is_metal", equals=False))),
        Query(
            conditions=(
                Condition("symmetry.number", equals=225),
                Condition("symmetry.crystal_system", equals="Trigonal"),
            )
        ),
    ],
)
def test_what_contradicts_itself_matches_nothing(query):
    assert criteria(query) is None


def test_a_space_group_that_fits_its_crystal_system_stands_for_it():
    """The server fails with HTTP 500 where both are given and disagree."""
    query = Query(
        conditions=(
            Condition("symmetry.number", equals=225.0),
            Condition("symmetry.crystal_system", equals="Cubic"),
        )
    )
    assert criteria(query) == {"spacegroup_number": "225"}


def test_a_wildcard_decides_the_number_of_elements():
    query = Query(chemsys=("Fe-O-*",), conditions=(Condition("nelements", minimum=2),))
    assert criteria(query) == {"chemsys": "Fe-O-*"}


def test_several_systems_with_wildcards_are_too_many():
    with pytest.raises(InvalidInput, match="one chemical system with '\\*' at a time"):
        criteria(Query(chemsys=("Fe-*", "Ti-*")))


def test_too_many_elements_are_told_before_the_server_refuses_them():
    symbols = ("Sc", "Ti", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Zr", "Nb", "Mo") * 2
    with pytest.raises(InvalidInput, match="about 20"):
        criteria(Query(exclude_elements=symbols))


def test_only_numbers_can_be_asked_to_be_there():
    assert with_value("bulk_modulus.vrh") == {"k_vrh_min": -1e30}
    assert with_value("formula_pretty") == {}

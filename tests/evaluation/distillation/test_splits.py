from __future__ import annotations

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.distillation.splits import Division

PINNED = {"Si": "train", "MgO": "train", "Al": "validation", "CaO": "test"}
FORMULAS = [f"Li{a}Fe{b}O{c}" for a in range(1, 12) for b in range(1, 12) for c in range(1, 12)]


def test_the_side_of_a_formula_never_changes():
    """Pinned: a data set of an earlier release must not be tested on what this one trains on."""
    assert {formula: Division().side(formula) for formula in PINNED} == PINNED


def test_all_ways_to_write_a_formula_are_on_one_side():
    for one, other in (("Fe2O3", "Fe4O6"), ("LiFePO4", "FePO4Li"), ("Ba(PdS2)2", "BaPd2S4")):
        assert Division(0.5, 0.5).side(one) == Division(0.5, 0.5).side(other)


def test_the_fractions_are_about_those_that_were_asked_for():
    sides = [Division(0.2, 0.1).side(formula) for formula in FORMULAS]
    assert sides.count("test") / len(sides) == pytest.approx(0.2, abs=0.05)
    assert sides.count("validation") / len(sides) == pytest.approx(0.1, abs=0.05)


def test_nothing_is_kept_back_when_no_fraction_is():
    assert {Division(0, 0).side(formula) for formula in FORMULAS} == {"train"}


def test_formulas_of_two_sides_have_none_in_common():
    division = Division(0.5, 0)
    train = next(f for f in FORMULAS if division.side_of_key(f) == "train")
    test = next(f for f in FORMULAS if division.side_of_key(f) == "test")
    assert division.common([train, test]) is None
    assert division.common([test, test]) == "test"
    assert division.common([]) == "train"


def test_a_fraction_out_of_bounds_is_refused():
    with pytest.raises(InvalidInput, match=r"0 to 0\.5"):
        Division(test=0.7)

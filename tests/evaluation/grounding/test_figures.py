from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamp_mcp.evaluation.grounding.figures import between, quoted


@pytest.mark.parametrize(
    ("written", "value", "agrees"),
    [
        (0.61, 0.6105, True),
        (0.6, 0.6105, True),
        (0.6, 0.66, False),
        (137, 137.4, True),
        (137.0, 137.4, True),
        (137, 138.2, False),
        ("137.0", 138.2, False),
        (2, 2.293, True),
        ("2.00", 2.293, False),
        ("1,234.5", 1234.52, True),
        ("1.20e-3", 0.001204, True),
        ("1.2 \u00d7 10^-3", 0.00124, True),
        ("1.2 \u00d7 10\u207b\u00b3", 0.00124, True),
        ("\u22120.67", -0.67, True),
        ("-0.67", 0.67, False),
        ("~150", 151.394, True),
        ("150", 151.394, False),
        ("about 0.6", 0.64, True),
        ("200 \u00b1 10", 207.1, True),
        (200, 200.9, True),
        (200, 202.0, False),
        (0, 0.0, True),
        (0, 0.3, False),
        (0.0, 0.03, False),
        ("0.00", 0.004, True),
    ],
)
def test_a_number_agrees_within_half_a_unit_of_its_last_digit_or_half_a_percent(
    written: float | str, value: float, agrees: bool
) -> None:
    figure = quoted(written)
    assert figure is not None
    assert figure.agrees(value) is agrees


@given(st.floats(min_value=1e-3, max_value=1e5), st.integers(min_value=0, max_value=6))
def test_what_python_rounds_agrees_with_what_it_was_rounded_from(value: float, digits: int) -> None:
    figure = quoted(f"{value:.{digits}f}")
    assert figure is not None
    assert figure.agrees(value) or float(f"{value:.{digits}f}") == 0.0


@pytest.mark.parametrize("text", ["FM", "Fd-3m", "0.61 eV", "", "1e999", "nan", "1-2-3"])
def test_words_are_no_numbers(text: str) -> None:
    assert quoted(text) is None


def test_a_range_agrees_with_what_lies_in_it() -> None:
    low, high = quoted("1.1"), quoted("1.3")
    assert low is not None
    assert high is not None
    figure = between(high, low)
    assert figure.agrees(1.2)
    assert figure.agrees(1.34)
    assert not figure.agrees(1.4)
    assert figure.distance(1.2) == 0.0
    assert figure.distance(2.6) == pytest.approx(0.5)

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.score_self_consistency import (
    MAX_LISTED,
    OPERATION,
    SelfConsistencyParams,
    score_self_consistency,
)
from llamp_mcp.evaluation.self_consistency import item_scores, mean_scores, table_scores
from llamp_mcp.server.schemas import input_schema, output_schema

PUBLISHED = json.loads((Path(__file__).parents[1] / "data/scor_bulk_moduli.json").read_text())
TOOL_BYTES = 1_000


def score(responses, reference=(), relative=False):
    params = SelfConsistencyParams(
        responses=responses, reference=list(reference), relative=relative
    )
    return score_self_consistency(params)


def test_the_published_row_is_reproduced():
    """Oracle: the row of LLaMP in the table of bulk moduli, arXiv:2401.17244."""
    result = score(PUBLISHED["responses"], PUBLISHED["reference"])
    for name, value in PUBLISHED["row"].items():
        assert result.mean[name] == pytest.approx(value, abs=1e-3), name
    assert result.items[5]["precision"] == pytest.approx(26.979, abs=1e-3)


rows = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.none() | st.floats(-1e6, 1e6), min_size=width, max_size=width),
        min_size=1,
        max_size=6,
    )
)


@given(rows)
def test_scores_are_those_of_numpy(responses):
    """Oracle: the definitions written with numpy."""
    result = score(responses, [1.0] * len(responses[0]))
    table = np.array(responses, dtype=float)
    for item, column in zip(result.items, table.T, strict=True):
        answers = column[~np.isnan(column)]
        assert item["n"] == answers.size
        assert item["confidence"] == answers.size / len(responses)
        if not answers.size:
            assert item["precision"] is item["cop"] is item["scor"] is item["mae"] is None
            continue
        precision = answers.std() / math.sqrt(answers.size)
        assert item["precision"] == pytest.approx(precision, rel=1e-7, abs=1e-8)
        assert item["cop"] == pytest.approx(math.exp(-precision), abs=1e-7)
        assert item["scor"] == pytest.approx(item["cop"] * item["confidence"])
        assert item["mae"] == pytest.approx(np.abs(answers - 1.0).mean(), rel=1e-9, abs=1e-9)


@given(rows, st.floats(1e-3, 1e3))
def test_the_relative_variant_does_not_depend_on_the_unit(responses, unit):
    scaled = [[None if x is None else x * unit for x in row] for row in responses]
    first = score(responses, relative=True)
    second = score(scaled, relative=True)
    for one, other in zip(first.items, second.items, strict=True):
        if one["precision"] is not None and other["precision"] is not None:
            assert other["precision"] == pytest.approx(one["precision"], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("answers", "precision"),
    [
        ([90.0, 100.0, 110.0], math.sqrt(200 / 3) / math.sqrt(3) / 100),
        ([-90.0, -100.0, -110.0], math.sqrt(200 / 3) / math.sqrt(3) / 100),
        ([0.0, 0.0], 0.0),
        ([-1.0, 0.0, 1.0], None),
        ([5.0], 0.0),
    ],
)
def test_the_relative_deviation_is_over_the_size_of_the_median(answers, precision):
    """Analytic; a median of 0 leaves it undefined unless all answers are equal."""
    found = item_scores(answers, relative=True)
    assert found.precision == pytest.approx(precision)
    assert (found.scor is None) == (precision is None)


def test_an_item_nobody_answered_is_left_out_of_the_means_but_not_of_confidence():
    """Analytic: one item of two was answered, always the same."""
    mean = score([[1.0, None], [1.0, None]], [1.5, 3.0]).mean
    assert mean["scor"] == mean["cop"] == 1.0
    assert mean["scor_strict"] == mean["confidence"] == 0.5
    assert mean["precision"] == 0.0
    assert mean["mae"] == 0.5


def test_when_nothing_was_answered_scor_is_zero_and_the_rest_undefined():
    result = score([[None, None], [None, None]], [1.0, 2.0])
    assert result.mean == {
        "precision": None,
        "cop": None,
        "confidence": 0.0,
        "scor": 0.0,
        "scor_strict": 0.0,
        "mae": None,
    }
    assert "precision undefined" in result.text()


def test_an_answered_item_without_a_relative_precision_is_not_counted_as_unanswered():
    mean = mean_scores([item_scores([-1.0, 0.0, 1.0], relative=True)])
    assert mean.scor is None
    assert mean.scor_strict is None
    assert mean.confidence == 1.0


def test_an_item_without_a_reference_has_no_error():
    result = score([[1.0, 2.0]], [None, 1.0])
    assert result.items[0]["mae"] is None
    assert result.mean["mae"] == 1.0


def test_the_error_in_per_cent_is_undefined_for_a_reference_of_zero():
    assert item_scores([1.0, 3.0], 4.0).mape == pytest.approx(50.0)
    assert item_scores([1.0], 0.0).mape is None


@pytest.mark.parametrize(
    ("responses", "reference", "named"),
    [
        ([[1.0, 2.0], [1.0]], [], r"responses\[1\] has 1 items"),
        ([], [], "responses is empty"),
        ([[]], [], "responses is empty"),
        ([[1.0, 2.0]], [1.0], "reference has 1 items"),
        ([[1.0, math.nan]], [], "nan"),
        ([[1.0, True]], [], "True"),
        ([[1e300]], [], "1e\\+300"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_place(responses, reference, named):
    with pytest.raises(InvalidInput, match=named):
        table_scores(responses, reference)


@pytest.mark.parametrize("wrong", [True, math.nan, math.inf, "0.6", [1.0]])
def test_what_is_no_number_is_refused_as_an_argument_by_its_row(wrong):
    with pytest.raises(ValidationError) as caught:
        SelfConsistencyParams(responses=[[1.0], [wrong]])
    assert caught.value.errors()[0]["loc"][:3] == ("responses", 1, 0)


def test_a_table_is_bounded():
    with pytest.raises(ValidationError, match="at most 1000"):
        SelfConsistencyParams(responses=[[1.0]] * 1001)
    with pytest.raises(ValidationError, match="at most 1000"):
        SelfConsistencyParams(responses=[[1.0] * 1001])


def test_the_text_says_every_number_that_is_listed_and_how_many_there_are():
    result = score([[1.0] * 100, [2.0] * 100])
    assert len(result.items) == MAX_LISTED
    assert result.total == 100
    text = result.text()
    assert f"{MAX_LISTED} of 100 items listed" in text
    assert "item 0: n 2, mean 1.5, precision 0.353553, cop 0.702189" in text


def test_the_tool_costs_less_than_a_kilobyte_of_every_conversation():
    entry = {
        "name": OPERATION.name,
        "title": OPERATION.title,
        "description": OPERATION.description,
        "inputSchema": input_schema(OPERATION.params),
        "outputSchema": output_schema(OPERATION.result),
    }
    assert len(json.dumps(entry, separators=(",", ":"), ensure_ascii=False)) < TOOL_BYTES

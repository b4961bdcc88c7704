from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamp_mcp.evaluation.benchmark.questions import Item
from llamp_mcp.evaluation.benchmark.scoring import is_correct, scores
from tests.evaluation.benchmark.made_trials import question_set, trials

PUBLISHED = json.loads((Path(__file__).parents[2] / "data/scor_bulk_moduli.json").read_text())


def test_the_published_trials_have_the_published_scores():
    """Oracle: the row of LLaMP in the table of bulk moduli, arXiv:2401.17244."""
    columns = zip(*PUBLISHED["responses"], strict=True)
    names = PUBLISHED["items"]
    asked = question_set("number", dict(zip(names, PUBLISHED["reference"], strict=True)))
    found = scores(asked, trials(asked, dict(zip(names, columns, strict=True))))
    for name, value in PUBLISHED["row"].items():
        assert getattr(found, name) == pytest.approx(value, abs=1e-3), name
    assert (found.items, found.trials) == (10, 5)


def test_errors_are_of_answered_trials_and_accuracy_is_of_all():
    """By hand: |1-1|, |1.1-1| of two answers and |2-4| of one; two of six trials are right."""
    asked = question_set("number", {"a": 1.0, "b": 4.0})
    found = scores(asked, trials(asked, {"a": [1.0, 1.1, None], "b": [2.0, None, None]}))
    assert found.mae == pytest.approx((0.05 + 2.0) / 2)
    assert found.mape == pytest.approx((5.0 + 50.0) / 2)
    assert found.confidence == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert found.accuracy == pytest.approx(1 / 6)
    assert found.f1 is None


def test_an_item_without_a_single_value_counts_in_accuracy_alone():
    asked = question_set("number", {"Sc": 54.0, "Mn": None})
    found = scores(asked, trials(asked, {"Sc": [54.0, 54.0], "Mn": [None, 280.0]}))
    assert found.accuracy == 0.75
    assert (found.confidence, found.scor, found.mae) == (1.0, 1.0, 0.0)
    only = question_set("number", {"Mn": None})
    found = scores(only, trials(only, {"Mn": [None, None]}))
    assert found.accuracy == 1.0
    assert found.scor is found.confidence is found.precision is None


def test_a_trial_that_failed_is_not_right_even_where_no_answer_is():
    asked = question_set("number", {"Mn": None})
    assert scores(asked, trials(asked, {"Mn": [None]}, error="no provider")).accuracy == 0.0


def test_an_interrupted_evaluation_is_scored_by_the_trials_that_were_made():
    asked = question_set("number", {"a": 1.0, "b": 2.0, "c": 3.0})
    found = scores(asked, trials(asked, {"a": [1.0, 1.0], "b": [2.0]}))
    assert (found.items, found.trials, found.confidence, found.accuracy) == (2, 2, 1.0, 1.0)
    nothing = scores(asked, [])
    assert (nothing.items, nothing.trials, nothing.accuracy, nothing.scor) == (0, 0, None, None)


def test_effort_is_summed_and_time_is_a_median():
    asked = question_set("number", {"a": 1.0})
    made = trials(asked, {"a": [1.0, 1.0, 1.0]}, ungrounded_ids=("mp-9258",))
    found = scores(asked, made)
    assert (found.tool_calls, found.failed_calls, found.invented_ids) == (6, 3, 1)
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (300, 30)
    assert found.seconds == 2.0


def test_f1_is_the_mean_over_classes_with_a_missing_answer_as_a_false_negative():
    """By hand: FM 2 of 3 found, one AFM called FM; FM: 2·2/(3+3), AFM: 2·1/(2+1), FiM: 0."""
    asked = question_set(
        "class", {"a": "FM", "b": "AFM", "c": "FiM"}, classes=("FM", "AFM", "FiM", "NM")
    )
    answers = {"a": ["FM", "FM", None], "b": ["AFM", "FM"], "c": [None]}
    found = scores(asked, trials(asked, answers))
    assert found.f1 == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)
    assert found.accuracy == pytest.approx(3 / 6)
    assert found.confidence == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found.precision is found.scor is found.mae is None


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.sampled_from(["A", "B", "C", None])),
        min_size=1,
        max_size=12,
    )
)
def test_f1_is_that_of_scikit_learn(pairs):
    metrics = pytest.importorskip("sklearn.metrics")
    asked = question_set(
        "class", {str(at): right for at, (right, _) in enumerate(pairs)}, classes=tuple("ABC")
    )
    found = scores(asked, trials(asked, {str(at): [said] for at, (_, said) in enumerate(pairs)}))
    right, said = zip(*((right, said or "none") for right, said in pairs), strict=True)
    labels = sorted({*right, *said} - {"none"})
    expected = metrics.f1_score(right, said, labels=labels, average="macro", zero_division=0)
    assert found.f1 == pytest.approx(expected)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(right, said))


@pytest.mark.parametrize(
    ("said", "right", "more", "correct"),
    [
        (1.004, 1.0, {}, True),
        (1.006, 1.0, {}, False),
        (-1.004, -1.0, {}, True),
        (1.0, -1.0, {}, False),
        (0.0009, 0.0, {"absolute": 0.001}, True),
        (0.0011, 0.0, {"absolute": 0.001}, False),
        (0.0, 0.0, {"tolerance": 0.0}, True),
        (2.0, 2.0, {"tolerance": 0.0}, True),
        (None, 1.0, {}, False),
        (None, None, {}, True),
        (1.0, None, {}, False),
    ],
)
def test_a_number_is_right_within_either_tolerance(said, right, more, correct):
    asked = question_set("number", {"a": right}, **more)
    assert is_correct(asked, asked.items[0], said, ()) is correct


def test_the_ids_of_a_number_do_not_decide_about_it():
    asked = question_set("number", {"a": 1.0})
    item = Item(key="a", reference=1.0, ids=("mp-149",))
    assert is_correct(asked, item, 1.0, ())


def test_ids_are_right_when_all_are_named_in_any_spelling():
    asked = question_set("ids", {"a": ("mp-149", "10.1021/JP407510h")})
    item = asked.items[0]
    assert is_correct(asked, item, None, ("mp-1", "10.1021/jp407510h", "mp-149"))
    assert not is_correct(asked, item, None, ("mp-149",))
    found = scores(asked, trials(asked, {"a": ["mp-149, 10.1021/jp407510h", None]}))
    assert (found.accuracy, found.confidence, found.f1) == (0.5, 0.5, None)


def test_cop_of_a_set_is_that_of_its_items():
    """By hand: answers 1 and 3 have a deviation of 1, over √2."""
    asked = question_set("number", {"a": 2.0})
    found = scores(asked, trials(asked, {"a": [1.0, 3.0]}))
    assert found.cop == pytest.approx(math.exp(-1 / math.sqrt(2)))
    assert found.scor_strict == pytest.approx(found.cop)

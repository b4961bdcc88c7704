from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from llamp_mcp.evaluation.benchmark.bars import compose
from llamp_mcp.evaluation.benchmark.record import Record
from llamp_mcp.evaluation.benchmark.report import markdown, write_report
from tests.evaluation.benchmark.made_trials import question_set, record, trials

MODULI = question_set("number", {"Sc": 54.0, "Mn": None}, name="moduli", unit="GPa")
ORDERING = question_set(
    "class", {"FePO4": "FM"}, name="ordering", classes=("FM", "AFM"), title="Order | ing"
)
SETS = (MODULI, ORDERING)
WITH = [
    *trials(MODULI, {"Sc": [54.0] * 3, "Mn": [None] * 3}),
    *trials(ORDERING, {"FePO4": ["FM"] * 3}),
]
WITHOUT = [
    *trials(MODULI, {"Sc": [60.0, 60.0, None], "Mn": [None] * 3}, ungrounded_ids=("mp-9258",)),
    *trials(ORDERING, {"FePO4": ["AFM", "FM", "FM"]}),
]
FULL = record(SETS, {"with tools": WITH, "without tools": WITHOUT})


def test_the_record_reads_back_as_it_was(tmp_path):
    files = write_report(FULL, tmp_path / "new" / "folder", SETS)
    assert Record.model_validate_json(files.record.read_bytes()) == FULL
    with Image.open(BytesIO(files.plot.read_bytes())) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 400
    assert files.report.read_text(encoding="utf-8") == markdown(FULL, SETS)


def test_scores_with_and_without_the_tools_stand_beside_each_other():
    """By hand: 60, 60 and nothing: Precision 0, CoP 1, Confidence 2/3, MAE 6; 3 of 6 right."""
    lines = markdown(FULL, SETS).splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("| A number (GPa) | with"))
    assert lines[at] == (
        "| A number (GPa) | with tools | 2 x 3 | 1.000 | 0 | 1.000 | 1.000 | 1.000 | 1.000 | 0 | "
        "0 | n/a |"
    )
    assert lines[at + 1] == (
        "|  | without tools | 2 x 3 | 0.500 | 0 | 1.000 | 0.667 | 0.667 | 0.667 | 6 | 11.1 | n/a |"
    )
    assert lines[at + 2].startswith("| Order \\| ing | with tools | 1 x 3 | 1.000 | n/a |")


def test_the_head_says_who_answered_from_what_and_at_which_price():
    text = markdown(FULL, SETS)
    for row in (
        "| model | a-model |",
        "| agent | scripted |",
        "| llamp-mcp | 1.2.3 |",
        "| source | a sample, version 2023.11.1 |",
        "| started | 2026-01-01T00:00:00+00:00 |",
        "| tokens | 1800 read, 180 written |",
        "| cost | no price given |",
        "| answers | 9 with tools, 9 without tools |",
    ):
        assert row in text
    assert "* An extract." in text
    assert "* N = 3 trials of each question: Precision and SCoR are rough." in text
    priced = FULL.model_copy(update={"cost": 0.0123, "currency": "USD"})
    assert "| cost | 0.0123 USD |" in markdown(priced)


def test_every_wrong_answer_is_listed_with_what_was_expected():
    text = markdown(FULL, SETS)
    assert "## Wrong or missing answers with tools: 0 of 9" in text
    assert "## Wrong or missing answers without tools: 4 of 9" in text
    assert "* **moduli Sc** (expected 54.0 GPa): Sc?" in text
    assert "    * trial 0, 1: read as 60, of `Answer: 60.0`" in text
    assert "    * trial 2: read as nothing, of `Answer: None`" in text
    assert "    * trial 0: read as AFM, of `Answer: AFM`" in text
    assert "(expected not recorded)" in markdown(FULL)


def test_invented_ids_are_named_with_the_questions_they_answered():
    assert "* `mp-9258`: moduli Sc, moduli Mn" in markdown(FULL, SETS)


def test_a_long_answer_is_told_by_its_end_and_breaks_no_line():
    said = "thinking `aloud`\n| " * 100 + "\nAnswer: 60"
    made = record((MODULI,), {"with tools": trials(MODULI, {"Sc": [60.0]}, answer=said)})
    (line,) = (line for line in markdown(made).splitlines() if "read as 60" in line)
    assert line.endswith("Answer: 60`")
    assert len(line) < 600
    assert line.count("`") == 2


def test_a_trial_that_failed_says_why_and_is_counted():
    made = record(
        (MODULI,), {"with tools": trials(MODULI, {"Sc": [None]}, error="no route to host")}
    )
    text = markdown(made, SETS)
    assert "    * trial 0: no answer, no route to host" in text
    assert "* 1 trials ended without an answer of the model; they count as wrong." in text


@pytest.mark.parametrize(
    ("without", "note"),
    [
        (WITHOUT[:-1], "ordering without tools"),
        (WITHOUT[:3], "ordering without tools"),
        ([], "moduli without tools, ordering without tools"),
    ],
)
def test_an_interrupted_evaluation_is_reported_as_such(tmp_path, without, note):
    made = record(SETS, {"with tools": WITH, "without tools": without})
    files = write_report(made, tmp_path, SETS)
    text = files.report.read_text(encoding="utf-8")
    assert f"* Interrupted: trials are missing of {note}." in text
    assert "Interrupted" not in markdown(FULL, SETS)


def test_an_evaluation_in_which_nothing_was_asked_is_reported(tmp_path):
    files = write_report(record(SETS, {"with tools": []}), tmp_path)
    assert "* No trial was made." in files.report.read_text(encoding="utf-8")


def test_one_trial_is_said_to_show_no_precision():
    made = record((MODULI,), {"with tools": trials(MODULI, {"Sc": [54.0], "Mn": [None]})})
    assert "Precision is 0 by definition, and says nothing" in markdown(made)


def _panel(name):
    return next(axes for axes in compose(FULL).axes if axes.get_title() == name)


def test_the_bars_are_as_long_as_the_scores():
    lengths = [bar.get_width() for bar in _panel("Accuracy").patches]
    expected = [score.accuracy for arm in FULL.arms for score in arm.scores]
    assert lengths == pytest.approx(expected)


def test_what_is_not_defined_is_marked_and_not_shown_as_zero():
    texts = [text.get_text() for text in _panel("SCoR").texts]
    assert texts == ["1.00", "n/a", "0.67", "n/a"]
    texts = [text.get_text() for text in _panel("MAE (smaller is better)").texts]
    assert texts == ["0", "n/a", "6", "n/a"]


def test_no_label_lies_on_another():
    """Also where bars are as long as each other, and where some are missing."""
    drawn = compose(FULL)
    drawn.canvas.draw()
    for axes in drawn.axes:
        labels = [*axes.texts, *axes.get_yticklabels()]
        boxes = [label.get_window_extent() for label in labels]
        for at, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[at + 1 :]), axes.get_title()

"""From trials to scores.

What is counted, and out of what:

* Precision, CoP, Confidence, SCoR, MAE and MAPE (in per cent) are of numbers, over the items that
  have a reference: how consistently there is no value cannot be measured by a deviation. N is
  the number of trials that were made of an item, so that an interrupted evaluation can be scored.
* Confidence is also given for classes and ids: the share of trials that answered.
* Accuracy is over all trials that were made. A trial that failed is not correct, not even where the
  right answer is that there is no value.
* F1 is the mean over the classes that are right somewhere or were answered somewhere. A trial
  without an answer is a false negative of its class.
"""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING

from llamp_mcp.evaluation.benchmark.extraction import ids_in
from llamp_mcp.evaluation.benchmark.record import Scores
from llamp_mcp.evaluation.self_consistency import item_scores, mean_scores
from llamp_mcp.providers.chat import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llamp_mcp.evaluation.benchmark.questions import Item, QuestionSet
    from llamp_mcp.evaluation.benchmark.record import Trial

    Made = list[tuple[Item, list[Trial]]]
    """Items with the trials that were made of them, at least one."""


def is_correct(
    question_set: QuestionSet, item: Item, extracted: float | str | None, ids: Sequence[str]
) -> bool:
    """Whether an answer is right.

    A number within the set's relative tolerance or within its absolute one, a class by its name,
    ids when all of the item are named. Where there is no single value to give, no answer is right.

    Args:
        question_set: The tolerances.
        item: What is right.
        extracted: What the answer says; None: nothing.
        ids: That the answer names.
    """
    if question_set.answer == "ids":
        return set(ids_in(" ".join(item.ids))) <= set(ids)
    if item.reference is None or extracted is None:
        return item.reference is None and extracted is None
    if isinstance(item.reference, str) or isinstance(extracted, str):
        return item.reference == extracted
    allowed = max(question_set.tolerance * abs(item.reference), question_set.absolute)
    return abs(extracted - item.reference) <= allowed


def scores(question_set: QuestionSet, trials: Sequence[Trial]) -> Scores:
    """The scores of one set by one way of answering.

    Args:
        question_set: What was asked.
        trials: Of this set, in any order; some may be missing.
    """
    made = [(item, [t for t in trials if t.key == item.key]) for item in question_set.items]
    made = [(item, held) for item, held in made if held]
    all_made = [trial for _, held in made for trial in held]
    return Scores(
        set_name=question_set.name,
        title=question_set.title,
        unit=question_set.unit,
        items=len(made),
        trials=max((len(held) for _, held in made), default=0),
        **(_of_numbers(made) if question_set.answer == "number" else _confidence(made)),
        accuracy=fmean(_is_right(trial) for trial in all_made) if all_made else None,
        f1=_macro_f1(made) if question_set.answer == "class" else None,
        invented_ids=len({name for trial in all_made for name in trial.ungrounded_ids}),
        tool_calls=sum(len(trial.steps) for trial in all_made),
        failed_calls=sum(step.failed for trial in all_made for step in trial.steps),
        usage=sum((trial.usage for trial in all_made), Usage()),
        seconds=median([trial.seconds for trial in all_made]) if all_made else 0.0,
    )


def _is_right(trial: Trial) -> bool:
    return bool(trial.correct) and trial.error is None


def _of_numbers(made: Made) -> dict[str, float | None]:
    """The metrics of self-consistency and of error; empty without a reference."""
    scored = [
        item_scores([_number(trial) for trial in held], item.reference)
        for item, held in made
        if isinstance(item.reference, float)
    ]
    if not scored:
        return {}
    mean = mean_scores(scored)
    return {name: getattr(mean, name) for name in type(mean).__slots__}


def _confidence(made: Made) -> dict[str, float | None]:
    shares = [fmean(trial.extracted is not None for trial in held) for _, held in made]
    return {"confidence": fmean(shares) if shares else None}


def _number(trial: Trial) -> float | None:
    return trial.extracted if isinstance(trial.extracted, float) else None


def _macro_f1(made: Made) -> float | None:
    pairs = [(item.reference, trial.extracted) for item, held in made for trial in held]
    classes = {name for pair in pairs for name in pair if name is not None}
    return fmean(_f1(pairs, name) for name in classes) if classes else None


def _f1(pairs: Sequence[tuple[object, object]], name: object) -> float:
    """2 TP / (2 TP + FP + FN) of one class."""
    hits = sum(right == said == name for right, said in pairs)
    return 2 * hits / sum((right == name) + (said == name) for right, said in pairs)

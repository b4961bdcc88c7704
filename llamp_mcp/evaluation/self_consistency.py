"""SCoR, the self-consistency of repeated answers, and their error.

Of N trials n answered an item. Precision = population standard deviation / √n; CoP =
exp(-Precision); Confidence = n/N; SCoR = CoP · Confidence (Chiang et al., LLaMP, arXiv:2401.17244).
Means are over items. As published, an item that nobody answered has no Precision, CoP or SCoR and
is left out of their means; it counts as 0 in Confidence, and in `scor_strict`.

CoP depends on the unit of the answers; the relative variant divides the deviation by |median|.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from llamp_mcp.errors import InvalidInput, clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LARGEST = 1e100
"""No property is larger in any unit, and no square of a deviation overflows below it."""


@dataclass(frozen=True, slots=True)
class ItemScores:
    """How one item was answered; None where undefined.

    Attributes:
        n: Trials that answered.
        trials: All trials, N.
        mean: Of the answers, in their unit.
        precision: In the unit of the answers, or relative to their median.
        cop: exp(-precision).
        confidence: n/N.
        scor: cop · confidence.
        mae: Mean |answer - reference| of the trials that answered, in their unit.
        mape: The same in per cent of |reference|.
    """

    n: int
    trials: int
    mean: float | None
    precision: float | None
    cop: float | None
    confidence: float
    scor: float | None
    mae: float | None
    mape: float | None


@dataclass(frozen=True, slots=True)
class MeanScores:
    """Means over items; None where undefined. `scor` is 0 when no item was answered."""

    precision: float | None
    cop: float | None
    confidence: float | None
    scor: float | None
    scor_strict: float | None
    mae: float | None
    mape: float | None


def item_scores(
    answers: Sequence[float | None], reference: float | None = None, *, relative: bool = False
) -> ItemScores:
    """The scores of one item.

    Args:
        answers: One per trial; None where it gave no answer.
        reference: The right answer, in the unit of the answers.
        relative: Whether the deviation is divided by |median| of the answers. Where that is 0,
            precision is 0 if all answers are equal, else undefined.

    Raises:
        InvalidInput: There is no trial, or an answer is not a finite number.
    """
    if not answers:
        raise InvalidInput("There are no trials", allowed="at least one")
    values = [_finite(answer) for answer in answers if answer is not None]
    n, trials = len(values), len(answers)
    confidence = n / trials
    if not n:
        return ItemScores(0, trials, None, None, None, confidence, None, None, None)
    mean = math.fsum(value / n for value in values)
    precision = _deviation(values, mean, relative=relative)
    cop = None if precision is None else math.exp(-precision)
    mae = mape = None
    if reference is not None:
        known = _finite(reference)
        mae = math.fsum(abs(value - known) / n for value in values)
        mape = _ratio(100 * mae, abs(known))
    scor = None if cop is None else cop * confidence
    return ItemScores(n, trials, mean, precision, cop, confidence, scor, mae, mape)


def mean_scores(items: Iterable[ItemScores]) -> MeanScores:
    """Means over items, each over those for which it is defined."""
    held = list(items)
    unanswered = [0.0 for item in held if item.n == 0]
    scor = _mean(item.scor for item in held)
    return MeanScores(
        precision=_mean(item.precision for item in held),
        cop=_mean(item.cop for item in held),
        confidence=_mean(item.confidence for item in held),
        scor=0.0 if held and len(unanswered) == len(held) else scor,
        scor_strict=_mean([*(item.scor for item in held), *unanswered]),
        mae=_mean(item.mae for item in held),
        mape=_mean(item.mape for item in held),
    )


def table_scores(
    responses: Sequence[Sequence[float | None]],
    reference: Sequence[float | None] = (),
    *,
    relative: bool = False,
) -> list[ItemScores]:
    """The scores of every item of a table.

    Args:
        responses: One row per trial, one column per item.
        reference: The right answer of each item; empty when none is known.
        relative: See `item_scores`.

    Raises:
        InvalidInput: Rows differ in length, there is nothing in them, or one is no number.
    """
    width = len(responses[0]) if responses else 0
    if not width:
        raise InvalidInput("responses is empty", allowed="at least one trial of one item")
    for at, row in enumerate(responses):
        if len(row) != width:
            raise InvalidInput(
                f"responses[{at}] has {len(row)} items, responses[0] has {width}",
                allowed="one row per trial, all of one length; null where there is no answer",
            )
    if reference and len(reference) != width:
        raise InvalidInput(
            f"reference has {len(reference)} items, each row of responses {width}",
            allowed=f"{width} items (null where unknown), or none",
        )
    known = reference or [None] * width
    columns = zip(*responses, strict=True)
    return [
        item_scores(column, right, relative=relative)
        for column, right in zip(columns, known, strict=True)
    ]


def _deviation(values: Sequence[float], mean: float, *, relative: bool) -> float | None:
    """Population standard deviation / √n, or that over |median|."""
    if min(values) == max(values):  # exactly 0, whatever the rounding of the mean
        return 0.0
    precision = math.hypot(*(value - mean for value in values)) / len(values)
    if not relative:
        return precision
    middle = abs(median(values))
    return _ratio(precision, middle)


def _ratio(value: float, size: float) -> float | None:
    """None where it is undefined, or too large for a double."""
    found = value / size if size else math.inf
    return found if math.isfinite(found) else None


def _mean(values: Iterable[float | None]) -> float | None:
    held = [value for value in values if value is not None]
    return math.fsum(value / len(held) for value in held) if held else None


def _finite(value: float) -> float:
    if isinstance(value, bool) or not abs(value) <= LARGEST:
        raise InvalidInput(
            f"{clip(value)} is not an answer",
            allowed=f"finite numbers up to {LARGEST:g} in size; null for no answer",
        )
    return float(value)

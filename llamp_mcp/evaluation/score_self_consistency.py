"""How far repeated answers of a model agree with each other, and with what is right."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.operation import Operation, Params, Result

if TYPE_CHECKING:
    from llamp_mcp.evaluation.self_consistency import ItemScores

MAX_LISTED = 40
"""Items that the result lists one by one; the means are over all."""

MAX_ROWS = 1000
_LEGEND = (
    "mean, mae, and precision unless relative, are in the unit of the answers; the mean scor "
    "leaves out items nobody answered, scor_strict counts them 0"
)

Answer = Annotated[float | None, Field(strict=True)]


class SelfConsistencyParams(Params):
    """Arguments of `score_self_consistency`."""

    responses: list[list[Answer]] = Field(description="[trial][item]; null: no answer")
    reference: list[Answer] = Field(default=[], description="right answers, per item")
    relative: bool = Field(default=False, description="deviation over |median|")

    @model_validator(mode="after")
    def _bounded(self) -> SelfConsistencyParams:
        """Here, because in the schema it would cost every conversation a hundred bytes."""
        widest = max((len(row) for row in self.responses), default=0)
        if max(widest, len(self.responses)) > MAX_ROWS:
            raise ValueError(f"at most {MAX_ROWS} trials of {MAX_ROWS} items")
        return self


class SelfConsistencyResult(Result):
    """Scores of each item, and their means; null where undefined."""

    total: SkipJsonSchema[int]
    trials: SkipJsonSchema[int]
    items: list[dict[str, float | int | None]]
    mean: dict[str, float | None]

    def text(self) -> str:
        """The means, then a line per item."""
        lines = [f"{self.total} items, {self.trials} trials; mean: {_told(self.mean)}"]
        lines += [f"item {at}: {_told(item)}" for at, item in enumerate(self.items)]
        if len(self.items) < self.total:
            lines.append(f"{len(self.items)} of {self.total} items listed.")
        return "\n".join([*lines, _LEGEND])


def score_self_consistency(params: SelfConsistencyParams) -> SelfConsistencyResult:
    """Score repeated answers (SCoR, arXiv:2401.17244); N trials, n answered.

    precision = std/√n, cop = exp(-precision), confidence = n/N, scor = cop*confidence. cop depends
    on the unit, relative does not.
    """
    from llamp_mcp.evaluation.self_consistency import mean_scores, table_scores

    scored = table_scores(params.responses, params.reference, relative=params.relative)
    mean = asdict(mean_scores(scored))
    del mean["mape"]
    return SelfConsistencyResult(
        total=len(scored),
        trials=len(params.responses),
        items=[_row(item) for item in scored[:MAX_LISTED]],
        mean=mean,
    )


def _row(item: ItemScores) -> dict[str, float | int | None]:
    names = ("n", "mean", "precision", "cop", "confidence", "scor", "mae")
    return {name: getattr(item, name) for name in names}


def _told(values: dict[str, float | None] | dict[str, float | int | None]) -> str:
    return ", ".join(
        f"{name} {'undefined' if value is None else format(value, '.6g')}"
        for name, value in values.items()
    )


OPERATION = Operation(
    name="score_self_consistency",
    title="Score the self-consistency of answers",
    params=SelfConsistencyParams,
    result=SelfConsistencyResult,
    run=score_self_consistency,
    toolset="evaluation",
    read_only=True,
)

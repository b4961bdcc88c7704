"""An evaluation as files: the record (JSON), a report (markdown), and its scores as bars (PNG)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.evaluation.benchmark.bars import draw
from llamp_mcp.providers.chat import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from llamp_mcp.evaluation.benchmark.questions import QuestionSet
    from llamp_mcp.evaluation.benchmark.record import Arm, Record, Scores, Trial

_METRICS: Final = (
    ("accuracy", "accuracy", ".3f"),
    ("precision", "Precision", ".4g"),
    ("cop", "CoP", ".3f"),
    ("confidence", "Confidence", ".3f"),
    ("scor", "SCoR", ".3f"),
    ("scor_strict", "SCoR strict", ".3f"),
    ("mae", "MAE", ".4g"),
    ("mape", "MAPE %", ".3g"),
    ("f1", "F1", ".3f"),
)
_LEGEND: Final = (
    "Precision = population standard deviation / √n, CoP = exp(-Precision), Confidence = n/N, "
    "SCoR = CoP · Confidence, of n answers in N trials, then the mean over items "
    "(arXiv:2401.17244). Precision and MAE are in the unit of the set, and CoP depends on it. An "
    "item that nobody answered is left out of SCoR and is 0 in SCoR strict. Items without a single "
    "right value count in accuracy only: there, no answer is right. n/a: not defined for this set."
)
_MAX_TEXT: Final = 500
_FEW: Final = 5


class ReportFiles(NamedTuple):
    """Where a report was written."""

    record: Path
    report: Path
    plot: Path


def write_report(
    record: Record, folder: Path, question_sets: Iterable[QuestionSet] = ()
) -> ReportFiles:
    """Write the record, the report and the picture of an evaluation, complete or interrupted.

    Args:
        record: The evaluation.
        folder: Made where it is missing; older files of these names are replaced.
        question_sets: What was asked, for the answers that were expected.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = ReportFiles(folder / "record.json", folder / "report.md", folder / "scores.png")
    files.record.write_text(record.model_dump_json(indent=1), encoding="utf-8")
    files.plot.write_bytes(draw(record))
    files.report.write_text(markdown(record, question_sets), encoding="utf-8")
    return files


def markdown(record: Record, question_sets: Iterable[QuestionSet] = ()) -> str:
    """The report as text."""
    expected = {
        (one.name, item.key): _expected(one, item.reference, item.ids)
        for one in question_sets
        for item in one.items
    }
    parts = [
        *_head(record),
        "![scores](scores.png)",
        "",
        "## Scores",
        "",
        *_scores_table(record.arms),
        "",
        _LEGEND,
        "",
        "## Tools, tokens, time",
        "",
        *_effort_table(record.arms),
    ]
    for arm in record.arms:
        parts += ["", *_wrong(arm, expected)]
    return "\n".join(parts) + "\n"


def _head(record: Record) -> Iterator[str]:
    """Who was asked what, when, at which price, and how far that can be trusted."""
    trials = [trial for arm in record.arms for trial in arm.trials]
    usage = sum((trial.usage for trial in trials), Usage())
    source = record.source
    yield f"# Evaluation of {record.model}"
    yield ""
    rows = {
        "model": record.model,
        "agent": record.agent,
        "llamp-mcp": record.version,
        "source": f"{source.get('name', '')}, version {source.get('database_version', 'unknown')}",
        "started": record.started,
        "time of all trials": f"{record.seconds:.0f} s",
        "tokens": f"{usage.prompt_tokens} read, {usage.completion_tokens} written",
        "cost": "no price given"
        if record.cost is None
        else f"{record.cost:.4g} {record.currency}".rstrip(),
        "answers": ", ".join(f"{len(arm.trials)} {arm.name}" for arm in record.arms) or "none",
    }
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {name} | {_cell(value)} |" for name, value in rows.items())
    yield ""
    yield from _notes(record)


def _notes(record: Record) -> Iterator[str]:
    """What the numbers of trials do and do not show."""
    every = [score for arm in record.arms for score in arm.scores]
    counts = {score.trials for score in every if score.trials}
    if notice := record.source.get("notice"):
        yield f"* {notice.rstrip('.')}."
    if not counts:
        yield "* No trial was made."
    elif counts == {1}:
        yield "* One trial of each question: Precision is 0 by definition, and says nothing."
    elif max(counts) < _FEW:
        yield f"* N = {max(counts)} trials of each question: Precision and SCoR are rough."
    else:
        yield f"* N = {max(counts)} trials of each question."
    short = [
        f"{score.set_name} {arm.name}"
        for arm in record.arms
        for score in arm.scores
        if _trials_of(arm, score.set_name) < score.items * max(counts, default=0)
    ]
    empty = [f"{s.set_name} {arm.name}" for arm in record.arms for s in arm.scores if not s.items]
    if short or empty:
        names = ", ".join(dict.fromkeys([*short, *empty]))
        yield f"* Interrupted: trials are missing of {names}. Scores are of those that were made."
    failed = sum(trial.error is not None for arm in record.arms for trial in arm.trials)
    if failed:
        yield f"* {failed} trials ended without an answer of the model; they count as wrong."
    yield ""


def _trials_of(arm: Arm, set_name: str) -> int:
    return sum(trial.set_name == set_name for trial in arm.trials)


def _scores_table(arms: Sequence[Arm]) -> Iterator[str]:
    """A row per set and arm: with and without the tools beside each other."""
    used = [
        metric
        for metric in _METRICS
        if any(getattr(score, metric[0]) is not None for arm in arms for score in arm.scores)
    ]
    yield f"| set | | items x N | {' | '.join(name for _, name, _ in used)} |"
    yield "|---|---|---|" + "---:|" * len(used)
    for title, arm, score in _rows(arms):
        values = (_value(getattr(score, key), form) for key, _, form in used)
        cells = " | ".join(values)
        yield f"| {title} | {arm} | {score.items} x {score.trials} | {cells} |"


def _effort_table(arms: Sequence[Arm]) -> Iterator[str]:
    yield "| set | | calls | failed | invented ids | tokens read | written | s per answer |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for title, arm, score in _rows(arms):
        usage = score.usage
        yield (
            f"| {title} | {arm} | {score.tool_calls} | {score.failed_calls} | "
            f"{score.invented_ids} | {usage.prompt_tokens} | {usage.completion_tokens} | "
            f"{score.seconds:.2f} |"
        )


def _rows(arms: Sequence[Arm]) -> Iterator[tuple[str, str, Scores]]:
    """Scores by set, then arm, the title where it is new."""
    for name in dict.fromkeys(score.set_name for arm in arms for score in arm.scores):
        shown = ""
        for arm in arms:
            for score in arm.scores:
                if score.set_name == name:
                    title = _cell(score.title) + (f" ({score.unit})" if score.unit else "")
                    yield ("" if title == shown else title), arm.name, score
                    shown = title


def _wrong(arm: Arm, expected: dict[tuple[str, str], str]) -> Iterator[str]:
    """Every question that was not always answered rightly, and every invented id."""
    questions: dict[tuple[str, str], list[Trial]] = {}
    for trial in arm.trials:
        if not trial.correct or trial.error is not None:
            questions.setdefault((trial.set_name, trial.key), []).append(trial)
    count = sum(map(len, questions.values()))
    yield f"## Wrong or missing answers {arm.name}: {count} of {len(arm.trials)}"
    yield ""
    for key, trials in questions.items():
        right = expected.get(key, "not recorded")
        yield f"* **{' '.join(key)}** (expected {right}): {_line(trials[0].question)}"
        yield from _answers(trials)
    invented: dict[str, list[str]] = {}
    for trial in arm.trials:
        for name in trial.ungrounded_ids:
            invented.setdefault(name, []).append(f"{trial.set_name} {trial.key}")
    yield ""
    yield f"Ids {arm.name} that no tool had returned: {len(invented)}"
    yield ""
    for name, places in invented.items():
        yield f"* `{name}`: {', '.join(dict.fromkeys(places))}"


def _answers(trials: Sequence[Trial]) -> Iterator[str]:
    """A line for each way in which a question was answered wrongly, with the trials."""
    alike: dict[tuple[str, bool], list[Trial]] = {}
    for trial in trials:
        alike.setdefault((str(trial.extracted), trial.error is None), []).append(trial)
    for same in alike.values():
        first, numbers = same[0], ", ".join(str(trial.trial) for trial in same)
        if first.error is not None:
            yield f"    * trial {numbers}: no answer, {_line(first.error)}"
            continue
        said = first.extracted
        read_as = "nothing" if said is None else said if isinstance(said, str) else f"{said:.8g}"
        yield f"    * trial {numbers}: read as {read_as}, of `{_line(first.answer, end=True)}`"


def _expected(
    question_set: QuestionSet, reference: float | str | None, ids: tuple[str, ...]
) -> str:
    if question_set.answer == "ids":
        return ", ".join(ids)
    value = "no single value" if reference is None else str(reference)
    unit = question_set.unit if isinstance(reference, float) else ""
    return f"{value} {unit}".strip() + (f" ({', '.join(ids)})" if ids else "")


def _value(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(value, form)


def _cell(text: str) -> str:
    """A text that stays in its cell of a table."""
    return _line(text).replace("|", "\\|")


def _line(text: str, *, end: bool = False) -> str:
    """A text, or its end, in one line of bounded length that closes no code span."""
    line = " ".join(text.replace("`", "'").split())
    if len(line) <= _MAX_TEXT:
        return line
    return f"…{line[-_MAX_TEXT:]}" if end else f"{line[:_MAX_TEXT]}…"

"""Scores as bars, like figure 3 of the LLaMP paper: a panel per metric, with and without tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.plots import panels, png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from llamp_mcp.evaluation.benchmark.record import Arm, Record, Scores

_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
"""Of Okabe and Ito: told apart by colour-blind readers, and by their lightness in print."""
_HATCHES: Final = ("", "//", "..", "xx")
_SHARES: Final = (
    ("accuracy", "Accuracy"),
    ("confidence", "Confidence n/N"),
    ("cop", "CoP"),
    ("scor", "SCoR"),
)
_AMOUNTS: Final = (
    ("precision", "Precision (smaller is better)"),
    ("mae", "MAE (smaller is better)"),
)
_BAR: Final = 0.36
_LOG_FROM: Final = 30.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""


def draw(record: Record) -> bytes:
    """The scores of an evaluation as a PNG picture; what is not defined is marked n/a."""
    return png(compose(record))


def compose(record: Record) -> Figure:
    """The picture before it is written."""
    names = list(dict.fromkeys(s.set_name for arm in record.arms for s in arm.scores))
    found = {(arm.name, s.set_name): s for arm in record.arms for s in arm.scores}
    drawn, axes = panels(
        len(_SHARES) + len(_AMOUNTS), width=7.5, height=1.5 + 0.42 * max(1, len(names))
    )
    for at, (key, title) in enumerate((*_SHARES, *_AMOUNTS)):
        _panel(axes[at], key, record.arms, names, found)
        axes[at].set_title(title, fontsize=11)
    if record.arms:
        handles, labels = axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    drawn.suptitle(f"{record.model}, {record.agent}", fontsize=12)
    return drawn


def _panel(
    axes: Axes,
    key: str,
    arms: Sequence[Arm],
    names: Sequence[str],
    found: dict[tuple[str, str], Scores],
) -> None:
    """One metric: a row per set, a bar per way of answering."""
    rows: list[tuple[float, float | None]] = []
    for at, arm in enumerate(arms):
        shift = (at - (len(arms) - 1) / 2) * _BAR
        places = [row + shift for row in range(len(names))]
        scores = [found.get((arm.name, name)) for name in names]
        values = [None if score is None else getattr(score, key) for score in scores]
        axes.barh(
            places,
            [value or 0.0 for value in values],
            _BAR,
            color=_COLOURS[at % len(_COLOURS)],
            hatch=_HATCHES[at % len(_HATCHES)],
            edgecolor="white",
            linewidth=0.5,
            label=arm.name,
        )
        rows += zip(places, values, strict=True)
    is_share = key in dict(_SHARES)
    _scale(axes, [value for _, value in rows if value], is_share=is_share)
    for place, value in rows:
        _label(axes, place, value, ".2f" if is_share else ".3g")
    units = {name: found_in.unit for (_, name), found_in in found.items()}
    axes.set_yticks(
        range(len(names)),
        [name if is_share or not units[name] else f"{name} ({units[name]})" for name in names],
        fontsize=8,
    )
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)


def _scale(axes: Axes, values: Sequence[float], *, is_share: bool) -> None:
    """Room for the labels; logarithmic where sets in different units would hide one another."""
    if is_share:
        axes.set_xlim(0, 1.18)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    elif values and max(values) / min(values) > _LOG_FROM:
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 3, max(values) * 8)
    else:
        axes.set_xlim(0, 1.25 * max(values, default=1.0))


def _label(axes: Axes, place: float, value: float | None, form: str) -> None:
    """The value behind its bar, so that 0 and n/a are told apart."""
    axes.annotate(
        "n/a" if value is None else format(value, form),
        (value or axes.get_xlim()[0], place),
        (3, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
        color="#777777" if value is None else "black",
        style="italic" if value is None else "normal",
    )

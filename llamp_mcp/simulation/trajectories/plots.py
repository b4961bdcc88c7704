"""The pictures of an analysis: up to four panels each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.plots import panels, png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from llamp_mcp.simulation.trajectories.block import Panel

PER_PICTURE: Final = 4
MAX_PICTURES: Final = 3
_MAX_POINTS: Final = 2_000
_MAX_CURVES: Final = 8


def pictures(drawn: list[Panel]) -> Iterator[bytes]:
    """PNG pictures of the panels, at most three."""
    for first in range(0, min(len(drawn), PER_PICTURE * MAX_PICTURES), PER_PICTURE):
        some = drawn[first : first + PER_PICTURE]
        figure, axes = panels(len(some))
        for panel, one in zip(some, axes, strict=True):
            _draw(panel, one)
        yield png(figure)


def _draw(panel: Panel, axes: Axes) -> None:
    for level in panel.at_y:
        axes.axhline(level, color="0.5", lw=0.8, ls=":")
    for place in panel.at_x:
        axes.axvline(place, color="0.5", lw=0.8, ls=":")
    for curve in panel.curves[:_MAX_CURVES]:
        stride = max(1, len(curve.x) // _MAX_POINTS)
        x, y = curve.x[::stride], curve.y[::stride]
        axes.plot(x, y, curve.style, lw=1.1, ms=4, label=curve.label or None)
    axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    axes.grid(alpha=0.25)
    axes.ticklabel_format(axis="y", useOffset=False)
    if any(curve.label for curve in panel.curves):
        axes.legend(frameon=False, fontsize="small")

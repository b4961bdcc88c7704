"""Figures for results, by matplotlib's object interface.

pyplot keeps global state, looks for a display, and is not made for threads.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110


def figure(width: float = 7, height: float = 4) -> tuple[Figure, Axes]:
    """An empty figure of that size in inches, with one pair of axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(made)
    return made, made.subplots()


def panels(count: int, width: float = 4.5, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """An empty figure with so many pairs of axes of that size in inches, two side by side."""
    columns = min(2, count)
    rows = -(-count // columns)
    made, first = figure(width * columns, height * rows)
    first.remove()
    return made, [made.add_subplot(rows, columns, at + 1) for at in range(count)]


def png(drawn: Figure) -> bytes:
    """The figure as a PNG picture."""
    stream = BytesIO()
    drawn.savefig(stream, format="png")
    return stream.getvalue()

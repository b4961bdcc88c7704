"""Figures for results, by matplotlib's object interface.

pyplot keeps global state, looks for a display, and is not made for threads.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110
KEYWORD = "llamp-plot"


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
    """The figure as a PNG picture, with what it shows as data in a compressed text chunk.

    The chunk (iTXt, keyword `llamp-plot`) holds the JSON of `plot_data.read`: a client that got the
    picture can draw it again, larger or with a cursor, without a second answer of the server.
    """
    from PIL.PngImagePlugin import PngInfo

    from llamp_mcp.plot_data import read

    data = json.dumps(read(drawn), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = PngInfo()
    text.add_itxt(KEYWORD, data, zip=True)
    stream = BytesIO()
    drawn.savefig(stream, format="png", pil_kwargs={"pnginfo": text})
    return stream.getvalue()

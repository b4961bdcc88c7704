"""The panels of a figure: axes and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.plot_data.labels import plain
from llamp_mcp.plot_data.numbers import numbers, plain_array
from llamp_mcp.plot_data.series import (
    across,
    label_of,
    read_artist,
    read_bars,
    read_errors,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from llamp_mcp.plot_data.series import Item

VERSION = 1
_LEAST = 24
MAX_POINTS = 2_000
"""Of one series."""
MAX_VALUES = 60_000
"""Of the lines of a figure: a client may refuse a result of a megabyte."""


def read(figure: Figure) -> dict[str, Any]:
    """All panels of a figure, in figure order.

    Numbers keep six significant digits of their range. A series of more than 2,000 points is
    thinned to the smallest and largest value of each stretch, and says how many it had.
    """
    bars = {id(bar.ax) for axes in figure.axes for bar in _colour_bars(axes)}
    panels = [axes for axes in figure.axes if id(axes) not in bars]
    most = _most(panels)
    omitted: set[str] = set()
    document = {
        "version": VERSION,
        "size": [float(length) for length in figure.get_size_inches()],
        "title": plain(figure.get_suptitle()),
        "panels": [_panel(axes, panels, most, omitted) for axes in panels],
    }
    return document | ({"omitted": sorted(omitted)} if omitted else {})


def _colour_bars(axes: Axes) -> Iterator[Any]:
    for collection in axes.collections:
        if collection.colorbar is not None:
            yield collection.colorbar


def _most(panels: list[Axes]) -> int:
    """How many points one series may have."""
    import numpy as np

    lines = [line for axes in panels for line in axes.get_lines() if not _outside(axes, line)]
    total = sum(min(np.size(line.get_ydata()), MAX_POINTS) for line in lines)
    return MAX_POINTS if total <= MAX_VALUES else max(_LEAST, MAX_VALUES // len(lines))


def _outside(axes: Axes, artist: Artist) -> bool:
    """Whether it is a line with nothing between the limits, as most bands of a solid have."""
    import numpy as np
    from matplotlib.lines import Line2D

    if not isinstance(artist, Line2D) or across(axes, artist.get_transform()):
        return False
    y = plain_array(artist.get_ydata())
    y = y[np.isfinite(y)]
    low, high = sorted(axes.get_ylim())
    return bool(y.size and (y.min() > high or y.max() < low))


def _panel(axes: Axes, panels: list[Axes], most: int, omitted: set[str]) -> Item:
    box = axes.get_position()
    panel: Item = {
        "box": [round(float(edge), 4) for edge in box.bounds],
        "title": plain(axes.get_title()),
        "x": _axis(axes.xaxis, axes.get_xlim()),
        "y": _axis(axes.yaxis, axes.get_ylim()),
        "items": _once(list(_items(axes, most, omitted))),
    }
    if outside := sum(_outside(axes, line) for line in axes.get_lines()):
        panel["outside"] = outside
    for name, group in (("x", axes.get_shared_x_axes()), ("y", axes.get_shared_y_axes())):
        joined = [at for at, other in enumerate(panels) if group.joined(axes, other)]
        panel[name] |= {"shared": joined} if len(joined) > 1 else {}
    twins = [at for at, other in enumerate(panels) if other.get_position().bounds == box.bounds]
    if panels[twins[0]] is not axes:
        panel["twin"] = twins[0]
    if axes.get_aspect() != "auto":
        panel["equal"] = True
    if not axes.axison:
        panel["bare"] = True
    return panel


def _once(items: list[Item]) -> list[Item]:
    """An x that an earlier line has too becomes the place of that line in the list."""
    seen: dict[tuple[float, ...], int] = {}
    for place, item in enumerate(items):
        if item["kind"] == "line":
            first = seen.setdefault(tuple(item["x"]), place)
            item["x"] = item["x"] if first == place else first
    return items


def _axis(axis: Axis, limits: tuple[float, float]) -> Item:
    from matplotlib.ticker import FixedLocator

    found: Item = {
        "label": plain(axis.get_label_text()),
        "limits": numbers(limits),
        "scale": axis.get_scale(),
    }
    if str(axis.get_label_position()) == "right":
        found["right"] = True
    if isinstance(axis.get_major_locator(), FixedLocator):
        places = axis.get_majorticklocs()
        names = axis.get_major_formatter().format_ticks(list(places))
        found["ticks"] = [list(t) for t in zip(numbers(places), map(plain, names), strict=True)]
    return found


def _items(axes: Axes, most: int, omitted: set[str]) -> Iterator[Item]:
    """What is drawn, the lowest first; texts last."""
    from matplotlib.container import BarContainer, ErrorbarContainer

    made: list[tuple[float, Item]] = []
    taken: set[int] = set()
    errors: dict[int, Item] = {}
    for container in axes.containers:
        if isinstance(container, BarContainer):
            made.append((container.patches[0].get_zorder(), read_bars(container)))
            taken |= {id(patch) for patch in container.patches}
        elif isinstance(container, ErrorbarContainer):
            line, caps, bars = container.lines
            taken |= {id(part) for part in (*caps, *bars)}
            errors[id(line)] = read_errors(container) | {"name": label_of(container)}
    for artist in (*axes.patches, *axes.collections, *axes.get_lines()):
        if id(artist) in taken or not artist.get_visible() or _outside(axes, artist):
            continue
        found = list(read_artist(axes, artist, most))
        if not found:
            omitted.add(type(artist).__name__)
        for item in found:
            item |= {k: v for k, v in errors.get(id(artist), {}).items() if v}
            made.append((artist.get_zorder(), item))
    made.sort(key=lambda pair: pair[0])
    yield from (item for _, item in made)
    yield from (read_text(axes, text) for text in axes.texts if text.get_visible())

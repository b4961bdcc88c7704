"""One thing that is drawn in a panel: a line, points, sticks, an area, a span, bars, a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.plot_data.labels import plain
from llamp_mcp.plot_data.numbers import numbers, plain_array, short, thinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.container import BarContainer, ErrorbarContainer
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

    Item = dict[str, Any]

_PALETTE = 24
_MARKERS = "osD^v<>*x+."


def read_artist(axes: Axes, artist: Artist, most: int) -> Iterator[Item]:
    """What an artist draws, its lines of at most so many points; nothing of an unknown one."""
    from matplotlib.collections import FillBetweenPolyCollection, LineCollection, PathCollection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    if isinstance(artist, Line2D):
        yield _line(axes, artist, most)
    elif isinstance(artist, PathCollection):
        yield _scatter(artist)
    elif isinstance(artist, LineCollection):
        yield _segments(artist)
    elif isinstance(artist, FillBetweenPolyCollection):
        yield from _areas(artist, most)
    elif isinstance(artist, Rectangle) and (free := across(axes, artist.get_data_transform())):
        yield _span(artist, free)


def across(axes: Axes, transform: Any) -> str:
    """The direction in which something reaches across the whole panel: `x`, `y` or neither."""
    in_x, in_y = transform.contains_branch_seperately(axes.transData)
    return "" if in_x and in_y else "y" if in_x else "x" if in_y else ""


def _line(axes: Axes, line: Line2D, most: int) -> Item:
    free = across(axes, line.get_transform())
    style = {
        "name": label_of(line),
        **_colour(line.get_color(), line.get_alpha()),
        "width": short(line.get_linewidth()) if line.get_linestyle() != "None" else 0,
        "dash": {"--": "dashed", ":": "dotted", "-.": "dashdot"}.get(str(line.get_linestyle()), ""),
    }
    x, y = line.get_xdata(), line.get_ydata()
    if free:  # an infinite line
        return {"kind": "rule", "at": numbers(x if free == "y" else y)[0], "across": free} | style
    marker = line.get_marker()
    if marker not in ("None", "none", "", " ", None):
        style |= {"marker": str(marker), "size": short(line.get_markersize())}
    return {"kind": "line", **thinned(x, y, most)} | style


def _scatter(points: PathCollection) -> Item:
    import numpy as np
    from matplotlib.colors import to_hex

    x, y = plain_array(points.get_offsets()).T
    faces = points.get_facecolor()
    drawn = faces if len(faces) else points.get_edgecolor()
    item: Item = {"kind": "points", "x": numbers(x), "y": numbers(y), "name": label_of(points)}
    item |= {
        "marker": _marker(points),
        "size": short(float(np.sqrt(points.get_sizes()[0]))),
        **_colour(drawn[0] if len(drawn) else "black", points.get_alpha()),
    }
    values = points.get_array()
    if values is None:
        return item
    low, high = points.get_clim()
    shades = np.linspace(0, 1, _PALETTE)
    item |= {
        "values": numbers(values),
        "range": numbers((low, high)),
        "palette": [to_hex(colour) for colour in points.get_cmap()(shades)],
    }
    bar = points.colorbar
    return item | ({"values_label": plain(bar.ax.get_ylabel())} if bar is not None else {})


def _marker(points: PathCollection) -> str:
    import numpy as np
    from matplotlib.markers import MarkerStyle

    shape = points.get_paths()[0].vertices
    for name in _MARKERS:
        style = MarkerStyle(name)
        if np.array_equal(style.get_path().transformed(style.get_transform()).vertices, shape):
            return name
    return "o"


def _segments(lines: Any) -> Item:
    """Separate straight pieces, such as sticks."""
    import numpy as np

    ends = np.array([(s[0], s[-1]) for s in lines.get_segments()]).reshape(-1, 2, 2)
    return {
        "kind": "sticks",
        "x": numbers(ends[:, 1, 0]),
        "y": numbers(ends[:, 1, 1]),
        "from_x": numbers(ends[:, 0, 0]),
        "from_y": numbers(ends[:, 0, 1]),
        "name": label_of(lines),
        "width": short(lines.get_linewidth()[0]),
        **_colour(lines.get_color()[0], lines.get_alpha()),
    }


def _areas(filled: Any, most: int) -> Iterator[Item]:
    """Each stretch of an area between two curves, along x or along y."""
    named = label_of(filled)
    for path in filled.get_paths():
        corners = path.vertices[: len(path.vertices) // 2 * 2]  # without the one that closes it
        count = len(corners) // 2 - 1
        first, second = corners[1 : count + 1], corners[: count + 1 : -1]
        along, across = (0, 1) if filled.t_direction == "x" else (1, 0)
        upper = thinned(first[:, along], first[:, across], most)
        lower = thinned(second[:, along], second[:, across], most)
        flat = len(set(lower["y"])) == 1
        yield {
            "kind": "area",
            "along": filled.t_direction,
            "t": upper["x"],
            "to": upper["y"],
            "from_t": [upper["x"][0], upper["x"][-1]] if flat else lower["x"],
            "from": lower["y"][:2] if flat else lower["y"],
            "name": named,
            **_colour(filled.get_facecolor()[0], filled.get_alpha()),
        }
        named = ""


def _span(patch: Rectangle, free: str) -> Item:
    """A band across the panel."""
    low, length = (
        (patch.get_x(), patch.get_width()) if free == "y" else (patch.get_y(), patch.get_height())
    )
    ends = numbers((low, low + length))
    colour = _colour(patch.get_facecolor(), patch.get_alpha())
    return {"kind": "span", "between": ends, "across": free, "name": label_of(patch)} | colour


def read_bars(container: BarContainer) -> Item:
    """Bars that belong together, upright or lying."""
    upright = container.orientation != "horizontal"
    sides = [(p.get_x(), p.get_width(), p.get_y(), p.get_height()) for p in container.patches]
    along = [(x, w, y, h) if upright else (y, h, x, w) for x, w, y, h in sides]
    first = container.patches[0]
    return {
        "kind": "bars",
        "along": "x" if upright else "y",
        "t": numbers([at + width / 2 for at, width, _, _ in along]),
        "width": numbers([abs(width) for _, width, _, _ in along]),
        "from": numbers([low for _, _, low, _ in along]),
        "to": numbers([low + high for _, _, low, high in along]),
        "hatch": first.get_hatch() or "",
        "name": label_of(container),
        **_colour(first.get_facecolor(), first.get_alpha()),
    }


def read_errors(container: ErrorbarContainer) -> Item:
    """Ends of the error bars of each point, by direction."""
    import numpy as np

    directions = [d for d in "xy" if getattr(container, f"has_{d}err")]
    found: Item = {}
    for direction, bars in zip(directions, container.lines[2], strict=True):
        column = "xy".index(direction)
        ends = np.array([s[:, column] for s in bars.get_segments()])
        found[f"{direction}_errors"] = [numbers(ends[:, 0]), numbers(ends[:, 1])]
    return found


def read_text(axes: Axes, text: Text) -> Item:
    """A text or a label beside a point, steps in points (1/72 inch)."""
    from matplotlib.text import Annotation

    place = text.xy if isinstance(text, Annotation) else text.get_position()
    item: Item = {
        "kind": "text",
        "text": plain(text.get_text()),
        "at": numbers(place),
        "size": short(float(text.get_fontsize())),
        "anchor": text.get_horizontalalignment(),
        "baseline": text.get_verticalalignment(),
        **_colour(text.get_color(), text.get_alpha()),
    }
    if isinstance(text, Annotation) and text.anncoords == "offset points":
        item["offset"] = [short(float(step)) for step in text.xyann]
        item |= {"leader": True} if text.arrow_patch is not None else {}
    if text.get_rotation():
        item["rotation"] = short(text.get_rotation())
    if text.get_transform() is axes.transAxes:
        item["inside"] = True  # of the panel: parts of its width and height
    return item


def label_of(artist: Any) -> str:
    """The label for a legend; empty where it has none of its own."""
    label = str(artist.get_label() or "")
    return "" if label.startswith("_") else plain(label)


def _colour(colour: Any, alpha: Any) -> Item:
    from matplotlib.colors import to_hex, to_rgba

    opacity = to_rgba(colour)[3] if alpha is None else float(alpha)
    found: Item = {"color": to_hex(colour)}
    return found | ({"opacity": round(float(opacity), 3)} if opacity < 1 else {})

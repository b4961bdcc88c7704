"""Pictures of phase diagrams: the hull of two elements, the triangle of three."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt
from typing import TYPE_CHECKING, Any

from llamp_mcp.plots import figure, png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from llamp_mcp.materials.thermodynamics.hull import Entry, Hull

DIMENSIONS = (2, 3)
_STABLE, _UNSTABLE, _USER, _LINE = "#1f5f9e", "#b9b9b9", "#c8442c", "#4a4a4a"
_HEIGHT = sqrt(3) / 2
_STEPS = (9, 22, 35, 48)
_DIRECTIONS = ((0, -1), (0, 1), (1, 0), (-1, 0), (0.8, -0.8), (-0.8, -0.8), (0.8, 0.8), (-0.8, 0.8))
"""A label may stand in these directions from its point, so many points (1/72 inch) away. Beside a
hull only above or below: labels that move sideways would seem to be of the next point."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the picture: where, which entry, and how far above the hull in eV/atom."""

    x: float
    y: float
    entry: Entry
    above: float


def draw(
    hull: Hull,
    stable: Sequence[Entry],
    unstable: Sequence[Entry],
    user: Sequence[Entry],
    title: str,
) -> bytes:
    """The hull as a PNG picture.

    Args:
        hull: Of two or three elements.
        stable: The Project's entries on it.
        unstable: The Project's entries above it that are shown.
        user: The user's own.
        title: Of the picture.
    """
    return png(compose(hull, (stable, unstable, user), title))


def compose(hull: Hull, shown: tuple[Sequence[Entry], ...], title: str) -> Figure:
    """The picture before it is written: stable, unstable and user's entries, with labels."""
    binary = len(hull.elements) == 2
    place = _binary if binary else _ternary
    groups = [[Point(*place(hull, e), e, hull.above(e)) for e in entries] for entries in shown]
    drawn, axes = figure(7.5, 5) if binary else figure(7.5, 6.2)
    if binary:
        _draw_binary(axes, hull, groups)
    else:
        _draw_ternary(axes, hull, groups)
    axes.set_title(title, fontsize=11)
    drawn.canvas.draw()  # the layout must be known before labels can keep out of each other's way
    drawn.set_layout_engine("none")
    _label(axes, _lowest(groups[0]), groups)
    return drawn


def _binary(hull: Hull, placed: Entry) -> tuple[float, float]:
    """Fraction of the second element, and formation energy in eV/atom."""
    return placed.composition.get_atomic_fraction(hull.elements[1]), hull.formation_energy(placed)


def _ternary(hull: Hull, placed: Entry) -> tuple[float, float]:
    """First element at the top, second at the left, third at the right."""
    top, _, right = (placed.composition.get_atomic_fraction(symbol) for symbol in hull.elements)
    return right + top / 2, top * _HEIGHT


def _draw_binary(axes: Axes, hull: Hull, groups: list[list[Point]]) -> None:
    stable, unstable, user = groups
    line = sorted({(p.x, p.y) for p in _lowest(stable)})
    axes.axhline(0, color=_LINE, lw=0.6, alpha=0.5)
    axes.plot(*zip(*line, strict=True), color=_STABLE, lw=1.4, zorder=2)
    _scatter(axes, unstable, marker="x", color="#8a8a8a", s=26, label="above the hull")
    _scatter(axes, stable, color=_STABLE, s=42, label="on the hull", zorder=3)
    _scatter(axes, user, marker="D", color=_USER, s=42, label="yours", zorder=4)
    first, second = hull.elements
    axes.set(xlabel=f"Fraction of {second} in {first}-{second}")
    axes.set(ylabel="Formation energy (eV/atom)", xlim=(-0.06, 1.06))
    axes.margins(y=0.16)
    axes.grid(alpha=0.2)
    axes.legend(frameon=False, fontsize=8, loc="best")


def _draw_ternary(axes: Axes, hull: Hull, groups: list[list[Point]]) -> None:
    stable, unstable, user = groups
    held = hull.diagram.qhull_entries
    for facet in hull.diagram.facets:
        corners = [_ternary(hull, held[at].attribute) for at in (*facet, facet[0])]
        axes.plot(*zip(*corners, strict=True), color=_LINE, lw=0.8, zorder=1)
    if unstable:
        ordered = sorted(unstable, key=lambda p: -p.above)  # the lowest on top
        shown = axes.scatter(
            [p.x for p in ordered],
            [p.y for p in ordered],
            c=[1000 * p.above for p in ordered],
            cmap="autumn_r",
            marker="s",
            s=20,
            edgecolors=_LINE,
            linewidths=0.4,
            label="above the hull",
            zorder=2,
        )
        bar = axes.figure.colorbar(shown, ax=axes, shrink=0.6, pad=0.02)
        bar.set_label("Energy above hull (meV/atom)", fontsize=9)
    _scatter(axes, stable, color=_STABLE, s=42, label="on the hull", zorder=3)
    _scatter(axes, user, marker="D", color=_USER, s=42, label="yours", zorder=4)
    axes.set(xlim=(-0.12, 1.12), ylim=(-0.1, _HEIGHT + 0.1), aspect="equal")
    axes.set_axis_off()
    axes.legend(frameon=False, fontsize=8, loc="upper right")


def _scatter(axes: Axes, points: Sequence[Point], **style: Any) -> None:
    if points:
        axes.scatter([p.x for p in points], [p.y for p in points], **style)


def _lowest(points: Sequence[Point]) -> list[Point]:
    """One point per composition: entries that tie on the hull share one label."""
    return list({p.entry.formula: p for p in points}.values())


def _label(axes: Axes, named: Sequence[Point], groups: list[list[Point]]) -> None:
    """Write the formulas of the stable points, and the user's, where no text or marker is."""
    from matplotlib.transforms import Bbox
    from pymatgen.util.string import latexify

    taken: list[Bbox] = [
        Bbox.from_extents(x - 5, y - 5, x + 5, y + 5)
        for group in groups
        for x, y in (axes.transData.transform((p.x, p.y)) for p in group)
    ]
    legend = axes.get_legend()
    if legend is not None:
        taken.append(legend.get_window_extent())
    for point in (*named, *groups[2]):
        color = _USER if point in groups[2] else _STABLE
        _place(axes, point, latexify(point.entry.formula), color, taken)


def _place(axes: Axes, point: Point, label: str, color: str, taken: list[Bbox]) -> None:
    """Put one label at the first free offset, or at the least crowded one."""
    outward = _outward(axes, point)
    directions = _DIRECTIONS[:2] if axes.axison else _DIRECTIONS
    offsets = sorted(
        ((step, (dx * step, dy * step)) for step in _STEPS for dx, dy in directions),
        key=lambda choice: (choice[0], -_along(choice[1], outward)),
    )
    tried: list[tuple[int, int, tuple[float, float], Bbox]] = []
    for _, offset in offsets:
        text = _write(axes, point, label, color, offset)
        box = text.get_window_extent()
        text.remove()
        tried.append((sum(box.overlaps(other) for other in taken), len(tried), offset, box))
        if tried[-1][0] == 0:
            break
    _, _, offset, box = min(tried, key=lambda attempt: attempt[:2])
    leader = (
        {"arrowstyle": "-", "lw": 0.5, "color": color} if hypot(*offset) > 1.5 * _STEPS[0] else None
    )
    _write(axes, point, label, color, offset, arrowprops=leader)
    taken.append(box)


def _outward(axes: Axes, point: Point) -> tuple[float, float]:
    """Away from the middle of a triangle; downwards from a hull."""
    return (0, -1) if axes.axison else (point.x - 0.5, point.y - _HEIGHT / 3)


def _along(offset: tuple[float, float], direction: tuple[float, float]) -> float:
    """The cosine between two directions, up to a factor common to all offsets of a step."""
    return (offset[0] * direction[0] + offset[1] * direction[1]) / hypot(*offset)


def _write(
    axes: Axes, point: Point, label: str, color: str, offset: tuple[float, float], **style: Any
) -> Annotation:
    from matplotlib.patheffects import withStroke

    dx, dy = offset
    return axes.annotate(
        label,
        (point.x, point.y),
        offset,
        textcoords="offset points",
        fontsize=8.5,
        color=color,
        ha="left" if dx > 0 else "right" if dx < 0 else "center",
        va="bottom" if dy > 0 else "top" if dy < 0 else "center",
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        zorder=5,
        **style,
    )

"""What stands over and under the drawn structure: title, labels, axes, legend, scale."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.plots import DPI, figure
from llamp_mcp.structures.identity import structure_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Lattice, Structure

    from llamp_mcp.structures.pictures.colours import Colour
    from llamp_mcp.structures.pictures.layout import Layout
    from llamp_mcp.structures.pictures.view import View

    Places = Mapping[str, tuple[float, int]]

AXIS_COLOURS: Final = ((198, 40, 40), (46, 125, 50), (31, 79, 180))
"""Of a, b and c."""

SWATCH_PX: Final = 9
"""Radius of the legend's spheres at the usual width, as all lengths here."""

_INK, _GREY = "#28282e", "#5f5f6a"
_LETTER, _BOLD_LETTER = 0.6, 0.7
"""Mean width of a letter over its height."""

_SMALLEST_PX: Final = 9
_LEFT: Final = 108
"""The legend begins here, beside the axes."""

_ROW: Final = 24
_ARROW: Final = 31
_END_ON: Final = 0.08
"""Sine of the angle to the line of sight below which an axis is a dot, not an arrow."""

_BARS_A: Final = (100, 50, 20, 10, 5, 2, 1)
_BELOW: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Label(NamedTuple):
    """Text on a sphere: place and height of letters in pixels, colour of the sphere."""

    x: float
    y: float
    text: str
    px: float
    colour: Colour


def label_px(radius_px: float, text: str, layout: Layout) -> float:
    """Height of the letters of a label that fits on a sphere."""
    return min(1.6 * radius_px / (_LETTER * len(text)), 1.15 * radius_px, 16 * layout.size)


def legend_places(
    entries: Mapping[str, str], width: int, size: float
) -> dict[str, tuple[float, int]]:
    """Left end in pixels, and row, of each entry of the legend."""
    left = right = _LEFT * size
    row = 0
    places = {}
    for name, text in entries.items():
        wide = (38 + 16 * _LETTER * len(text)) * size
        if right + wide > width - 8 * size and right > left:
            right, row = left, row + 1
        places[name] = (right, row)
        right += wide
    return places


def legend_centres(places: Places, layout: Layout) -> dict[str, tuple[float, float]]:
    """Where the spheres of the legend are."""
    return {
        name: (left + SWATCH_PX * layout.size, _row_y(row, layout))
        for name, (left, row) in places.items()
    }


def _row_y(row: int, layout: Layout) -> float:
    return layout.bottom + (20 + _ROW * row) * layout.size


class Words:
    """Text and arrows on a transparent picture.

    Args:
        layout: Of the picture it goes over.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        # A tenth of a pixel more, lest the size in inches rounds to one pixel less.
        size = (layout.width + 0.1) / DPI, (layout.height + 0.1) / DPI
        self._figure, self._axes = figure(*size)
        self._figure.set_layout_engine("none")
        self._figure.patch.set_alpha(0)
        self._axes.set_position((0, 0, 1, 1))
        self._axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
        self._axes.axis("off")

    def pixels(self) -> NDArray[np.uint8]:
        """The picture with opacity, (height, width, 4)."""
        import numpy as np

        canvas = self._figure.canvas
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())  # type: ignore[attr-defined]

    def title(self, structure: Structure, view: View, repeats: Sequence[int]) -> None:
        """Formula, number of atoms, handle and view, in two lines."""
        formula = structure.composition.reduced_formula
        if "." not in formula:
            formula = formula.translate(_BELOW)
        what = "atom" if structure.is_ordered else "site"
        atoms = f"{len(structure)} {what}{'s' if len(structure) > 1 else ''} in the cell"
        cells = f", {' x '.join(map(str, repeats))} cells" if any(n > 1 for n in repeats) else ""
        self._line(22, f"{formula}   {atoms}{cells}", 19, _BOLD_LETTER, weight="bold")
        told = f"{structure_id(structure)}   {view.words}, {view.up}"
        self._line(44, told, 13.5, _LETTER, color=_GREY)

    def labels(self, labels: Iterable[Label]) -> None:
        """On the atoms: dark on light spheres, white on dark ones."""
        for label in labels:
            red, green, blue = label.colour
            ink = "#101014" if 0.299 * red + 0.587 * green + 0.114 * blue > 125 else "white"
            style = {"ha": "center", "weight": "bold", "color": ink}
            self._write((label.x, label.y), label.text, label.px, **style)

    def triad(self, view: View, lattice: Lattice) -> None:
        """Arrows along a, b, c at the lower left; a dot points at the reader, a cross away."""
        import numpy as np

        size = self._layout.size
        x, y = 50 * size, self._layout.bottom + 52 * size
        directions = view.project(lattice.matrix)
        directions = directions / np.linalg.norm(directions, axis=1)[:, None]
        free = -directions[:, :2].sum(axis=0)  # where no arrow goes
        free = 19 * size * free / max(float(np.linalg.norm(free)), 1e-9)
        for axis in np.argsort(directions[:, 2]).tolist():
            right, up, towards = directions[axis].tolist()
            colour = "#{:02x}{:02x}{:02x}".format(*AXIS_COLOURS[axis])
            flat = hypot(right, up)
            if flat < _END_ON:
                mark, thick = "o" if towards > 0 else "x", 1.4 * size
                self._axes.plot(x, y, "o", ms=9 * size, mfc="white", mec=colour, mew=thick)
                self._axes.plot(x, y, mark, ms=3.2 * size, color=colour, mew=thick)
                at = x + float(free[0]), y - float(free[1])
            else:
                self._arrow((x, y), (right * _ARROW * size, -up * _ARROW * size), colour)
                reach = (_ARROW + 10 / flat) * size
                at = x + reach * right, y - reach * up
            style = {"ha": "center", "weight": "bold", "style": "italic", "color": colour}
            self._write(at, "abc"[axis], 15 * size, **style)

    def legend(self, places: Places, entries: Mapping[str, str]) -> None:
        """Element and count beside each sphere of the legend."""
        size = self._layout.size
        for name, (left, row) in places.items():
            self._write((left + 23 * size, _row_y(row, self._layout)), entries[name], 16 * size)

    def scale(self, lattice: Lattice, places: Places) -> None:
        """The lattice constants under the legend, and a bar of so many Å."""
        size = self._layout.size
        left, y = _LEFT * size, _row_y(1 + max(row for _, row in places.values()), self._layout)
        a, b, c, alpha, beta, gamma = lattice.parameters
        told = f"a {a:.4g}  b {b:.4g}  c {c:.4g} Å    α {alpha:.4g}  β {beta:.4g}  γ {gamma:.4g}°"  # noqa: RUF001
        px = min(13 * size, (self._layout.width - left - 8) / (_LETTER * len(told)))
        self._write((left, y), told, px, color=_GREY)
        y += 22 * size
        most = 0.3 * self._layout.width
        length = next((bar for bar in _BARS_A if bar * self._layout.scale <= most), _BARS_A[-1])
        right = left + length * self._layout.scale
        self._axes.plot([left, right], [y, y], color=_INK, lw=2.2 * size)
        self._write((right + 8 * size, y), f"{length} Å", 13 * size, color=_GREY)

    def _line(self, y: float, text: str, px: float, letter: float, **style: object) -> None:
        """A line at the top, shrunk or cut to the width."""
        size = self._layout.size
        letters = (self._layout.width - 24 * size) / letter
        fitting = min(px * size, max(letters / len(text), _SMALLEST_PX))
        most = int(letters / fitting)
        told = text if len(text) <= most else text[: most - 1] + "…"
        self._write((12 * size, y * size), told, fitting, **style)

    def _write(self, at: tuple[float, float], text: str, px: float, **style: object) -> None:
        """Text at a place; `px` is the height of its letters."""
        style = {"color": _INK, "va": "center", **style}
        self._axes.text(*at, text, fontsize=px * 72 / DPI, **style)  # type: ignore[arg-type]

    def _arrow(self, at: tuple[float, float], by: tuple[float, float], colour: str) -> None:
        size = self._layout.size
        shape = {
            "arrowstyle": "-|>,head_width=0.28,head_length=0.5",
            "color": colour,
            "lw": 2 * size,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 10 * size,
        }
        self._axes.annotate("", (at[0] + by[0], at[1] + by[1]), at, arrowprops=shape)

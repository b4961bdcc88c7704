"""Lines through the Brillouin zone: names of points, where they lie, how a path is drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.spectra.kind import floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from pymatgen.core.lattice import Lattice
    from pymatgen.electronic_structure.bandstructure import BandStructureSymmLine, Kpoint
    from pymatgen.phonon.bandstructure import PhononBandStructureSymmLine

_GREEK = {"gamma": "Γ", "sigma": "Σ", "delta": "Δ", "lambda": "Λ"}
_GREEK_NAME = re.compile(r"\\?\b(gamma|sigma|delta|lambda)(?![a-z])", re.IGNORECASE)
_SUBSCRIPT = re.compile(r"_\{?([0-9]+)\}?")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_TOUCHING = 0.02
"""Ticks closer than this part of the path would print over each other."""


def label_text(label: str) -> str:
    r"""A label as a person writes it: `\Gamma` is Γ, `X_1` is X₁."""
    plain = label.strip().replace("$", "")
    plain = _GREEK_NAME.sub(lambda found: _GREEK[found[1].lower()], plain).replace("\\", "")
    return _SUBSCRIPT.sub(lambda found: found[1].translate(_SUBSCRIPTS), plain)


@dataclass(frozen=True, slots=True)
class Line:
    """A path in reciprocal space, whatever runs along it.

    Attributes:
        points: Its points in order.
        distance: Length of the path up to each point, Å⁻¹ (with 2π).
        branches: First and last index of each straight part.
        lattice: Reciprocal lattice (with 2π), Å⁻¹.
        labels: The labelled points that lie on it.
    """

    points: list[Kpoint]
    distance: list[float]
    branches: list[tuple[int, int]]
    lattice: Lattice
    labels: dict[str, Kpoint]

    def label(self, index: int) -> str:
        """The label of a point, empty where it has none."""
        return label_text(self.points[index].label or "")

    def describe(self, index: int) -> dict[str, Any]:
        """Where a point is: its label, or between which labels; and its nearest label.

        Distances count translations by reciprocal lattice vectors, not rotations.
        """
        frac = self.points[index].frac_coords
        name = self.label(index)
        found: dict[str, Any] = {"k_point": name or "unlabelled", "frac_coords": floats(frac)}
        if name or not self.labels:
            return found
        start, end = next(part for part in self.branches if part[0] <= index <= part[1])
        length = self.distance[end] - self.distance[start]
        if length and self.label(start) and self.label(end):
            part = (self.distance[index] - self.distance[start]) / length
            found["k_point"] = f"{part:.3g} of the way {self.label(start)}→{self.label(end)}"
        away = {
            label_text(name): self.gap(frac, point.frac_coords)
            for name, point in self.labels.items()
        }
        nearest = min(away, key=lambda name: away[name])
        return found | {"nearest": nearest, "nearest_distance": away[nearest]}

    def gap(self, first: Any, second: Any) -> float:
        """Distance of two points modulo reciprocal lattice vectors, Å⁻¹."""
        return float(self.lattice.get_distance_and_image(first, second)[0])

    def marks(self) -> list[dict[str, Any]]:
        """Every labelled point of the path, as JSON."""
        marks = ((i, self.label(i)) for i in range(len(self.points)))
        return [{"index": index, "label": name} for index, name in marks if name]


def line_of(made: BandStructureSymmLine | PhononBandStructureSymmLine) -> Line:
    """The path of a band structure of electrons or phonons."""
    points = made.kpoints if hasattr(made, "kpoints") else made.qpoints
    return Line(
        points=list(points),
        distance=floats(made.distance),
        branches=[(int(b["start_index"]), int(b["end_index"])) for b in made.branches],
        lattice=made.lattice_rec,
        labels=dict(made.labels_dict),
    )


def draw_lines(axes: Axes, line: Line, bands: Any, **style: Any) -> None:
    """Draw bands of shape (bands, points), part by part, so that no line bridges a jump."""
    name = style.pop("label", None)
    for start, end in line.branches:
        part = slice(start, end + 1)
        drawn = axes.plot(line.distance[part], bands[:, part].T, **style)
        if name is not None:
            drawn[0].set_label(name)
            name = None


def draw_ticks(axes: Axes, line: Line) -> None:
    """Label the path: a mark at each end of its straight parts, `X|K` where it jumps."""
    ticks = list(_ticks(line))
    total = line.distance[-1] or 1.0
    shown: list[tuple[float, str]] = []
    for place, name in ticks:
        axes.axvline(place, color="#c8c8c8", lw=0.6, zorder=0)
        if not shown or place - shown[-1][0] > _TOUCHING * total:
            shown.append((place, name))
        elif name not in shown[-1][1].split("|"):
            shown[-1] = (shown[-1][0], f"{shown[-1][1]}|{name}")
    axes.set_xticks([place for place, _ in shown], [name for _, name in shown])
    axes.set_xlim(0, total)
    axes.tick_params(axis="x", length=0)


def _ticks(line: Line) -> Iterator[tuple[float, str]]:
    before = ""
    for number, (start, end) in enumerate(line.branches):
        first, last = line.label(start) or "?", line.label(end) or "?"
        joined = first if first == before or not before else f"{before}|{first}"
        yield line.distance[start], joined
        before = last
        if number == len(line.branches) - 1:
            yield line.distance[end], last

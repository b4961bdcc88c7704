"""The picture of a structure, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from llamp_mcp.structures.pictures import words
from llamp_mcp.structures.pictures.bonds import main_symbol, radius_a
from llamp_mcp.structures.pictures.canvas import Canvas
from llamp_mcp.structures.pictures.colours import WHITE, Colour, element_colours
from llamp_mcp.structures.pictures.layout import Layout, arrange, size_at
from llamp_mcp.structures.pictures.paint import paint_atoms, paint_edges
from llamp_mcp.structures.pictures.palette import merge, png
from llamp_mcp.structures.pictures.scene import Scene, compose
from llamp_mcp.structures.pictures.view import Orientation, View, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    Floats = NDArray[np.float64]

Labels = Literal["auto", "none", "element", "index"]
DrawnLabels = Literal["none", "element", "index"]

USUAL_WIDTH: Final = 700

VACANT: Final = "vacant"
"""The legend's word for the white part of spheres."""

SPHERE_A, SPHERE_SHARE = 0.18, 0.30
"""Radius of a sphere: so many Å, and this share of the covalent radius."""

_OUTSIDE_SIZE: Final = 0.8
_LEAST_SPHERE_PX: Final = 3.0
_LEAST_LETTERS_PX: Final = 8.5
_MOST_AUTO_LABELS: Final = 100
_MOST_LABELS: Final = 400


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what there is to say about it.

    Attributes:
        png: The file.
        scene: What was drawn.
        view: From where.
        layout: Where on the picture.
        colours: Of the elements.
        counts: Atoms of each element in one cell; fractions where sites are partly occupied.
        labels: What the atoms are labelled with.
        n_labelled: How many of the atoms drawn are.
    """

    png: bytes
    scene: Scene
    view: View
    layout: Layout
    colours: dict[str, Colour]
    counts: dict[str, float]
    labels: DrawnLabels
    n_labelled: int


def picture(
    structure: Structure,
    *,
    orientation: Orientation = "standard",
    direction: Sequence[int] = (),
    labels: Labels = "auto",
    bonds: bool = True,
    repeats: Sequence[int] = (1, 1, 1),
    width_px: int = USUAL_WIDTH,
) -> Picture:
    """Draw a structure: cell, atoms as shaded spheres, sticks, axes, legend, title.

    Args:
        structure: At least one atom.
        orientation: Three-quarter view, or the axis that points at the reader.
        direction: Zone axis [u, v, w] that points at the reader, instead of `orientation`.
        labels: On the atoms: site numbers from 0, elements, nothing; auto: numbers where they fit.
        bonds: Whether to draw sticks.
        repeats: How many cells along a, b, c.
        width_px: Width of the picture, 300 to 1600; the height follows from the structure.

    Raises:
        InvalidInput: Too many atoms, or no direction to look along.
    """
    view = look(structure.lattice, orientation, direction)
    scene = compose(structure, repeats, with_bonds=bonds)
    counts = count_elements(structure)
    colours = element_colours(name for name in counts if name != VACANT)
    entries = {name: f"{name} {count:g}" for name, count in counts.items()}
    legend = words.legend_places(entries, width_px, size_at(width_px))
    centres, radii = view.project(scene.centres), _radii_a(structure, scene)
    layout = arrange(
        centres,
        radii,
        view.project(scene.edges.reshape(-1, 3)),
        width=width_px,
        legend_rows=1 + max(row for _, row in legend.values()),
        vacuum=bool(scene.vacuum),
    )
    balls = _balls(layout, centres, radii)
    canvas = Canvas(layout.width, layout.height)
    canvas.clip(0, layout.top, layout.width, layout.bottom)
    paint_atoms(canvas, structure, scene, layout, balls, colours)
    kind, labelled = _labels(labels, structure, scene, layout, canvas, balls, colours)
    paint_edges(canvas, structure, scene, view, layout)  # after the labels: a line hides none
    canvas.clip(0, 0, layout.width, layout.height)
    for name, (x, y) in words.legend_centres(legend, layout).items():
        canvas.sphere((x, y, 0), words.SWATCH_PX * layout.size, ((colours.get(name, WHITE), 1),))
    text = words.Words(layout)
    text.title(structure, view, repeats)
    text.labels(labelled)
    text.triad(view, structure.lattice)
    text.legend(legend, entries)
    text.scale(structure.lattice, legend)
    accents = (*words.AXIS_COLOURS, *colours.values())
    made = png(merge(canvas.pixels(), text.pixels()), accents)
    return Picture(made, scene, view, layout, colours, counts, kind, len(labelled))


def count_elements(structure: Structure) -> dict[str, float]:
    """Atoms of each element in one cell, in the order of the sites, and what is vacant."""
    counts: dict[str, float] = {}
    for site in structure:
        for one, share in site.species.items():
            counts[one.symbol] = counts.get(one.symbol, 0) + share
    vacant = len(structure) - sum(counts.values())
    if vacant > 1e-3:
        counts[VACANT] = vacant
    return {name: round(float(count), 4) for name, count in counts.items()}


def _radii_a(structure: Structure, scene: Scene) -> Floats:
    import numpy as np

    of_site = np.array([radius_a(site.species) for site in structure])
    radii: Floats = SPHERE_A + SPHERE_SHARE * of_site[scene.sites]
    return np.where(scene.outside, _OUTSIDE_SIZE * radii, radii)


def _balls(layout: Layout, centres: Floats, radii: Floats) -> Floats:
    """x, y, depth and radius in pixels."""
    import numpy as np

    places = np.array([layout.place(centre) for centre in centres])
    return np.column_stack([places, np.maximum(radii * layout.scale, _LEAST_SPHERE_PX)])


def _labels(
    wanted: Labels,
    structure: Structure,
    scene: Scene,
    layout: Layout,
    canvas: Canvas,
    balls: Floats,
    colours: dict[str, Colour],
) -> tuple[DrawnLabels, list[words.Label]]:
    """What kind of labels, and each of those that fit on a sphere that can be seen."""
    if wanted == "none" or (wanted == "auto" and len(balls) > _MOST_AUTO_LABELS):
        return "none", []
    kind: DrawnLabels = "element" if wanted == "element" else "index"
    labelled = []
    for at, (x, y, depth, radius) in enumerate(balls.tolist()):
        site = int(scene.sites[at])
        symbol = main_symbol(structure[site].species)
        text = symbol if kind == "element" else str(site)
        px = words.label_px(radius, text, layout)
        if scene.outside[at] or px < _LEAST_LETTERS_PX or _hidden(canvas, x, y, depth, radius):
            continue
        labelled.append(words.Label(x, y, text, px, colours[symbol]))
    return (kind, labelled[:_MOST_LABELS]) if labelled else ("none", [])


def _hidden(canvas: Canvas, x: float, y: float, depth: float, radius: float) -> bool:
    """Whether something covers the middle of a sphere, where its label would stand."""
    return any(
        canvas.in_front(x + side * radius, y, depth + (1 - side**2) ** 0.5 * radius + 1)
        for side in (-0.5, 0, 0.5)
    )

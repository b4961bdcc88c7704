"""Spheres, sticks and cell edges of a scene, put on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.structures.pictures.bonds import main_symbol
from llamp_mcp.structures.pictures.colours import WHITE, Colour

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Composition, Structure

    from llamp_mcp.structures.pictures.canvas import Canvas
    from llamp_mcp.structures.pictures.layout import Layout
    from llamp_mcp.structures.pictures.scene import Scene
    from llamp_mcp.structures.pictures.view import View

    Floats = NDArray[np.float64]

_STICK_A: Final = 0.11
_LEAST_STICK_PX: Final = 1.2
_HAZE: Final = 0.42
"""How much of its colour the farthest atom loses…"""

_HAZE_DEPTH_A: Final = 6.0
"""…where atoms are at least so far behind each other; less in a flat layer."""

_OUTSIDE_FADE: Final = 0.5
"""Atoms outside the cell, drawn to complete the neighbours of those inside, are paler."""

_INK: Final = (40, 40, 48)
_PALE: Final = (165, 165, 175)


def paint_atoms(
    canvas: Canvas,
    structure: Structure,
    scene: Scene,
    layout: Layout,
    balls: Floats,
    colours: dict[str, Colour],
) -> None:
    """Draw the atoms of a scene and the sticks between them.

    Args:
        canvas: To draw on.
        structure: Whose sites are drawn.
        scene: What to draw.
        layout: Where.
        balls: x, y, depth and radius of the spheres in pixels, (n, 4).
        colours: Of the elements.
    """
    import numpy as np

    depth = balls[:, 2]
    span = max(float(np.ptp(depth)), 1e-9)
    haze = _HAZE * min(span / layout.scale / _HAZE_DEPTH_A, 1) * (depth.max() - depth) / span
    fades = np.where(scene.outside, 1 - (1 - _OUTSIDE_FADE) * (1 - haze), haze)
    steps = ((fades * 16).round() / 16).tolist()  # few: the same sphere is painted once
    places = [(x, y, z) for x, y, z, _ in balls.tolist()]
    sites = scene.sites.tolist()
    shares = [parts(site.species, colours) for site in structure]
    for place, radius, site, step in zip(places, balls[:, 3].tolist(), sites, steps, strict=True):
        canvas.sphere(place, radius, shares[site], step)
    thick = max(_STICK_A * layout.scale, _LEAST_STICK_PX * layout.size)
    mains = [colours[main_symbol(site.species)] for site in structure]
    for one, other in scene.sticks.tolist():
        canvas.stick(
            (places[one], places[other]),
            thick,
            (mains[sites[one]], mains[sites[other]]),
            max(steps[one], steps[other]),
        )


def parts(species: Composition, colours: dict[str, Colour]) -> tuple[tuple[Colour, float], ...]:
    """The slices of a site's sphere: each element's share, and white for what is vacant."""
    shares = [(colours[str(one.symbol)], float(share)) for one, share in species.items()]
    vacant = 1 - sum(share for _, share in shares)
    return tuple(shares + ([(WHITE, vacant)] if vacant > 1e-3 else []))


def paint_edges(
    canvas: Canvas, structure: Structure, scene: Scene, view: View, layout: Layout
) -> None:
    """Draw the edges of the cells: dashed behind them, paler for all but the first cell."""
    import numpy as np

    lattice = structure.lattice
    middles = scene.edges.mean(axis=1) + 0.01 * view.rotation[2]
    frac = lattice.get_fractional_coords(middles)
    repeats = lattice.get_fractional_coords(scene.edges.reshape(-1, 3)).max(axis=0).round()
    behind = ((frac > 1e-6) & (frac < repeats - 1e-6)).all(axis=1)
    for ends, own, hidden in zip(scene.edges, scene.own_edges, behind, strict=True):
        start, stop = (layout.place(end) for end in view.project(np.asarray(ends)))
        canvas.line(
            (start, stop),
            (1.7 if own else 1.1) * layout.size,
            _INK if own else _PALE,
            dash=5 * layout.size if hidden else 0,
        )

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pymatgen.core import DummySpecies, Lattice, Structure

from llamp_mcp.structures.pictures import picture, words
from llamp_mcp.structures.pictures.colours import difference
from tests.structures.conftest import copper, salt, silicon
from tests.structures.pictures.crystals import carbon_dioxide, perovskite, pixels, slab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llamp_mcp.structures.pictures import Picture
    from llamp_mcp.structures.pictures.colours import Colour


def like(seen: NDArray[np.uint8], colour: Colour) -> NDArray[np.bool_]:
    """Where a picture shows a colour, however lit or hazy: the same hue, not white, not black."""
    own = np.array(colour, float) - min(colour)
    given = seen.astype(float) - seen.min(axis=2, keepdims=True)
    strong = given.max(axis=2) > 90
    direction = given / np.maximum(given.max(axis=2, keepdims=True), 1)
    near = np.abs(direction - own / own.max()).max(axis=2) < 0.15
    return np.asarray(near & strong)


def scene_of(made: Picture) -> NDArray[np.uint8]:
    """The part of the picture between title and legend."""
    return pixels(made.png)[made.layout.top : made.layout.bottom]


def middle(mask: NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = mask.nonzero()
    return float(columns.min() + columns.max()) / 2, float(rows.min() + rows.max()) / 2


@pytest.mark.parametrize("width", [300, 437, 700, 1601 - 1])
def test_a_picture_has_the_width_asked_for_and_a_bounded_height(width: int) -> None:
    seen = pixels(picture(perovskite(), width_px=width).png)
    assert seen.shape[1] == width
    assert 0.5 * width < seen.shape[0] < 1.6 * width


def test_the_same_structure_gives_the_same_bytes() -> None:
    assert picture(perovskite()).png == picture(perovskite()).png


@pytest.mark.parametrize("structure", [perovskite(), salt(), silicon(), slab(), carbon_dioxide()])
def test_a_picture_is_a_small_file(structure: Structure) -> None:
    assert len(picture(structure).png) < 100_000


def test_the_middle_of_the_cell_is_the_middle_between_its_corners() -> None:
    # Oracle: symmetry. Seen along c, O at (1/2, 1/2) lies in the middle of the four Cl.
    structure = Structure(Lattice.cubic(4), ["Cl", "O"], np.array([[0] * 3, [0.5] * 3]))
    made = picture(structure, orientation="c", labels="none", bonds=False)
    seen = scene_of(made)
    corners = middle(like(seen, made.colours["Cl"]))
    assert middle(like(seen, made.colours["O"])) == pytest.approx(corners, abs=1.5)


def test_distances_in_the_picture_are_those_of_the_crystal() -> None:
    # Oracle: analytic. Along c, O at (1/4, 3/8) of a 4 x 8 Å cell, upright as a to the right.
    coords = np.array([[0, 0, 0], [0.25, 0.375, 0.5]])
    structure = Structure(Lattice.orthorhombic(4, 8, 3), ["Cl", "O"], coords)
    made = picture(structure, orientation="c", labels="none", bonds=False)
    seen = scene_of(made)
    corner = like(seen, made.colours["Cl"])
    half = seen.shape[0] // 2, seen.shape[1] // 2
    left = middle(corner & (np.arange(corner.shape[1]) < half[1]))[0]
    right = middle(corner & (np.arange(corner.shape[1]) >= half[1]))[0]
    top = middle(corner & (np.arange(corner.shape[0]) < half[0])[:, None])[1]
    bottom = middle(corner & (np.arange(corner.shape[0]) >= half[0])[:, None])[1]
    assert (bottom - top) / (right - left) == pytest.approx(2, abs=0.02)
    x, y = middle(like(seen, made.colours["O"]))
    assert (x - left) / (right - left) == pytest.approx(0.25, abs=0.01)
    assert (bottom - y) / (bottom - top) == pytest.approx(0.375, abs=0.01)
    assert (right - left) / 4 == pytest.approx(made.layout.scale, rel=0.01)


@pytest.mark.parametrize("orientation", ["standard", "a", "b", "c"])
def test_every_atom_has_its_colour_at_its_place_unless_hidden(orientation: Any) -> None:
    structure = salt()
    made = picture(structure, orientation=orientation, labels="none", bonds=False)
    seen = pixels(made.png).astype(int)
    places = np.array([made.layout.place(at) for at in made.view.project(made.scene.centres)])
    front = 0
    for site, (x, y, depth) in zip(made.scene.sites, places, strict=True):
        over = np.hypot(places[:, 0] - x, places[:, 1] - y) < 70
        if (places[over, 2] > depth + 1).any():
            continue
        front += 1
        # Right below the middle: no shine, and no edge of the cell.
        colour = seen[round(y + 9), round(x + 6)]
        expected = {"Na": (2, 0, 1), "Cl": (1, 0, 2)}[structure[int(site)].species_string]
        assert colour[expected[0]] > colour[list(expected[1:])].max() - 1
    assert front >= 9


def test_the_nearer_atom_hides_the_farther_one() -> None:
    coords = [[0.5, 0.5, 0.25], [0.5, 0.5, 0.75]]
    for symbols, seen_colour in ((["O", "Cl"], "Cl"), (["Cl", "O"], "O")):
        structure = Structure(Lattice.tetragonal(4, 8), symbols, coords)
        made = picture(structure, orientation="c", labels="none", bonds=False)
        x, y, _ = made.layout.place(made.view.project(made.scene.centres)[0])
        colour = pixels(made.png)[round(y), round(x)].tolist()
        hidden = ({"O", "Cl"} - {seen_colour}).pop()
        nearness = {name: difference(made.colours[name], tuple(colour)) for name in ("O", "Cl")}
        assert nearness[seen_colour] < nearness[hidden]


def test_edges_of_the_cell_run_between_its_corners() -> None:
    structure = Structure(Lattice.monoclinic(4, 5, 6, 110), ["C"], [[0.5, 0.5, 0.5]])
    made = picture(structure, orientation="b", labels="none")
    dark = pixels(made.png).max(axis=2) < 150
    corners = [(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)]
    projected = made.view.project(structure.lattice.get_cartesian_coords(corners))
    places = [made.layout.place(at)[:2] for at in projected]
    for (x0, y0), (x1, y1) in zip(places, places[1:] + places[:1], strict=True):
        for part in (0.1, 0.5, 0.9):
            x, y = round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0))
            assert dark[y - 2 : y + 3, x - 2 : x + 3].any()


def test_every_element_is_in_the_legend_with_its_colour() -> None:
    symbols = ["La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "O"]
    coords = [[at / 10, (at % 3) / 3, (at % 2) / 2] for at in range(10)]
    structure = Structure(Lattice.cubic(12), symbols, coords)
    for width in (300, 700):
        made = picture(structure, width_px=width)
        entries = {name: f"{name} {count:g}" for name, count in made.counts.items()}
        assert list(entries) == symbols
        places = words.legend_places(entries, width, made.layout.size)
        seen = pixels(made.png)
        for name, (x, y) in words.legend_centres(places, made.layout).items():
            swatch = seen[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4].reshape(-1, 3)
            own = made.colours[name]
            assert min(difference(own, (r, g, b)) for r, g, b in swatch.tolist()) < 60, name
            right_of = seen[round(y) - 4 : round(y) + 5, round(x) + round(14 * made.layout.size) :]
            assert (right_of.max(axis=2) < 130).any(), f"no text beside {name}"


def test_the_empty_part_of_a_site_is_white_and_in_the_legend() -> None:
    structure = copper()
    structure[0] = {"Cu": 0.5, "Au": 0.2}
    made = picture(structure)
    assert made.counts == {"Cu": 3.5, "Au": 0.2, "vacant": 0.3}


@pytest.mark.parametrize("orientation", ["standard", "a", "b", "c"])
@pytest.mark.parametrize(
    "structure", [perovskite(), silicon(), salt() * (3, 1, 1), copper() * (1, 1, 4)]
)
def test_nothing_touches_the_border(structure: Structure, orientation: Any) -> None:
    for width in (300, 700):
        seen = pixels(picture(structure, orientation=orientation, width_px=width).png)
        for border in (seen[:2], seen[-2:], seen[:, :2], seen[:, -2:]):
            assert (border == 255).all()


def test_a_slab_and_a_molecule_fill_more_than_a_speck_of_the_picture() -> None:
    for structure, part in ((slab(), 0.25), (carbon_dioxide(), 0.1)):
        made = picture(structure, labels="none")
        places = np.array([made.layout.place(at) for at in made.view.project(made.scene.centres)])
        height = made.layout.bottom - made.layout.top
        assert np.ptp(places[:, 1]) > part * height
        assert made.layout.cropped


def test_only_atoms_that_can_be_seen_are_labelled() -> None:
    column = Structure(Lattice.tetragonal(3, 9), ["Cl"] * 3, [[0.5, 0.5, z / 3] for z in range(3)])
    along = picture(column, orientation="c", labels="index")
    across = picture(column, orientation="a", labels="index")
    assert (along.n_labelled, across.n_labelled) == (1, 4)
    assert picture(column, labels="none").labels == "none"
    assert picture(column, labels="element").labels == "element"


def test_labels_that_do_not_fit_are_left_out() -> None:
    assert picture(salt() * (12, 1, 1), width_px=300, labels="index").n_labelled == 0
    assert picture(salt() * (2, 2, 2)).labels == "none"


@pytest.mark.parametrize(
    "structure",
    [
        Structure(Lattice.cubic(4), [DummySpecies("X", 0), "O"], np.array([[0] * 3, [0.5] * 3])),
        Structure(Lattice.cubic(8), ["D", "H", "O"], np.diag([0.1, 0.1, 0])),
        Structure(Lattice([[4, 0, 0], [0, 5, 0], [0, 0, -6]]), ["Fe2+"], [[0.1, 0.2, 0.3]]),
        Structure(Lattice.cubic(30), ["Cs"], [[0.02, 0.99, 0.5]]),
        Structure(Lattice.cubic(0.9), ["H"], [[0, 0, 0]]),
        Structure(Lattice.orthorhombic(300, 3, 3), ["C"], [[0, 0, 0]]),
    ],
)
def test_odd_structures_can_be_drawn(structure: Structure) -> None:
    for orientation in ("standard", "a", "b", "c"):
        made = picture(structure, orientation=orientation)
        assert (scene_of(made) < 200).any()

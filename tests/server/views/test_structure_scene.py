"""The view draws what our pictures draw: its scenes against those of `structures/pictures`."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure

import llamp_mcp.server.views as views
from llamp_mcp.structures.pictures.bonds import find_bonds
from llamp_mcp.structures.pictures.geometry import geometry
from llamp_mcp.structures.pictures.scene import compose
from llamp_mcp.structures.pictures.view import look
from tests.node import tools

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(views.__file__).parent
SCRIPT = Path(__file__).with_name("scenes.mjs")
REPEATS = [(1, 1, 1), (2, 1, 3)]


def silicon() -> Structure:
    return Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.43), ["Si"], [[0, 0, 0]])


def diamond_cell() -> Structure:
    """Two atoms off the faces, whose neighbours lie beyond them."""
    lattice = Lattice.rhombohedral(3.84, 60)
    return Structure(lattice, ["Si", "Si"], [[0.2, 0.2, 0.2], [0.45, 0.45, 0.45]])


def rock_salt() -> Structure:
    sites = list(np.array([[0, 0, 0], [0.5, 0, 0]]))
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], sites)


def copper() -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.61), ["Cu"], [[0, 0, 0]])


def perovskite() -> Structure:
    sites = list(np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]))
    return Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.9), ["Sr", "Ti", "O"], sites)


def dry_ice() -> Structure:
    """Molecules that lie across the faces of the cell."""
    sites = list(np.array([[0, 0, 0], [0.119, 0.119, 0.119]]))
    return Structure.from_spacegroup("Pa-3", Lattice.cubic(5.62), ["C", "O"], sites)


def skewed() -> Structure:
    lattice = Lattice.from_parameters(4.1, 5.2, 6.3, 71, 83, 104)
    places = np.random.default_rng(3).random((9, 3)) * 3 - 1
    return Structure(lattice, ["Si", "O", "H"] * 3, places)


def one_atom() -> Structure:
    """Smaller than the distances looked at: many images of the same pair."""
    return Structure(Lattice.rhombohedral(2.4, 58), ["C"], [[0.3, -0.2, 5.1]])


def alloy() -> Structure:
    species = [{"Cu": 0.5, "Au": 0.3}, {"Si": 0.5}, {"Ge": 0.5}]
    places = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.6]])
    return Structure(Lattice.cubic(3.7), species, places)


def slab() -> Structure:
    """Across the lower face of its cell, with vacuum."""
    made = silicon() * [1, 1, 2]
    lattice = Lattice.from_parameters(5.43, 5.43, 40, 90, 90, 90)
    cart = made.cart_coords - [0, 0, 3]
    return Structure(lattice, made.species, cart, coords_are_cartesian=True)


def molecule() -> Structure:
    places = np.array([[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    return Structure(Lattice.cubic(20), ["O", "H", "H"], places, coords_are_cartesian=True)


CRYSTALS = [
    silicon,
    diamond_cell,
    rock_salt,
    copper,
    perovskite,
    dry_ice,
    skewed,
    one_atom,
    alloy,
    slab,
    molecule,
]


@pytest.fixture(scope="module")
def scenes() -> Callable[..., list[dict[str, Any]]]:
    """The scenes that the view makes of structures."""

    def scenes(*given: dict[str, Any]) -> list[dict[str, Any]]:
        finished = tools.run_command(
            (str(tools.NODE), str(SCRIPT), str(FOLDER)), given=json.dumps(given)
        )
        assert not finished.code, finished.err
        made: list[dict[str, Any]] = json.loads(finished.out)
        return made

    return scenes


@pytest.fixture(scope="module")
def drawn(scenes: Any) -> dict[tuple[str, tuple[int, ...]], dict[str, Any]]:
    """Those of every crystal by its name and how often it is repeated, made in one process."""
    wanted = list(product(CRYSTALS, REPEATS))
    given = [{"data": geometry(make()), "repeats": repeats} for make, repeats in wanted]
    keys = [(make.__name__, repeats) for make, repeats in wanted]
    return dict(zip(keys, scenes(*given), strict=True))


@pytest.mark.parametrize("repeats", REPEATS)
@pytest.mark.parametrize("make", CRYSTALS)
def test_the_view_draws_the_atoms_and_sticks_of_the_picture(
    drawn: Any, make: Callable[[], Structure], repeats: tuple[int, int, int]
) -> None:
    structure, made = make(), drawn[make.__name__, repeats]
    scene = compose(structure, repeats, with_bonds=True)

    ours = np.array(made["places"]).reshape(-1, 3)
    assert len(ours) == len(scene.centres)
    assert made["inside"] == int((~scene.outside).sum())
    assert _rounded(ours) == _rounded(scene.centres)
    assert _ends(ours, made["sticks"]) == _ends(scene.centres, scene.sticks)
    assert made["crowded"].keys() == find_bonds(structure).crowded.keys()
    assert made["edges"] == len(scene.edges)


def _rounded(places: Any) -> list[tuple[float, ...]]:
    return sorted(_keys(places))


def _ends(places: Any, sticks: Any) -> list[tuple[tuple[float, ...], ...]]:
    near = _keys(places)
    return sorted(tuple(sorted((near[one], near[other]))) for one, other in sticks)


def _keys(places: Any) -> list[tuple[float, ...]]:
    """Places to 0.01 Å, shifted away from where rounding could go either way."""
    return [tuple(place) for place in (np.asarray(places) + 0.00137).round(2).tolist()]


def test_these_crystals_show_every_part_of_the_rule(drawn: Any) -> None:
    assert drawn["silicon", (1, 1, 1)]["sticks"]
    assert not drawn["copper", (1, 1, 1)]["sticks"], "metals in close packing"
    assert drawn["perovskite", (1, 1, 1)]["crowded"]
    assert any(len(made["atoms"]) > made["inside"] for made in drawn.values())


@pytest.mark.parametrize("make", [silicon, skewed, slab])
def test_the_view_looks_at_the_cell_as_the_picture_does(
    drawn: Any, make: Callable[[], Structure]
) -> None:
    lattice, made = make().lattice, drawn[make.__name__, (1, 1, 1)]
    assert np.allclose(made["view"], look(lattice, "standard").rotation)
    assert np.allclose(made["along"], look(lattice, "standard", [1, 1, 0]).rotation)


def test_distances_angles_and_dihedrals_are_those_of_pymatgen(scenes: Any) -> None:
    structure = skewed()
    points = structure.cart_coords[:4].tolist()
    data = geometry(structure)
    (made,) = scenes({"data": data, "repeats": [1, 1, 1], "points": points})
    chain = Molecule(["C"] * 4, points)

    assert made["measures"]["angle"] == pytest.approx(chain.get_angle(0, 1, 2), abs=1e-6)
    assert abs(made["measures"]["dihedral"]) == pytest.approx(
        abs(chain.get_dihedral(0, 1, 2, 3)), abs=1e-6
    )
    assert made["measures"]["nearest"] == pytest.approx(structure.get_distance(0, 1), abs=1e-4)


def test_the_sign_of_a_dihedral_follows_iupac(scenes: Any) -> None:
    """Looking along 2-3, a clockwise turn from 1 to 4 is positive."""
    points = [[0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1]]
    (made,) = scenes({"data": geometry(silicon()), "repeats": [1, 1, 1], "points": points})
    assert made["measures"]["dihedral"] == pytest.approx(-90)

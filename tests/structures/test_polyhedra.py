from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.core.local_env import LocalStructOrderParams

from llamp_mcp.structures.polyhedra import polyhedra, polyhedron
from llamp_mcp.structures.shells import coordination
from tests.structures.conftest import copper, salt, silicon

HALF, THIRD = 3**0.5 / 2, 1 / 3**0.5


def ring(count: int, height: float = 0.0, turn: float = 0.0) -> list[list[float]]:
    """Corners of a regular polygon about z, radius 1."""
    angles = 2 * np.pi * (np.arange(count) + turn) / count
    return [[np.cos(angle), np.sin(angle), height] for angle in angles]


POLES = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
# Vertices by elementary geometry.
SHAPES: dict[str, list[list[float]]] = {
    "linear": POLES,
    "trigonal_planar": ring(3),
    "trigonal_pyramidal": ring(3, 0.5),
    "t_shaped": [*POLES, [1, 0, 0]],
    "tetrahedral": [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]],
    "square_planar": ring(4),
    "see_saw": [*POLES, *ring(3)[:2]],
    "trigonal_bipyramidal": [*POLES, *ring(3)],
    "square_pyramidal": [POLES[0], *ring(4)],
    "pentagonal_planar": ring(5),
    "octahedral": [*POLES, *ring(4)],
    "trigonal_prismatic": [*ring(3, HALF * 0.9), *ring(3, -HALF * 0.9)],
    "hexagonal": ring(6),
    "pentagonal_pyramidal": [POLES[0], *ring(5)],
    "pentagonal_bipyramidal": [*POLES, *ring(5)],
    "cubic": [*ring(4, 0.5**0.5), *ring(4, -(0.5**0.5))],
    "square_antiprismatic": [*ring(4, 0.6), *ring(4, -0.6, 0.5)],
    "hexagonal_bipyramidal": [*POLES, *ring(6)],
    "tricapped_trigonal_prismatic": [*ring(3, 0.866), *ring(3, -0.866), *ring(3, 0, 0.5)],
    "icosahedral": [*POLES, *ring(5, 0.5), *ring(5, -0.5, 0.5)],
}
CAP = [[x * THIRD, y * THIRD, (2 / 3) ** 0.5] for x, y, _ in ring(3, 0, 0.25)]
SHAPES["anticuboctahedral"] = [*ring(6), *CAP, *([x, y, -z] for x, y, z in CAP)]
SHAPES["cuboctahedral"] = [*ring(6), *CAP, *([-x, -y, -z] for x, y, z in CAP)]

ORDER_PARAMETERS = {
    "trigonal_planar": "tri_plan_max",
    "tetrahedral": "tet_max",
    "square_planar": "sq_plan_max",
    "trigonal_bipyramidal": "tri_bipyr",
    "square_pyramidal": "sq_pyr",
    "pentagonal_planar": "pent_plan_max",
    "octahedral": "oct_max",
    "pentagonal_pyramidal": "pent_pyr",
    "pentagonal_bipyramidal": "pent_bipyr",
    "hexagonal_bipyramidal": "hex_bipyr",
    "cubic": "bcc",
}
"""Local structure order parameters of Zimmermann and Jain (doi 10.1039/C9RA07755C) in pymatgen."""


def turned(seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]


@pytest.mark.parametrize("name", SHAPES)
@given(st.integers(0, 999), st.floats(1, 4))
def test_a_shape_is_named_however_turned_sized_and_slightly_bent(
    name: str, seed: int, size: float
) -> None:
    vectors = np.array(SHAPES[name])
    noise = np.random.default_rng(seed).normal(scale=0.03, size=vectors.shape)
    assert polyhedron(size * (vectors + noise) @ turned(seed)) == name


@pytest.mark.parametrize("name", ORDER_PARAMETERS)
def test_the_name_is_that_of_the_largest_order_parameter(name: str) -> None:
    alike = [other for other in ORDER_PARAMETERS if len(SHAPES[other]) == len(SHAPES[name])]
    rng = np.random.default_rng(7)
    for _ in range(5):
        vectors = np.array(SHAPES[name]) + rng.normal(scale=0.04, size=(len(SHAPES[name]), 3))
        around = Structure(
            Lattice.cubic(40),
            ["Si"] + ["O"] * len(vectors),
            [[20, 20, 20], *(20 + 2 * vectors)],
            coords_are_cartesian=True,
        )
        measure = LocalStructOrderParams([ORDER_PARAMETERS[other] for other in alike])
        values = measure.get_order_parameters(around, 0, list(range(1, len(around))))
        assert alike[int(np.argmax(values))] == name == polyhedron(vectors)


def crystals() -> dict[str, tuple[Structure, int, str]]:
    """Textbook structures: a site and its polyhedron (International Tables, Wells)."""
    hexagonal = Lattice.hexagonal
    return {
        "Cu in fcc": (copper(), 0, "cuboctahedral"),
        "Mg in hcp": (
            Structure(
                hexagonal(3.21, 3.21 * (8 / 3) ** 0.5),
                ["Mg", "Mg"],
                [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]],
            ),
            0,
            "anticuboctahedral",
        ),
        "Na in NaCl": (salt(), 0, "octahedral"),
        "Si in diamond": (silicon(), 0, "tetrahedral"),
        "Cs in CsCl": (
            Structure(Lattice.cubic(4.12), ["Cs", "Cl"], [[0.0] * 3, [0.5] * 3]),
            0,
            "cubic",
        ),
        "C in graphene": (
            Structure(hexagonal(2.46, 15), ["C", "C"], [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0]]),
            0,
            "trigonal_planar",
        ),
        "Mo in MoS2": (
            Structure(
                hexagonal(3.16, 15),
                ["Mo", "S", "S"],
                [[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.604], [2 / 3, 1 / 3, 0.396]],
            ),
            0,
            "trigonal_prismatic",
        ),
        "Pd in PdO": (
            Structure(
                Lattice.tetragonal(3.04, 5.34),
                ["Pd", "Pd", "O", "O"],
                [[0, 0.5, 0], [0.5, 0, 0.5], [0, 0, 0.25], [0, 0, 0.75]],
            ),
            0,
            "square_planar",
        ),
        "O in ReO3": (
            Structure(
                Lattice.cubic(3.75),
                ["Re", "O", "O", "O"],
                [[0.0] * 3, [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
            ),
            1,
            "linear",
        ),
        "Sr in SrTiO3": (
            Structure(
                Lattice.cubic(3.905),
                ["Sr", "Ti", "O", "O", "O"],
                [[0.0] * 3, [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
            ),
            0,
            "cuboctahedral",
        ),
    }


@pytest.mark.parametrize("case", crystals())
def test_textbook_polyhedra_are_reported_with_their_coordination(case: str) -> None:
    structure, site, name = crystals()[case]
    assert coordination(structure, site)["polyhedron"] == name


def test_many_shells_are_named_as_each_alone() -> None:
    rng = np.random.default_rng(1)
    shells = rng.normal(size=(50, 6, 3))
    shells[:10] = np.array(SHAPES["octahedral"]) + 0.1 * shells[:10]
    assert polyhedra(shells) == [polyhedron(shell) for shell in shells]


def test_what_fits_nothing_is_irregular_and_what_has_no_shape_is_none() -> None:
    assert polyhedron(np.array([[1, 0, 0], [1, 0.3, 0], [1, 0, 0.3], [1, 0.3, 0.3]])) == "irregular"
    assert polyhedron(np.array([[1.0, 0, 0]])) is None
    assert polyhedron(np.random.default_rng(0).normal(size=(14, 3))) is None

"""Crystals to analyse, and the call of one block."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import spglib
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.analysis import BLOCKS
from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

spglib.error.OLD_ERROR_HANDLING = False  # else it warns at every call

LATTICES: Final = {
    2: Lattice.from_parameters(9, 10, 11, 82, 95, 104),
    15: Lattice.monoclinic(9, 10, 11, 104),
    74: Lattice.orthorhombic(9, 10, 11.3),
    142: Lattice.tetragonal(10, 12.7),
    194: Lattice.hexagonal(11, 13.1),
    230: Lattice.cubic(12),
}
"""By the last space group number that they suit, in the first setting spglib lists."""


def told(name: str, structure: Structure, **arguments: Any) -> dict[str, Any]:
    """One block of the analysis."""
    params = AnalyzeStructureParams(structure_id="s-" + "0" * 16, **arguments)
    return BLOCKS[name](structure, params)


@cache
def hall_numbers() -> dict[int, int]:
    """The first Hall number of each space group."""
    first: dict[int, int] = {}
    for hall in range(1, 531):
        first.setdefault(spglib.get_spacegroup_type(hall).number, hall)
    return first


def orbit(number: int, position: np.ndarray) -> np.ndarray:
    """All positions that a space group makes of one, fractions in [0, 1)."""
    operations = spglib.get_symmetry_from_database(hall_numbers()[number])
    images = operations["rotations"] @ position + operations["translations"]
    apart = np.abs((images[:, None] - images[None] + 0.5) % 1 - 0.5).max(axis=2)
    first = [at for at, row in enumerate(apart) if not (row[:at] < 1e-6).any()]
    inside: np.ndarray = np.mod(images[first], 1)
    return inside


def crystal_of(number: int) -> Structure:
    """A crystal of a space group: two general positions at random, a third atom at the origin."""
    lattice = next(lattice for last, lattice in LATTICES.items() if number <= last)
    random = np.random.default_rng(number)
    while True:
        positions = {"Fe": random.random(3), "O": random.random(3), "Si": np.zeros(3)}
        species, coords = [], []
        for name, position in positions.items():
            images = orbit(number, position)
            species += [name] * len(images)
            coords += images.tolist()
        made = Structure(lattice, species, coords)
        distances = made.distance_matrix + np.eye(len(made))
        if distances.min() > 0.2:
            return made


@cache
def _perovskite() -> Structure:
    coords = [[0.0] * 3, [0.5] * 3, [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    return Structure(Lattice.cubic(3.905), ["Sr", "Ti", "O", "O", "O"], coords)


def perovskite() -> Structure:
    """Cubic SrTiO3."""
    return _perovskite().copy()


def iron() -> Structure:
    """The cubic cell of bcc iron."""
    return Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0.0] * 3, [0.5] * 3])


def molybdenite() -> Structure:
    """2H-MoS2."""
    one, other = (1 / 3, 2 / 3), (2 / 3, 1 / 3)
    coords = [(*one, 0.25), (*other, 0.75)]
    coords += [(*one, 0.621), (*other, 0.121), (*one, 0.879), (*other, 0.379)]
    return Structure(Lattice.hexagonal(3.16, 12.3), ["Mo"] * 2 + ["S"] * 4, coords)


def alloy(first: float) -> Structure:
    """Disordered fcc Cu-Au with that share of copper."""
    coords = [[0.0] * 3, [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    return Structure(Lattice.cubic(3.7), [{"Cu": first, "Au": 1 - first}] * 4, coords)

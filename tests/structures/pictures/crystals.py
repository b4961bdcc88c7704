"""Crystals to draw."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib.image
import numpy as np
from ase.build import molecule
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

if TYPE_CHECKING:
    from numpy.typing import NDArray


def perovskite() -> Structure:
    """SrTiO3 with Ti in the middle."""
    coords = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]) / 2
    return Structure(Lattice.cubic(3.905), ["Sr", "Ti", "O", "O", "O"], coords)


def carbon_dioxide(*, at: tuple[float, float, float] = (0.5, 0.5, 0.5)) -> Structure:
    """One molecule in a box of 12 Å, its carbon at these fractional coordinates."""
    atoms = molecule("CO2", cell=[12, 12, 12], pbc=True)
    atoms.positions += np.array(at) * 12 - atoms.positions[0]
    atoms.wrap()
    return AseAtomsAdaptor.get_structure(atoms)


def slab(*, shift: float = 0.0) -> Structure:
    """Four layers of copper and vacuum along c."""
    heights = (np.array([0.1, 0.17, 0.24, 0.31]) + shift) % 1
    coords = [[0.5 * (at % 2), 0.5 * (at % 2), z] for at, z in enumerate(heights)]
    return Structure(Lattice.orthorhombic(2.55, 2.55, 26), ["Cu"] * 4, coords)


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Red, green, blue of a PNG, (height, width, 3)."""
    read = np.asarray(matplotlib.image.imread(BytesIO(png)))
    return (255 * read[..., :3]).round().astype(np.uint8)

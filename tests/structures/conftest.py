"""Crystals to test with, and random ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.settings import Settings
from llamp_mcp.structures.edits.apply import Step, apply_edits, parse_edits
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from pathlib import Path

hypothesis_settings.register_profile("structures", max_examples=15, deadline=None)
hypothesis_settings.load_profile("structures")

SILICON_A = 5.4437023729394527
"""Å, of mp-149 in the Materials Project, where the S7 distances of 2.357 and 2.722 Å come from."""


def silicon(*, conventional: bool = False) -> Structure:
    """Diamond silicon; the primitive cell has its atoms at 1/8 and 7/8, like mp-149."""
    if conventional:
        return crystal("Fd-3m:2", SILICON_A, Si=0.125)
    half = SILICON_A / 2
    lattice = Lattice([[0, half, half], [half, 0, half], [half, half, 0]])
    return Structure(lattice, ["Si", "Si"], [[0.125] * 3, [0.875] * 3])


def copper() -> Structure:
    """The cubic cell of fcc copper."""
    return crystal("Fm-3m", 3.615, Cu=0.0)


def salt() -> Structure:
    """The cubic cell of NaCl."""
    return crystal("Fm-3m", 5.64, Na=0.0, Cl=0.5)


def crystal(group: str, a: float, **diagonals: float) -> Structure:
    """A cubic crystal with each species at (x, x, x)."""
    return _crystal(group, a, tuple(diagonals.items())).copy()


@cache
def _crystal(group: str, a: float, diagonals: tuple[tuple[str, float], ...]) -> Structure:
    # pymatgen takes a second to expand a cubic space group.
    species = [name for name, _ in diagonals]
    coords = [[x] * 3 for _, x in diagonals]
    return Structure.from_spacegroup(group, Lattice.cubic(a), species, coords)


def edit(
    structure: Structure, *edits: dict[str, Any], others: dict[str, Structure] | None = None
) -> list[Step]:
    """The steps of edits given as a client gives them; `others` are known by their handles."""
    return apply_edits(structure, parse_edits(edits), (others or {}).__getitem__)


@st.composite
def crystals(draw: st.DrawFn, charged: bool = False) -> Structure:
    """Random triclinic crystals of one to six atoms, at least about 0.7 Å apart."""
    lengths = [draw(st.floats(3, 8)) for _ in range(3)]
    angles = [draw(st.floats(65, 115)) for _ in range(3)]
    lattice = Lattice.from_parameters(*lengths, *angles)
    species = ["Li+", "Fe3+", "O2-"] if charged else ["Li", "Fe", "O", "Si"]
    cells = st.tuples(*[st.integers(0, 2)] * 3)
    slots = draw(st.lists(cells, min_size=1, max_size=6, unique=True))
    jitter = st.floats(0, 0.1)
    coords = [[(at + draw(jitter)) / 3 for at in slot] for slot in slots]
    return Structure(lattice, [draw(st.sampled_from(species)) for _ in slots], coords)


BRAVAIS = {
    # Each lattice by pymatgen's constructor for its system, and the centring of its cell.
    "triclinic P": ("abc alpha beta gamma", "P"),
    "monoclinic P": ("abc beta", "P"),
    "monoclinic C": ("abc beta", "C"),
    "orthorhombic P": ("abc", "P"),
    "orthorhombic C": ("abc", "C"),
    "orthorhombic I": ("abc", "I"),
    "orthorhombic F": ("abc", "F"),
    "tetragonal P": ("ac", "P"),
    "tetragonal I": ("ac", "I"),
    "rhombohedral R": ("a alpha", "P"),
    "hexagonal P": ("ac", "P"),
    "cubic P": ("a", "P"),
    "cubic I": ("a", "I"),
    "cubic F": ("a", "F"),
}

CENTRINGS = {
    "P": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "C": [[0.5, -0.5, 0], [0.5, 0.5, 0], [0, 0, 1]],
    "I": [[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]],
    "F": [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
}
"""Rows: primitive vectors in those of the conventional cell."""


@st.composite
def lattices(draw: st.DrawFn, kind: str) -> Lattice:
    """The primitive cell of one of the 14 Bravais lattices, with vectors of some 3 to 9 Å.

    Lengths are multiples of 0.1 Å and angles whole degrees, so that whether two are equal does not
    depend on a tolerance.
    """
    system = kind.split()[0]
    names, centring = BRAVAIS[kind]
    lengths = st.integers(35, 80) if centring == "P" else st.integers(55, 90)
    angles = st.integers(68, 112)
    letters, *angle_names = names.split()
    parameters = [draw(lengths) / 10 for _ in letters] + [float(draw(angles)) for _ in angle_names]
    make = Lattice.from_parameters if system == "triclinic" else getattr(Lattice, system)
    return Lattice(np.array(CENTRINGS[centring]) @ make(*parameters).matrix)


@st.composite
def bravais_crystals(
    draw: st.DrawFn, *, charged: bool = False, magnetic: bool = False, most: int = 8
) -> Structure:
    """Random crystals of all 14 Bravais lattices, 1 to 8 atoms, at least about 0.7 Å apart.

    Args:
        draw: Of hypothesis.
        charged: Species are ions.
        magnetic: Sites have moments.
        most: Atoms at most.
    """
    lattice = draw(lattices(draw(st.sampled_from(sorted(BRAVAIS)))))
    species = ["Li+", "Fe3+", "O2-"] if charged else ["Li", "Fe", "O", "Si"]
    cells = st.tuples(*[st.integers(0, 2)] * 3)
    slots = draw(st.lists(cells, min_size=1, max_size=most, unique=True))
    # Steps of 0.02 of a third of an edge are more than the tolerance of symmetry, or nothing.
    jitter = st.integers(0, 5) if draw(st.booleans()) else st.just(0)
    coords = [[(at + draw(jitter) / 50) / 3 for at in slot] for slot in slots]
    made = Structure(lattice, [draw(st.sampled_from(species)) for _ in slots], coords)
    if magnetic:
        made.add_site_property("magmom", [float(draw(st.integers(-5, 5))) for _ in slots])
    return made


@pytest.fixture
def store(tmp_path: Path) -> StructureStore:
    return StructureStore(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path)
    made.open_home()
    return made

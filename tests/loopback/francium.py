"""The made-up compounds of the loopback API: francium halides, ids from mp-3340101 on.

No number here says anything about a real material. One id is of the newer kind, in letters.
"""

from __future__ import annotations

import json
from typing import Any

from pymatgen.core import Lattice, Structure

from tests.loopback.documents import Json, about

FRI, FRBR = "mp-3340101", "mp-aahoyqgk"
LIFRI = "mp-3340103"
GNOME, DEPRECATED, LIFEPO4 = "mp-3340201", "mp-3340202", "mp-3340203"
PHONON_TASK, BANDS_TASK, DOS_TASK, STATIC_TASK = (
    "mp-91000101",
    "mp-91000102",
    "mp-91000103",
    "mp-91000104",
)
"""Calculations of FrI: their numbers are not the material's, as in the Project."""


def rock_salt(cation: str, anion: str, a: float) -> Structure:
    """A rock-salt structure in its primitive cell; `a` in Å."""
    half = a / 2
    lattice = Lattice([[0, half, half], [half, 0, half], [half, half, 0]])
    corner, centre = [0.0, 0.0, 0.0], [0.5, 0.5, 0.5]
    return Structure(lattice, [cation, anion], [corner, centre])


def plain(thing: Any) -> Json:
    """An object of pymatgen as JSON has it."""
    written: Json = json.loads(json.dumps(thing.as_dict(), default=lambda o: o.tolist()))
    return written


EFERMI = 0.5
"""In the gap: pymatgen counts a state as occupied when it lies below."""

STRUCTURES = {FRI: rock_salt("Fr", "I", 7.4), FRBR: rock_salt("Fr", "Br", 6.9)}
SYMMETRY = {
    "crystal_system": "Cubic",
    "symbol": "Fm-3m",
    "number": 225,
    "point_group": "m-3m",
    "symprec": 0.1,
    "angle_tolerance": 5.0,
    "version": "2.8.0",
}


def base(material_id: str, composition: Json, **more: Any) -> Json:
    structure = STRUCTURES.get(material_id)
    shape: Json = {
        "nsites": len(structure),
        "volume": structure.volume,
        "density": float(structure.density),
        "density_atomic": structure.volume / len(structure),
        "symmetry": SYMMETRY,
    } if structure else {}  # fmt: skip
    return {**about(material_id, composition), **shape, **more}


def fri(**more: Any) -> Json:
    return base(FRI, {"Fr": 1, "I": 1}, **more)


def diagonal(value: float) -> list[list[float]]:
    return [[value if i == j else 0.0 for j in range(3)] for i in range(3)]

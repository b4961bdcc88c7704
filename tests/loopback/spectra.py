"""Band structures and densities of states as the Project keeps them: Delta tables in a bucket.

Made-up curves of FrI, two bands with a gap of 2.5 eV at Γ. The columns are those of emmet-core's
`ElectronicBS`, `ElectronicDos`, `PhononBS` and `PhononDOS`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
from deltalake import write_deltalake

from tests.loopback.documents import alpha
from tests.loopback.francium import BANDS_TASK, DOS_TASK, EFERMI, FRI, PHONON_TASK, STRUCTURES

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "materialsproject-parsed"
PATH = "setyawan_curtarolo"
LABELS = {"\\Gamma": [0.0, 0.0, 0.0], "X": [0.5, 0.0, 0.5], "L": [0.5, 0.5, 0.5]}
CORNERS = ("L", "\\Gamma", "X")
POINTS = 11
"""k-points of each of the two branches."""


def k_path() -> list[list[float]]:
    """Fractional k-points of the branches L-Γ and Γ-X; Γ is there twice."""
    points = []
    for start, end in pairwise(CORNERS):
        first, last = LABELS[start], LABELS[end]
        for step in range(POINTS):
            share = step / (POINTS - 1)
            points.append([a + share * (b - a) for a, b in zip(first, last, strict=True)])
    return points


def bands() -> list[list[float]]:
    """Energies in eV: a valence band with its top at 0 eV, a conduction band from 2.5 eV up."""
    distance = [math.dist(point, (0, 0, 0)) for point in k_path()]
    return [[-(d**2) for d in distance], [2.5 + d**2 for d in distance]]


def write(directory: Path) -> None:
    """Write the tables below a directory, as they lie in the bucket."""
    root = directory / BUCKET
    structure = _structure()
    reciprocal = STRUCTURES[FRI].lattice.reciprocal_lattice.matrix.tolist()
    line = {
        "path_convention": PATH,
        "kpath": None,
        "qpoints": k_path(),
        "reciprocal_lattice": reciprocal,
        "structure": structure,
    }
    electronic = root / "core" / "electronic-structure"
    _table(
        electronic / "bandstructures",
        {
            **line,
            "identifier": alpha(BANDS_TASK, prefix=False),
            "run_type": "GGA",
            "efermi": EFERMI,
            "band_gap": 2.5,
            "is_direct": True,
            "spin_up_bands": bands(),
            "spin_down_bands": None,
        },
    )
    energies = [-4.0 + 0.1 * step for step in range(101)]
    _table(
        electronic / "total-dos",
        {
            "identifier": alpha(DOS_TASK, prefix=False),
            "run_type": "GGA",
            "structure": structure,
            "efermi": EFERMI,
            "energies": energies,
            "spin_up_densities": [1.0 if e <= 0 or e >= 2.5 else 0.0 for e in energies],
            "spin_down_densities": None,
        },
    )
    _phonons(root / "phonon" / "electronic-structure", line)


def _phonons(root: Path, line: dict[str, Any]) -> None:
    distance = [math.dist(point, (0, 0, 0)) for point in k_path()]
    modes = [[0.5 * (branch + 1) * d for d in distance] for branch in range(3)]
    modes += [[3.0 + 0.25 * branch for _ in distance] for branch in range(3)]
    key = {"identifier": alpha(PHONON_TASK, prefix=False), "phonon_method": "dfpt"}
    bandstructure = {
        **line,
        "identifier": key["identifier"],
        "run_type": "GGA",
        "has_nac": False,
        "frequencies": modes,
        "eigendisplacements": None,
    }
    _table(
        root / "bandstructures", {**key, "path_convention": PATH, "bandstructure": bandstructure}
    )
    frequencies = [0.1 * step for step in range(41)]
    dos = {
        "identifier": key["identifier"],
        "run_type": "GGA",
        "structure": line["structure"],
        "frequencies": frequencies,
        "densities": [f**2 for f in frequencies],
        "projected_densities": None,
    }
    _table(root / "dos", {**key, "dos": dos})


def _structure() -> dict[str, Any]:
    """The structure of FrI without empty parts, which Parquet cannot hold."""
    structure = STRUCTURES[FRI]
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0.0,
        "lattice": {"matrix": structure.lattice.matrix.tolist(), "pbc": [True, True, True]},
        "sites": [
            {
                "species": [{"element": site.specie.symbol, "occu": 1.0}],
                "abc": site.frac_coords.tolist(),
                "label": site.label,
            }
            for site in structure
        ],
    }


_VECTOR = pa.list_(pa.float64())
_MATRIX = pa.list_(_VECTOR)
_TYPES = {
    "labels_dict": pa.map_(pa.string(), _VECTOR),
    "kpath": pa.list_(pa.string()),
    "spin_down_bands": _MATRIX,
    "spin_down_densities": _VECTOR,
    "projected_densities": _MATRIX,
    "eigendisplacements": _MATRIX,
}
"""What arrow cannot tell from the one row there is."""


def _table(path: Path, row: dict[str, Any]) -> None:
    if "qpoints" in row:
        row = {**row, "labels_dict": LABELS}
    path.mkdir(parents=True)
    write_deltalake(str(path), pa.table({name: _column(name, row[name]) for name in row}))


def _column(name: str, value: Any) -> pa.Array:
    if name == "bandstructure":
        value = {**value, "labels_dict": LABELS}
    return pa.array([value], type=_type(name, value))


def _type(name: str, value: Any) -> pa.DataType:
    if name in _TYPES:
        return _TYPES[name]
    if isinstance(value, dict):
        return pa.struct([(key, _type(key, item)) for key, item in value.items()])
    return pa.array([value]).type

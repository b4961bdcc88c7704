"""Rebuild the table of Wyckoff positions with moyo.

    python scripts/build_wyckoff.py [--out llamp_mcp/structures/prototypes/wyckoff.json]

moyo (MIT or Apache-2.0) knows the positions of every setting, but tells only those of the sites of
a structure. So each space group is given two general orbits, which leave it no more symmetry, and
a third one of a trial point; trial points are taken from a grid, its lines and its planes until as
many letters are known as pymatgen counts. One line per setting: Hall number, and for each position
its multiplicity, letter and first representative.
"""

from __future__ import annotations

import argparse
import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import spglib
from moyopy import Cell, MoyoDataset
from moyopy import Setting as MoyoSetting
from pymatgen.analysis.prototypes import WYCKOFF_MULTIPLICITY_DICT

from llamp_mcp.structures.prototypes.settings import Setting
from llamp_mcp.structures.prototypes.wyckoff import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STANDARD = ("", "b", "b1", "1", "2", "H", "R")
"""Choices of spglib's table that are taken: standard axes, both origins, both kinds of axes."""

MARKERS = ((0.1372, 0.2119, 0.0313), (0.3173, 0.0619, 0.4313))
LINES = [
    np.array(line)
    for line in itertools.product((-1, 0, 1, 2), repeat=3)
    if any(line) and sum(map(abs, line)) <= 3
]


def trials() -> Iterator[Floats]:
    """Points of a grid of eighths and sixths, then points on lines and planes through it."""
    parts = {Fraction(k, 8) for k in range(8)} | {Fraction(k, 6) for k in range(6)}
    grid = np.array(list(itertools.product(sorted(map(float, parts)), repeat=3)))
    yield grid
    for line in LINES:
        yield grid + 0.0371 * line
    for one, other in itertools.combinations(LINES, 2):
        yield grid + 0.0371 * one + 0.0873 * other


def multiplicities(setting: Setting, points: Floats) -> NDArray[np.int_]:
    """Of each point, from the operations that leave it where it is."""
    images = np.einsum("oij,nj->noi", setting.rotations, points) + setting.translations
    apart = images - points[:, None]
    fixed = np.abs(apart - np.round(apart)).max(axis=2) < 1e-6
    return np.rint(len(setting.rotations) / fixed.sum(axis=1)).astype(int)


class Search:
    """The positions of one setting, found one after the other."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.found: dict[str, Position] = {}
        # A metric that the rotations keep, and nothing else does.
        random = np.random.default_rng(7).random((3, 3))
        metric = random @ random.T * 6 + np.diag([30, 41, 53])
        turns = setting.rotations
        metric = np.mean(np.swapaxes(turns, 1, 2) @ metric @ turns, axis=0)
        self.lattice = np.linalg.cholesky(metric).tolist()
        self.markers = [setting.orbit(point) for point in MARKERS]

    def ask(self, point: Floats) -> None:
        """Let moyo name the position of a point, and of what the normalizer makes of it."""
        orbits = [*self.markers, self.setting.orbit(point)]
        kinds = [kind for kind, orbit in enumerate(orbits, 1) for _ in orbit]
        cell = Cell(self.lattice, np.vstack(orbits).tolist(), kinds)
        axes = MoyoSetting.hall_number(self.setting.hall)
        dataset = MoyoDataset(cell, symprec=1e-4, setting=axes)
        if dataset.hall_number != self.setting.hall:
            raise RuntimeError(f"moyo takes {self.setting} for {dataset.hall_number}")
        for one in dataset.normalizer_wyckoff_positions().wyckoffs:
            if one.letter not in self.found:
                position = Position(one.letter, one.multiplicity, one.coordinates)
                self.found[one.letter] = position
                if len(position.free) < 3:
                    self.ask(position.point(x=0.0371, y=0.0873, z=0.211))

    def run(self) -> list[Position]:
        """All positions, most special first."""
        wanted = len(WYCKOFF_MULTIPLICITY_DICT[str(self.setting.number)])
        self.ask(np.array([0.71, 0.633, 0.1567]))
        for points in trials():
            if len(self.found) == wanted:
                break
            self._try(points, wanted)
        if len(self.found) != wanted:
            raise RuntimeError(f"{len(self.found)} of {wanted} positions of {self.setting}")
        return sorted(self.found.values(), key=lambda one: (one.multiplicity, one.letter))

    def _try(self, points: Floats, wanted: int) -> None:
        many = multiplicities(self.setting, points)
        special = many < len(self.setting.rotations)
        for point, multiplicity in zip(points[special], many[special], strict=True):
            if len(self.found) == wanted:
                return
            images = self.setting.images(point)
            known = (one for one in self.found.values() if one.multiplicity == multiplicity)
            if all(one.solve(images) is None for one in known):
                self.ask(point)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path("llamp_mcp/structures/prototypes/wyckoff.json")
    parser.add_argument("--out", type=Path, default=default)
    out = parser.parse_args().out
    lines = []
    for hall in range(1, 531):
        kind, operations = spglib.get_spacegroup_type(hall), spglib.get_symmetry_from_database(hall)
        if kind.choice not in STANDARD:
            continue
        rotations = np.asarray(operations["rotations"], dtype=float)
        setting = Setting(
            hall, kind.number, kind.hall_symbol, rotations, operations["translations"]
        )
        told = (f"{one.name}:{one.form}" for one in Search(setting).run())
        lines.append(f"{hall} {' '.join(told)}")
    out.write_text("[\n" + ",\n".join(map(json.dumps, lines)) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

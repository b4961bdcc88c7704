"""A trajectory in memory: what every block of the analysis reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.trajectories.block import Undetermined

if TYPE_CHECKING:
    import numpy as np

    from llamp_mcp.simulation.trajectories.block import Floats

    Integers = np.ndarray[Any, np.dtype[np.int64]]

FAR_JUMP: Final = 0.25
"""Of a cell vector between two frames: from here the nearest image may be the wrong one."""
UNEVEN: Final = 1e-3
"""Relative difference of intervals below which frames count as evenly spaced."""


@dataclass(frozen=True)
class Trajectory:
    """Frames of one run, evenly chosen from its file.

    Attributes:
        symbols: Element of each of N atoms.
        masses: u, shape (N,).
        pbc: Periodic along a, b, c.
        positions: Å as in the file, shape (F, N, 3).
        cells: Rows are a, b, c in Å, shape (F, 3, 3).
        velocities: Å/ps, shape (F, N, 3), where every frame has them.
        energies: Potential energy in eV, shape (F,), where every frame has it.
        stresses: eV/Å³, Voigt xx yy zz yz xz xy, positive under tension, without the kinetic part,
            shape (F, 6), where every frame has it.
        times_ps: Since the start of the run, shape (F,), where it is known.
        continuous: Positions are known not to be folded back into the cell.
    """

    symbols: tuple[str, ...]
    masses: Floats
    pbc: tuple[bool, bool, bool]
    positions: Floats
    cells: Floats
    velocities: Floats | None
    energies: Floats | None
    stresses: Floats | None
    times_ps: Floats | None
    continuous: bool

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def n_atoms(self) -> int:
        """Atoms in each frame."""
        return len(self.symbols)

    @cached_property
    def species(self) -> list[str]:
        """Elements in the order of their first atoms."""
        return list(dict.fromkeys(self.symbols))

    @property
    def formula(self) -> str:
        """The reduced formula."""
        from pymatgen.core import Composition

        return str(Composition(dict(Counter(self.symbols))).reduced_formula)

    def indices(self, symbol: str) -> Integers:
        """Atoms of an element."""
        import numpy as np

        return np.flatnonzero(np.array(self.symbols) == symbol)

    @cached_property
    def volumes_a3(self) -> Floats:
        """Volume of each frame, Å³."""
        import numpy as np

        volumes: Floats = np.abs(np.linalg.det(self.cells))
        return volumes

    @cached_property
    def widths_a(self) -> Floats:
        """Shortest distance between opposite faces of the cell in each frame, Å."""
        import numpy as np

        faces = np.cross(np.roll(self.cells, -1, axis=1), np.roll(self.cells, -2, axis=1))
        widths = self.volumes_a3[:, None] / np.linalg.norm(faces, axis=2)
        shortest: Floats = widths.min(axis=1)
        return shortest

    @property
    def interval_ps(self) -> float:
        """Time between frames.

        Raises:
            Undetermined: It is not known, or not the same throughout.
        """
        import numpy as np

        times = self.times_ps
        if times is None:
            raise Undetermined(
                "The file does not say when its frames were taken",
                next_step="Give frame_time_fs, the time between frames in fs.",
            )
        intervals = np.diff(times)
        interval = float(np.mean(intervals)) if len(intervals) else 0.0
        if interval <= 0 or np.abs(intervals - interval).max() > UNEVEN * interval:
            raise Undetermined("The frames are not evenly spaced in time")
        return interval

    @cached_property
    def steps(self) -> Floats:
        """Displacement of each atom between frames in fractions of the cell."""
        import numpy as np

        scaled = np.einsum("fni,fij->fnj", self.positions, np.linalg.inv(self.cells))
        steps: Floats = np.diff(scaled, axis=0)
        if not self.continuous:
            periodic = np.array(self.pbc)
            steps[..., periodic] -= np.round(steps[..., periodic])
        return steps

    @cached_property
    def longest_step(self) -> float:
        """Largest displacement between frames along a periodic cell vector, in fractions of it.

        Zero where positions are continuous, since then nothing was unfolded.
        """
        import numpy as np

        if self.continuous or not any(self.pbc) or len(self) < 2:
            return 0.0
        return float(np.abs(self.steps[..., np.array(self.pbc)]).max())

    @cached_property
    def paths(self) -> Floats:
        """Displacement since the first frame in Å, shape (F, N, 3), the centre of mass at rest.

        Steps are added as fractions of the cell and measured with the mean cell: the breathing of a
        cell at constant pressure is no motion of the atoms in it, and does not grow with the way
        an atom has gone (doi 10.1063/5.0008316).
        """
        import numpy as np

        paths = np.zeros_like(self.positions)
        np.cumsum(self.steps, axis=0, out=paths[1:])
        paths = paths @ self.cells.mean(axis=0)
        return self._at_rest(paths)

    def still_velocities(self) -> Floats:
        """Velocities in Å/ps with the centre of mass at rest.

        Raises:
            Undetermined: The frames have none.
        """
        if self.velocities is None:
            raise Undetermined(
                "The frames hold no velocities (momenta)",
                next_step="Use a trajectory of run_md, which keeps them.",
            )
        return self._at_rest(self.velocities)

    def _at_rest(self, vectors: Floats) -> Floats:
        import numpy as np

        weights = self.masses / self.masses.sum()
        still: Floats = vectors - np.einsum("n,fni->fi", weights, vectors)[:, None]
        return still

    def jump_warning(self) -> list[str]:
        """That frames may lie too far apart for the nearest image to be the right one."""
        if self.longest_step <= FAR_JUMP:
            return []
        return [
            f"an atom moved by {self.longest_step:.2f} of the cell between two frames: where the "
            "file folds atoms back into the cell, paths may be wrong; write frames more often"
        ]

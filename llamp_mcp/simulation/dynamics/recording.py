"""What a run writes as it goes: numbers of each step, and frames; cut back to a checkpoint.

Both files only ever grow. A checkpoint notes where they end, after they are on disk; a run that
goes on from it cuts off what came later, which may be torn.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from llamp_mcp.simulation.dynamics.stress import voigt_stress
from llamp_mcp.simulation.jobs import TRAJECTORIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ase import Atoms

    from llamp_mcp.simulation.dynamics.guard import Sample
    from llamp_mcp.simulation.dynamics.start import Floats

Format = Literal["traj", "extxyz"]

RECORD: Final = "steps.f64"
"""One row of little-endian doubles for each step, from 0: `Sample`, and the conserved energy."""
FRAMES: Final[dict[Format, str]] = {"traj": TRAJECTORIES[0], "extxyz": TRAJECTORIES[1]}
BYTES_PER_ATOM: Final[dict[Format, int]] = {"traj": 80, "extxyz": 170}
"""Of position, momentum and force, with their share of the header."""

_ROW: Final = struct.Struct("<5d")
_ULM_COUNTS: Final = slice(32, 48)
"""Where a .traj file says how many frames it has and where their addresses are."""


@dataclass(frozen=True, slots=True)
class Record:
    """The steps of a run; each array has shape (steps + 1,), NaN where there is no such number."""

    kelvin: Floats
    potential_ev: Floats
    pressure_gpa: Floats
    volume_a3: Floats
    conserved_ev: Floats


def read_record(directory: Path) -> Record:
    """The steps that a run in this directory has recorded so far."""
    import numpy as np

    raw = (directory / RECORD).read_bytes()
    whole = raw[: len(raw) // _ROW.size * _ROW.size]
    rows = np.frombuffer(whole, dtype="<f8").reshape(-1, 5).astype(np.float64)
    return Record(*np.ascontiguousarray(rows.T))


class Recorder:
    """Writes the files of one run.

    Args:
        directory: Where they are.
        frames: Format of the trajectory.
        mark: Where both end, as `mark` told; None for a new run.
    """

    def __init__(
        self, directory: Path, frames: Format, mark: Mapping[str, Any] | None = None
    ) -> None:
        self.path = directory / FRAMES[frames]
        self._record = _opened(directory / RECORD, _end(mark, "record_bytes"))
        self._frames: _Traj | _ExtXyz
        self._frames = (_Traj if frames == "traj" else _ExtXyz)(self.path, mark)

    @property
    def count(self) -> int:
        """Frames written."""
        return self._frames.count

    def step(self, sample: Sample, conserved_ev: float) -> None:
        """Record the numbers of the next step."""
        self._record.write(_ROW.pack(*sample, conserved_ev))

    def frame(self, atoms: Atoms) -> None:
        """Record the atoms, their momenta, energy, forces and, if known, stress."""
        self._frames.write(atoms)

    def mark(self) -> dict[str, Any]:
        """Have both files on disk, and say where they end."""
        _sync(self._record)
        return {"record_bytes": self._record.tell(), **self._frames.mark()}

    def close(self) -> None:
        """Close both files."""
        self._frames.close()
        self._record.close()


def intact(directory: Path, frames: Format, mark: Mapping[str, Any]) -> bool:
    """Whether both files are at least as long as the mark says."""
    lengths = {RECORD: mark["record_bytes"], FRAMES[frames]: mark["frame_bytes"]}
    paths = {directory / name: length for name, length in lengths.items()}
    return all(path.is_file() and path.stat().st_size >= paths[path] for path in paths)


class _Traj:
    """ASE's own format: exact."""

    def __init__(self, path: Path, mark: Mapping[str, Any] | None) -> None:
        from ase.io.trajectory import TrajectoryWriter

        self.count = 0 if mark is None else int(mark["frames"])
        if mark is not None:
            with path.open("r+b") as stream:
                stream.truncate(mark["frame_bytes"])
                stream.seek(_ULM_COUNTS.start)
                stream.write(bytes.fromhex(mark["ulm_counts"]))
        self._path = path
        self._writer = TrajectoryWriter(path, "w" if mark is None else "a")

    def write(self, atoms: Atoms) -> None:
        self._writer.write(_single_point(atoms))
        self.count += 1

    def mark(self) -> dict[str, Any]:
        stream = self._writer.backend.fd
        _sync(stream)
        with self._path.open("rb") as written:
            counts = written.read(_ULM_COUNTS.stop)[_ULM_COUNTS]
        return {"frames": self.count, "frame_bytes": stream.tell(), "ulm_counts": counts.hex()}

    def close(self) -> None:
        self._writer.close()


class _ExtXyz:
    """Text that every viewer reads; positions to 5e-9 Å."""

    def __init__(self, path: Path, mark: Mapping[str, Any] | None) -> None:
        self.count = 0 if mark is None else int(mark["frames"])
        self._stream = _opened(path, _end(mark, "frame_bytes"))

    def write(self, atoms: Atoms) -> None:
        from io import StringIO

        from ase.io.extxyz import write_extxyz

        text = StringIO()
        write_extxyz(text, [_single_point(atoms)])
        self._stream.write(text.getvalue().encode())
        self.count += 1

    def mark(self) -> dict[str, Any]:
        _sync(self._stream)
        return {"frames": self.count, "frame_bytes": self._stream.tell()}

    def close(self) -> None:
        self._stream.close()


def _single_point(atoms: Atoms) -> Atoms:
    """A copy that holds its results, without constraints, which not every reader knows."""
    from ase.calculators.singlepoint import SinglePointCalculator

    frame = atoms.copy()
    frame.set_constraint()
    known = atoms.calc.results
    stress = voigt_stress(known)
    kept = {} if stress is None else {"stress": stress}
    frame.calc = SinglePointCalculator(
        frame, energy=known["energy"], forces=known["forces"], **kept
    )
    return frame


def _end(mark: Mapping[str, Any] | None, name: str) -> int | None:
    return None if mark is None else int(mark[name])


def _opened(path: Path, length: int | None) -> BinaryIO:
    """The file, cut to this length and open at its end; new and empty for None."""
    stream = path.open("wb" if length is None else "r+b")
    stream.truncate(length or 0)
    stream.seek(0, os.SEEK_END)
    return stream


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())

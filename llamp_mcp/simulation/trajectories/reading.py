"""From a job or a file to a trajectory in memory, evenly thinned out where it is large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.dynamics.stress import voigt_stress
from llamp_mcp.simulation.trajectories.files import UNREADABLE, open_frames, unreadable
from llamp_mcp.simulation.trajectories.trajectory import UNEVEN, Trajectory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ase import Atoms

    from llamp_mcp.simulation.trajectories.block import Floats
    from llamp_mcp.simulation.trajectories.files import Frames

MAX_POSITIONS: Final = 2_000_000
"""Frames times atoms kept: some 50 MB each of positions and velocities."""
MAX_FRAMES: Final = 5_000
MAX_TEXT_POSITIONS: Final = 400_000
MAX_TEXT_FRAMES: Final = 2_500
"""Parsing text takes some seconds for so many."""
TIME_KEYS: Final = {"time_fs": 1e-3, "time_ps": 1.0}
"""Entries of a frame's info that say when it was taken, and their unit in ps."""


class Clock(NamedTuple):
    """When frames were taken: one every `interval_fs` from 0 on, the last at `end_fs`, in fs.

    `timestep_fs` is that of the run; 0: not known.
    """

    interval_fs: float
    end_fs: float = float("inf")
    timestep_fs: float = 0


class Read(NamedTuple):
    """A trajectory, and what was read of its file.

    Attributes:
        trajectory: Its frames after the time skipped.
        in_file: Whole frames in the file.
        stride: Every so many of them were read.
        timestep_fs: Of the run that wrote it; 0: not known.
        notes: What was left out and why.
    """

    trajectory: Trajectory
    in_file: int
    stride: int
    timestep_fs: float
    notes: list[str]


def read_trajectory(
    path: Path,
    *,
    clock: Callable[[Atoms], Clock | None],
    skip_ps: float,
    continuous: bool,
) -> Read:
    """Read a file.

    Args:
        path: The file.
        clock: Given the first frame, when the frames were taken, for those that do not say so;
            None where it is not known.
        skip_ps: Time to leave out at the start.
        continuous: Positions are known not to be folded back into the cell.

    Raises:
        InvalidInput: It cannot be read, or nothing is left after the time to skip.
    """
    frames = open_frames(path)
    try:
        return _read(frames, clock, skip_ps, continuous)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    finally:
        frames.close()


def _read(
    frames: Frames, clock: Callable[[Atoms], Clock | None], skip_ps: float, continuous: bool
) -> Read:
    first = frames[0]
    stride = _stride(len(frames), len(first), text=frames.text)
    numbers = list(range(0, len(frames), stride))
    gathered = _Gathered(first)
    for number in numbers:
        gathered.add(frames[number], number)
    notes = []
    if frames.torn:
        notes.append("the last frame in the file is not whole and was left out")
    if stride > 1:
        notes.append(f"every {stride}th frame was read, to bound the work")
    known = clock(first)
    trajectory = gathered.trajectory(gathered.times_ps(numbers, known), continuous)
    trajectory, even_notes = _even(trajectory)
    timestep_fs = known.timestep_fs if known else 0
    notes += even_notes
    return Read(_skip(trajectory, skip_ps), len(frames), stride, timestep_fs, notes)


def _stride(frames: int, atoms: int, *, text: bool) -> int:
    positions = MAX_TEXT_POSITIONS if text else MAX_POSITIONS
    most = max(2, min(MAX_TEXT_FRAMES if text else MAX_FRAMES, positions // max(1, atoms)))
    return -(-frames // most)


class _Gathered:
    """What was read of the frames so far."""

    def __init__(self, first: Atoms) -> None:
        self._first = first
        self._symbols = first.get_chemical_symbols()
        self._arrays: dict[str, list[Any]] = {
            key: [] for key in ("positions", "cells", "velocities", "energies", "stresses", "times")
        }

    def add(self, atoms: Atoms, number: int) -> None:
        """Keep a frame.

        Raises:
            InvalidInput: It holds other atoms than the first.
        """
        if atoms.get_chemical_symbols() != self._symbols:
            raise InvalidInput(
                f"Frame {number} holds other atoms than the first, or in another order",
                allowed="trajectories in which the atoms stay the same",
            )
        results = atoms.calc.results if atoms.calc is not None else {}
        velocities = atoms.get_velocities() if atoms.has("momenta") else None
        values = {
            "positions": atoms.positions,
            "cells": atoms.cell.complete().array,
            "velocities": velocities,
            "energies": results.get("energy"),
            "stresses": voigt_stress(results),
            "times": _time_ps(atoms),
        }
        for key, value in values.items():
            if value is not None:
                self._arrays[key].append(value)

    def times_ps(self, numbers: list[int], clock: Clock | None) -> Floats | None:
        """When the frames were taken, where they or the clock say so."""
        import numpy as np

        said = self._arrays["times"]
        if len(said) == len(numbers):
            return np.array(said)
        if clock is None:
            return None
        return np.minimum(np.array(numbers) * clock.interval_fs, clock.end_fs) / 1000

    def trajectory(self, times_ps: Floats | None, continuous: bool) -> Trajectory:
        """All frames as arrays; what not every frame has is left out."""
        import numpy as np
        from ase import units

        found = {
            key: np.array(values, dtype=np.float64)
            for key, values in self._arrays.items()
            if len(values) == len(self._arrays["positions"])
        }
        velocities = found.get("velocities")
        return Trajectory(
            symbols=tuple(self._symbols),
            masses=self._first.get_masses(),
            pbc=tuple(self._first.pbc.tolist()),
            positions=found["positions"],
            cells=found["cells"],
            velocities=None if velocities is None else velocities * (1000 * units.fs),
            energies=found.get("energies"),
            stresses=found.get("stresses"),
            times_ps=times_ps,
            continuous=continuous,
        )


def _time_ps(atoms: Atoms) -> float | None:
    for key, in_ps in TIME_KEYS.items():
        if key in atoms.info:
            return float(atoms.info[key]) * in_ps
    return None


def _even(trajectory: Trajectory) -> tuple[Trajectory, list[str]]:
    """Without a last frame that comes sooner than the others do: the end of a run."""
    import numpy as np

    times = trajectory.times_ps
    if times is None or len(times) < 3:
        return trajectory, []
    intervals = np.diff(times)
    if abs(intervals[-1] - intervals[0]) <= UNEVEN * intervals[0]:
        return trajectory, []
    note = "the last frame, which is not one interval after the one before, was left out"
    return _cut(trajectory, slice(0, -1)), [note]


def _skip(trajectory: Trajectory, skip_ps: float) -> Trajectory:
    import numpy as np

    if not skip_ps:
        return trajectory
    times = trajectory.times_ps
    if times is None:
        raise InvalidInput(
            "skip_ps needs to know when the frames were taken, which the file does not say",
            next_step="Give frame_time_fs, the time between frames in fs.",
        )
    kept = np.flatnonzero(times >= times[0] + skip_ps * (1 - 1e-9))
    if not len(kept):
        raise InvalidInput(
            f"skip_ps {skip_ps:g} leaves nothing",
            allowed=f"less than {times[-1] - times[0]:.4g} ps, the length of the trajectory",
        )
    return _cut(trajectory, slice(int(kept[0]), None))


def _cut(trajectory: Trajectory, part: slice) -> Trajectory:
    from dataclasses import replace

    names = ("positions", "cells", "velocities", "energies", "stresses", "times_ps")
    cut: dict[str, Any] = {}
    for name in names:
        value = getattr(trajectory, name)
        cut[name] = None if value is None else value[part]
    return replace(trajectory, **cut)

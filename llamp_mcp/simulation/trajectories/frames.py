"""Frames of a trajectory for an interactive view: so many of them that a browser takes them."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from llamp_mcp.simulation.trajectories.block import Floats
    from llamp_mcp.simulation.trajectories.sources import Opened
    from llamp_mcp.simulation.trajectories.trajectory import Integers, Trajectory

MOST_BYTES: Final = 900_000
"""Of positions and cells as they are sent, base64 included."""
MOST_FRAMES: Final = 500
MOST_ATOMS: Final = 10_000
_BYTES_PER_ATOM: Final = 16
"""Three float32 in base64; a cell is as much as three atoms."""
_OUTSIDE: Final = 0.25
"""Of a cell vector: an atom that has gone farther out of the cell is drawn inside again."""


def frames(opened: Opened) -> dict[str, Any]:
    """A trajectory as plain numbers, evenly thinned out; arrays are base64 of float32.

    `positions_a` (frames, atoms, 3) follows each atom or molecule smoothly: where it leaves the
    cell it is not folded back at once. `cells_a` is (frames, 3, 3) with rows a, b, c. `times_ps`,
    `steps` and `temperature_k` are null where the file does not say them; `curve` holds the
    temperature of all frames read, every `stride`th of the file: `kelvin`, and `times_ps` or null.

    Raises:
        InvalidInput: Too many atoms.
    """
    from llamp_mcp.simulation.trajectories.thermo import momentary
    from llamp_mcp.structures.pictures.geometry import geometry

    trajectory = opened.read.trajectory
    if trajectory.n_atoms > MOST_ATOMS:
        raise InvalidInput(
            f"The view cannot play frames of {trajectory.n_atoms} atoms",
            allowed=f"at most {MOST_ATOMS} atoms",
            next_step="The numbers of analyze_trajectory are complete without it.",
        )
    first = geometry(_structure(trajectory))
    shown = _chosen(len(trajectory), trajectory.n_atoms)
    kelvin = momentary(trajectory)[0].get("temperature")
    positions = _followed(trajectory, first["home"], first["molecule"])[shown]
    return {
        "source": opened.source,
        "first": first,
        "frames_in_file": opened.read.in_file,
        "stride": opened.read.stride,
        "frame_numbers": (shown * opened.read.stride).tolist(),
        "positions_a": _packed(positions),
        "cells_a": _packed(trajectory.cells[shown]),
        "times_ps": _rounded(trajectory.times_ps, shown, 6),
        "steps": _steps(opened, shown),
        "temperature_k": _rounded(kelvin, shown, 2),
        "curve": None if kelvin is None else _curve(trajectory, kelvin),
        "notes": [*opened.read.notes, *opened.notes],
    }


def _structure(trajectory: Trajectory) -> Structure:
    """The first frame."""
    from pymatgen.core import Lattice, Structure

    lattice = Lattice(trajectory.cells[0], pbc=trajectory.pbc)
    return Structure(
        lattice, trajectory.symbols, trajectory.positions[0], coords_are_cartesian=True
    )


def _chosen(count: int, n_atoms: int) -> Integers:
    """Numbers of the frames shown: evenly spaced, the first and mostly the last among them."""
    import numpy as np

    most = max(2, min(MOST_FRAMES, MOST_BYTES // (_BYTES_PER_ATOM * (n_atoms + 3))))
    return np.arange(0, count, -(-(count - 1) // (most - 1)) or 1)


def _followed(trajectory: Trajectory, home: list[list[int]], molecule: list[int]) -> Floats:
    """Positions in Å, shape (F, N, 3), that begin where the first frame is drawn."""
    import numpy as np

    start = trajectory.positions[0] @ np.linalg.inv(trajectory.cells[0]) + np.array(home)
    scaled = np.concatenate([start[None], trajectory.steps]).cumsum(axis=0)
    numbers = np.array(molecule)
    alone = numbers < 0
    numbers[alone] = numbers.max(initial=-1) + 1 + np.arange(alone.sum())
    members = np.bincount(numbers)
    periodic = np.array(trajectory.pbc)
    for frame in scaled:
        sums = np.stack([np.bincount(numbers, axis) for axis in frame.T], axis=1)
        middles = sums / members[:, None]
        outside = ((middles < -_OUTSIDE) | (middles > 1 + _OUTSIDE)) & periodic
        frame -= np.where(outside, np.floor(middles), 0)[numbers]
    followed: Floats = np.einsum("fni,fij->fnj", scaled, trajectory.cells)
    return followed


def _steps(opened: Opened, shown: Integers) -> list[int] | None:
    """Steps of the run at which the frames were taken."""
    times, timestep_fs = opened.read.trajectory.times_ps, opened.read.timestep_fs
    if times is None or not timestep_fs:
        return None
    return [round(float(time) * 1000 / timestep_fs) for time in times[shown]]


def _curve(trajectory: Trajectory, kelvin: Floats) -> dict[str, str | None]:
    times = trajectory.times_ps
    return {"kelvin": _packed(kelvin), "times_ps": None if times is None else _packed(times)}


def _rounded(values: Floats | None, shown: Integers, digits: int) -> list[float] | None:
    return None if values is None else values[shown].round(digits).tolist()


def _packed(values: Floats) -> str:
    return b64encode(values.astype("<f4").tobytes()).decode()

"""Trajectories whose physics is known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
from llamp_mcp.simulation.trajectories.trajectory import Trajectory


def trajectory(
    positions: Any,
    *,
    symbols: Any = None,
    cell: Any = 10.0,
    interval_ps: float | None = 0.1,
    pbc: bool = True,
    continuous: bool = True,
    **arrays: Any,
) -> Trajectory:
    """Frames of shape (F, N, 3); the cell is a length, a matrix, or one matrix per frame."""
    positions = np.asarray(positions, dtype=float)
    frames, atoms = positions.shape[:2]
    symbols = tuple(symbols or ["Cu"] * atoms)
    cell = np.eye(3) * cell if np.ndim(cell) == 0 else np.asarray(cell, dtype=float)
    values = {"velocities": None, "energies": None, "stresses": None, **arrays}
    times = None if interval_ps is None else np.arange(frames) * interval_ps
    return Trajectory(
        symbols=symbols,
        masses=Atoms(symbols).get_masses(),
        pbc=(pbc, pbc, pbc),
        positions=positions,
        cells=np.broadcast_to(cell, (frames, 3, 3)).copy(),
        times_ps=times,
        continuous=continuous,
        **values,
    )


def walk(rng: np.random.Generator, frames: int, atoms: int, d: float = 1.0, dt: float = 0.1) -> Any:
    """Independent random walks of diffusion coefficient d in Å²/ps, their mean held at rest.

    Taking the mean away takes 1 / atoms of the motion away, which is put back in advance.
    """
    steps = rng.normal(size=(frames - 1, atoms, 3)) * np.sqrt(2 * d * dt * atoms / (atoms - 1))
    return np.concatenate([np.zeros((1, atoms, 3)), np.cumsum(steps, axis=0)])


def fcc(repeat: int = 3, a: float = 3.6) -> Atoms:
    return bulk("Cu", "fcc", a=a, cubic=True).repeat(repeat)


def asked(**arguments: Any) -> AnalyzeTrajectoryParams:
    return AnalyzeTrajectoryParams(**{"path": "x.traj", **arguments})

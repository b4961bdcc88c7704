from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamp_mcp.simulation.trajectories import msd
from llamp_mcp.simulation.trajectories.block import Undetermined
from llamp_mcp.simulation.trajectories.correlation import (
    mean_squared_displacement,
    squared_displacements,
)
from tests.simulation.trajectories.conftest import asked, trajectory, walk


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 99))
def test_fast_msd_equals_the_double_loop_over_time_origins(frames, atoms, seed):
    paths = np.random.default_rng(seed).normal(size=(frames, atoms, 3)).cumsum(axis=0)
    slow = [0.0] + [
        np.mean([((paths[k + m] - paths[k]) ** 2).sum(-1) for k in range(frames - m)])
        for m in range(1, frames)
    ]

    assert mean_squared_displacement(paths) == pytest.approx(np.array(slow), abs=1e-9)
    lags = np.arange(1.0, frames)
    each = squared_displacements(paths, lags).mean(axis=1)
    assert each == pytest.approx(np.array(slow[1:]), abs=1e-9)


def test_ballistic_motion_goes_with_the_square_of_time():
    velocities = np.array([[1.0, 2.0, 0.0], [-1.0, -2.0, 0.0]])
    times = np.arange(100) * 0.1
    moving = trajectory(times[:, None, None] * velocities)
    block = msd.block(moving, asked(what=["msd"]))

    row = block.values["species"]["Cu"]["msd_a2"]
    assert row == pytest.approx([5 * lag**2 for lag in block.values["lags_ps"]])


def test_drift_of_the_whole_cell_is_no_motion_of_its_atoms():
    rng = np.random.default_rng(0)
    paths = walk(rng, 200, 10)
    drifting = paths + np.arange(200)[:, None, None] * np.array([0.5, 0.0, -0.2])

    assert np.allclose(trajectory(paths).paths, trajectory(drifting).paths)


@pytest.mark.parametrize("shear", [0.0, 4.0])
def test_positions_folded_back_into_any_cell_are_unfolded(shear):
    cell = np.array([[10.0, 0, 0], [shear, 9.0, 0], [-shear, 2.0, 11.0]])
    paths = walk(np.random.default_rng(1), 300, 8, d=0.5)
    folded = (paths @ np.linalg.inv(cell) % 1) @ cell
    read = trajectory(folded, cell=cell, continuous=False)

    assert np.allclose(read.paths, trajectory(paths, cell=cell).paths)
    assert read.jump_warning() == []


def test_frames_too_far_apart_to_unfold_are_warned_of():
    rng = np.random.default_rng(2)
    jumping = trajectory(rng.uniform(0, 10, size=(50, 5, 3)), continuous=False)

    (warning,) = msd.block(jumping, asked(what=["msd"])).warnings
    assert "paths may be wrong" in warning


def test_breathing_cell_is_no_motion_of_atoms_at_rest_in_it():
    """Atoms fixed in fractions of a cell that changes its size by 5 %, far from the origin."""
    scaled = np.random.default_rng(3).uniform(5, 6, size=(6, 3))
    sizes = 10 * (1 + 0.05 * np.sin(np.arange(100)))
    cells = sizes[:, None, None] * np.eye(3)
    breathing = trajectory(np.einsum("ni,fij->fnj", scaled, cells), cell=cells)

    assert np.abs(breathing.paths).max() < 1e-9


def test_frames_without_times_or_uneven_ones_have_no_msd():
    paths = walk(np.random.default_rng(4), 50, 4)
    with pytest.raises(Undetermined, match="frame_time_fs"):
        msd.block(trajectory(paths, interval_ps=None), asked())
    uneven = trajectory(paths)
    assert uneven.times_ps is not None
    uneven.times_ps[20:] += 0.05
    with pytest.raises(Undetermined, match="not evenly spaced"):
        msd.block(uneven, asked())


def test_each_element_has_its_own_line():
    paths = walk(np.random.default_rng(5), 60, 6)
    paths[:, 3:] *= 0.1
    block = msd.block(trajectory(paths, symbols=["Li"] * 3 + ["O"] * 3), asked())
    lines = list(msd.text(block.values))

    assert [line.split()[1] for line in lines[1:]] == ["Li", "O"]
    assert "3 atoms" in lines[1]
    assert f"{block.values['species']['O']['msd_a2'][-1]:.4g} Å²" in lines[2]

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import numpy as np
import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.trajectories import frames as frames_module
from llamp_mcp.simulation.trajectories.frames import frames
from llamp_mcp.simulation.trajectories.reading import Read
from llamp_mcp.simulation.trajectories.sources import Opened
from llamp_mcp.simulation.trajectories.thermo import momentary
from tests.simulation.trajectories.conftest import trajectory


def opened(made: Any, *, stride: int = 1, timestep_fs: float = 0) -> Opened:
    read = Read(made, stride * len(made), stride, timestep_fs, ["a note"])
    return Opened(read, {"path": "x.traj"}, ["another"])


def unpacked(text: str, *shape: int) -> Any:
    return np.frombuffer(b64decode(text), "<f4").reshape(-1, *shape)


def moving(count: int, atoms: int = 4, **arguments: Any) -> Any:
    """Atoms spread over the cell, each going 0.01 Å a frame along x."""
    start = np.random.default_rng(0).random((atoms, 3)) * 8 + 1
    way = np.arange(count)[:, None, None] * np.array([0.01, 0, 0])
    return trajectory(start + way, **arguments)


def test_frames_cross_as_float32_with_times_steps_and_temperatures() -> None:
    velocities = np.random.default_rng(1).normal(size=(5, 4, 3))
    made = moving(5, velocities=velocities, interval_ps=0.02)
    data = json.loads(json.dumps(frames(opened(made, stride=3, timestep_fs=2))))

    assert np.allclose(unpacked(data["positions_a"], 4, 3), made.positions, atol=1e-4)
    assert np.allclose(unpacked(data["cells_a"], 3, 3), made.cells)
    assert data["frame_numbers"] == [0, 3, 6, 9, 12]
    assert data["times_ps"] == pytest.approx([0, 0.02, 0.04, 0.06, 0.08])
    assert data["steps"] == [0, 10, 20, 30, 40]
    kelvin = momentary(made)[0]["temperature"]
    assert data["temperature_k"] == pytest.approx(kelvin.tolist(), abs=0.006)
    assert np.allclose(unpacked(data["curve"]["kelvin"]), kelvin)
    assert np.allclose(unpacked(data["curve"]["times_ps"]), made.times_ps)
    assert data["frames_in_file"] == 15
    assert data["notes"] == ["a note", "another"]
    assert data["first"]["formula"] == "Cu"


def test_what_the_file_does_not_say_is_null() -> None:
    data = frames(opened(moving(3, interval_ps=None)))
    assert [data[name] for name in ("times_ps", "steps", "temperature_k", "curve")] == [None] * 4


def test_frames_are_thinned_evenly_to_what_a_browser_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames_module, "MOST_FRAMES", 11)
    data = frames(opened(moving(101)))
    assert data["frame_numbers"] == list(range(0, 101, 10))
    monkeypatch.setattr(frames_module, "MOST_BYTES", 16 * 7 * 5)
    data = frames(opened(moving(101)))
    assert data["frame_numbers"] == [0, 25, 50, 75, 100]
    assert len(unpacked(data["positions_a"], 4, 3)) == 5


def test_a_large_run_stays_below_a_megabyte() -> None:
    made = moving(300, atoms=400, velocities=np.ones((300, 400, 3)))
    text = json.dumps(frames(opened(made)))
    assert 0.5e6 < len(text) < 1e6


def test_one_frame_is_a_trajectory_too() -> None:
    assert frames(opened(moving(1)))["frame_numbers"] == [0]


def test_atoms_folded_back_into_the_cell_move_smoothly() -> None:
    way = np.linspace(9.5, 11.5, 21)[:, None, None] * np.array([1, 0, 0])
    data = frames(opened(trajectory(way % 10, continuous=False)))
    x = unpacked(data["positions_a"], 1, 3)[:, 0, 0]
    assert np.allclose(np.diff(x), 0.1, atol=1e-4)


def test_an_atom_that_has_left_the_cell_comes_back_into_it() -> None:
    way = np.linspace(5, 45, 81)[:, None, None] * np.array([1, 0, 0])
    x = unpacked(frames(opened(trajectory(way)))["positions_a"], 1, 3)[:, 0, 0]
    assert x.min() >= -2.5
    assert x.max() <= 12.5
    assert np.allclose(x % 10, way[:, 0, 0] % 10, atol=1e-3)


def test_a_molecule_that_leaves_the_cell_stays_whole() -> None:
    shape = np.array([[0, 0, 0], [0.75, 0.6, 0], [-0.75, 0.6, 0]])
    way = np.linspace(5, 45, 81)[:, None, None] * np.array([1, 0, 0]) + shape
    made = trajectory(way, symbols=["O", "H", "H"], cell=12.0)
    places = unpacked(frames(opened(made))["positions_a"], 3, 3)
    assert np.abs(places - places[:, :1] - shape).max() < 1e-3


def test_without_a_periodic_cell_atoms_may_go_anywhere() -> None:
    way = np.linspace(5, 45, 11)[:, None, None] * np.array([1, 0, 0])
    data = frames(opened(trajectory(way, pbc=False)))
    assert np.allclose(unpacked(data["positions_a"], 1, 3), way, atol=1e-4)
    assert data["first"]["pbc"] == [False, False, False]


def test_too_many_atoms_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_module, "MOST_ATOMS", 3)
    with pytest.raises(InvalidInput, match="cannot play frames of 4 atoms"):
        frames(opened(moving(2)))

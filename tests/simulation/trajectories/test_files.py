from __future__ import annotations

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.trajectories import reading
from llamp_mcp.simulation.trajectories.files import open_frames
from llamp_mcp.simulation.trajectories.reading import Clock, read_trajectory
from tests.simulation.trajectories.conftest import fcc

FORMATS = {"run.traj": "traj", "run.extxyz": "extxyz", "XDATCAR": "vasp-xdatcar"}


def images(count=8, seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        atoms = fcc(1)
        atoms.positions += 0.1 * rng.normal(size=(4, 3))
        atoms.set_momenta(rng.normal(size=(4, 3)))
        atoms.calc = SinglePointCalculator(atoms, energy=rng.normal(), stress=rng.normal(size=6))
        made.append(atoms)
    return made


def written(folder, name, frames):
    path = folder / name
    write(path, frames, format=FORMATS[name])
    return path


def read(path, interval_fs=10.0, skip_ps=0.0, **arguments):
    clock = Clock(interval_fs, **arguments)
    return read_trajectory(path, clock=lambda _first: clock, skip_ps=skip_ps, continuous=True)


@pytest.mark.parametrize("name", FORMATS)
def test_positions_cells_and_times_come_back_from_each_format(tmp_path, name):
    frames = images()
    found = read(written(tmp_path, name, frames))
    ours = found.trajectory

    scaled = np.einsum("fni,fij->fnj", ours.positions, np.linalg.inv(ours.cells))
    expected = np.array([atoms.get_scaled_positions(wrap=False) for atoms in frames])
    # ASE folds positions back as it writes an XDATCAR
    assert np.allclose(np.exp(2j * np.pi * scaled), np.exp(2j * np.pi * expected), atol=1e-6)
    assert ours.cells[3] == pytest.approx(np.eye(3) * 3.6)
    assert ours.times_ps == pytest.approx(np.arange(8) * 0.01)
    assert (found.in_file, found.stride, found.notes) == (8, 1, [])


@pytest.mark.parametrize("name", ["run.traj", "run.extxyz"])
def test_velocities_energies_and_stresses_come_back(tmp_path, name):
    frames = images()
    ours = read(written(tmp_path, name, frames)).trajectory

    from ase import units

    exact = np.array([atoms.get_velocities() for atoms in frames]) * 1000 * units.fs
    assert ours.velocities == pytest.approx(exact, abs=1e-5)
    assert ours.energies == pytest.approx([atoms.get_potential_energy() for atoms in frames])
    assert ours.stresses == pytest.approx(np.array([a.get_stress() for a in frames]), abs=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_torn_last_frame_is_left_out_wherever_it_was_torn(tmp_path, name):
    frames = images(4)
    before = written(tmp_path, name, frames[:3]).stat().st_size
    path = written(tmp_path, name, frames)
    whole = path.read_bytes()
    for size in np.linspace(before + 20, len(whole) - 1, 12).astype(int).tolist():
        path.write_bytes(whole[:size])
        found = read(path)

        assert found.in_file == 3, f"cut at {size} of {len(whole)} bytes"
        assert any("not whole" in note for note in found.notes)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_or_empty_file_is_a_clear_error(tmp_path, name):
    path = written(tmp_path, name, images(2))
    whole = path.read_bytes()
    for content in (b"", b"hello\nworld\n" * 20, whole[:40]):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"cannot be read|no whole frame"):
            read(path)


def test_format_that_could_run_code_is_not_read(tmp_path):
    for name in ("run.pckl", "run.bundle", "run.py", "run.json", "run.db"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(InvalidInput, match=r"Allowed: \.traj"):
            open_frames(tmp_path / name)


def test_frames_of_other_atoms_are_refused(tmp_path):
    frames = images(3)
    frames[2].symbols[1] = "Au"
    with pytest.raises(InvalidInput, match="Frame 2 holds other atoms"):
        read(written(tmp_path, "run.traj", frames))


def test_large_trajectory_is_thinned_evenly_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_POSITIONS", 12)
    found = read(written(tmp_path, "run.traj", images(8)))

    assert (len(found.trajectory), found.stride) == (3, 3)
    assert found.trajectory.times_ps == pytest.approx([0, 0.03, 0.06])
    assert "every 3th frame" in found.notes[0]


def test_time_to_skip_is_left_out_and_too_much_of_it_is_refused(tmp_path):
    path = written(tmp_path, "run.traj", images(8))

    assert read(path, skip_ps=0.03).trajectory.times_ps[0] == pytest.approx(0.03)
    with pytest.raises(InvalidInput, match=r"less than 0\.07 ps"):
        read(path, skip_ps=5)


def test_last_frame_that_comes_early_is_left_out(tmp_path):
    found = read(written(tmp_path, "run.traj", images(8)), end_fs=63.0)

    assert len(found.trajectory) == 7
    assert "not one interval" in found.notes[0]


def test_frames_that_say_their_time_are_believed(tmp_path):
    frames = images(5)
    for number, atoms in enumerate(frames):
        atoms.info["time_fs"] = 100.0 + 4 * number
    path = written(tmp_path, "run.extxyz", frames)
    found = read_trajectory(path, clock=lambda _first: None, skip_ps=0, continuous=False)

    assert found.trajectory.times_ps == pytest.approx(0.1 + 0.004 * np.arange(5))

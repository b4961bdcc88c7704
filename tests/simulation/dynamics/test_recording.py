from __future__ import annotations

import numpy as np
import pytest
from ase.io import read

from llamp_mcp.simulation.dynamics.guard import Sample
from llamp_mcp.simulation.dynamics.recording import FRAMES, RECORD, Recorder, intact, read_record
from tests.simulation.dynamics.systems import ideal_gas

FORMATS = ("traj", "extxyz")


@pytest.fixture
def gas():
    atoms = ideal_gas(300)
    atoms.get_forces()
    return atoms


def advance(recorder, atoms, steps):
    for step in steps:
        atoms.positions[:] = step
        atoms.get_forces()
        recorder.step(Sample(step, -step, 0.1 * step, 1000 + step), 10 * step)
        recorder.frame(atoms)


@pytest.mark.parametrize("frames", FORMATS)
@pytest.mark.parametrize("kept", [1, 2, 41, 42, 43])
def test_files_cut_back_to_a_mark_and_continued_are_those_never_interrupted(
    tmp_path, gas, frames, kept
):
    """A .traj file moves its table of contents at 1 and 42 frames: cutting must undo that."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    recorder = Recorder(whole, frames)
    advance(recorder, gas, range(50))
    recorder.close()

    recorder = Recorder(cut, frames)
    advance(recorder, gas, range(kept))
    mark = recorder.mark()
    advance(recorder, gas, range(kept, 47))
    recorder.close()
    for name in (RECORD, FRAMES[frames]):
        with (cut / name).open("ab") as stream:
            stream.write(b"torn")
    recorder = Recorder(cut, frames, mark)
    assert recorder.count == kept
    advance(recorder, gas, range(kept, 50))
    recorder.close()

    for name in (RECORD, FRAMES[frames]):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize("frames", FORMATS)
def test_frame_holds_positions_momenta_energy_forces_and_stress(tmp_path, gas, frames):
    recorder = Recorder(tmp_path, frames)
    recorder.frame(gas)
    recorder.close()
    frame = read(recorder.path)

    assert frame.positions == pytest.approx(gas.positions, abs=1e-7)
    assert frame.get_momenta() == pytest.approx(gas.get_momenta(), abs=1e-7)
    assert frame.get_potential_energy() == 0
    assert frame.get_forces().shape == (12, 3)
    assert frame.get_stress().tolist() == [0] * 6


def test_record_of_a_running_job_is_read_up_to_its_last_whole_row(tmp_path, gas):
    recorder = Recorder(tmp_path, "traj")
    advance(recorder, gas, range(3))
    recorder.mark()
    with (tmp_path / RECORD).open("ab") as stream:
        stream.write(b"half")
    record = read_record(tmp_path)
    recorder.close()

    assert record.kelvin.tolist() == [0, 1, 2]
    assert record.conserved_ev.tolist() == [0, 10, 20]
    assert np.allclose(record.pressure_gpa, [0, 0.1, 0.2])


def test_files_shorter_than_the_mark_are_not_intact(tmp_path, gas):
    recorder = Recorder(tmp_path, "traj")
    advance(recorder, gas, range(3))
    mark = recorder.mark()
    recorder.close()
    assert intact(tmp_path, "traj", mark)
    assert not intact(tmp_path, "extxyz", mark)

    with (tmp_path / RECORD).open("r+b") as stream:
        stream.truncate(50)
    assert not intact(tmp_path, "traj", mark)

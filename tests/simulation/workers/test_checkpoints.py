from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from llamp_mcp.simulation.workers.checkpoints import (
    PARTS,
    Checkpoints,
    Parts,
    progress_mark,
    sync_files,
)


def newest(checkpoints: Checkpoints) -> dict[str, Any]:
    """The newest state, which is there."""
    state = checkpoints.newest()
    assert state is not None
    return state


@given(
    array=arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64]), arrays.array_shapes(max_side=4)
    ),
    plain=st.dictionaries(
        st.text(), st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text())
    ),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
def test_state_comes_back_bit_for_bit(tmp_path, array, plain):
    Checkpoints(tmp_path).save({"array": array, "plain": plain})
    back = Checkpoints(tmp_path).newest()

    assert back is not None
    assert back["array"].tobytes() == array.tobytes()
    assert back["array"].dtype == array.dtype
    assert back["plain"] == plain


def test_last_two_states_are_kept_and_the_newest_is_given(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest() is None
    for n in range(12):
        checkpoints.save({"n": n, "x": np.full(3, n)})

    assert len(list(tmp_path.glob("checkpoint-*"))) == 2
    assert newest(checkpoints)["n"] == 11


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_torn_state_is_passed_over_for_the_one_before(tmp_path, left):
    checkpoints = Checkpoints(tmp_path)
    for n in range(2):
        checkpoints.save({"n": n, "x": np.arange(1000.0)})
    torn = max(tmp_path.glob("checkpoint-*.npz"))
    os.truncate(torn, left if left >= 0 else torn.stat().st_size - 1)

    assert newest(checkpoints)["n"] == 0


def test_kill_while_a_state_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"n": 0})

    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save({"n": 1})
    monkeypatch.undo()
    assert newest(Checkpoints(tmp_path))["n"] == 0
    checkpoints.save({"n": 2})
    assert newest(Checkpoints(tmp_path))["n"] == 2


def test_state_that_would_run_code_is_neither_written_nor_read(tmp_path):
    class Bad:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    with pytest.raises(ValueError, match="allow_pickle"):
        Checkpoints(tmp_path).save({"x": np.array([Bad()], dtype=object)})
    np.savez(tmp_path / "checkpoint-000009.npz", x=np.array([Bad()], dtype=object))
    assert Checkpoints(tmp_path).newest() is None
    assert not (tmp_path / "ran").exists()


def test_part_is_computed_once_in_the_life_of_a_job(tmp_path):
    path = tmp_path / PARTS
    assert Parts(path).once("a", lambda: {"e": -1.25}) == {"e": -1.25}
    assert Parts(path).once("b", lambda: [1, 2]) == [1, 2]
    again = Parts(path)
    assert again.once("a", pytest.fail) == {"e": -1.25}
    assert again.once("b", pytest.fail) == [1, 2]


def test_value_is_the_same_whether_computed_or_read_back(tmp_path):
    """A tuple or an integer key would change on the way through the file."""
    path = tmp_path / PARTS
    fresh = Parts(path).once("a", lambda: {"pair": (1, 0.1 + 0.2)})
    assert fresh == Parts(path).once("a", pytest.fail) == {"pair": [1, 0.1 + 0.2]}


@pytest.mark.parametrize("torn", ['["b", 4', '["b", 4]', "\x00\x00\n", '["b"]\n', "{}\n"])
def test_torn_line_is_cut_off_and_its_part_computed_again(tmp_path, torn):
    path = tmp_path / PARTS
    Parts(path).once("ä", lambda: 1)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(torn)
    parts = Parts(path)

    assert parts.once("b", lambda: 5) == 5
    assert [json.loads(line) for line in path.read_text().splitlines()] == [["ä", 1], ["b", 5]]


def test_value_that_is_no_number_is_never_kept(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        Parts(tmp_path / PARTS).once("a", lambda: float("nan"))
    assert Parts(tmp_path / PARTS).once("a", lambda: 1) == 1


def test_mark_differs_once_more_was_kept_and_only_then(tmp_path):
    marks = [progress_mark(tmp_path)]
    assert marks == [""]
    Parts(tmp_path / PARTS).once("a", lambda: 1)
    marks.append(progress_mark(tmp_path))
    for n in range(3):
        Checkpoints(tmp_path).save({"n": n})
        marks.append(progress_mark(tmp_path))
    (tmp_path / "log.txt").write_text("said something")
    assert progress_mark(tmp_path) == marks[-1]
    assert len(set(marks)) == 5


def test_all_files_of_a_job_are_put_on_disk(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    names = [tmp_path / name for name in ("plot.png", "trajectory.traj")]
    for path in names:
        path.write_bytes(b"1")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    sync_files(tmp_path)
    assert set(synced) == {path.stat().st_ino for path in (*names, tmp_path)}

from __future__ import annotations

import time

import numpy as np
import pytest

from llamp_mcp.errors import Cancelled
from llamp_mcp.simulation.workers.monitor import FIRST_CHECKPOINT_S, Monitor


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_cancelled_calculation_stops_at_its_next_check_and_before_its_next_part(tmp_path):
    monitor = Monitor("j", tmp_path, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        monitor.check()
    with pytest.raises(Cancelled):
        monitor.once("a", pytest.fail)


def test_reports_are_at_most_five_a_second(tmp_path, clock):
    told = []
    monitor = Monitor("j", tmp_path, lambda *report: told.append(report))
    for n in range(128):
        clock[0] = 1000 + n / 128
        if monitor.due():
            monitor.frames = n
            monitor.progress(n, 128, f"step {n}")
    assert len(told) == 5
    assert told[1] == (26, 128, "step 26", 26)


def test_first_checkpoints_come_soon_and_then_at_the_interval(tmp_path, clock):
    """A job whose worker is killed every few seconds must get further all the same."""
    monitor = Monitor("j", tmp_path, checkpoint_s=4)
    saved = []
    for n in range(200):
        clock[0] = 1000 + 0.1 * n
        if monitor.checkpoint_due():
            monitor.save({"n": n})
            saved.append(clock[0] - 1000)
    assert saved == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0], abs=0.2)
    assert saved[0] == pytest.approx(FIRST_CHECKPOINT_S, abs=0.1)
    assert Monitor("j", tmp_path).restore() == {"n": 160}


def test_interval_shorter_than_the_first_holds_from_the_start(tmp_path, clock):
    monitor = Monitor("j", tmp_path, checkpoint_s=0.1)
    assert not monitor.checkpoint_due()
    clock[0] += 0.11
    assert monitor.checkpoint_due()


def test_next_attempt_finds_parts_and_state_in_the_same_directory(tmp_path):
    first = Monitor("j", tmp_path)
    assert first.restore() is None
    first.once("a", lambda: 1)
    first.save({"x": np.arange(3.0), "n": 2})
    second = Monitor("j", tmp_path)
    state = second.restore()

    assert second.once("a", pytest.fail) == 1
    assert state is not None
    assert state["n"] == 2
    assert state["x"].tolist() == [0, 1, 2]

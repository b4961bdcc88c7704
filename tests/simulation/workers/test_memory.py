from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import psutil
import pytest

from llamp_mcp.simulation.workers import memory


@pytest.mark.parametrize("statm", [memory._STATM, Path("/nowhere")], ids=["proc", "ps"])
def test_resident_memory_is_what_another_program_says_and_grows_with_what_is_used(
    monkeypatch, statm
):
    monkeypatch.setattr(memory, "_STATM", statm)
    before = memory.resident_mb()
    hoard = np.ones(50 * 2**17)
    after = memory.resident_mb()

    assert after == pytest.approx(psutil.Process(os.getpid()).memory_info().rss / 2**20, rel=0.02)
    assert after - before == pytest.approx(hoard.nbytes / 2**20, abs=5)


def test_looking_is_rare_where_it_costs_a_process(monkeypatch):
    assert memory.glance_every_s() == 0
    monkeypatch.setattr(memory, "_STATM", Path("/nowhere"))
    assert memory.glance_every_s() == 1

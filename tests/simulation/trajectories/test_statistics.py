from __future__ import annotations

import numpy as np
import pytest

from llamp_mcp.simulation.trajectories.statistics import drift_of
from tests.simulation.test_blocking import correlated


def test_drift_is_the_slope_and_its_error_covers_it_for_correlated_noise():
    times = np.arange(800, dtype=np.float64) * 0.02
    rng = np.random.default_rng(4)
    found = [drift_of(times, 3 * times + correlated(rng, 800, 0.8)) for _ in range(200)]
    off = np.array([(one.slope - 3) / one.error for one in found])

    assert np.mean([one.slope for one in found]) == pytest.approx(3, abs=0.01)
    assert 0.6 < np.mean(np.abs(off) < 1) < 0.78

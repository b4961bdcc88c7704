from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from llamp_mcp.simulation.dynamics.statistics import running_mean, slope, standard_error, summary


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.99, -0.5])
def test_standard_error_of_a_correlated_series_is_that_of_theory(memory):
    """Autoregressive, unit noise: the error of the mean is 1 / ((1 - a) sqrt(n)) for long n."""
    n, rng = 60_001, np.random.default_rng(0)
    errors = [
        standard_error(lfilter([1], [1, -memory], rng.standard_normal(n))) or np.nan
        for _ in range(8)
    ]

    assert np.mean(errors) == pytest.approx(1 / ((1 - memory) * np.sqrt(n)), rel=0.15)


def test_error_of_a_series_that_swings_is_not_underestimated():
    """Autoregressive of order 2, poles r exp(±iw): 1 / ((1 - 2 r cos w + r²) sqrt(n)) in theory."""
    n, decay, angle = 8_000, 0.98, 0.1
    filtered = [1, -2 * decay * np.cos(angle), decay**2]
    theory = 1 / (sum(filtered) * np.sqrt(n))
    for seed in range(6):
        noise = np.random.default_rng(seed).standard_normal(n)
        error = standard_error(lfilter([1], filtered, noise))
        assert error is not None
        assert 0.7 * theory < error < 4 * theory


def test_error_is_unknown_when_the_series_is_short_or_no_longer_than_its_correlation():
    assert standard_error(np.random.default_rng(0).standard_normal(63)) is None
    assert standard_error(np.cumsum(np.random.default_rng(0).standard_normal(4_000))) is None


def test_mean_of_a_constant_has_no_error():
    assert standard_error(np.full(100, 7.0)) == 0


def test_summary_of_a_series_whose_target_moves_has_no_standard_error():
    values = np.random.default_rng(0).standard_normal(100)

    assert summary(values, still=True)["standard_error"] == pytest.approx(0.1, rel=0.3)
    assert summary(values, still=False)["standard_error"] is None
    assert summary(values, still=False)["final"] == values[-1]


def test_slope_of_a_line_is_found_and_of_one_point_unknown():
    times = np.linspace(0, 2, 11)

    assert slope(times, 3 * times - 1) == pytest.approx(3)
    assert slope(times[:1], times[:1]) is None


def test_running_mean_of_the_ends_is_over_what_there_is():
    assert running_mean(np.array([1.0, 3.0, 5.0, 13.0]), 3).tolist() == [2, 3, 7, 9]

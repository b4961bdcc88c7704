from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from llamp_mcp.simulation.blocking import mean_of


def correlated(rng, n, phi):
    """AR(1) of unit variance: the error of its mean is known (Priestley 1981, 5.3.5)."""
    noise = rng.normal(size=n + 200) * np.sqrt(1 - phi**2)
    return lfilter([1], [1, -phi], noise)[200:]


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_standard_error_of_a_correlated_series_is_the_analytic_one(phi):
    n = 4096
    rng = np.random.default_rng(1)
    exact = np.sqrt((1 + phi) / (1 - phi) / n)
    found = [mean_of(correlated(rng, n, phi)) for _ in range(40)]

    assert np.mean([one.error for one in found]) == pytest.approx(exact, rel=0.1)
    assert all(one.converged for one in found)


def test_means_lie_within_their_errors_as_often_as_they_should():
    rng = np.random.default_rng(2)
    found = [mean_of(correlated(rng, 1000, 0.8)) for _ in range(300)]
    off = np.array([one.mean / one.error for one in found])

    assert 0.6 < np.mean(np.abs(off) < 1) < 0.76
    assert 0.91 < np.mean(np.abs(off) < 1.96) < 0.98


def test_series_shorter_than_its_memory_is_said_not_to_have_converged():
    random_walk = np.cumsum(np.random.default_rng(3).normal(size=500))

    assert not mean_of(random_walk).converged
    assert mean_of(random_walk).error > 5 * np.std(random_walk) / np.sqrt(500)


def test_constant_has_no_error_and_three_values_say_little():
    assert mean_of(np.full(50, 7.0)) == (7.0, 0.0, 0.0, True)
    assert not mean_of(np.array([1.0, 2.0, 3.0])).converged

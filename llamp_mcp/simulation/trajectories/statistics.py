"""Averages over a correlated series, and how far to trust them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.simulation.trajectories.correlation import autocorrelation

if TYPE_CHECKING:
    from llamp_mcp.simulation.trajectories.block import Floats

METHOD: Final = (
    "standard errors by blocking (doi 10.1063/1.457480, level by doi 10.1103/PhysRevE.98.043304)"
)
MIN_BLOCKS: Final = 8
"""Fewer blocks say little about their own scatter."""
_ROUNDING: Final = 1e-12
_LEVEL: Final = 0.99
"""Confidence with which correlations are found, as in doi 10.1103/PhysRevE.98.043304."""


class Mean(NamedTuple):
    """Mean, standard deviation, standard error of the mean, and whether that has converged."""

    mean: float
    std: float
    error: float
    converged: bool


class Drift(NamedTuple):
    """Slope of a series per ps, and its standard error."""

    slope: float
    error: float


def mean_of(series: Floats) -> Mean:
    """Mean of a correlated series with its standard error.

    Neighbours are averaged pairwise until the blocks are uncorrelated (Flyvbjerg and Petersen,
    doi 10.1063/1.457480), found by Jonsson's test (doi 10.1103/PhysRevE.98.043304). Where fewer
    than 8 blocks are left by then, the largest error of all levels is given, not converged: it is a
    lower bound.
    """
    import numpy as np
    from scipy.stats import chi2

    mean, std = float(np.mean(series)), float(np.std(series))
    if std <= _ROUNDING * abs(mean):
        return Mean(mean, 0.0, 0.0, converged=True)
    if len(series) < 4:
        return Mean(mean, std, std, converged=False)
    variances, statistics = _levels(series)
    tested = np.cumsum(statistics[::-1])[::-1]
    limits = chi2.ppf(_LEVEL, np.arange(len(tested), 0, -1))
    passed = np.flatnonzero(tested < limits)
    # one further: what is left of the correlation is too weak for the test, not for the error
    level = int(passed[0]) + 1 if len(passed) else len(tested)
    if level < len(tested) and len(series) >> level >= MIN_BLOCKS:
        return Mean(mean, std, float(np.sqrt(variances[level])), True)
    return Mean(mean, std, float(np.sqrt(variances.max())), False)


def _levels(series: Floats) -> tuple[Floats, Floats]:
    """At each level of blocking: squared standard error, and the statistic of Jonsson's test."""
    import numpy as np

    blocks = series - np.mean(series)
    errors, statistics = [], []
    while (n := len(blocks)) >= 2:
        variance = float(np.var(blocks))
        lagged = float(np.mean(blocks[1:] * blocks[:-1])) * (n - 1) / n
        errors.append(variance / (n - 1))
        scaled = ((n - 1) * variance / n**2 + lagged) / variance if variance > 0 else 0.0
        statistics.append(n * scaled**2)
        blocks = blocks[: n // 2 * 2].reshape(-1, 2).mean(axis=1)
    return np.array(errors), np.array(statistics)


def drift_of(times_ps: Floats, series: Floats) -> Drift:
    """Slope by least squares; its error allows for the correlation of what is left over.

    Its variance is that of uncorrelated residuals times their statistical inefficiency, the
    integral of their autocorrelation up to its first zero (doi 10.1021/ct0502864).
    """
    import numpy as np

    if len(series) < 4:
        return Drift(0.0, float("inf"))
    centred = times_ps - times_ps.mean()
    spread = float(np.vdot(centred, centred))
    slope = float(np.vdot(centred, series)) / spread
    residuals = series - series.mean() - slope * centred
    variance = float(np.vdot(residuals, residuals)) / (len(series) - 2)
    return Drift(slope, float(np.sqrt(variance * _inefficiency(residuals) / spread)))


def _inefficiency(residuals: Floats) -> float:
    """Frames per independent frame, at least 1."""
    import numpy as np

    correlated = autocorrelation(np.stack([residuals] * 3, axis=-1)[:, None])[:, 0]
    if correlated[0] <= 0:
        return 1.0
    correlated = correlated / correlated[0]
    negative = np.flatnonzero(correlated <= 0)
    end = int(negative[0]) if len(negative) else len(correlated)
    fewer = 1 - np.arange(end) / len(correlated)
    return max(1.0, float(2 * np.vdot(correlated[:end], fewer)) - 1)

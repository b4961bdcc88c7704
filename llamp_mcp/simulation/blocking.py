"""The mean of a correlated series, and how well it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

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


def mean_of(series: Floats) -> Mean:
    """Mean of a correlated series with its standard error.

    Neighbours are averaged pairwise until the blocks are uncorrelated (Flyvbjerg and Petersen,
    doi 10.1063/1.457480), found by Jonsson's test (doi 10.1103/PhysRevE.98.043304). Where fewer
    than 8 blocks are left by then, the largest error of all levels is given, not converged: it is a
    lower bound.

    Args:
        series: Equally spaced in time; shape (n,).
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
        return Mean(mean, std, float(np.sqrt(variances[level])), converged=True)
    return Mean(mean, std, float(np.sqrt(variances.max())), converged=False)


def _levels(series: Floats) -> tuple[Floats, Floats]:
    """At each level of blocking: squared standard error, and the statistic of Jonsson's test."""
    import numpy as np

    blocks = series
    errors, statistics = [], []
    while (n := len(blocks)) >= 2:
        centred = blocks - blocks.mean()
        variance = float(centred @ centred) / n
        lagged = float(centred[1:] @ centred[:-1]) / n
        errors.append(variance / (n - 1))
        scaled = ((n - 1) * variance / n**2 + lagged) / variance if variance > 0 else 0.0
        statistics.append(n * scaled**2)
        blocks = blocks[: n // 2 * 2].reshape(-1, 2).mean(axis=1)
    return np.array(errors), np.array(statistics)

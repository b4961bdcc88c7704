"""Means of correlated series, and how well they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llamp_mcp.simulation.dynamics.start import Floats

MIN_VALUES: Final = 64
_MIN_BLOCKS: Final = 16
"""Fewer blocks do not tell their own scatter, nor whether they are correlated."""
_SIGNIFICANCE: Final = 0.01


def standard_error(values: Floats) -> float | None:
    """Standard error of the mean of a correlated series, by blocking.

    Neighbours are averaged in pairs, again and again (doi 10.1063/1.457480), until what is left
    shows no autocorrelation (the test of doi 10.1103/PhysRevE.98.043304); where it always does, but
    the error has stopped to grow with the blocks, the largest is taken.

    Args:
        values: Equally spaced in time; shape (n,).

    Returns:
        The error in the unit of the values; None when the series is too short for its correlation.
    """
    import numpy as np
    from scipy.special import chdtri

    if len(values) < MIN_VALUES:
        return None
    levels = _levels(np.asarray(values, dtype=np.float64))
    if not levels:
        return 0.0
    correlated = [
        n * ((n - 1) * variance / n**2 + covariance) ** 2 / variance**2
        for n, variance, covariance in levels
    ]
    errors = [float(np.sqrt(variance / (n - 1))) for n, variance, _ in levels if n >= _MIN_BLOCKS]
    for level, error in enumerate(errors):
        if sum(correlated[level:]) < chdtri(len(levels) - level, _SIGNIFICANCE):
            return error
    # A series that swings, as a Nosé-Hoover chain's does, leaves blocks that balance each other.
    return max(errors) if errors[-1] < max(errors) else None


def _levels(values: Floats) -> list[tuple[int, float, float]]:
    """Number, variance and covariance of neighbours, of the values and of ever longer blocks."""
    found = []
    while len(values) >= 2:
        n = len(values)
        centred = values - values.mean()
        variance = float(centred @ centred) / n
        if variance == 0:
            break
        found.append((n, variance, float(centred[1:] @ centred[:-1]) / n))
        values = 0.5 * (values[0 : n - n % 2 : 2] + values[1::2])
    return found


def summary(values: Floats, *, still: bool) -> dict[str, float | None]:
    """Mean, standard deviation, standard error of the mean, least, greatest and last value.

    Args:
        values: Equally spaced in time; shape (n,).
        still: Whether their target is; the mean over a moving one has no standard error.
    """
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "standard_error": standard_error(values) if still else None,
        "min": float(values.min()),
        "max": float(values.max()),
        "final": float(values[-1]),
    }


def slope(times: Floats, values: Floats) -> float | None:
    """Slope of a series by least squares; None for fewer than two values."""
    import numpy as np

    if len(values) < 2:
        return None
    return float(np.polyfit(times, values, 1)[0])


def running_mean(values: Floats, window: int) -> Floats:
    """Mean over a window centred at each value; at the ends, over what there is of it."""
    import numpy as np

    sums = np.concatenate(([0.0], np.cumsum(values)))
    at = np.arange(len(values))
    first = np.maximum(at - window // 2, 0)
    end = np.minimum(at + window // 2 + 1, len(values))
    mean: Floats = (sums[end] - sums[first]) / (end - first)
    return mean

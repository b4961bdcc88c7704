"""Means of correlated series, and how well they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.simulation.blocking import mean_of

if TYPE_CHECKING:
    from llamp_mcp.simulation.dynamics.start import Floats

MIN_VALUES: Final = 64


def standard_error(values: Floats) -> float | None:
    """Standard error of the mean of a correlated series, by blocking.

    Args:
        values: Equally spaced in time; shape (n,).

    Returns:
        The error in the unit of the values; None when the series is too short for its correlation.
    """
    if len(values) < MIN_VALUES:
        return None
    found = mean_of(values)
    return found.error if found.converged else None


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

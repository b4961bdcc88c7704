"""Drift of a correlated series, and how far to trust it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llamp_mcp.simulation.trajectories.correlation import autocorrelation

if TYPE_CHECKING:
    from llamp_mcp.simulation.trajectories.block import Floats


class Drift(NamedTuple):
    """Slope of a series per ps, and its standard error."""

    slope: float
    error: float


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

"""A straight line through a mean squared displacement whose values are all correlated.

MSD values at different lags come from the same paths, so an ordinary fit is inefficient and its
error far too small. Here a generalised least squares fit takes their covariance into account, as in
doi 10.1063/5.0008312 and doi 10.1021/acs.jctc.4c01249.

For Gaussian displacements the covariance follows from the MSD itself, M per coordinate. Those over
lags i from frame 0 and j from frame d have the covariance
    c(d) = [M(|i - d|) + M(|d + j|) - M(|i - d - j|) - M(|d|)] / 2,
and their squares 2 c(d)² (Isserlis), which is summed over all pairs of time origins. M is taken as
measured below the fitted window, so that vibrations count with their own memory, and as the fitted
line above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.simulation.trajectories.correlation import squared_displacements

if TYPE_CHECKING:
    from llamp_mcp.simulation.trajectories.block import Floats

LAGS: Final = 12
"""Lags fitted: more of them say little that is new."""
MIN_LAGS: Final = 4
_LEAST: Final = 1e-6
"""Variance of a direction of the correlations, of the largest, below which it is taken as this."""
_PLAUSIBLE: Final = 0.05
"""A straight line would look this bad, or worse, once in twenty times."""
_ROUNDS: Final = 3
"""The covariance depends on the line, and the line on the covariance."""
_ENOUGH_ATOMS: Final = 8
"""From here the scatter of the atoms is a better measure of theirs than a model of it."""


class Line(NamedTuple):
    """intercept + slope · lag (in frames), with what the fit knows of its own quality.

    Attributes:
        intercept: Å².
        slope: Å² per frame, over the three directions together.
        error: Standard error of the slope.
        along: Slopes along x, y, z.
        exponent: Of the MSD as a power of the lag in the later half of the window; diffusive: 1.
        exponent_error: Its standard error.
        straight: The line is within the errors of the MSD (chi² test); else its own error is
            larger by Birge's ratio.
    """

    intercept: float
    slope: float
    error: float
    along: Floats
    exponent: float
    exponent_error: float
    straight: bool


def fit_line(paths: Floats, msd: Floats, first: int, last: int) -> Line:
    """Fit MSD = intercept + slope · lag between two lags.

    Args:
        paths: Å, shape (F, N, 3).
        msd: Of these atoms together, Å², shape (F,).
        first: Shortest lag, frames.
        last: Longest lag, frames.
    """
    import numpy as np
    from scipy.stats import chi2

    lags = np.unique(np.linspace(first, last, LAGS).round()).astype(np.float64)
    each = squared_displacements(paths, lags)
    values = each.mean(axis=1)
    design = np.stack([np.ones_like(lags), lags], axis=1)
    line = np.linalg.lstsq(design, values, rcond=None)[0]
    for _ in range(_ROUNDS):
        covariance = _covariance(msd, line, lags, paths.shape[1])
        weights, line_covariance = _weights(design, covariance)
        line = weights @ values
    n_atoms = paths.shape[1]
    scatter = float(np.var(weights[1] @ each, ddof=1)) / n_atoms if n_atoms > 1 else 0.0
    model = float(line_covariance[1, 1])
    broader = max(1.0, scatter / model) if n_atoms >= _ENOUGH_ATOMS and model > 0 else 1.0
    covariance = covariance * broader
    residuals = values - design @ line
    misfit = float(residuals @ _inverse(covariance) @ residuals)
    freedom = len(lags) - 2
    plausible = bool(chi2.sf(misfit, freedom) > _PLAUSIBLE)
    # a line that does not fit is no better known than its residuals say (Birge's ratio)
    birge = 1.0 if plausible else max(1.0, misfit / freedom)
    late = slice(len(lags) // 2, None)
    exponent, exponent_error = _exponent(lags[late], values[late], covariance[late, late])
    return Line(
        intercept=float(line[0]),
        slope=float(line[1]),
        error=float(np.sqrt(model * broader * birge)),
        along=_along(paths, lags, weights[1]),
        exponent=exponent,
        exponent_error=exponent_error,
        straight=plausible,
    )


def _along(paths: Floats, lags: Floats, weights: Floats) -> Floats:
    """The same linear estimate of the slope for each direction alone."""
    import numpy as np

    slopes = [weights @ squared_displacements(paths[..., [i]], lags).mean(axis=1) for i in range(3)]
    return np.array(slopes)


def _exponent(lags: Floats, values: Floats, covariance: Floats) -> tuple[float, float]:
    """Slope of log MSD against log lag, by the same least squares, and its standard error."""
    import numpy as np

    positive = np.maximum(values, 1e-6 * values.max() + 1e-300)
    design = np.stack([np.ones_like(lags), np.log(lags)], axis=1)
    relative = covariance / np.outer(positive, positive)
    weights, found = _weights(design, relative)
    return float(weights[1] @ np.log(positive)), float(np.sqrt(found[1, 1]))


def _weights(design: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Linear weights of the generalised least squares estimate, and its covariance."""
    import numpy as np

    inverse = _inverse(covariance)
    found = _inverse(design.T @ inverse @ design)
    weights: Floats = found @ design.T @ inverse
    return weights, np.asarray(found, dtype=np.float64)


def _inverse(covariance: Floats) -> Floats:
    """Of a covariance, by way of its correlations.

    A measured MSD is not quite one of a Gaussian process, so that its correlations may come out
    with a negative variance in some direction: such directions get next to none instead.
    """
    import numpy as np

    scale = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    scales = np.outer(scale, scale)
    variances, directions = np.linalg.eigh(covariance / scales)
    variances = np.maximum(variances, _LEAST * variances.max())
    inverse: Floats = (directions / variances) @ directions.T / scales
    return inverse


def _covariance(msd: Floats, line: Floats, lags: Floats, n_atoms: int) -> Floats:
    """Covariance of the MSD at some lags, Å⁴, of independent atoms; see the module."""
    import numpy as np

    frames = len(msd)
    model = _model(msd, line, int(lags[0]), 2 * frames)
    whole = lags.astype(int)
    result = np.empty((len(whole), len(whole)))
    for row, i in enumerate(whole.tolist()):
        for column, j in enumerate(whole[: row + 1].tolist()):
            offsets = np.arange(-(frames - 1), frames)
            ends = np.minimum(frames - i, frames - j - offsets)
            pairs = np.maximum(ends - np.maximum(0, -offsets), 0)
            shared = model[np.abs(i - offsets)] + model[np.abs(offsets + j)]
            shared = shared - model[np.abs(i - offsets - j)] - model[np.abs(offsets)]
            total = 2 * float(pairs @ (shared / 2) ** 2)
            value = total / ((frames - i) * (frames - j)) * 3 / n_atoms
            result[row, column] = result[column, row] = value
    return result


def _model(msd: Floats, line: Floats, first: int, size: int) -> Floats:
    """MSD per coordinate against lag: as measured below the window, the line from there on."""
    import numpy as np

    slope = max(float(line[1]), 0.0)
    level = max(float(line[0] + line[1] * first), float(msd[1]) * 1e-3, 1e-12)
    model = level + slope * (np.arange(size, dtype=np.float64) - first)
    model[:first] = msd[:first]
    model[0] = 0.0
    return model / 3

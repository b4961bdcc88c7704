"""Time correlations over all time origins, by fast Fourier transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llamp_mcp.simulation.trajectories.block import Floats

_ATOMS_AT_ONCE: Final = 64
"""A bound on memory: each is transformed at twice its length in complex numbers."""


def autocorrelation(vectors: Floats) -> Floats:
    """<v(0)·v(t)> of each atom over all time origins, shape (F, N) from (F, N, 3)."""
    import numpy as np
    from scipy.fft import irfft, next_fast_len, rfft

    frames, atoms = vectors.shape[:2]
    size = next_fast_len(2 * frames, real=True)
    correlated = np.empty((frames, atoms))
    for first in range(0, atoms, _ATOMS_AT_ONCE):
        part = slice(first, first + _ATOMS_AT_ONCE)
        spectrum = rfft(vectors[:, part], size, axis=0)
        power = (spectrum.real**2 + spectrum.imag**2).sum(axis=2)
        correlated[:, part] = irfft(power, size, axis=0)[:frames]
    return correlated / np.arange(frames, 0, -1)[:, None]


def mean_squared_displacement(paths: Floats) -> Floats:
    """MSD of the atoms together against lag, Å², shape (F,) from paths of shape (F, N, 3).

    |r(k+m) - r(k)|² is split into squares, summed recursively, and a correlation (Calandrini et
    al., doi 10.1051/sfn/201112010).
    """
    import numpy as np

    centred = paths - paths.mean(axis=0)
    frames = len(centred)
    squares = np.einsum("fni,fni->f", centred, centred) / centred.shape[1]
    sums = np.concatenate([[0.0], np.cumsum(squares)])
    lags = np.arange(frames)
    ends = sums[frames - lags] + sums[frames] - sums[lags]
    msd: Floats = ends / (frames - lags) - 2 * autocorrelation(centred).mean(axis=1)
    msd[0] = 0.0
    return np.maximum(msd, 0.0)


def squared_displacements(paths: Floats, lags: Floats) -> Floats:
    """MSD of each atom at some lags (in frames), Å², shape (L, N)."""
    import numpy as np

    rows = []
    for lag in lags.astype(int).tolist():
        moved = paths[lag:] - paths[:-lag]
        rows.append(np.einsum("fni,fni->n", moved, moved) / len(moved))
    return np.array(rows)

"""Velocity autocorrelation, the vibrational density of states, and diffusion by Green and Kubo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.trajectories.block import (
    Block,
    Curve,
    Panel,
    Undetermined,
    at_least,
    chosen_species,
)
from llamp_mcp.simulation.trajectories.correlation import autocorrelation
from llamp_mcp.simulation.trajectories.diffusion import CM2_PER_S, MIN_FRAMES, estimate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.block import Floats
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

METHOD: Final = (
    "all time origins, centre of mass at rest; density of states: cosine transform of the "
    "mass-weighted VACF with a Hann window (doi 10.1103/PhysRev.188.1407); D: integral of the VACF "
    "(Green-Kubo, doi 10.1063/1.1740082) to where the VACF has decayed"
)
LONGEST_PS: Final = 5.0
_FORGOTTEN: Final = 0.02
_EDGE: Final = 0.1
_ALIASED: Final = 0.05
_PEAKS: Final = 3


def block(trajectory: Trajectory, request: AnalyzeTrajectoryParams) -> Block:
    """VACF and D of each element, and the density of states of them all and of each."""
    import numpy as np

    interval_ps = trajectory.interval_ps
    velocities = trajectory.still_velocities()
    at_least(trajectory, MIN_FRAMES, "vacf")
    lags = min(len(trajectory) // 2, max(20, round(LONGEST_PS / interval_ps)))
    times_ps = np.arange(lags, dtype=np.float64) * interval_ps
    species: dict[str, Any] = {}
    curves, spectra = [], []
    total = np.zeros(lags)
    warnings = trajectory.jump_warning()
    for symbol in chosen_species(trajectory, request.species):
        indices = trajectory.indices(symbol)
        each = autocorrelation(velocities[:, indices])[:lags]
        vacf = each.mean(axis=1)
        if vacf[0] <= 0:
            raise Undetermined(f"The {symbol} atoms do not move: all their velocities are zero")
        weighted = vacf * trajectory.masses[indices].sum()
        total += weighted
        frequencies, density = density_of_states(weighted, interval_ps)
        curves.append(Curve(times_ps, vacf / vacf[0], symbol))
        spectra.append(Curve(frequencies, density, symbol))
        species[symbol] = {
            **_spectral(frequencies, density),
            **_green_kubo(each, interval_ps),
            **_einstein(trajectory.paths[:, indices], interval_ps),
        }
    frequencies, density = density_of_states(total, interval_ps)
    values = {
        "method": METHOD,
        **_spectral(frequencies, density),
        "nyquist_thz": 0.5 / interval_ps,
        "resolution_thz": 1 / (lags * interval_ps),
        "species": species,
    }
    warnings += _aliased(frequencies, density, interval_ps)
    panels = [
        Panel("Velocity autocorrelation", "Lag (ps)", "VACF / VACF(0)", curves, at_y=[0.0]),
        Panel("Vibrational density of states", "Frequency (THz)", "DOS (1/THz)", spectra),
    ]
    return Block(values, panels, warnings)


def density_of_states(vacf: Floats, interval_ps: float) -> tuple[Floats, Floats]:
    """Frequencies in THz, and the density of states over them, which integrates to 1.

    Args:
        vacf: From lag 0 on.
        interval_ps: Between lags.
    """
    import numpy as np
    from scipy.fft import rfft

    n = len(vacf)
    tapered = vacf * np.cos(np.pi / 2 * np.arange(n) / n) ** 2
    size = 8 * n
    even = np.zeros(size)
    even[:n] = tapered
    even[-n + 1 :] = tapered[:0:-1]
    density = rfft(even).real
    frequencies = np.asarray(np.fft.rfftfreq(size, interval_ps), dtype=np.float64)
    density = density / np.trapezoid(density, frequencies)
    return frequencies, density


def _spectral(frequencies: Floats, density: Floats) -> dict[str, Any]:
    """Where the density of states peaks, and its mean frequency."""
    import numpy as np
    from scipy.signal import find_peaks

    positive = np.maximum(density, 0)
    peaks, found = find_peaks(positive, prominence=0.05 * positive.max())
    highest = peaks[np.argsort(-found["prominences"])][:_PEAKS]
    return {
        "dos_peaks_thz": [round(float(frequencies[peak]), 3) for peak in sorted(highest)],
        "dos_mean_thz": float(np.vdot(frequencies, positive) / positive.sum()),
        "dos_at_zero_per_thz": float(density[0]),
    }


def _green_kubo(each: Floats, interval_ps: float) -> dict[str, Any]:
    """D = 1/3 of the integral of <v(0)·v(t)>, up to where nothing is left but noise.

    Where the VACF still oscillates at the longest lag, as in a crystal, it is the mean of the
    integral over the later half of the lags, and how it oscillates there is part of its error; else
    the error comes from the scatter of the atoms.
    """
    import numpy as np
    from scipy.integrate import cumulative_trapezoid

    vacf = each.mean(axis=1)
    n_atoms = each.shape[1]
    scatter = each.std(axis=1, ddof=1) / np.sqrt(n_atoms) if n_atoms > 1 else np.zeros(len(each))
    alive = np.abs(vacf) > np.maximum(_FORGOTTEN * vacf[0], 2 * scatter)
    last = int(np.flatnonzero(alive)[-1])
    end = min(len(vacf) - 1, last + 1)
    decayed = end < len(vacf) - 1
    running = cumulative_trapezoid(each, dx=interval_ps, axis=0, initial=0) / 3
    part = running[end : end + 1] if decayed else running[len(vacf) // 2 :]
    swing = float(part.mean(axis=1).std())
    spread = float(part.mean(axis=0).std(ddof=1)) / n_atoms**0.5 if n_atoms > 1 else None
    error = None if spread is None else (spread**2 + swing**2) ** 0.5
    return {
        "green_kubo_d_cm2_per_s": float(part.mean()) * CM2_PER_S,
        "green_kubo_error_cm2_per_s": None if error is None else error * CM2_PER_S,
        "integrated_to_ps": end * interval_ps,
        "vacf_has_decayed": decayed,
    }


def _einstein(paths: Floats, interval_ps: float) -> dict[str, Any]:
    line = estimate(paths).line
    to_d = CM2_PER_S / (6 * interval_ps)
    return {
        "einstein_d_cm2_per_s": line.slope * to_d,
        "einstein_error_cm2_per_s": line.error * to_d,
    }


def _aliased(frequencies: Floats, density: Floats, interval_ps: float) -> Iterator[str]:
    """That vibrations may be faster than the frames show."""
    import numpy as np

    edge = frequencies > (1 - _EDGE) * frequencies[-1]
    share = float(np.maximum(density[edge], 0).sum() / np.maximum(density, 0).sum())
    if share > _ALIASED:
        yield (
            f"{100 * share:.0f} % of the density of states lies at the highest frequency that "
            f"frames {1000 * interval_ps:.3g} fs apart can show: faster vibrations are folded "
            "back and D by Green-Kubo is wrong; write frames more often (sample_every)"
        )


def text(values: dict[str, Any]) -> Iterator[str]:
    """One line for the spectrum, and one per element."""
    yield f"vacf ({values['method']}):"
    yield (
        f"- density of states: {_peaks(values)}; highest frequency shown = "
        f"{values['nyquist_thz']:.4g} THz, resolution = {values['resolution_thz']:.3g} THz"
    )
    several = len(values["species"]) > 1
    for symbol, row in values["species"].items():
        error = row["green_kubo_error_cm2_per_s"]
        uncertain = "" if error is None else f" ± {error:.2g}"
        decayed = "" if row["vacf_has_decayed"] else ", VACF not decayed by then"
        yield (
            f"- {symbol}: {_peaks(row) + '; ' if several else ''}D by Green-Kubo = "
            f"({row['green_kubo_d_cm2_per_s']:.3g}{uncertain}) cm²/s, integrated to "
            f"{row['integrated_to_ps']:.3g} ps{decayed}; D by Einstein = "
            f"({row['einstein_d_cm2_per_s']:.3g} ± {row['einstein_error_cm2_per_s']:.2g}) cm²/s"
        )


def _peaks(row: dict[str, Any]) -> str:
    peaks = ", ".join(f"{peak:.3g}" for peak in row["dos_peaks_thz"])
    told = f"peaks at {peaks} THz" if peaks else "no peaks"
    return (
        f"{told}, mean = {row['dos_mean_thz']:.3g} THz, "
        f"at zero = {row['dos_at_zero_per_thz']:.3g} 1/THz"
    )

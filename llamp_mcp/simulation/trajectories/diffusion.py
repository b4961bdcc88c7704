"""Self-diffusion coefficients by Einstein's relation, with their uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.trajectories.block import Block, Curve, Panel, at_least, chosen_species
from llamp_mcp.simulation.trajectories.correlation import mean_squared_displacement
from llamp_mcp.simulation.trajectories.msd_fit import MIN_LAGS, Line, fit_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.block import Floats
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

METHOD: Final = (
    "MSD = c + 6 D t by generalised least squares over correlated lags (doi 10.1063/5.0008312, "
    "10.1021/acs.jctc.4c01249), ± one standard error, atoms taken as independent; self-diffusion "
    "(tracer), no finite-size correction"
)
CM2_PER_S: Final = 1e-4
"""1 Å²/ps in cm²/s: 1e-16 cm² per 1e-12 s, exact."""
SEEN: Final = 2.0
"""Standard errors above zero from which a diffusion coefficient counts as seen."""
_STARTS: Final = 8
_LATEST: Final = 0.1
"""Of the window, within which the fit has to start."""
_TOLERANCE: Final = 0.2
_FLAT: Final = 0.5
"""A log-log slope below which atoms that vibrate about their sites make most of the MSD."""
MIN_FRAMES: Final = 40


class Estimate(NamedTuple):
    """A fitted line in frames, the lags it was fitted to, and the MSD it was fitted to."""

    line: Line
    first: int
    last: int
    msd: Floats


def estimate(paths: Floats, first: int | None = None, last: int | None = None) -> Estimate:
    """Fit the MSD of some atoms.

    Without a window, it ends at half the run, and starts at the shortest of some lags from which
    the MSD is a straight line within its errors (chi² test), at most a tenth of the run.

    Args:
        paths: Å, shape (F, N, 3).
        first: Shortest lag fitted, frames.
        last: Longest lag fitted, frames.
    """
    import numpy as np

    msd = mean_squared_displacement(paths)
    last = last or len(msd) // 2
    latest = max(1, int(_LATEST * len(msd)))
    starts = [first] if first else np.unique(np.geomspace(1, latest, _STARTS).astype(int)).tolist()
    for start in starts:
        line = fit_line(paths, msd, start, last)
        if line.straight:
            break
    return Estimate(line, start, last, msd)


def block(trajectory: Trajectory, request: AnalyzeTrajectoryParams) -> Block:
    """D of each element, along each axis, in each half of the run, and whether it is seen."""
    interval_ps = trajectory.interval_ps
    at_least(trajectory, MIN_FRAMES, "diffusion")
    window = _window(request.fit_ps, interval_ps, len(trajectory))
    species: dict[str, Any] = {}
    warnings, curves = trajectory.jump_warning(), []
    for symbol in chosen_species(trajectory, request.species):
        paths = trajectory.paths[:, trajectory.indices(symbol)]
        found = estimate(paths, *window)
        species[symbol] = row = _row(found, interval_ps, _halves(paths, found))
        warnings += [f"{symbol}: {what}" for what in _doubts(found, row)]
        curves += _curves(symbol, found, interval_ps)
    panel = Panel("Mean squared displacement and fit", "Lag (ps)", "MSD (Å²)", curves)
    return Block({"method": METHOD, "species": species}, [panel], warnings)


def _window(fit_ps: list[float], interval_ps: float, frames: int) -> tuple[int | None, int | None]:
    """The window asked for, in frames.

    Raises:
        InvalidInput: It is empty, or outside the run.
    """
    if not fit_ps:
        return None, None
    first, last = (round(time / interval_ps) for time in fit_ps)
    if not 1 <= first <= last - MIN_LAGS or last > 0.9 * frames:
        raise InvalidInput(
            f"fit_ps {fit_ps} is no window of lags of this run",
            allowed=f"from {interval_ps:.4g} to {0.9 * frames * interval_ps:.4g} ps, with at "
            f"least {MIN_LAGS + 1} lags, {interval_ps:.4g} ps apart",
        )
    return first, last


def _row(found: Estimate, interval_ps: float, halves: list[Line]) -> dict[str, Any]:
    """Values of one element: slopes in Å² per frame become Å²/ps and cm²/s."""
    line = found.line
    to_d = 1 / (6 * interval_ps)
    d, error = line.slope * to_d, line.error * to_d
    return {
        "d_cm2_per_s": d * CM2_PER_S,
        "error_cm2_per_s": error * CM2_PER_S,
        "d_a2_per_ps": d,
        "error_a2_per_ps": error,
        "seen": bool(d > SEEN * error and line.exponent > _FLAT),
        "upper_bound_cm2_per_s": None if _ballistic(line) else (abs(d) + SEEN * error) * CM2_PER_S,
        "along_xyz_cm2_per_s": [float(3 * one * to_d * CM2_PER_S) for one in line.along],
        "halves_cm2_per_s": [half.slope * to_d * CM2_PER_S for half in halves],
        "halves_error_cm2_per_s": [half.error * to_d * CM2_PER_S for half in halves],
        "loglog_slope": line.exponent,
        "loglog_slope_error": line.exponent_error,
        "fit_ps": [round(found.first * interval_ps, 6), round(found.last * interval_ps, 6)],
        "intercept_a2": line.intercept,
    }


def _ballistic(line: Line) -> bool:
    """Whether the MSD still grows faster than with time: it bounds no diffusion coefficient."""
    return line.exponent > 1 + max(_TOLERANCE, SEEN * line.exponent_error)


def _halves(paths: Floats, found: Estimate) -> list[Line]:
    """The same fit to each half of the run, at half as long lags."""
    middle = len(paths) // 2
    last = min(found.last, middle // 2)
    if last - found.first < MIN_LAGS:
        return []
    parts = paths[:middle], paths[middle:]
    return [fit_line(part, mean_squared_displacement(part), found.first, last) for part in parts]


def _doubts(found: Estimate, row: dict[str, Any]) -> Iterator[str]:
    """What speaks against taking the number for a diffusion coefficient."""
    line = found.line
    if not row["seen"] and not _ballistic(line):
        yield (
            "diffusion is below what this run can see: D < "
            f"{row['upper_bound_cm2_per_s']:.2g} cm²/s (two standard errors; log-log slope "
            f"{row['loglog_slope']:.2f})"
        )
        return
    beyond = abs(line.exponent - 1)
    if beyond > max(_TOLERANCE, SEEN * line.exponent_error):
        yield (
            f"log-log slope {line.exponent:.2f}, not 1: not (yet) diffusive in this window; "
            "run longer before you believe D"
        )
    elif not line.straight:
        yield "the MSD is no straight line within its errors in this window; D depends on it"
    if line.error > 0.5 * line.slope:
        yield "D is uncertain by more than half of itself"
    if halves := row["halves_cm2_per_s"]:
        error = sum(one**2 for one in row["halves_error_cm2_per_s"]) ** 0.5
        if abs(halves[0] - halves[1]) > 3 * error:
            yield "the halves of the run disagree by more than three standard errors"


def _curves(symbol: str, found: Estimate, interval_ps: float) -> list[Curve]:
    import numpy as np

    lags = np.arange(found.last + 1, dtype=np.float64)
    fitted = np.array([found.first, found.last], dtype=np.float64)
    line = found.line.intercept + found.line.slope * fitted
    return [
        Curve(lags * interval_ps, found.msd[: found.last + 1], symbol),
        Curve(fitted * interval_ps, line, f"{symbol}, fit", "--"),
    ]


def text(values: dict[str, Any]) -> Iterator[str]:
    """Two lines per element."""
    yield f"diffusion ({values['method']}):"
    for symbol, row in values["species"].items():
        bound = row["upper_bound_cm2_per_s"]
        seen = "; not seen" if not row["seen"] else ""
        seen += f": D < {bound:.2g} cm²/s" if seen and bound is not None else ""
        yield (
            f"- {symbol}: D = ({row['d_cm2_per_s']:.3g} ± {row['error_cm2_per_s']:.2g}) cm²/s = "
            f"({row['d_a2_per_ps']:.3g} ± {row['error_a2_per_ps']:.2g}) Å²/ps{seen}; fitted "
            f"{row['fit_ps'][0]:.4g} to {row['fit_ps'][1]:.4g} ps, log-log slope of its later "
            f"half = {row['loglog_slope']:.2f} ± {row['loglog_slope_error']:.2g} (diffusive: 1), "
            f"intercept = {row['intercept_a2']:.3g} Å²"
        )
        along = " ".join(f"{one:.3g}" for one in row["along_xyz_cm2_per_s"])
        halves = " and ".join(
            f"{d:.3g} ± {error:.2g}"
            for d, error in zip(row["halves_cm2_per_s"], row["halves_error_cm2_per_s"], strict=True)
        )
        yield f"  D along x y z = {along} cm²/s; halves of the run = {halves or 'too short'} cm²/s"

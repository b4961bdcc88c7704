"""Radial distribution functions: shells of neighbours, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.blocking import mean_of
from llamp_mcp.simulation.trajectories.block import Block, Curve, Panel
from llamp_mcp.simulation.trajectories.neighbours import (
    MAX_PAIRS,
    Sample,
    check_periodic,
    chosen_pairs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.block import Floats
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

BIN_A: Final = 0.02
SMOOTH_A: Final = 0.06
"""Peaks and minima are looked for in g(r) smoothed by a Gaussian of this width."""
MAX_CUTOFF_A: Final = 10.0
METHOD: Final = (
    f"bins of {BIN_A} Å; an ideal gas is 1 (like pairs: N - 1 neighbours); peaks and minima of "
    f"g(r) smoothed by {SMOOTH_A} Å"
)
_PROMINENT: Final = 0.1
_NOISE: Final = 5.0
"""Standard deviations of the noise by which a peak has to stand out."""


class Shell(NamedTuple):
    """The first shell of a smoothed g(r): where it peaks and ends; None where it does not."""

    peak_a: float | None
    height: float | None
    end_a: float | None


class Distribution(NamedTuple):
    """g(r) and what it was counted from.

    Attributes:
        r_a: Centres of the bins, Å.
        g: Dimensionless.
        smooth: Smoothed.
        counts: Neighbours per central atom within each bin, in each frame, shape (F, bins).
        shell: The first one.
        sample: Frames and atoms looked at.
    """

    r_a: Floats
    g: Floats
    smooth: Floats
    counts: Floats
    shell: Shell
    sample: Sample


def distribution(trajectory: Trajectory, one: str, other: str, cutoff_a: float) -> Distribution:
    """g(r) of `other` atoms around `one` atoms up to a cutoff, averaged over frames."""
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    sample = Sample(trajectory, trajectory.indices(one), trajectory.indices(other), cutoff_a)
    edges = np.arange(0, cutoff_a + BIN_A / 2, BIN_A)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    found = [np.histogram(table[table < cutoff_a], edges)[0] for table in sample]
    counts = np.stack(found) / len(sample.centres)
    partners = len(sample.others) - (one == other)
    densities = partners / trajectory.volumes_a3[sample.frames]
    g = (counts / densities[:, None]).mean(axis=0) / shells if partners else np.zeros(len(shells))
    r_a = (edges[1:] + edges[:-1]) / 2
    smooth, volumes = (
        gaussian_filter1d(one, SMOOTH_A / BIN_A, mode="nearest") for one in (g * shells, shells)
    )
    smooth = smooth / volumes
    looks = len(sample.frames) * len(sample.centres) / (2 if one == other else 1)
    shell = _first_shell(r_a, smooth, float(densities.mean()) * looks * shells)
    return Distribution(r_a, g, smooth, counts, shell, sample)


def _first_shell(r_a: Floats, smooth: Floats, expected: Floats) -> Shell:
    """First peak that stands out of the noise, and the deepest point before the next.

    Args:
        r_a: Centres of the bins.
        smooth: Smoothed g(r).
        expected: Different pairs an ideal gas would have put into each bin.
    """
    import numpy as np
    from scipy.signal import find_peaks

    if not smooth.any():
        return Shell(None, None, None)
    # neighbours averaged by the smoothing count together
    pairs = np.maximum(expected * SMOOTH_A / BIN_A * 3.5, 1e-9)
    noise = np.sqrt(np.maximum(smooth, 1 / pairs) / pairs)
    least = np.maximum(_PROMINENT * smooth.max(), _NOISE * noise)
    peaks, found = find_peaks(np.append(smooth, 0.0), prominence=0)
    peaks = peaks[found["prominences"] > least[np.minimum(peaks, len(least) - 1)]]
    if not len(peaks) or peaks[0] >= len(smooth) - 1:
        return Shell(None, None, None)
    first = int(peaks[0])
    beyond = int(peaks[1]) if len(peaks) > 1 else len(smooth) - 1
    between = smooth[first : beyond + 1]
    lowest = np.flatnonzero(between <= between.min() + 1e-3 * smooth[first])
    end = first + int(lowest[len(lowest) // 2])
    end_a = float(r_a[end]) + BIN_A / 2 if end < len(smooth) - 1 else None
    return Shell(float(r_a[first]), float(smooth[first]), end_a)


def block(trajectory: Trajectory, request: AnalyzeTrajectoryParams) -> Block:
    """g(r) of each pair of elements: first peak, first minimum, coordination numbers."""
    check_periodic(trajectory)
    cutoff_a = _cutoff(trajectory, request.cutoff_a)
    asked = chosen_pairs(trajectory, request.pair, request.species)
    pairs: dict[str, Any] = {}
    curves = []
    for one, other in asked[:MAX_PAIRS]:
        found = distribution(trajectory, one, other, cutoff_a)
        pairs[f"{one}-{other}"] = _row(trajectory, one, other, found)
        curves.append(Curve(found.r_a, found.smooth, f"{one}-{other}"))
    values = {"method": METHOD, "cutoff_a": round(cutoff_a, 4), "pairs": pairs}
    warnings = [f"{name}: {row['note']}" for name, row in pairs.items() if row["note"]]
    if len(asked) > MAX_PAIRS:
        rest = ", ".join(f"{one}-{other}" for one, other in asked[MAX_PAIRS:])
        warnings.append(f"rdf tells {MAX_PAIRS} of {len(asked)} pairs; ask with pair for {rest}")
    panel = Panel("Radial distribution", "r (Å)", "g(r)", curves, at_y=[1.0])
    return Block(values, [panel], warnings)


def _cutoff(trajectory: Trajectory, asked_a: float) -> float:
    """As asked, or half the shortest width of the cell, at most 10 Å.

    Raises:
        InvalidInput: Further than half the width, where atoms meet their own images.
    """
    half = float(trajectory.widths_a.min()) / 2
    if asked_a > half:
        raise InvalidInput(
            f"cutoff_a {asked_a:g} is beyond half the width of the cell, where an atom meets "
            "images of its own neighbours",
            allowed=f"at most {half:.3f} Å",
            next_step="Leave it out, or run a larger supercell; coordination takes any cutoff_a.",
        )
    return asked_a or min(half, MAX_CUTOFF_A)


def _row(trajectory: Trajectory, one: str, other: str, found: Distribution) -> dict[str, Any]:
    shell = found.shell
    number = error = reverse = None
    if shell.end_a is not None:
        inside = found.counts[:, found.r_a < shell.end_a].sum(axis=1)
        counted = mean_of(inside)
        number, error = counted.mean, counted.error
        ratio = len(trajectory.indices(one)) / len(trajectory.indices(other))
        reverse = counted.mean * ratio if one != other else None
    return {
        "first_peak_a": _rounded(shell.peak_a),
        "first_peak_g": _rounded(shell.height),
        "first_minimum_a": _rounded(shell.end_a),
        "coordination_number": number,
        "coordination_number_error": error,
        "reverse_coordination_number": reverse,
        "sample": found.sample.said(),
        "note": _note(shell, found.r_a),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _note(shell: Shell, r_a: Floats) -> str:
    if shell.peak_a is None:
        return f"no peak stands out of the noise within {r_a[-1]:.2f} Å"
    if shell.end_a is None:
        return f"the first shell does not end within {r_a[-1]:.2f} Å: no coordination number"
    return ""


def text(values: dict[str, Any]) -> Iterator[str]:
    """One line per pair of elements."""
    yield f"rdf to {values['cutoff_a']:.4g} Å ({values['method']}):"
    for name, row in values["pairs"].items():
        one, other = name.split("-")
        if row["first_peak_a"] is None:
            told = row["note"]
        else:
            told = f"first peak g = {row['first_peak_g']:.3g} at {row['first_peak_a']:.2f} Å"
            if row["first_minimum_a"] is not None:
                told += (
                    f", first minimum at {row['first_minimum_a']:.2f} Å, {other} around {one} = "
                    f"{row['coordination_number']:.3f} ± {row['coordination_number_error']:.2g}"
                )
            if row["reverse_coordination_number"] is not None:
                told += f", {one} around {other} = {row['reverse_coordination_number']:.3f}"
        yield f"- {name}: {told} ({row['sample']})"

"""Pictures of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llamp_mcp.plots import figure, png

if TYPE_CHECKING:
    from pathlib import Path

    from llamp_mcp.simulation.dynamics import Floats

_MAX_POINTS = 4_000
_MEAN_PART = 20
"""The running mean is over this part of the run: short cells fluctuate too much to read without."""


def plot_temperature(
    path: Path, *, title: str, times_ps: Floats, kelvin: Floats, targets: Floats | None
) -> None:
    """Write temperature against time as PNG, with the target schedule over it."""
    stride = max(1, len(times_ps) // _MAX_POINTS)
    drawn, axes = figure()
    axes.plot(times_ps[::stride], kelvin[::stride], lw=0.8, color="#8fbbe0", label="instantaneous")
    window = len(kelvin) // _MEAN_PART
    if window > 1:
        from scipy.ndimage import uniform_filter1d

        mean = uniform_filter1d(kelvin, window, mode="nearest")[::stride]
        width_ps = window * (times_ps[1] - times_ps[0])
        label = f"mean over {width_ps:.2g} ps"
        axes.plot(times_ps[::stride], mean, lw=1.8, color="#1f5f9e", label=label)
    if targets is not None:
        axes.plot(times_ps[::stride], targets[::stride], lw=2, color="#c8442c", label="target")
    axes.set(title=title, xlabel="Time (ps)", ylabel="Temperature (K)")
    axes.set_xlim(times_ps[0], times_ps[-1])
    axes.set_ylim(0, 1.2 * max(kelvin.max(), 1.0))  # room for the legend above the curve
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, ncols=3, loc="upper right")
    path.write_bytes(png(drawn))

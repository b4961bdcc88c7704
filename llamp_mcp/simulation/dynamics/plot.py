"""The picture of a run: temperature and, where the cell moves, volume and pressure over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.plots import figure
from llamp_mcp.simulation.dynamics.statistics import running_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from llamp_mcp.simulation.dynamics.recording import Record
    from llamp_mcp.simulation.dynamics.simulate import Plan
    from llamp_mcp.simulation.dynamics.start import Floats

MEAN_PART: Final = 20
"""The running mean is over this part of the run: short cells fluctuate too much to read without."""
_MAX_POINTS: Final = 4_000
_FAINT, _STRONG, _TARGET = "#8fbbe0", "#1f5f9e", "#c8442c"


def plot_run(title: str, record: Record, plan: Plan, equilibration_steps: int) -> Figure:
    """Draw a run, with its targets and where its equilibration ends."""
    times = _times_ps(len(record.kelvin), plan.timestep_fs)
    kelvin = None if plan.ensemble == "nve" else plan.targets.kelvin
    panels = [("Temperature (K)", record.kelvin, kelvin)]
    if plan.cell_moves:
        panels += [
            ("Volume (Å³)", record.volume_a3, None),
            ("Pressure (GPa)", record.pressure_gpa, plan.targets.gpa),
        ]
    drawn, first = figure(7, 4 if len(panels) == 1 else 8)
    first.remove()
    axes = drawn.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axis, (label, values, targets) in zip(axes, panels, strict=True):
        _panel(axis, times, values, targets)
        axis.set_ylabel(label)
        if equilibration_steps:
            axis.axvspan(0, times[equilibration_steps], color="0.9", zorder=0, lw=0)
    highest = max(record.kelvin.max(), 1.0 if kelvin is None else kelvin.max())
    axes[0].set_ylim(0, 1.2 * highest)  # room for the legend
    axes[0].legend(frameon=False, ncols=3, loc="upper right")
    axes[0].set_title(f"{title}; grey: equilibration" if equilibration_steps else title)
    axes[-1].set_xlabel("Time (ps)")
    return drawn


def _panel(axis: Axes, times: Floats, values: Floats, targets: Floats | None) -> None:
    stride = max(1, len(times) // _MAX_POINTS)
    axis.plot(times[::stride], values[::stride], lw=0.8, color=_FAINT, label="instantaneous")
    window = len(values) // MEAN_PART
    if window > 1:
        label = f"mean over {window * times[1]:.2g} ps"
        mean = running_mean(values, window)[::stride]
        axis.plot(times[::stride], mean, lw=1.8, color=_STRONG, label=label)
    if targets is not None:
        axis.plot(times[::stride], targets[::stride], lw=2, color=_TARGET, label="target")
    axis.set_xlim(times[0], times[-1])
    axis.grid(alpha=0.25)


def _times_ps(count: int, timestep_fs: float) -> Floats:
    import numpy as np

    return np.arange(count, dtype=np.float64) * (timestep_fs / 1000)

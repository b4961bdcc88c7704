"""Temperature, energies and pressure against time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.blocking import METHOD, mean_of
from llamp_mcp.simulation.trajectories.block import Block, Curve, Panel, Undetermined, at_least
from llamp_mcp.simulation.trajectories.statistics import drift_of
from llamp_mcp.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.block import Floats
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

UNITS: Final = {
    "temperature": "K",
    "potential_energy": "eV/atom",
    "total_energy": "eV/atom",
    "pressure": "GPa",
    "volume": "Å³/atom",
}
_STEADY: Final = 3.0
"""Standard errors of a slope from which a series counts as drifting."""
_VISIBLE: Final = 0.5
"""Of a standard deviation, over the window, below which a drift is no matter."""


def block(trajectory: Trajectory, _request: AnalyzeTrajectoryParams) -> Block:
    """Mean, standard deviation, standard error and drift of each series the frames hold."""
    at_least(trajectory, 4, "thermo")
    series, freedom = momentary(trajectory)
    if not series:
        raise Undetermined("The frames hold neither momenta nor energies nor stresses")
    values: dict[str, Any] = {"method": METHOD}
    if "temperature" in series:
        values["degrees_of_freedom"] = freedom
    warnings, panels = [], []
    for name, one in series.items():
        values[name], doubts = summary(trajectory, name, one, UNITS[name])
        warnings += doubts
        panels.append(panel(trajectory, name.replace("_", " ").capitalize(), UNITS[name], one))
    lacking = [name for name in UNITS if name not in series and name != "volume"]
    if lacking:
        values["not_in_frames"] = lacking
    return Block(values, panels, warnings)


def summary(
    trajectory: Trajectory, name: str, series: Floats, unit: str
) -> tuple[dict[str, Any], list[str]]:
    """Mean and drift of a series, with its unit, and what to doubt of them."""
    found = mean_of(series)
    row: dict[str, Any] = {
        "mean": found.mean,
        "error": found.error,
        "std": found.std,
        "unit": unit,
        "drift_per_ps": None,
        "drift_error_per_ps": None,
    }
    doubts = []
    if not found.converged:
        doubts.append(
            f"{name}: the run is short for its correlations, so the standard error is a lower bound"
        )
    times = trajectory.times_ps
    if times is not None and found.std > 0 and len(series) >= 4:
        slope, error = drift_of(times, series)
        row |= {"drift_per_ps": slope, "drift_error_per_ps": error}
        moved = abs(slope) * float(times[-1] - times[0])
        if abs(slope) > _STEADY * error and moved > _VISIBLE * found.std:
            doubts.append(f"{name} drifts over the window: not equilibrated; raise skip_ps")
    return row, doubts


def panel(trajectory: Trajectory, title: str, unit: str, series: Floats) -> Panel:
    """A series against time, or against frames where times are not known."""
    import numpy as np

    times = trajectory.times_ps
    x = np.arange(len(series), dtype=np.float64) if times is None else times
    name = "Frame" if times is None else "Time (ps)"
    return Panel(title, name, f"{title} ({unit})", [Curve(x, series)], at_y=[float(series.mean())])


def momentary(trajectory: Trajectory) -> tuple[dict[str, Floats], int]:
    """What the frames hold, per atom where it is extensive; and the degrees of freedom."""
    import numpy as np
    from ase import units

    n = trajectory.n_atoms
    series: dict[str, Floats] = {}
    freedom = 3 * n
    kinetic = None
    if trajectory.velocities is not None:
        momenta = trajectory.velocities * trajectory.masses[:, None]
        kinetic = 0.5 * np.einsum("fni,fni->f", momenta, trajectory.velocities)
        kinetic /= (1000 * units.fs) ** 2  # u Å²/ps² in eV
        total, spread = np.linalg.norm(momenta.sum(axis=1)), np.linalg.norm(momenta)
        if n > 1 and total <= 1e-6 * spread:
            freedom -= 3
        series["temperature"] = 2 * kinetic / (freedom * units.kB)
    if trajectory.energies is not None:
        series["potential_energy"] = trajectory.energies / n
        if kinetic is not None:
            series["total_energy"] = (trajectory.energies + kinetic) / n
    if trajectory.stresses is not None and all(trajectory.pbc):
        virial = -trajectory.stresses[:, :3].mean(axis=1)
        if kinetic is not None:
            pressure = virial + 2 * kinetic / (3 * trajectory.volumes_a3)
            series["pressure"] = pressure * EV_PER_A3_IN_GPA
    if np.ptp(trajectory.volumes_a3) > 1e-9 * trajectory.volumes_a3[0] and all(trajectory.pbc):
        series["volume"] = trajectory.volumes_a3 / n
    return series, freedom


def line(name: str, row: dict[str, Any]) -> str:
    """A series in words."""
    drift = ""
    if row["drift_per_ps"] is not None:
        drift = f", drift = ({row['drift_per_ps']:.3g} ± {row['drift_error_per_ps']:.2g}) "
        drift += f"{row['unit']}/ps"
    return (
        f"- {name} = ({row['mean']:.6g} ± {row['error']:.2g}) {row['unit']}, "
        f"std = {row['std']:.3g}{drift}"
    )


def text(values: dict[str, Any]) -> Iterator[str]:
    """One line per series."""
    freedom = values.get("degrees_of_freedom")
    said = f"; temperature of {freedom} degrees of freedom" if freedom else ""
    yield f"thermo ({values['method']}; pressure: virial and kinetic{said}):"
    for name, row in values.items():
        if name in UNITS:
            yield line(name, row)
    if "not_in_frames" in values:
        yield f"- not in the frames: {', '.join(values['not_in_frames'])}"

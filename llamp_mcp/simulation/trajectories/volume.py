"""Volume, density and the cell against time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.blocking import METHOD
from llamp_mcp.simulation.trajectories.block import Block, Panel, Undetermined, at_least
from llamp_mcp.simulation.trajectories.thermo import line, panel, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

U_PER_A3_IN_G_CM3: Final = 1.66053906892
"""1 u/Å³ in g/cm³ (CODATA 2022, doi 10.1103/RevModPhys.97.025002)."""
_NAMES: Final = ("a", "b", "c", "alpha", "beta", "gamma")
_FIXED: Final = 1e-9


def block(trajectory: Trajectory, _request: AnalyzeTrajectoryParams) -> Block:
    """Mean, error and drift of volume, density, and each lattice parameter that changes."""
    import numpy as np
    from ase.geometry import cell_to_cellpar

    if not all(trajectory.pbc):
        raise Undetermined("The cell is not periodic in all directions: it has no volume")
    at_least(trajectory, 4, "volume")
    volumes = trajectory.volumes_a3
    density = trajectory.masses.sum() / volumes * U_PER_A3_IN_G_CM3
    cells = np.array([cell_to_cellpar(cell) for cell in trajectory.cells])
    values: dict[str, Any] = {"method": METHOD, "fixed": _is_fixed(trajectory)}
    warnings: list[str] = []
    panels: list[Panel] = []
    series = {"volume": (volumes, "Å³"), "density": (density, "g/cm³")}
    for at, name in enumerate(_NAMES):
        series[name] = (cells[:, at], "Å" if at < 3 else "degrees")
    for name, (one, unit) in series.items():
        values[name], doubts = summary(trajectory, name, one, unit)
        warnings += doubts if name == "volume" else []
    if not values["fixed"]:
        panels = [panel(trajectory, "Volume", "Å³", volumes)]
        lengths = panel(trajectory, "Cell lengths", "Å", cells[:, 0])
        curves = [
            lengths.curves[0]._replace(y=cells[:, at], label=_NAMES[at], style="-")
            for at in range(3)
        ]
        panels.append(Panel("Cell lengths", lengths.x, lengths.y, curves))
    return Block(values, panels, warnings)


def _is_fixed(trajectory: Trajectory) -> bool:
    import numpy as np

    return bool(np.ptp(trajectory.cells, axis=0).max() <= _FIXED * np.abs(trajectory.cells).max())


def text(values: dict[str, Any]) -> Iterator[str]:
    """One line where the cell is fixed; else one per series."""
    rows = {name: row for name, row in values.items() if isinstance(row, dict)}
    if values["fixed"]:
        told = ", ".join(f"{name} = {row['mean']:.6g} {row['unit']}" for name, row in rows.items())
        yield f"volume: the cell is fixed; {told}"
        return
    yield f"volume ({values['method']}):"
    for name, row in rows.items():
        yield line(name, row)

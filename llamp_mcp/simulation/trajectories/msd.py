"""Mean squared displacement of each element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.trajectories.block import Block, Curve, Panel, at_least, chosen_species
from llamp_mcp.simulation.trajectories.correlation import mean_squared_displacement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

METHOD: Final = (
    "all time origins, nearest images between frames, centre of mass at rest; lags up to half "
    "the window"
)
_SHOWN: Final = 6


def block(trajectory: Trajectory, request: AnalyzeTrajectoryParams) -> Block:
    """MSD against lag, at a few lags in the result and at all of them in the picture."""
    import numpy as np

    interval_ps = trajectory.interval_ps
    at_least(trajectory, 10, "msd")
    longest = len(trajectory) // 2
    shown = np.unique(np.geomspace(1, longest, _SHOWN).round().astype(int))
    lags_ps = np.arange(longest + 1, dtype=np.float64) * interval_ps
    species, curves = {}, []
    for symbol in chosen_species(trajectory, request.species):
        indices = trajectory.indices(symbol)
        msd = mean_squared_displacement(trajectory.paths[:, indices])[: longest + 1]
        curves.append(Curve(lags_ps, msd, symbol))
        species[symbol] = {"atoms": len(indices), "msd_a2": msd[shown].tolist()}
    values = {
        "method": METHOD,
        "lags_ps": [round(float(lag), 6) for lag in lags_ps[shown]],
        "species": species,
    }
    panel = Panel("Mean squared displacement", "Lag (ps)", "MSD (Å²)", curves)
    drawn = [] if "diffusion" in request.what else [panel]  # which draws the same with its fit
    return Block(values, drawn, trajectory.jump_warning())


def text(values: dict[str, Any]) -> Iterator[str]:
    """One line per element."""
    yield f"msd ({values['method']}):"
    for symbol, row in values["species"].items():
        pairs = zip(values["lags_ps"], row["msd_a2"], strict=True)
        told = ", ".join(f"{msd:.4g} Å² at {lag:.4g} ps" for lag, msd in pairs)
        yield f"- {symbol} ({row['atoms']} atoms): {told}"

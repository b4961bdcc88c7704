"""What a run says of the material: statistics of its sampling window, and doubts about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.dynamics.barostats import barostat_time_fs
from llamp_mcp.simulation.dynamics.plot import MEAN_PART
from llamp_mcp.simulation.dynamics.statistics import (
    MIN_VALUES,
    running_mean,
    slope,
    standard_error,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.dynamics.recording import Record
    from llamp_mcp.simulation.dynamics.simulate import Plan
    from llamp_mcp.simulation.dynamics.start import Floats

FEW_ATOMS: Final = 30
_MAX_ERRORS: Final = 4
"""A mean further than this many standard errors from its target is no accident."""
_MIN_BAROSTAT_TIMES: Final = 5
_MAX_LAG_PERCENT: Final = 25


@dataclass(frozen=True, slots=True)
class Sampled:
    """Statistics as the result gives them; None where there is no such number."""

    first: int
    temperature_k: dict[str, Any]
    potential_energy_ev_per_atom: dict[str, Any]
    pressure_gpa: dict[str, Any] | None
    volume_a3: dict[str, Any] | None
    drift_mev_per_atom_per_ps: float | None


def sample(record: Record, plan: Plan, n_atoms: int, first: int) -> Sampled:
    """Statistics of the steps from `first` to the last.

    Args:
        record: The run.
        plan: What was asked.
        n_atoms: Number of atoms.
        first: Where the sampling window begins.
    """
    import numpy as np

    still = not plan.targets.moving
    potential, pressure = record.potential_ev / n_atoms, record.pressure_gpa[first:]
    return Sampled(
        first=first,
        temperature_k=_temperature(record.kelvin, plan, n_atoms, first),
        potential_energy_ev_per_atom={
            "start": float(potential[0]),
            "end": float(potential[-1]),
            "mean": float(potential[first:].mean()),
            "standard_error": standard_error(potential[first:]) if still else None,
        },
        pressure_gpa=None if np.isnan(pressure).any() else summary(pressure, still=still),
        volume_a3=_volume(record.volume_a3, first, still) if plan.cell_moves else None,
        drift_mev_per_atom_per_ps=_drift(record.conserved_ev[first:], plan, n_atoms),
    )


def _volume(volume: Floats, first: int, still: bool) -> dict[str, Any]:
    return {"start": float(volume[0])} | summary(volume[first:], still=still)


def _temperature(kelvin: Floats, plan: Plan, n_atoms: int, first: int) -> dict[str, Any]:
    import numpy as np

    found: dict[str, Any] = summary(kelvin[first:], still=not plan.targets.moving)
    if plan.ensemble == "nve":
        return found
    targets = plan.targets.kelvin
    if not plan.targets.moving:
        return found | {"canonical_std": float(targets[0] * np.sqrt(2 / (3 * n_atoms - 3)))}
    mean = running_mean(kelvin, max(1, len(kelvin) // MEAN_PART))
    away = np.abs(mean / running_mean(targets, max(1, len(kelvin) // MEAN_PART)) - 1)
    return found | {"max_deviation_from_schedule_percent": 100 * float(away[first:].max())}


def _drift(conserved: Floats, plan: Plan, n_atoms: int) -> float | None:
    """Slope of the conserved energy by least squares, meV/atom/ps."""
    import numpy as np

    if np.isnan(conserved).any():
        return None
    times_ps = np.arange(len(conserved), dtype=np.float64) * (plan.timestep_fs / 1000)
    return slope(times_ps, conserved * (1000 / n_atoms))


def warnings_of(sampled: Sampled, plan: Plan, n_atoms: int) -> Iterator[str]:
    """What to mind when these numbers are used."""
    if plan.ensemble == "nvt" and plan.thermostat == "berendsen":
        yield "the Berendsen thermostat does not sample the canonical ensemble"
    if plan.ensemble == "nve":
        yield "nve: from a relaxed start the temperature settles near half of the one asked for"
    if n_atoms < FEW_ATOMS:
        yield f"{n_atoms} atoms are few: temperature fluctuates much, and images interact"
    if plan.cell_moves and plan.steps < _MIN_BAROSTAT_TIMES * _barostat_steps(plan):
        yield f"shorter than {_MIN_BAROSTAT_TIMES} barostat times: the volume may not have settled"
    lag = sampled.temperature_k.get("max_deviation_from_schedule_percent", 0)
    if lag > _MAX_LAG_PERCENT:
        yield (
            f"the running mean of the temperature was {lag:.2g} % off its schedule: a relaxed cell "
            "starts at half of its temperature, and fast ramps lag; use more steps"
        )
    if not plan.targets.moving:
        yield from _steadiness(sampled, plan)


def _barostat_steps(plan: Plan) -> float:
    return barostat_time_fs(plan.timestep_fs) / plan.timestep_fs


def _steadiness(sampled: Sampled, plan: Plan) -> Iterator[str]:
    """Of a run at constant targets."""
    if sampled.first == 0:
        yield "no equilibration_steps: the means include the start"
    if sampled.temperature_k["standard_error"] is None:
        yield (
            "the sampling window is too short to tell how well the mean temperature is known "
            f"(fewer than {MIN_VALUES} steps, or no longer than its correlation)"
        )
    aims = []
    if plan.ensemble != "nve":
        aims.append(("temperature", sampled.temperature_k, plan.targets.kelvin, "K"))
    if plan.cell_moves and sampled.pressure_gpa:
        aims.append(("pressure", sampled.pressure_gpa, plan.targets.gpa, "GPa"))
    for name, series, targets, unit in aims:
        error, away = series["standard_error"], abs(series["mean"] - float(targets[0]))
        if error and away > _MAX_ERRORS * error:
            yield (
                f"the mean {name} is {away:.3g} {unit} from its target, {away / error:.2g} "
                "standard errors: not in equilibrium; use more equilibration_steps"
            )

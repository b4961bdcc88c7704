"""What run_md answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from llamp_mcp.operation import ResourceLink
from llamp_mcp.simulation.calculators.catalogue import calculator_text
from llamp_mcp.simulation.plots import PlottedResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Numbers = dict[str, Any]

MIME_TYPES: Final = {"traj": "application/octet-stream", "extxyz": "chemical/x-xyz"}


class MdResult(PlottedResult):
    """What the run did and where its trajectory is.

    Statistics are of the sampling window: the steps after the equilibration.
    """

    structure_id: str = Field(description="the last frame")
    trajectory: Numbers = Field(description="uri path frames every_steps format")
    temperature_k: Numbers = Field(
        description="mean std standard_error min max final schedule; standard_error null: unknown"
    )
    energy_drift_mev_per_atom_per_ps: float | None = Field(
        description="of the conserved energy; null where none is conserved"
    )
    formula: str
    n_atoms: int
    ensemble: str
    thermostat: str | None
    thermostat_time_fs: float | None
    barostat_time_fs: float | None
    steps: int
    equilibration_steps: int
    timestep_fs: float
    time_ps: float
    seed: int
    potential_energy_ev_per_atom: Numbers = Field(description="start end mean standard_error")
    pressure_gpa: Numbers | None = Field(description="as temperature_k; null without a stress")
    volume_a3: Numbers | None = Field(description="start and as temperature_k; null: it is fixed")
    lattice: dict[str, float] | None = Field(description="of the last frame; null: it is fixed")
    wall_s: float
    ms_per_step: float
    resumed_at_steps: list[int] = Field(description="where interrupted attempts went on")
    calculator: Numbers
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        lines = [
            self._heading(),
            self._windows(),
            f"temperature: {series_text(self.temperature_k, '.1f', 'K')}{self._canonical()}",
            *self._cell(),
            self._energy(),
            f"trajectory {self.trajectory['uri']} ({self.trajectory['frames']} frames, every "
            f"{self.trajectory['every_steps']} steps, {self.trajectory['format']}): "
            f"{self.trajectory['path']}",
            self.plot_line(),
            f"took {self.wall_s:.3g} s, {self.ms_per_step:.3g} ms/step{self._attempts()}",
            calculator_text(self.calculator),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def _heading(self) -> str:
        couplings = ""
        if self.thermostat:
            couplings += f", {self.thermostat} ({self.thermostat_time_fs:g} fs)"
        if self.barostat_time_fs:
            couplings += f", Martyna-Tobias-Klein barostat ({self.barostat_time_fs:g} fs)"
        return (
            f"MD of {self.formula} ({self.n_atoms} atoms), {self.ensemble}{couplings}: "
            f"{self.steps} steps of {self.timestep_fs:g} fs = {self.time_ps:g} ps, "
            f"seed {self.seed}; last frame {self.structure_id}"
        )

    def _windows(self) -> str:
        first, last = self.equilibration_steps, self.steps
        left_out = f"equilibration: steps 0-{first - 1}, left out; " if first else ""
        return (
            f"{left_out}sampling: steps {first}-{last}, which means, ± (standard error by "
            "blocking, doi 10.1063/1.457480), std, min and max are of"
        )

    def _canonical(self) -> str:
        expected = self.temperature_k.get("canonical_std")
        deviation = self.temperature_k.get("max_deviation_from_schedule_percent")
        if expected is not None:
            return f" (canonical std: {expected:.1f} K)"
        if deviation is not None:
            return f"; running mean within {deviation:.2g} % of the schedule"
        return ""

    def _cell(self) -> Iterator[str]:
        if self.pressure_gpa is not None:
            yield f"pressure: {series_text(self.pressure_gpa, '.4g', 'GPa')}"
        if self.volume_a3 is not None and self.lattice is not None:
            lattice = ", ".join(f"{name} = {value:.6g}" for name, value in self.lattice.items())
            yield (
                f"volume: start = {self.volume_a3['start']:.6g} Å³, "
                f"{series_text(self.volume_a3, '.6g', 'Å³')}; last {lattice} (Å, degrees)"
            )

    def _energy(self) -> str:
        energy, drift = self.potential_energy_ev_per_atom, self.energy_drift_mev_per_atom_per_ps
        conserved = "" if drift is None else f"; drift of the conserved = {drift:.3g} meV/atom/ps"
        return (
            f"potential energy: start = {energy['start']:.6g} eV/atom, end = {energy['end']:.6g} "
            f"eV/atom, {_mean_text(energy, '.6g', 'eV/atom')}{conserved}"
        )

    def _attempts(self) -> str:
        if not self.resumed_at_steps:
            return ""
        steps = ", ".join(map(str, self.resumed_at_steps))
        return f"; interrupted, went on from its checkpoint at step {steps}"

    def links(self) -> Iterable[ResourceLink]:
        """The trajectory."""
        kind = self.trajectory["format"]
        yield ResourceLink(
            uri=self.trajectory["uri"],
            name="trajectory",
            mime_type=MIME_TYPES[kind],
            description=f"ASE .{kind}: positions, momenta, energy, forces, stress",
        )


def series_text(series: Numbers, form: str, unit: str) -> str:
    """The statistics of a series in words."""
    parts = [_mean_text(series, form, unit)]
    parts += [f"{key} = {series[key]:{form}} {unit}" for key in ("std", "min", "max", "final")]
    text = ", ".join(parts)
    return text if "schedule" not in series else f"{text}; schedule {series['schedule']} {unit}"


def _mean_text(series: Numbers, form: str, unit: str) -> str:
    error = series["standard_error"]
    known = "" if error is None else f" ± {error:.2g}"
    return f"mean = {series['mean']:{form}}{known} {unit}"

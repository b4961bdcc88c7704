"""Bulk modulus and equilibrium volume from an equation of state."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from llamp_mcp.errors import SimulationError
from llamp_mcp.operation import Operation, Params
from llamp_mcp.provenance import LineageStep
from llamp_mcp.simulation.atoms import spacegroup_of
from llamp_mcp.simulation.calculators.catalogue import calculator_text, computed
from llamp_mcp.simulation.equation_of_state import (
    MODELS,
    Fit,
    Model,
    draw,
    fit,
    modulus_from_stress_gpa,
)
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.plots import PlottedResult, keep_plot
from llamp_mcp.simulation.relax_structure import group_text
from llamp_mcp.simulation.relaxation import STRESS_TOLERANCE_GPA, Minimum
from llamp_mcp.simulation.subject import check_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymatgen.core import Structure

    from llamp_mcp.provenance import Fact
    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.equation_of_state import Floats
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

FMAX_EV_PER_A: Final = 0.005
MAX_STEPS: Final = 1000
_SEARCH_STEPS: Final = 15
_SEARCH_STRIDE: Final = 0.01
_SEARCH_REACH: Final = 0.1
"""Of ln V: the second volume of the search for zero pressure, and the longest step."""

_DISAGREE_PERCENT: Final = 5.0
"""Beyond this two moduli that should be one are said to differ."""

_USUAL_DERIVATIVE: Final = (2.0, 8.0)


class EosParams(Params):
    """Arguments of fit_eos."""

    structure_id: str = Field(description="'s-…'")
    calculator: str = Field(default="", description="empty: default")
    strain: float = Field(default=0.02, ge=0.002, le=0.15, description="largest linear strain, ±")
    points: int = Field(default=7, ge=5, le=25, description="volumes")
    model: Model = Field(default="birch_murnaghan", description="equation fitted")
    relax_atoms: bool = Field(default=True, description="atoms at each volume")


class EosResult(PlottedResult):
    """The parameters of the equation, and all that they stand on."""

    bulk_modulus_gpa: float
    bulk_modulus_derivative: float
    equilibrium_volume_a3_per_atom: float
    energy_ev_per_atom: float
    standard_errors: dict[str, float]
    residual_mev_per_atom: float
    other_models_gpa: dict[str, float]
    bulk_modulus_from_stress_gpa: float
    pressure_at_minimum_gpa: float
    structure_id: str
    relaxed_id: str
    formula: str
    spacegroup: dict[str, Any] | None
    input_volume_a3_per_atom: float
    model: str
    strain: float
    relax_atoms: bool
    points: list[dict[str, float]]
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        error = self.standard_errors
        others = ", ".join(f"{name} {value:.5g}" for name, value in self.other_models_gpa.items())
        lines = [
            f"Equation of state ({self.model}) of {self.structure_id} ({self.formula}, space group "
            f"{group_text(self.spacegroup)})",
            f"bulk modulus = {self.bulk_modulus_gpa:.5g} ± {error['bulk_modulus_gpa']:.2g} GPa, "
            f"its pressure derivative = {self.bulk_modulus_derivative:.4g} ± "
            f"{error['bulk_modulus_derivative']:.2g}",
            f"equilibrium volume = {self.equilibrium_volume_a3_per_atom:.6g} ± "
            f"{error['volume_a3_per_atom']:.2g} Å³/atom, energy there = "
            f"{self.energy_ev_per_atom:.7g} eV/atom",
            f"± are standard errors of the fit, not of the force field; residual "
            f"{self.residual_mev_per_atom:.2g} meV/atom rms; bulk modulus by other equations: "
            f"{others} GPa",
            f"bulk modulus from the stresses = {self.bulk_modulus_from_stress_gpa:.5g} GPa; "
            f"pressure by stress at the fitted minimum = {self.pressure_at_minimum_gpa:.2g} GPa "
            "(0 where energies and stresses agree)",
            self._method(),
            "points (strain, Å³/atom, eV/atom, pressure by stress in GPa): "
            + "; ".join(
                f"{p['strain']:+.4g} {p['volume_a3_per_atom']:.6g} {p['energy_ev_per_atom']:.7g} "
                f"{p['pressure_gpa']:.4g}"
                for p in self.points
            ),
            calculator_text(self.calculator),
            self.plot_line(),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def _method(self) -> str:
        centre = self.points[len(self.points) // 2]["volume_a3_per_atom"]
        shift = 100 * (centre / self.input_volume_a3_per_atom - 1)
        how = (
            f"atoms and cell relaxed to zero pressure ({self.relaxed_id}); at each volume the cell "
            f"keeps that shape and atoms relax to {FMAX_EV_PER_A} eV/Å"
            if self.relax_atoms
            else f"atoms at their fractional coordinates and the cell's shape as given, volume of "
            f"zero pressure searched ({self.relaxed_id})"
        )
        return (
            f"{len(self.points)} volumes within ±{100 * self.strain:g} % linear strain around "
            f"the volume of zero pressure, {centre:.6g} Å³/atom ({shift:+.3g} % of the input's "
            f"{self.input_volume_a3_per_atom:.6g}); {how}; static, 0 K, no zero-point motion"
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """Energies of a crystal around its volume of zero pressure.

    Attributes:
        centre: There.
        strains: Linear, of each point.
        points: Ascending in volume.
    """

    centre: Found
    strains: list[float]
    points: list[Found]

    @property
    def volumes_a3(self) -> Floats:
        """Å³/atom."""
        import numpy as np

        return np.array([one.structure.volume / len(one.structure) for one in self.points])

    @property
    def energies_ev(self) -> Floats:
        """eV/atom."""
        import numpy as np

        return np.array([one.energy_ev_per_atom for one in self.points])

    def rows(self) -> list[dict[str, float]]:
        """Each point, as a result tells it."""
        return [
            {
                "strain": strain,
                "volume_a3_per_atom": one.structure.volume / len(one.structure),
                "energy_ev_per_atom": one.energy_ev_per_atom,
                "pressure_gpa": one.pressure_gpa,
            }
            for strain, one in zip(self.strains, self.points, strict=True)
        ]

    @property
    def pressures_gpa(self) -> Floats:
        """By the stresses."""
        import numpy as np

        return np.array([one.pressure_gpa for one in self.points])


def check(params: EosParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    check_subject(
        params.structure_id, params.calculator, structures=structures, calculators=calculators
    )


def fit_eos(
    params: EosParams,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> EosResult:
    """Bulk modulus, its pressure derivative, equilibrium volume: energies at several volumes.

    The crystal is relaxed first. Not for slabs or molecules.
    """
    check(params, structures=structures, calculators=calculators)
    structure = structures.get(params.structure_id)
    force_field = ForceField(calculators, params.calculator, [structure], len(structure))
    curve = compute_curve(structure, force_field, params, monitor)
    volumes, energies = curve.volumes_a3, curve.energies_ev
    fitted = fit(params.model, volumes, energies)
    others = {
        name: fit(name, volumes, energies).at.bulk_modulus_gpa
        for name in MODELS
        if name != params.model
    }
    stress_modulus, pressure = modulus_from_stress_gpa(
        fitted.at.volume_a3, volumes, curve.pressures_gpa
    )
    group = spacegroup_of(curve.centre.structure)
    formula = structure.composition.reduced_formula
    title = (
        f"{formula}, {force_field.provenance['name']}: bulk modulus "
        f"{fitted.at.bulk_modulus_gpa:.4g} GPa"
    )
    return EosResult(
        bulk_modulus_gpa=fitted.at.bulk_modulus_gpa,
        bulk_modulus_derivative=fitted.at.bulk_modulus_derivative,
        equilibrium_volume_a3_per_atom=fitted.at.volume_a3,
        energy_ev_per_atom=fitted.at.energy_ev,
        standard_errors={
            "bulk_modulus_gpa": fitted.error.bulk_modulus_gpa,
            "bulk_modulus_derivative": fitted.error.bulk_modulus_derivative,
            "volume_a3_per_atom": fitted.error.volume_a3,
        },
        residual_mev_per_atom=fitted.residual_mev,
        other_models_gpa=others,
        bulk_modulus_from_stress_gpa=stress_modulus,
        pressure_at_minimum_gpa=pressure,
        structure_id=params.structure_id,
        relaxed_id=structures.put(curve.centre.structure, _lineage(params, force_field.provenance)),
        formula=formula,
        spacegroup=group,
        input_volume_a3_per_atom=float(structure.volume) / len(structure),
        model=params.model,
        strain=params.strain,
        relax_atoms=params.relax_atoms,
        points=curve.rows(),
        calculator=force_field.provenance,
        warnings=list(_warnings(params, curve, fitted, stress_modulus, structure)),
        plot=keep_plot(monitor, draw(fitted, volumes, energies, title)),
    )


def compute_curve(
    structure: Structure,
    force_field: ForceField,
    params: EosParams,
    monitor: Monitor,
    part: str = "",
) -> Curve:
    """Energies around the volume of zero pressure, each computed once per job.

    Args:
        structure: Where to begin.
        force_field: Loaded.
        params: Strain, points, and whether atoms move.
        monitor: Keeps the parts.
        part: Begins their names.

    Raises:
        SimulationError: There is no volume of zero pressure near the one given.
    """
    import numpy as np

    total = params.points + 1
    relax = Minimum(fmax_ev_per_a=FMAX_EV_PER_A, max_steps=MAX_STEPS)
    if params.relax_atoms:
        centre = force_field.find(f"{part}relaxation", structure, monitor, relax)
    else:
        centre = _at_zero_pressure(structure, force_field, monitor, part)
    monitor.progress(1, total, f"zero pressure at {centre.structure.volume:.6g} Å³")
    at_volume = None
    if params.relax_atoms:
        at_volume = Minimum(cell="fixed", fmax_ev_per_a=FMAX_EV_PER_A, max_steps=MAX_STEPS)
    strains = [float(s) for s in np.linspace(-params.strain, params.strain, params.points)]
    points = []
    for number, strain in enumerate(strains, start=1):
        scaled = _scaled(centre.structure, (1 + strain) ** 3)
        points.append(force_field.find(f"{part}volume {number}", scaled, monitor, at_volume))
        monitor.progress(number + 1, total, f"{number} of {params.points} volumes")
    return Curve(centre, strains, points)


def _at_zero_pressure(
    structure: Structure, force_field: ForceField, monitor: Monitor, part: str
) -> Found:
    """The structure at the volume of zero pressure; only the volume changes (secant in ln V)."""
    here, step = 0.0, _SEARCH_STRIDE
    found = force_field.find(f"{part}search 0", structure, monitor)
    for number in range(1, _SEARCH_STEPS + 1):
        if abs(found.pressure_gpa) <= STRESS_TOLERANCE_GPA:
            return found
        scaled = _scaled(structure, exp(here + step))
        after = force_field.find(f"{part}search {number}", scaled, monitor)
        slope = (after.pressure_gpa - found.pressure_gpa) / step
        here, found = here + step, after
        # where the solid does not stiffen (beyond its spinodal), just shrink it
        wanted = -found.pressure_gpa / slope if slope < 0 else -_SEARCH_REACH
        step = max(-_SEARCH_REACH, min(_SEARCH_REACH, wanted))
    raise SimulationError(
        f"No volume of zero pressure was found in {_SEARCH_STEPS} steps from "
        f"{structure.volume:.6g} Å³; the last had {found.pressure_gpa:.3g} GPa",
        next_step="Set relax_atoms to true, or begin with a structure nearer to its minimum.",
    )


def _scaled(structure: Structure, factor: float) -> Structure:
    """The structure with `factor` times its volume, in the same shape."""
    scaled = structure.copy()
    scaled.scale_lattice(structure.volume * factor)
    return scaled


def _lineage(params: EosParams, calculator: dict[str, Any]) -> LineageStep:
    return LineageStep(
        action="fit_eos",
        parent=params.structure_id,
        parameters={
            "relaxed_to": "zero pressure",
            "relax_atoms": params.relax_atoms,
            "calculator": calculator["name"],
            "sha256": calculator["sha256"],
        },
    )


def _warnings(
    params: EosParams, curve: Curve, fitted: Fit, stress_modulus: float, structure: Structure
) -> Iterator[str]:
    left = [one for one in (curve.centre, *curve.points) if not one.converged]
    if left:
        yield f"{len(left)} of {len(curve.points) + 1} relaxations did not converge"
    before, after = spacegroup_of(structure), spacegroup_of(curve.centre.structure)
    if before and after and before["number"] != after["number"]:
        yield (
            f"the space group changed from {group_text(before)} to {group_text(after)} when the "
            "structure was relaxed: this may be another phase"
        )
    modulus = fitted.at.bulk_modulus_gpa
    if 100 * fitted.error.bulk_modulus_gpa > _DISAGREE_PERCENT * modulus:
        yield "the points determine the bulk modulus badly: use a larger strain or more points"
    low, high = _USUAL_DERIVATIVE
    if not low <= fitted.at.bulk_modulus_derivative <= high:
        yield (
            f"a pressure derivative of {fitted.at.bulk_modulus_derivative:.3g} is unusual (most "
            f"solids: {low:g} to {high:g}): the energy of this force field is not smooth enough at "
            "this strain, or the crystal is near an instability"
        )
    apart = 100 * abs(stress_modulus / modulus - 1)
    if apart > _DISAGREE_PERCENT:
        yield (
            f"energies and stresses of this force field give bulk moduli {apart:.2g} % apart: "
            "try another strain, and say which one was used"
        )
    if params.strain > 0.05:
        yield "beyond 5 % linear strain one equation of state may not hold"


def facts(result: EosResult) -> Iterable[Fact]:
    """What was computed of the structure that was asked for."""
    values = (
        ("bulk_modulus_gpa", result.bulk_modulus_gpa, "GPa"),
        ("bulk_modulus_derivative", result.bulk_modulus_derivative, "dimensionless"),
        ("equilibrium_volume_a3_per_atom", result.equilibrium_volume_a3_per_atom, "Å³/atom"),
        ("energy_ev_per_atom", result.energy_ev_per_atom, "eV/atom"),
        ("bulk_modulus_from_stress_gpa", result.bulk_modulus_from_stress_gpa, "GPa"),
    )
    for about in dict.fromkeys((result.structure_id, result.relaxed_id)):
        yield from computed(about, result.formula, result.calculator, values)


OPERATION = Operation(
    name="fit_eos",
    title="Fit EOS",
    params=EosParams,
    result=EosResult,
    run=fit_eos,
    check=check,
    facts=facts,
    toolset="simulation",
    read_only=False,
    long_running=True,
    view="plot",
)

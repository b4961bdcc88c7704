"""Relaxation of positions and cell to the nearest minimum of a force field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput, SimulationError
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact, LineageStep
from llamp_mcp.simulation.atoms import elements_of, lattice_of, moved, spacegroup_of, to_atoms
from llamp_mcp.simulation.catalogue import calculator_text, computed
from llamp_mcp.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from ase import Atoms

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

STRESS_TOLERANCE_GPA: Final = 0.05
"""Largest component of stress + pressure left in a relaxed cell: 0.02 % strain at 90 GPa.

A force criterion alone stops far earlier: ASE compares `fmax` with the virial divided by the
number of atoms, which at 0.05 eV/Å leaves about 0.4 GPa in silicon.
"""


class RelaxParams(Params):
    """Arguments of relax_structure."""

    structure_id: str = Field(description="handle of the structure, 's-…'")
    calculator: str = Field(default="", description="name from list_calculators; empty: default")
    cell: Literal["fixed", "volume", "full"] = Field(
        default="full", description="fixed: atoms only; volume: isotropic; full: all 6 strains"
    )
    fmax_ev_per_a: float = Field(
        default=0.02, gt=0, le=1, description="largest force left on an atom, eV/Å"
    )
    pressure_gpa: float = Field(default=0, ge=-100, le=1000, description="external pressure, GPa")
    max_steps: int = Field(default=500, ge=1, le=10_000, description="optimizer steps")


class RelaxResult(Result):
    """The relaxed structure and its energy."""

    structure_id: str
    formula: str
    n_atoms: int
    converged: bool
    steps: int
    cell: str
    energy_ev: float
    energy_ev_per_atom: float
    energy_change_ev_per_atom: float
    max_force_ev_per_a: float
    fmax_ev_per_a: float
    stress_gpa: list[float] = Field(description="xx yy zz yz xz xy; positive: tension")
    pressure_gpa: float
    volume_a3: float
    volume_change_percent: float
    lattice: dict[str, float]
    spacegroup_before: dict[str, Any] | None
    spacegroup_after: dict[str, Any] | None
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        state = "Relaxed" if self.converged else "NOT converged"
        stress = " ".join(f"{s:.4g}" for s in self.stress_gpa)
        lattice = ", ".join(f"{name} = {value:.6g}" for name, value in self.lattice.items())
        lines = [
            f"{state} {self.structure_id} ({self.formula}, {self.n_atoms} atoms, cell {self.cell}) "
            f"in {self.steps} steps",
            f"energy = {self.energy_ev:.8g} eV = {self.energy_ev_per_atom:.6g} eV/atom "
            f"(change {self.energy_change_ev_per_atom:.4g} eV/atom)",
            f"max force = {self.max_force_ev_per_a:.3g} eV/Å (asked {self.fmax_ev_per_a:g}); "
            f"stress xx yy zz yz xz xy = {stress} GPa (positive: tension; "
            f"external pressure {self.pressure_gpa:g} GPa)",
            f"volume = {self.volume_a3:.6g} Å³ (change {self.volume_change_percent:.4g} %); "
            f"{lattice} (Å, degrees)",
            f"space group {group_text(self.spacegroup_before)} -> "
            f"{group_text(self.spacegroup_after)}",
            calculator_text(self.calculator),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])


def check(params: RelaxParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    structure = structures.get(params.structure_id)
    calculators.resolve(params.calculator, elements_of(structure), len(structure))
    if params.cell == "fixed" and params.pressure_gpa != 0:
        raise InvalidInput(
            f"pressure_gpa {params.pressure_gpa:g} has no effect with cell 'fixed'",
            next_step="Set cell to 'volume' or 'full', or pressure_gpa to 0.",
        )


def relax_structure(
    params: RelaxParams,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> RelaxResult:
    """Relax atoms and cell with a force field; returns a new structure_id, energy, stress, volume.

    Compare energies of the same calculator only, never with the database's. Symmetry is not broken:
    a saddle point of high symmetry stays one. Converged: every force below fmax_ev_per_a and (free
    cell) the stress within 0.05 GPa of the pressure.
    """
    check(params, structures=structures, calculators=calculators)
    structure = structures.get(params.structure_id)
    loaded = calculators.load(params.calculator, elements_of(structure), dtype="float64")
    atoms = to_atoms(structure)
    atoms.calc = loaded.calculator
    start_energy, start_volume = float(atoms.get_potential_energy()), float(atoms.get_volume())
    steps, converged = _minimise(atoms, params, monitor)

    relaxed = moved(structure, atoms)
    energy = float(atoms.get_potential_energy())
    before, after = spacegroup_of(structure), spacegroup_of(relaxed)
    change = 100 * (atoms.get_volume() / start_volume - 1)
    return RelaxResult(
        structure_id=structures.put(relaxed, _lineage(params, loaded.provenance, converged)),
        formula=structure.composition.reduced_formula,
        n_atoms=len(atoms),
        converged=converged,
        steps=steps,
        cell=params.cell,
        energy_ev=energy,
        energy_ev_per_atom=energy / len(atoms),
        energy_change_ev_per_atom=(energy - start_energy) / len(atoms),
        max_force_ev_per_a=_max_force(atoms),
        fmax_ev_per_a=params.fmax_ev_per_a,
        stress_gpa=[float(s) * EV_PER_A3_IN_GPA for s in atoms.get_stress()],
        pressure_gpa=params.pressure_gpa,
        volume_a3=float(atoms.get_volume()),
        volume_change_percent=float(change),
        lattice=lattice_of(atoms),
        spacegroup_before=before,
        spacegroup_after=after,
        calculator=loaded.provenance,
        warnings=list(_warnings(params, converged, float(change))),
    )


def _lineage(params: RelaxParams, calculator: dict[str, Any], converged: bool) -> LineageStep:
    return LineageStep(
        action="relax_structure",
        parent=params.structure_id,
        parameters={
            **params.model_dump(exclude={"structure_id", "calculator"}),
            "calculator": calculator["name"],
            "sha256": calculator["sha256"],
            "converged": converged,
        },
    )


def _minimise(atoms: Atoms, params: RelaxParams, monitor: Monitor) -> tuple[int, bool]:
    """Move atoms (and cell) until converged; returns steps taken and whether it converged."""
    import numpy as np
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    target: Any = atoms
    if params.cell != "fixed":
        target = FrechetCellFilter(
            atoms,
            hydrostatic_strain=params.cell == "volume",
            scalar_pressure=params.pressure_gpa / EV_PER_A3_IN_GPA,
        )
    optimizer = FIRE(target, logfile=None)
    # fmax = 0 is never reached: convergence is decided here, on forces and stress apart.
    for _ in optimizer.irun(fmax=0, steps=params.max_steps):
        monitor.check()
        energy, force = float(atoms.get_potential_energy()), _max_force(atoms)
        if not (np.isfinite(energy) and np.isfinite(force)):
            raise SimulationError(
                f"The relaxation diverged at step {optimizer.nsteps}: energy {energy} eV",
                next_step="Check the structure for atoms that are too close, or relax with cell "
                "'fixed' first.",
            )
        residual = _residual_stress_gpa(atoms, params)
        if monitor.due():
            monitor.progress(
                optimizer.nsteps,
                params.max_steps,
                f"{energy / len(atoms):.4f} eV/atom, max force {force:.3g} eV/Å, "
                f"stress {residual:.3g} GPa",
            )
        if force <= params.fmax_ev_per_a and residual <= STRESS_TOLERANCE_GPA:
            return optimizer.nsteps, True
    return optimizer.nsteps, False


def _max_force(atoms: Atoms) -> float:
    import numpy as np

    return float(np.linalg.norm(atoms.get_forces(), axis=1).max())


def _residual_stress_gpa(atoms: Atoms, params: RelaxParams) -> float:
    """Largest component of what still drives the cell; 0 for a fixed one."""
    if params.cell == "fixed":
        return 0.0
    stress: np.ndarray[Any, Any] = atoms.get_stress(voigt=True) * EV_PER_A3_IN_GPA
    stress[:3] += params.pressure_gpa
    if params.cell == "volume":
        return float(abs(stress[:3].mean()))
    return float(abs(stress).max())


def _warnings(params: RelaxParams, converged: bool, change: float) -> Iterable[str]:
    if not converged:
        yield f"not converged in {params.max_steps} steps; relax the returned structure further"
    if abs(change) > 20:
        yield f"the volume changed by {change:.3g} %: outside what this model may know"


def group_text(group: dict[str, Any] | None) -> str:
    """A space group in a few words."""
    if group is None:
        return "undetermined"
    return f"{group['symbol']} ({group['number']}, within {group['symprec_a']} Å)"


def facts(result: RelaxResult) -> Iterable[Fact]:
    """What was computed of the relaxed structure."""
    values = (
        ("energy_ev", result.energy_ev, "eV"),
        ("energy_ev_per_atom", result.energy_ev_per_atom, "eV/atom"),
        ("max_force_ev_per_a", result.max_force_ev_per_a, "eV/Å"),
        ("volume_a3", result.volume_a3, "Å³"),
        ("volume_change_percent", result.volume_change_percent, "%"),
        *(
            (name, value, "Å" if len(name) == 1 else "degrees")
            for name, value in result.lattice.items()
        ),
    )
    return computed(result.structure_id, result.formula, result.calculator, values)


OPERATION = Operation(
    name="relax_structure",
    title="Relax a structure",
    params=RelaxParams,
    result=RelaxResult,
    run=relax_structure,
    check=check,
    facts=facts,
    toolset="simulation",
    read_only=False,
    long_running=True,
)

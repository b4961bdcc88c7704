"""Relaxation of positions and cell to the nearest minimum of a force field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Result
from llamp_mcp.provenance import Fact, LineageStep
from llamp_mcp.simulation.atoms import lattice_of, moved, spacegroup_of
from llamp_mcp.simulation.calculators.catalogue import calculator_text, computed
from llamp_mcp.simulation.relaxation import Cell, Minimum, max_force_ev_per_a, minimise, stress_gpa
from llamp_mcp.simulation.subject import OneOrMany, check_subject, load_subject
from llamp_mcp.structures.contacts import contacts
from llamp_mcp.structures.symmetry import SYMPREC_A, analyzer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms
    from pymatgen.core import Structure

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore


class RelaxParams(OneOrMany):
    """Arguments of relax_structure."""

    calculator: str = Field(default="", description="empty: default")
    cell: Cell = Field(default="full", description="fixed: atoms only; volume: isotropic")
    fmax_ev_per_a: float = Field(default=0.02, gt=0, le=1, description="largest force left, eV/Å")
    pressure_gpa: float = Field(default=0, ge=-100, le=1000, description="external, GPa")
    max_steps: int = Field(default=500, ge=1, le=10_000, description="optimizer steps")
    keep_symmetry: bool = Field(default=False, description="hold the space group")


class RelaxResult(Result):
    """The relaxed structure and its energy."""

    structure_id: str
    parent_id: str
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
    symmetry_held: bool
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        state = "Relaxed" if self.converged else "NOT converged"
        stress = " ".join(f"{s:.4g}" for s in self.stress_gpa)
        lattice = ", ".join(f"{name} = {value:.6g}" for name, value in self.lattice.items())
        lines = [
            f"{state} {self.parent_id} ({self.formula}, {self.n_atoms} atoms, cell {self.cell}) "
            f"in {self.steps} steps; now structure_id {self.structure_id}",
            f"energy = {self.energy_ev:.8g} eV = {self.energy_ev_per_atom:.6g} eV/atom "
            f"(change {self.energy_change_ev_per_atom:.4g} eV/atom)",
            f"max force = {self.max_force_ev_per_a:.3g} eV/Å (asked {self.fmax_ev_per_a:g}); "
            f"stress xx yy zz yz xz xy = {stress} GPa (positive: tension; "
            f"external pressure {self.pressure_gpa:g} GPa)",
            f"volume = {self.volume_a3:.6g} Å³ (change {self.volume_change_percent:.4g} %); "
            f"{lattice} (Å, degrees)",
            f"space group {group_text(self.spacegroup_before)} -> "
            f"{group_text(self.spacegroup_after)}"
            f"{', held' if self.symmetry_held else ', free to change'}",
            calculator_text(self.calculator),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])


def check(params: RelaxParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    structure = check_subject(
        params.structure_id, params.calculator, structures=structures, calculators=calculators
    )
    if params.keep_symmetry:
        analyzer(structure)
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
    """Relax atoms and cell with a force field; returns a new structure_id, energy, volume.

    Energies compare within one calculator only. Symmetric saddle points stay: perturb first.
    """
    check(params, structures=structures, calculators=calculators)
    subject = load_subject(
        params.structure_id, params.calculator, structures=structures, calculators=calculators
    )
    structure, atoms = subject.structure, subject.atoms
    if params.keep_symmetry:
        _hold_symmetry(atoms)
    start_energy, start_volume = float(atoms.get_potential_energy()), float(atoms.get_volume())
    minimum = Minimum(
        cell=params.cell,
        fmax_ev_per_a=params.fmax_ev_per_a,
        pressure_gpa=params.pressure_gpa,
        max_steps=params.max_steps,
    )
    steps, converged = minimise(atoms, minimum, monitor)

    relaxed = moved(structure, atoms)
    energy = float(atoms.get_potential_energy())
    before, after = spacegroup_of(structure), spacegroup_of(relaxed)
    change = 100 * (atoms.get_volume() / start_volume - 1)
    return RelaxResult(
        structure_id=structures.put(relaxed, _lineage(params, subject.calculator, converged)),
        parent_id=params.structure_id,
        formula=structure.composition.reduced_formula,
        n_atoms=len(atoms),
        converged=converged,
        steps=steps,
        cell=params.cell,
        energy_ev=energy,
        energy_ev_per_atom=energy / len(atoms),
        energy_change_ev_per_atom=(energy - start_energy) / len(atoms),
        max_force_ev_per_a=max_force_ev_per_a(atoms),
        fmax_ev_per_a=params.fmax_ev_per_a,
        stress_gpa=stress_gpa(atoms),
        pressure_gpa=params.pressure_gpa,
        volume_a3=float(atoms.get_volume()),
        volume_change_percent=float(change),
        lattice=lattice_of(atoms),
        spacegroup_before=before,
        spacegroup_after=after,
        symmetry_held=params.keep_symmetry,
        calculator=subject.calculator,
        warnings=list(_warnings(params, converged, float(change), relaxed)),
    )


def _hold_symmetry(atoms: Atoms) -> None:
    """Put atoms where their space group wants them, and let no step leave it."""
    from ase.constraints import FixSymmetry
    from ase.spacegroup.symmetrize import refine_symmetry

    refine_symmetry(atoms, SYMPREC_A)
    atoms.set_constraint(FixSymmetry(atoms, symprec=SYMPREC_A))


def _lineage(params: RelaxParams, calculator: dict[str, Any], converged: bool) -> LineageStep:
    return LineageStep(
        action="relax_structure",
        parent=params.structure_id,
        parameters={
            **params.model_dump(exclude={"structure_id", "structure_ids", "calculator"}),
            "calculator": calculator["name"],
            "sha256": calculator["sha256"],
            "converged": converged,
        },
    )


def _warnings(
    params: RelaxParams, converged: bool, change: float, relaxed: Structure
) -> Iterable[str]:
    if not converged:
        yield f"not converged in {params.max_steps} steps; relax the returned structure further"
    if abs(change) > 20:
        yield f"the volume changed by {change:.3g} %: outside what this model may know"
    if unphysical := contacts(relaxed).warning:
        yield f"{unphysical}: the force field is not to be trusted here"


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
    columns=(
        "structure_id",
        "formula",
        "converged",
        "energy_ev_per_atom",
        "volume_change_percent",
        "max_force_ev_per_a",
    ),
    caution="structure_id is the relaxed one; energies compare within one calculator only",
    toolset="simulation",
    read_only=False,
    long_running=True,
)

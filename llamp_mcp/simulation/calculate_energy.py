"""Energy, forces and stress of a structure as it stands; its formation energy if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Result
from llamp_mcp.simulation.atoms import spacegroup_of
from llamp_mcp.simulation.calculators.catalogue import calculator_text, computed
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.references import (
    ElementalReference,
    as_values,
    compute_references,
    formation_energy_ev_per_atom,
    references_of,
    unconverged,
)
from llamp_mcp.simulation.relax_structure import group_text
from llamp_mcp.simulation.relaxation import STRESS_TOLERANCE_GPA, Minimum
from llamp_mcp.simulation.subject import OneOrMany, check_subject
from llamp_mcp.structures.contacts import contacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.provenance import Fact
    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

REFERENCES: Final = Minimum(fmax_ev_per_a=0.01, max_steps=1000)
"""How far references are relaxed: what 0.01 eV/Å leaves of the energy is below 1 meV/atom."""

_AT_REST_EV_PER_A: Final = 0.05
_AT_REST_GPA: Final = 0.5
"""Above these the structure is said to be away from its minimum."""

_NO_MIXING: Final = (
    "do not mix with formation energies, hull or reaction energies of the Materials Project: "
    "those are DFT with corrections"
)


class EnergyParams(OneOrMany):
    """Arguments of calculate_energy."""

    calculator: str = Field(default="", description="empty: default")
    reference: Literal["none", "elements"] = Field(
        default="none", description="elements: formation energy too"
    )
    reference_ids: list[str] = Field(
        default=[], max_length=20, description="structures of elements; lacking: from database"
    )


class EnergyResult(Result):
    """Energy, forces, stress, and what the formation energy stands on."""

    energy_ev: float
    energy_ev_per_atom: float
    max_force_ev_per_a: float
    stress_gpa: list[float]
    formation_energy_ev_per_atom: float | None
    structure_id: str
    formula: str
    n_atoms: int
    volume_a3_per_atom: float
    spacegroup: dict[str, Any] | None
    references: list[dict[str, Any]]
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        stress = " ".join(f"{s:.4g}" for s in self.stress_gpa)
        lines = [
            f"Energy of {self.structure_id} ({self.formula}, {self.n_atoms} atoms, "
            f"space group {group_text(self.spacegroup)}, {self.volume_a3_per_atom:.6g} Å³/atom), "
            "as it stands, not relaxed here",
            f"energy = {self.energy_ev:.8g} eV = {self.energy_ev_per_atom:.6g} eV/atom (zero is "
            "the force field's own: only differences within one calculator mean something)",
            *self._formation(),
            f"max force = {self.max_force_ev_per_a:.3g} eV/Å; stress xx yy zz yz xz xy = {stress} "
            f"GPa (positive: tension), pressure {-sum(self.stress_gpa[:3]) / 3:.4g} GPa",
            calculator_text(self.calculator),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def _formation(self) -> Iterator[str]:
        if self.formation_energy_ev_per_atom is None:
            return
        yield (
            f"formation energy = {self.formation_energy_ev_per_atom:.5g} eV/atom against the "
            f"elements below, each relaxed ({REFERENCES.fmax_ev_per_a:g} eV/Å, "
            f"{STRESS_TOLERANCE_GPA} GPa) and computed by this calculator at 0 K; {_NO_MIXING}"
        )
        for one in self.references:
            yield ElementalReference(**one).text()


def check(params: EnergyParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be computed, before a job is made."""
    structure = check_subject(
        params.structure_id, params.calculator, structures=structures, calculators=calculators
    )
    if params.reference == "elements":
        for handle, _ in references_of(structure, params.reference_ids, structures).values():
            check_subject(handle, params.calculator, structures=structures, calculators=calculators)
    elif params.reference_ids:
        raise InvalidInput(
            "reference_ids have no effect with reference 'none'",
            next_step="Set reference to 'elements', or leave reference_ids out.",
        )


def calculate_energy(
    params: EnergyParams,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> EnergyResult:
    """Energy, forces and stress of a structure as it stands; formation energy on request.

    Not relaxed. Compare within one calculator only, never with Materials Project energies.
    """
    check(params, structures=structures, calculators=calculators)
    structure = structures.get(params.structure_id)
    wanted = (
        references_of(structure, params.reference_ids, structures)
        if params.reference == "elements"
        else {}
    )
    everything = [structure, *(one for _, one in wanted.values())]
    force_field = ForceField(
        calculators, params.calculator, everything, max(len(one) for one in everything)
    )
    total = 1 + len(wanted)
    found = force_field.find("structure", structure, monitor)
    monitor.progress(1, total, f"{found.energy_ev_per_atom:.4f} eV/atom")
    references = compute_references(wanted, force_field, monitor, REFERENCES)
    return EnergyResult(
        energy_ev=found.energy_ev,
        energy_ev_per_atom=found.energy_ev_per_atom,
        max_force_ev_per_a=found.max_force_ev_per_a,
        stress_gpa=found.stress_gpa,
        formation_energy_ev_per_atom=formation_energy_ev_per_atom(
            structure, found.energy_ev, references
        )
        if references
        else None,
        structure_id=params.structure_id,
        formula=structure.composition.reduced_formula,
        n_atoms=len(structure),
        volume_a3_per_atom=float(structure.volume) / len(structure),
        spacegroup=spacegroup_of(structure),
        references=as_values(references),
        calculator=force_field.provenance,
        warnings=[*_warnings(found), *unconverged(references)],
    )


def _warnings(found: Found) -> Iterator[str]:
    if unphysical := contacts(found.structure).warning:
        yield f"{unphysical}: the force field is not to be trusted here"
    force, stress = found.max_force_ev_per_a, max(abs(s) for s in found.stress_gpa)
    if force > _AT_REST_EV_PER_A or stress > _AT_REST_GPA:
        yield (
            f"not at the minimum of this force field (max force {force:.3g} eV/Å, stress up to "
            f"{stress:.3g} GPa): relax_structure with the same calculator first to compare phases "
            "or formation energies"
        )


def facts(result: EnergyResult) -> Iterable[Fact]:
    """What was computed of the structure, and of each element it is compared with."""
    values = [
        ("energy_ev", result.energy_ev, "eV"),
        ("energy_ev_per_atom", result.energy_ev_per_atom, "eV/atom"),
        ("max_force_ev_per_a", result.max_force_ev_per_a, "eV/Å"),
    ]
    if result.formation_energy_ev_per_atom is not None:
        values.append(
            ("formation_energy_ev_per_atom", result.formation_energy_ev_per_atom, "eV/atom")
        )
    yield from computed(result.structure_id, result.formula, result.calculator, values)
    for one in result.references:
        told = [("relaxed_energy_ev_per_atom", one["energy_ev_per_atom"], "eV/atom")]
        yield from computed(one["structure_id"], one["formula"], result.calculator, told)


OPERATION = Operation(
    name="calculate_energy",
    title="Calculate an energy",
    params=EnergyParams,
    result=EnergyResult,
    run=calculate_energy,
    check=check,
    facts=facts,
    columns=(
        "formula",
        "energy_ev_per_atom",
        "formation_energy_ev_per_atom",
        "max_force_ev_per_a",
        "volume_a3_per_atom",
    ),
    caution=f"as they stand; formation energies against elements by this calculator: {_NO_MIXING}",
    toolset="simulation",
    read_only=False,
    long_running=True,
)

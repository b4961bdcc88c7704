"""Harmonic phonons of a crystal: bands, density of states, stability, thermal properties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params
from llamp_mcp.provenance import Fact, LineageStep
from llamp_mcp.simulation.atoms import to_atoms
from llamp_mcp.simulation.calculators.catalogue import calculator_text, computed
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.lattice.drawing import draw_phonons
from llamp_mcp.simulation.lattice.parts import TIGHT, PartOf, how_far
from llamp_mcp.simulation.lattice.standard import (
    MIN_HEIGHT_A,
    StandardCell,
    standard_cell,
    to_structure,
)
from llamp_mcp.simulation.lattice.vibrations import IMAGINARY_THZ, Vibrations, vibrations
from llamp_mcp.simulation.plots import PlottedResult, keep_plot
from llamp_mcp.simulation.subject import check_subject
from llamp_mcp.structures.symmetry import SYMPREC_A

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.lattice.vibrations import Softest
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

MAX_PRIMITIVE_ATOMS: Final = 200
MAX_ASKED_ATOMS: Final = 2000
PARAMETERS: Final = "phonopy_params.yaml"

_MODES_TOLD: Final = 12
"""Modes of a cell up to which all special points are listed, not Γ alone."""
_GAMMA_TOLD: Final = 60
_SAME_THZ: Final = 1e-3


class PhononParams(Params):
    """Arguments of compute_phonons."""

    structure_id: str = Field(description="'s-…'")
    calculator: str = Field(default="", description="empty: default")
    supercell: list[Annotated[int, Field(ge=1, le=20)]] = Field(
        default=[],
        max_length=3,
        description="conventional cells along a, b, c; empty: at least 10 Å wide",
    )
    relax: Literal["full", "atoms"] = Field(
        default="full", description="first: atoms and cell, or atoms at this cell"
    )
    displacement_a: float = Field(default=0.01, ge=0.001, le=0.1, description="Å")
    temperatures_k: list[Annotated[float, Field(ge=0, le=5000)]] = Field(
        default=[100, 300, 600, 1000], min_length=1, max_length=20, description="K"
    )


class PhononResult(PlottedResult):
    """Stability, frequencies and thermal properties."""

    has_imaginary_modes: bool
    min_frequency_thz: float
    thermal: list[dict[str, float]]
    thermal_per: str
    zero_point_energy_ev_per_atom: float
    frequencies_thz: dict[str, list[float]]
    max_frequency_thz: float
    softest: dict[str, Any]
    structure_id: str
    formula: str
    supercell: dict[str, Any]
    acoustic_sum_rule: dict[str, float]
    phonopy_file: str
    method: str
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        cell, rule = self.supercell, self.acoustic_sum_rule
        sides = " ".join(f"{side:.4g}" for side in cell["heights_a"])
        lines = [
            f"Phonons of {self.structure_id} ({self.formula}, {cell['spacegroup']}, relaxed "
            f"primitive cell of {cell['primitive_atoms']} atoms)",
            self._stability(),
            f"highest frequency = {self.max_frequency_thz:.4f} THz",
            *(f"at {label}: {_grouped(modes)} THz" for label, modes in self._listed()),
            f"zero-point energy = {self.zero_point_energy_ev_per_atom:.5f} eV/atom; at constant "
            f"volume, per mole of {self.thermal_per}:",
            *map(_thermal_text, self.thermal),
            f"{self.method}; {cell['repeats'][0]}x{cell['repeats'][1]}x{cell['repeats'][2]} "
            f"conventional cells = {cell['n_atoms']} atoms, {sides} Å between faces, "
            f"{cell['displacements']} displacements",
            f"acoustic sum rule: rows of force constants summed to at most "
            f"{rule['drift_ev_per_a2']:.2g} eV/Å², acoustic modes at Γ to "
            f"{rule['raw_acoustic_thz']:.2g} THz, before it was imposed",
            calculator_text(self.calculator),
            f"force constants for phonopy: {self.phonopy_file}",
            self.plot_line(),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def _stability(self) -> str:
        where = self.softest
        q = " ".join(f"{x:.4g}" for x in where["q"])
        how = "computed" if where["exact"] else "interpolated between computed waves"
        verdict = "IMAGINARY MODES" if self.has_imaginary_modes else "no imaginary modes"
        return (
            f"{verdict} (threshold {-IMAGINARY_THZ} THz; imaginary is negative): lowest frequency "
            f"{self.min_frequency_thz:.4f} THz at q = {q} (reciprocal vectors of the primitive "
            f"cell; {how}; the acoustic modes at Γ, zero by definition, apart)"
        )

    def _listed(self) -> Iterator[tuple[str, list[float]]]:
        for label, modes in self.frequencies_thz.items():
            yield ("Γ" if label == "GAMMA" else label), modes


def _thermal_text(row: dict[str, float]) -> str:
    return (
        f"{row['temperature_k']:g} K: heat capacity {row['heat_capacity_j_per_k_mol']:.4f} "
        f"J/(K mol), entropy {row['entropy_j_per_k_mol']:.4f} J/(K mol), free energy "
        f"{row['free_energy_kj_per_mol']:.5f} kJ/mol"
    )


def _grouped(modes: list[float]) -> str:
    """Frequencies with how often each occurs."""
    groups: list[list[float]] = []
    for mode in modes:
        if groups and abs(mode - groups[-1][-1]) < _SAME_THZ:
            groups[-1].append(mode)
        else:
            groups.append([mode])
    return " ".join(
        f"{group[0]:.4f}" + (f" (x{len(group)})" if len(group) > 1 else "") for group in groups
    )


def check(params: PhononParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    structure = check_subject(
        params.structure_id, params.calculator, structures=structures, calculators=calculators
    )
    cell = standard_cell(to_atoms(structure))
    if len(cell.primitive) > MAX_PRIMITIVE_ATOMS:
        raise InvalidInput(
            f"The primitive cell of {params.structure_id} has {len(cell.primitive)} atoms",
            allowed=f"at most {MAX_PRIMITIVE_ATOMS}: up to six supercells per atom are computed",
        )
    n_atoms = cell.n_atoms(_repeats(params, cell))
    if n_atoms > MAX_ASKED_ATOMS:
        raise InvalidInput(
            f"supercell {params.supercell} has {n_atoms} atoms",
            allowed=f"at most {MAX_ASKED_ATOMS}",
            next_step="Leave supercell out, or ask for fewer repeats.",
        )
    calculators.resolve(params.calculator, cell.primitive.get_chemical_symbols(), n_atoms)


def _repeats(params: PhononParams, cell: StandardCell) -> list[int]:
    if params.supercell and len(params.supercell) != 3:
        raise InvalidInput(
            f"supercell {params.supercell}", allowed="three integers, along a, b, c; or none"
        )
    return params.supercell or cell.repeats()


def compute_phonons(
    params: PhononParams,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> PhononResult:
    """Phonon bands and density of states, imaginary modes, heat capacity, entropy, free energy.

    Relaxes the standard primitive cell tightly first (structure_id of the result), then displaces
    atoms in a supercell. Harmonic: no thermal expansion (calculate_property has it), no LO-TO
    splitting. An imaginary mode means that the structure is no minimum.
    """
    check(params, structures=structures, calculators=calculators)
    given = structures.get(params.structure_id)
    cell = standard_cell(to_atoms(given))
    repeats = _repeats(params, cell)
    force_field = ForceField(calculators, params.calculator, [given], cell.n_atoms(repeats))
    minimum = TIGHT if params.relax == "full" else replace(TIGHT, cell="fixed")
    primitive = to_structure(cell.primitive)
    found = force_field.find("relaxation", primitive, PartOf(monitor, 0, 1), minimum)
    cell = standard_cell(to_atoms(found.structure))
    repeats = _repeats(params, cell)
    lattice = vibrations(cell, repeats, params.displacement_a, force_field, monitor)
    relaxed = structures.put(to_structure(cell.primitive), _lineage(params, force_field, found))
    return _result(params, relaxed, lattice, found, force_field.provenance, monitor)


def _result(
    params: PhononParams,
    structure_id: str,
    lattice: Vibrations,
    found: Found,
    calculator: dict[str, Any],
    monitor: Monitor,
) -> PhononResult:
    composition = found.structure.composition
    formula, units = composition.get_reduced_formula_and_factor()
    softest = lattice.softest()
    thermal = lattice.thermal(params.temperatures_k)
    path = monitor.directory / PARAMETERS
    lattice.phonopy.save(path)
    title = f"{formula}, {lattice.cell.spacegroup}, {calculator['name']}"
    primitive_atoms = len(lattice.cell.primitive)
    per = f"{formula} ({primitive_atoms / units:g} atoms)"
    return PhononResult(
        has_imaginary_modes=softest.frequency_thz < -IMAGINARY_THZ,
        min_frequency_thz=softest.frequency_thz,
        thermal=[
            {
                "temperature_k": float(temperature),
                "heat_capacity_j_per_k_mol": float(capacity) / units,
                "entropy_j_per_k_mol": float(entropy) / units,
                "free_energy_kj_per_mol": float(energy) / units,
            }
            for temperature, energy, entropy, capacity in thermal.rows()
        ],
        thermal_per=per,
        zero_point_energy_ev_per_atom=thermal.zero_point_ev / primitive_atoms,
        frequencies_thz=_frequencies(lattice),
        max_frequency_thz=lattice.highest_thz(),
        softest={"q": softest.q, "exact": softest.exact},
        structure_id=structure_id,
        formula=formula,
        supercell={
            "repeats": lattice.repeats,
            "n_atoms": lattice.cell.n_atoms(lattice.repeats),
            "heights_a": lattice.cell.heights_a(lattice.repeats),
            "displacements": lattice.displacements,
            "primitive_atoms": primitive_atoms,
            "spacegroup": lattice.cell.spacegroup,
        },
        acoustic_sum_rule={
            "drift_ev_per_a2": lattice.drift_ev_per_a2,
            "raw_acoustic_thz": lattice.raw_acoustic_thz,
        },
        phonopy_file=str(path),
        method=_method(params, lattice, found),
        calculator=calculator,
        warnings=list(_warnings(lattice, softest, found)),
        plot=keep_plot(monitor, draw_phonons(lattice, title)),
    )


def _frequencies(lattice: Vibrations) -> dict[str, list[float]]:
    """At Γ and, for small cells, at the other special points of the path."""
    points = lattice.cell.points
    labels = ["GAMMA"]
    if 3 * len(lattice.cell.primitive) <= _MODES_TOLD:
        on_path = dict.fromkeys(label for pair in lattice.cell.path for label in pair)
        labels += [label for label in on_path if label != "GAMMA"]
    found = lattice.at([points[label] for label in labels])
    return {
        label: [round(float(mode), 6) + 0.0 for mode in modes][:_GAMMA_TOLD]
        for label, modes in zip(labels, found, strict=True)
    }


def _method(params: PhononParams, lattice: Vibrations, found: Found) -> str:
    from phonopy import __version__

    what = "atoms and cell" if params.relax == "full" else "atoms at the given cell"
    mesh = "x".join(str(n) for n in lattice.phonopy.mesh.mesh_numbers)
    return (
        f"Method: idealised to its space group within {SYMPREC_A} Å, {what} relaxed first "
        f"({how_far(found)}, stress at most {max(map(abs, found.stress_gpa)):.2g} GPa), finite "
        f"displacements of {params.displacement_a:g} Å (phonopy {__version__}), mesh {mesh}"
    )


def _warnings(lattice: Vibrations, softest: Softest, found: Found) -> Iterator[str]:
    if not found.converged:
        yield f"the relaxation did not converge: {how_far(found)}; low modes may be wrong"
    if softest.frequency_thz < -IMAGINARY_THZ:
        yield "thermal properties leave the imaginary modes out: do not use them"
        if not softest.exact:
            yield (
                "the lowest mode is interpolated: take a larger supercell that holds its wave "
                "before calling the crystal unstable"
            )
    if lattice.raw_acoustic_thz > 2 * IMAGINARY_THZ:
        yield "the force constants break the acoustic sum rule: a noisy or short-sighted calculator"
    if min(lattice.cell.heights_a(lattice.repeats)) < MIN_HEIGHT_A:
        yield (
            f"the supercell is narrower than {MIN_HEIGHT_A:g} Å: compare with a larger one, for "
            "force constants reach further"
        )
    if len(set(lattice.cell.primitive.numbers)) > 1:
        yield (
            "no non-analytical correction (force fields give no Born charges): in a polar "
            "insulator the LO-TO splitting at Γ is missing and LO modes near Γ are too low"
        )


def _lineage(params: PhononParams, force_field: ForceField, found: Found) -> LineageStep:
    return LineageStep(
        action="compute_phonons",
        parent=params.structure_id,
        parameters={
            "cell": "standard primitive",
            "relaxed": params.relax,
            "fmax_ev_per_a": TIGHT.fmax_ev_per_a,
            "calculator": force_field.provenance["name"],
            "sha256": force_field.provenance["sha256"],
            "converged": found.converged,
        },
    )


def facts(result: PhononResult) -> Iterable[Fact]:
    """Extreme frequencies, zero-point energy, thermal properties by temperature."""
    values = [
        ("min_frequency_thz", result.min_frequency_thz, "THz"),
        ("max_frequency_thz", result.max_frequency_thz, "THz"),
        ("zero_point_energy_ev_per_atom", result.zero_point_energy_ev_per_atom, "eV/atom"),
    ]
    for row in result.thermal:
        at = f"at {row['temperature_k']:g} K"
        values += [
            (f"heat_capacity_j_per_k_mol {at}", row["heat_capacity_j_per_k_mol"], "J/(K mol)"),
            (f"entropy_j_per_k_mol {at}", row["entropy_j_per_k_mol"], "J/(K mol)"),
            (f"free_energy_kj_per_mol {at}", row["free_energy_kj_per_mol"], "kJ/mol"),
        ]
    return computed(result.structure_id, result.formula, result.calculator, values)


OPERATION = Operation(
    name="compute_phonons",
    title="Compute phonons",
    params=PhononParams,
    result=PhononResult,
    run=compute_phonons,
    check=check,
    facts=facts,
    toolset="simulation_more",
    read_only=False,
    long_running=True,
    view="plot",
)

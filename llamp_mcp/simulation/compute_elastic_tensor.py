"""The elastic tensor of a crystal, from stresses of strained cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact, LineageStep
from llamp_mcp.simulation.calculators.catalogue import calculator_text, computed
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.lattice import elasticity
from llamp_mcp.simulation.lattice.parts import TIGHT, PartOf, how_far
from llamp_mcp.simulation.lattice.standard import elements_only
from llamp_mcp.simulation.relaxation import STRESS_TOLERANCE_GPA
from llamp_mcp.simulation.subject import check_subject
from llamp_mcp.structures.surfaces.surface import AXES, profile
from llamp_mcp.structures.symmetry import analyzer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.lattice.elasticity import Averages, Fit, Floats
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

_NONLINEAR_PERCENT: Final = 2.0
_ASYMMETRY_PERCENT: Final = 5.0
_ZERO_GPA: Final = 1e-6
_VACUUM_A: Final = 6.0


class ElasticParams(Params):
    """Arguments of compute_elastic_tensor."""

    structure_id: str = Field(description="'s-…'")
    calculator: str = Field(default="", description="empty: default")
    relax: bool = Field(default=True, description="atoms and cell, first")
    ions: Literal["relaxed", "clamped"] = Field(default="relaxed", description="when strained")
    strain: float = Field(default=0.01, ge=1e-4, le=0.03, description="largest strain, ±")
    axes: Literal["ieee", "stored"] = Field(default="ieee", description="of the tensor")


class ElasticResult(Result):
    """The tensor, what follows from it, and how well it was determined."""

    elastic_tensor_gpa: list[list[float]]
    bulk_modulus_vrh_gpa: float
    shear_modulus_vrh_gpa: float
    youngs_modulus_gpa: float
    poisson_ratio: float
    anisotropy: float
    born_stable: bool
    structure_id: str
    formula: str
    spacegroup: str
    axes: dict[str, Any] = Field(description="name, and x y z in the axes of the stored cell")
    eigenvalues_gpa: list[float]
    bounds_gpa: dict[str, float] = Field(description="Voigt and Reuss")
    fit: dict[str, float]
    method: str
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, one line per subject."""
        rows = [" ".join(f"{value:.5g}" for value in row) for row in self.elastic_tensor_gpa]
        lines = [
            f"Elastic tensor of {self.structure_id} ({self.formula}, {self.spacegroup}) in GPa, "
            f"Voigt order {' '.join(elasticity.VOIGT)}; {self._axes()}",
            *rows,
            *self._moduli(),
            f"Born stability: {'stable' if self.born_stable else 'NOT stable'}; eigenvalues "
            f"{' '.join(f'{value:.4g}' for value in self.eigenvalues_gpa)} GPa (all must be > 0)",
            f"{self.method}; largest deviation from the crystal's symmetry "
            f"{self.fit['asymmetry_gpa']:.2g} GPa (removed), fit residual "
            f"{self.fit['residual_gpa']:.2g} GPa rms, R² = {self.fit['r_squared']:.6f}, change "
            f"with half the strain {self.fit['nonlinearity_percent']:.2g} %, stress at zero strain "
            f"at most {self.fit['residual_stress_gpa']:.2g} GPa; static lattice at 0 K",
            calculator_text(self.calculator),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def _axes(self) -> str:
        if self.axes["name"] == "stored":
            return "axes as the cell is stored"
        if self.axes["rows"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]:
            return "IEEE standard crystal axes, the same as those of the stored cell"
        named = zip("xyz", self.axes["rows"], strict=True)
        rows = "; ".join(f"{name} = {' '.join(f'{v:.5g}' for v in row)}" for name, row in named)
        return f"IEEE standard crystal axes, which in the stored cell's are {rows}"

    def _moduli(self) -> Iterator[str]:
        bounds = self.bounds_gpa
        yield (
            f"bulk modulus VRH = {self.bulk_modulus_vrh_gpa:.5g} GPa "
            f"(Reuss {bounds['bulk_reuss']:.5g}, Voigt {bounds['bulk_voigt']:.5g}); "
            f"shear modulus VRH = {self.shear_modulus_vrh_gpa:.5g} GPa "
            f"(Reuss {bounds['shear_reuss']:.5g}, Voigt {bounds['shear_voigt']:.5g})"
        )
        yield (
            f"of the isotropic polycrystal: Young's modulus = {self.youngs_modulus_gpa:.5g} GPa, "
            f"Poisson ratio = {self.poisson_ratio:.4g}; universal anisotropy = "
            f"{self.anisotropy:.4g} (0: isotropic)"
        )


def check(params: ElasticParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse what could not be run, before a job is made."""
    structure = check_subject(
        params.structure_id, params.calculator, structures=structures, calculators=calculators
    )
    analyzer(structure)
    for axis in AXES:
        gap_a = profile(structure, axis).gap_a
        if gap_a > _VACUUM_A:
            raise InvalidInput(
                f"{params.structure_id} has {gap_a:.3g} Å of empty space along {axis}: a slab or a "
                "molecule has no elastic tensor per volume",
                next_step="Use the bulk crystal.",
            )


def compute_elastic_tensor(
    params: ElasticParams,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> ElasticResult:
    """Elastic tensor 6x6, VRH moduli (GPa), Poisson ratio, anisotropy, stability.

    Relaxes the crystal first. Bulk modulus alone: fit_eos. Not for slabs or molecules.
    """
    check(params, structures=structures, calculators=calculators)
    structure = structures.get(params.structure_id)
    force_field = ForceField(calculators, params.calculator, [structure], len(structure))
    strains = elasticity.strains(params.strain)
    whole = PartOf(monitor, 0, len(strains) + 1)
    start = force_field.find("relaxation", structure, whole, TIGHT if params.relax else None)
    ends = [_strained(start, strain, force_field, params, monitor) for strain in enumerate(strains)]
    fitted = elasticity.fit(strains, [end.stress_gpa for end in ends])
    structure_id = params.structure_id
    if params.relax:
        structure_id = structures.put(start.structure, _lineage(params, force_field, start))
    return _result(params, structure_id, force_field.provenance, fitted, [start, *ends])


def _strained(
    start: Found,
    numbered: tuple[int, tuple[int, float]],
    force_field: ForceField,
    params: ElasticParams,
    monitor: Monitor,
) -> Found:
    """One strained cell: its atoms move with it and, unless clamped, relax."""
    from pymatgen.core.lattice import Lattice

    number, (component, value) = numbered
    structure = start.structure.copy()
    deformed = structure.lattice.matrix @ elasticity.deformation(component, value)
    structure.lattice = Lattice(deformed)
    minimum = replace(TIGHT, cell="fixed") if params.ions == "relaxed" else None
    part = PartOf(monitor, number + 1, len(elasticity.strains(1)) + 1)
    name = f"strain {elasticity.VOIGT[component]} {value:+g}"
    part.begin(name)
    return force_field.find(name, structure, part, minimum)


def _result(
    params: ElasticParams,
    structure_id: str,
    calculator: dict[str, Any],
    fitted: Fit,
    ends: list[Found],
) -> ElasticResult:
    crystal = elements_only(ends[0].structure)
    found = analyzer(crystal)
    tensor = elasticity.symmetrised(fitted.tensor, crystal)
    asymmetry = float(abs(fitted.tensor - tensor).max())
    rotation = elasticity.ieee_rotation(crystal)
    if params.axes == "ieee":
        tensor = elasticity.rotated(tensor, rotation)
    eigenvalues = [float(value) for value in elasticity.eigenvalues(tensor)]
    means = elasticity.averages(tensor)
    fit = {
        "asymmetry_gpa": asymmetry,
        "residual_gpa": fitted.residual_gpa,
        "r_squared": fitted.r_squared,
        "nonlinearity_percent": fitted.nonlinearity_percent,
        "residual_stress_gpa": float(abs(fitted.stress_gpa).max()),
    }
    return ElasticResult(
        elastic_tensor_gpa=_rounded(tensor),
        bulk_modulus_vrh_gpa=means.bulk_vrh_gpa,
        shear_modulus_vrh_gpa=means.shear_vrh_gpa,
        youngs_modulus_gpa=means.youngs_gpa,
        poisson_ratio=means.poisson,
        anisotropy=means.anisotropy,
        born_stable=eigenvalues[0] > 0,
        structure_id=structure_id,
        formula=crystal.composition.reduced_formula,
        spacegroup=f"{found.get_space_group_symbol()} ({found.get_space_group_number()})",
        axes={"name": params.axes, "rows": _rounded(rotation) if params.axes == "ieee" else None},
        eigenvalues_gpa=eigenvalues,
        bounds_gpa=_bounds(means),
        fit=fit,
        method=_method(params, ends),
        calculator=calculator,
        warnings=list(_warnings(params, fit, tensor, eigenvalues, ends)),
    )


def _rounded(matrix: Floats) -> list[list[float]]:
    """To 1e-6, so that what is zero by symmetry says so."""
    return [[round(float(value), 6) + 0.0 for value in row] for row in matrix]


def _bounds(means: Averages) -> dict[str, float]:
    return {
        "bulk_voigt": means.bulk_voigt_gpa,
        "bulk_reuss": means.bulk_reuss_gpa,
        "shear_voigt": means.shear_voigt_gpa,
        "shear_reuss": means.shear_reuss_gpa,
    }


def _method(params: ElasticParams, ends: list[Found]) -> str:
    start, *strained = ends
    first = f"relaxed first ({how_far(start)})" if params.relax else "NOT relaxed first"
    ions = "atoms held at their fractional positions (clamped ions)"
    if params.ions == "relaxed":
        worst = max(end.max_force_ev_per_a for end in strained)
        ions = f"atoms relaxed in each (max force left {worst:.2g} eV/Å)"
    return (
        f"Method: {first}; stresses of {len(strained)} cells, each Voigt strain ±{params.strain:g} "
        f"and ±{params.strain / 2:g}, {ions}; linear fit"
    )


def _warnings(
    params: ElasticParams,
    fit: dict[str, float],
    tensor: Floats,
    eigenvalues: list[float],
    ends: list[Found],
) -> Iterator[str]:
    largest = float(abs(tensor).max())
    start, *strained = ends
    if eigenvalues[0] <= 0:
        yield "an eigenvalue is not positive: this crystal deforms by itself with this calculator"
    if fit["residual_stress_gpa"] > STRESS_TOLERANCE_GPA:
        yield (
            f"the crystal is under stress (up to {fit['residual_stress_gpa']:.3g} GPa): the tensor "
            "is stress over strain there, and stability and moduli hold for no stress"
        )
    if not start.converged:
        yield f"the relaxation did not converge in {start.steps} steps"
    if late := sum(not end.converged for end in strained):
        yield f"the atoms of {late} strained cells did not converge to {TIGHT.fmax_ev_per_a:g} eV/Å"
    if fit["nonlinearity_percent"] > _NONLINEAR_PERCENT:
        yield (
            "stress is not linear in strain: half of it changes the tensor by "
            f"{fit['nonlinearity_percent']:.2g} %. The model's energy is wavy or the crystal soft: "
            "give the range that strain 0.005 to 0.02 gives"
        )
    if fit["asymmetry_gpa"] > _ASYMMETRY_PERCENT / 100 * largest:
        yield "the strained cells do not have the crystal's symmetry: noise, or another minimum"
    if params.ions == "clamped":
        yield "clamped ions: an upper bound of what is measured, unless symmetry holds the atoms"


def _lineage(params: ElasticParams, force_field: ForceField, start: Found) -> LineageStep:
    return LineageStep(
        action="compute_elastic_tensor",
        parent=params.structure_id,
        parameters={
            "relaxed": "atoms and cell",
            "fmax_ev_per_a": TIGHT.fmax_ev_per_a,
            "calculator": force_field.provenance["name"],
            "sha256": force_field.provenance["sha256"],
            "converged": start.converged,
        },
    )


def facts(result: ElasticResult) -> Iterable[Fact]:
    """Moduli and the components of the tensor that are not zero by symmetry."""
    values = [
        ("bulk_modulus_vrh_gpa", result.bulk_modulus_vrh_gpa, "GPa"),
        ("shear_modulus_vrh_gpa", result.shear_modulus_vrh_gpa, "GPa"),
        ("youngs_modulus_gpa", result.youngs_modulus_gpa, "GPa"),
        ("poisson_ratio", result.poisson_ratio, "dimensionless"),
        ("anisotropy", result.anisotropy, "dimensionless"),
    ]
    values += [
        (f"c{i + 1}{j + 1}_gpa", result.elastic_tensor_gpa[i][j], "GPa")
        for i in range(6)
        for j in range(i, 6)
        if abs(result.elastic_tensor_gpa[i][j]) > _ZERO_GPA
    ]
    return computed(result.structure_id, result.formula, result.calculator, values)


OPERATION = Operation(
    name="compute_elastic_tensor",
    title="Compute the elastic tensor",
    params=ElasticParams,
    result=ElasticResult,
    run=compute_elastic_tensor,
    check=check,
    facts=facts,
    toolset="simulation",
    read_only=False,
    long_running=True,
)

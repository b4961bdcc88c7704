"""The energy barrier between two minima, by a nudged elastic band with a climbing image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from llamp_mcp.errors import InvalidInput, SimulationError
from llamp_mcp.operation import Operation, Params
from llamp_mcp.provenance import Fact, LineageStep
from llamp_mcp.simulation.atoms import moved, to_atoms
from llamp_mcp.simulation.calculators.catalogue import calculator_text, computed
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.migration.band import SPRING_EV_PER_A2, Band, relax_band
from llamp_mcp.simulation.migration.matching import match
from llamp_mcp.simulation.migration.profile import Profile, drawn, profile, rows
from llamp_mcp.simulation.plots import PlottedResult, keep_plot
from llamp_mcp.simulation.relaxation import Minimum
from llamp_mcp.simulation.subject import check_subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymatgen.core import Structure

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.migration.matching import Matching
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

ENDS_FMAX_EV_PER_A: Final = 0.02
"""Ends are relaxed at least this far, for their errors enter the barrier directly."""

_APART_A: Final = 0.2
"""Two structures nearer than this, over all coordinates, are one minimum."""

_SHIFT_A: Final = 0.1
_FIT_EV: Final = 0.02
_LISTED: Final = 8

_SHAPES: Final = {
    "single_barrier": "one barrier",
    "intermediate_minimum": "several barriers with a minimum between them",
    "barrierless": "no barrier: no image lies above both ends",
}


class MigrationParams(Params):
    """Arguments of find_migration_barrier."""

    initial_id: str = Field(description="handle of the initial structure")
    final_id: str = Field(description="same atoms and cell; site order may differ")
    calculator: str = Field(default="", description="empty: default")
    images: int = Field(default=5, ge=1, le=31, description="between the two ends")
    relax_ends: bool = Field(default=True, description="relax both ends first, cell fixed")
    fmax_ev_per_a: float = Field(
        default=0.05, gt=0, le=1, description="largest force left on the band, eV/Å"
    )
    max_steps: int = Field(default=500, ge=1, le=10_000, description="optimizer steps")


class MigrationResult(PlottedResult):
    """Barriers in both directions, the path, and its highest structure."""

    barrier_ev: float
    reverse_barrier_ev: float
    reaction_energy_ev: float
    path: list[dict[str, Any]]
    structure_id: str = Field(description="highest image")
    shape: str
    converged: bool
    method: dict[str, Any]
    ends: list[dict[str, Any]]
    minima: list[dict[str, Any]]
    mapping: dict[str, Any]
    formula: str
    calculator: dict[str, Any]
    warnings: list[str]

    def text(self) -> str:
        """All numbers, the path one image per line."""
        state = "" if self.converged else "NOT converged: "
        lines = [
            f"{state}migration barrier = {self.barrier_ev:.4f} eV forward, "
            f"{self.reverse_barrier_ev:.4f} eV reverse; reaction energy = "
            f"{self.reaction_energy_ev:+.4f} eV; {_SHAPES[self.shape]}; highest image "
            f"{self.structure_id} ({self.formula})",
            *(
                f"{name} {one['structure_id']}: {one['energy_ev']:.6f} eV, max force "
                f"{one['max_force_ev_per_a']:.2g} eV/Å, "
                + (f"relaxed in {one['steps']} steps" if self.method["relax_ends"] else "as given")
                for name, one in zip(("initial", "final"), self.ends, strict=True)
            ),
            *(
                f"image {row['image']}: {row['coordinate_a']:.4f} Å, {row['energy_ev']:+.4f} eV, "
                f"max force {row['max_force_ev_per_a']:.3g} eV/Å"
                for row in self.path
            ),
            *(f"minimum at image {one['image']}: {one['structure_id']}" for one in self.minima),
            self._mapping_line(),
            self._method_line(),
            calculator_text(self.calculator),
            self.plot_line(),
        ]
        return "\n".join(lines + [f"Warning: {warning}" for warning in self.warnings])

    def _mapping_line(self) -> str:
        given = self.mapping
        moving = ", ".join(
            f"site {one['site']} ({one['species']}) {one['distance_a']:.3f} Å"
            for one in given["moving"]
        )
        more = given["n_moving"] - len(given["moving"])
        order = "sites correspond by number"
        if given["reordered"]:
            order = (
                "sites of initial are matched to final by least displacement, "
                f"{_runs_text(given['runs'])}"
            )
        return (
            f"{order}; {given['length_a']:.4f} Å apart over all coordinates; moving by more than "
            f"0.3 Å: {moving or 'none'}{f' and {more} more' if more > 0 else ''}"
        )

    def _method_line(self) -> str:
        how = self.method
        climb = f"image {how['climbed']} climbed" if how["climbed"] else "no image climbed"
        return (
            f"nudged elastic band (improved tangents, IDPP start, {how['images']} images between "
            f"the ends, springs {how['spring_ev_per_a2']:g} eV/Å²), {climb}; {how['steps']} steps, "
            f"force left {how['residual_ev_per_a']:.3g} eV/Å (asked {how['fmax_ev_per_a']:g}); "
            f"curve through the forces has its top at {how['fit_barrier_ev']:.4f} eV. Fixed cell, "
            "0 K, no zero-point energy; only this path was followed, others may be lower"
        )


def _runs_text(runs: list[list[int]]) -> str:
    """The first runs of sites, in words."""
    told = [
        f"{first} to {last} = {to} to {to + last - first}" if last > first else f"{first} = {to}"
        for first, last, to in runs[:_LISTED]
    ]
    left = len(runs) - len(told)
    return ", ".join(told) + (f" and {left} more runs" if left else "")


def check(params: MigrationParams, *, structures: StructureStore, calculators: Calculators) -> None:
    """Refuse ends that no path can join, before a job is made."""
    initial, final = (
        check_subject(one, params.calculator, structures=structures, calculators=calculators)
        for one in (params.initial_id, params.final_id)
    )
    _check_apart(match(initial, final), "initial_id and final_id")


def _check_apart(matching: Matching, what: str) -> None:
    if matching.length_a < _APART_A:
        raise InvalidInput(
            f"{what} are the same arrangement: {matching.length_a:.3f} Å apart over all "
            "coordinates, after atoms of a kind were matched",
            next_step="Give two different minima: for a vacancy, remove two neighbouring sites.",
        )


def find_migration_barrier(
    params: MigrationParams,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> MigrationResult:
    """Find the barrier for atoms to move from one minimum to another (NEB with climbing image).

    Give two structures of the same atoms and cell, such as two supercells with neighbouring
    vacancies. Both are relaxed first. Returns barriers both ways, the path, the saddle's
    structure_id. Not for phase transitions that change the cell.
    """
    check(params, structures=structures, calculators=calculators)
    given = [structures.get(params.initial_id), structures.get(params.final_id)]
    matching = match(*given)
    force_field = ForceField(calculators, params.calculator, given, len(given[0]))
    ends = _ends(params, given, force_field, monitor)
    initial, final = (end.structure for end in ends)
    relaxed = match(initial, final.__class__.from_sites([final[i] for i in matching.order]))
    if relaxed.length_a < _APART_A:
        raise SimulationError(
            f"Both ends relax to the same minimum ({relaxed.length_a:.3f} Å apart)",
            next_step="Give ends that are farther apart, or relax_ends=false for given minima.",
        )
    atoms = to_atoms(initial)
    band = relax_band(
        atoms,
        atoms.positions + relaxed.displacements_a,
        force_field.calculator,
        monitor,
        images=params.images,
        fmax_ev_per_a=params.fmax_ev_per_a,
        max_steps=params.max_steps,
    )
    seen = profile(band)
    keep = _Keeper(params, structures, force_field.provenance, initial)
    return MigrationResult(
        barrier_ev=seen.barrier_ev,
        reverse_barrier_ev=seen.barrier_ev - float(seen.energies_ev[-1]),
        reaction_energy_ev=float(seen.energies_ev[-1]),
        path=rows(seen, band),
        structure_id=keep.image(band, int(seen.energies_ev.argmax()), "highest"),
        shape=seen.shape,
        converged=band.converged and all(end.converged for end in ends),
        method=_method(params, band, seen),
        ends=[
            keep.end(*one) for one in zip(ends, (params.initial_id, params.final_id), strict=True)
        ],
        minima=[
            {"image": at, "structure_id": keep.image(band, at, "minimum")} for at in seen.wells
        ],
        mapping=matching.report(given[0]),
        formula=given[0].composition.reduced_formula,
        calculator=force_field.provenance,
        warnings=[
            *_warnings(params, band, seen, matching.report(given[0]), ends),
            *force_field.caveats(),
        ],
        plot=keep_plot(
            monitor, drawn(seen, f"{given[0].composition.reduced_formula}, minimum-energy path")
        ),
    )


def _ends(
    params: MigrationParams, given: list[Structure], force_field: ForceField, monitor: Monitor
) -> list[Found]:
    how = Minimum(
        cell="fixed",
        fmax_ev_per_a=min(params.fmax_ev_per_a, ENDS_FMAX_EV_PER_A),
        max_steps=params.max_steps,
    )
    return [
        force_field.find(name, structure, monitor, how if params.relax_ends else None)
        for name, structure in zip(("initial", "final"), given, strict=True)
    ]


class _Keeper:
    """Stores structures of the path with how they came about."""

    def __init__(
        self,
        params: MigrationParams,
        structures: StructureStore,
        calculator: dict[str, Any],
        initial: Structure,
    ) -> None:
        self._params, self._structures = params, structures
        self._calculator, self._initial = calculator, initial

    def image(self, band: Band, at: int, role: str) -> str:
        """The structure of an image."""
        atoms = to_atoms(self._initial)
        atoms.positions = band.positions[at]
        structure = moved(self._initial, atoms)
        return self._structures.put(structure, self._step(self._params.initial_id, role, at))

    def end(self, found: Found, parent: str) -> dict[str, Any]:
        """The structure of an end, and how far it was relaxed."""
        handle = parent
        if self._params.relax_ends:
            handle = self._structures.put(found.structure, self._step(parent, "relaxed end", None))
        return {
            "structure_id": handle,
            "energy_ev": found.energy_ev,
            "max_force_ev_per_a": found.max_force_ev_per_a,
            "steps": found.steps,
        }

    def _step(self, parent: str, role: str, at: int | None) -> LineageStep:
        return LineageStep(
            action="find_migration_barrier",
            parent=parent,
            parameters={
                **self._params.model_dump(exclude={"calculator"}),
                "calculator": self._calculator["name"],
                "sha256": self._calculator["sha256"],
                "role": role,
                **({} if at is None else {"image": at}),
            },
        )


def _method(params: MigrationParams, band: Band, seen: Profile) -> dict[str, Any]:
    return {
        "images": params.images,
        "climbed": band.climbed,
        "steps": band.steps,
        "residual_ev_per_a": band.residual_ev_per_a,
        "fmax_ev_per_a": params.fmax_ev_per_a,
        "spring_ev_per_a2": SPRING_EV_PER_A2,
        "relax_ends": params.relax_ends,
        "fit_barrier_ev": float(seen.fit_energies_ev.max()),
    }


def _warnings(
    params: MigrationParams,
    band: Band,
    seen: Profile,
    mapping: dict[str, Any],
    ends: list[Found],
) -> Iterable[str]:
    if not band.converged:
        yield (
            f"force {band.residual_ev_per_a:.3g} eV/Å is left after {band.steps} steps: the "
            "barrier is not that of a saddle point; raise max_steps"
        )
    for name, end in zip(("initial", "final"), ends, strict=True):
        if not end.converged:
            yield f"the {name} structure did not converge in {params.max_steps} steps"
        elif not params.relax_ends and end.max_force_ev_per_a > params.fmax_ev_per_a:
            yield (
                f"the {name} structure is no minimum (force {end.max_force_ev_per_a:.2g} eV/Å): "
                "set relax_ends"
            )
    if seen.shape == "intermediate_minimum":
        yield (
            "a minimum lies on the way: the barrier is to the highest image from the initial "
            "structure; relax the minimum and find each step's barrier by itself"
        )
    elif seen.shape == "barrierless":
        yield "without a barrier the numbers are energy differences of the ends, not of a saddle"
    fit_ev = float(seen.fit_energies_ev.max()) - seen.barrier_ev
    if fit_ev > _FIT_EV:
        yield (
            f"between images the curve rises {fit_ev:.3f} eV above the highest one: take more "
            "images"
        )
    if mapping["shift_a"] > _SHIFT_A:
        yield (
            f"all atoms are shifted by about {mapping['shift_a']:.2f} Å between the ends: undo it "
            "with translate, for it lengthens the path"
        )


def facts(result: MigrationResult) -> Iterable[Fact]:
    """The energies, under the initial structure, and the saddle's under its own."""
    values = (
        ("barrier_ev", result.barrier_ev, "eV"),
        ("reverse_barrier_ev", result.reverse_barrier_ev, "eV"),
        ("reaction_energy_ev", result.reaction_energy_ev, "eV"),
    )
    for about in (result.ends[0]["structure_id"], result.structure_id):
        yield from computed(about, result.formula, result.calculator, values)


OPERATION = Operation(
    name="find_migration_barrier",
    title="Find a migration barrier",
    params=MigrationParams,
    result=MigrationResult,
    run=find_migration_barrier,
    check=check,
    facts=facts,
    toolset="simulation_more",
    read_only=False,
    long_running=True,
    view="plot",
)

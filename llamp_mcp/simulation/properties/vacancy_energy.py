"""`vacancy_energy`: formation energy of neutral vacancies, one on each inequivalent site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.provenance import LineageStep
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.properties.chemical_potentials import (
    Reference,
    check_references,
    chemical_potential,
)
from llamp_mcp.simulation.properties.common import unconverged
from llamp_mcp.simulation.properties.host import (
    MIN_WIDTH_A,
    RATTLE_A,
    Host,
    HostArguments,
    displacements,
    host_of,
    stirred,
)
from llamp_mcp.simulation.properties.kind import Answered, Asked, Kind, Values
from llamp_mcp.simulation.references import load_references
from llamp_mcp.simulation.subject import check_subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymatgen.core import Structure

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

_MAX_SITES: Final = 12
_FAR_A: Final = 0.03
"""Displacement, beyond half the width of the cell, above which the cell is said to be small."""


class VacancyArguments(HostArguments):
    """Which sites, in how large a cell, against which reservoirs."""

    sites: Annotated[list[int], Field(min_length=1, max_length=_MAX_SITES)] | None = Field(
        None, description="default: each inequivalent"
    )
    reference_ids: list[str] = Field([], description="elemental phases")


class _Vacancy(NamedTuple):
    """One site that is emptied.

    Attributes:
        site: Number in the structure given.
        equivalent: Sites of the structure that symmetry makes equal to it.
    """

    site: int
    equivalent: int


def check(
    asked: Asked,
    arguments: VacancyArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
) -> None:
    """Refuse wrong sites, lacking references, too large a supercell."""
    structure = check_subject(
        asked.structure_id, asked.calculator, structures=structures, calculators=calculators
    )
    chosen = _chosen(structure, arguments)
    given = load_references(arguments.reference_ids, structures)
    check_references(_needed(structure, chosen), given, structure.composition.reduced_formula)
    host = host_of(structure, structure, arguments)
    elements = [element.symbol for element in structure.composition.element_composition]
    calculators.resolve(asked.calculator, elements, len(host.structure))


def vacancy_energy(
    asked: Asked,
    arguments: VacancyArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> Answered:
    """E_f = E(vacancy) - E(perfect) + mu, all by the same force field.

    The crystal is relaxed with its cell; atoms around the vacancy then relax at fixed volume, the
    dilute limit (doi 10.1103/RevModPhys.86.253, eq. 1, for neutral defects).
    """
    structure = structures.get(asked.structure_id)
    given = load_references(arguments.reference_ids, structures)
    size = len(host_of(structure, structure, arguments).structure)
    force_field = ForceField(
        calculators, asked.calculator, [structure, *(one for _, one in given.values())], size
    )
    bulk = force_field.find("crystal", structure, monitor, arguments.with_cell)
    host = host_of(structure, bulk.structure, arguments)
    perfect = force_field.find("perfect supercell", host.structure, monitor)
    potentials = {
        element: chemical_potential(element, *one, force_field, monitor, arguments.atoms_only)
        for element, one in given.items()
    } or {
        host.structure[0].specie.symbol: Reference(
            host.structure[0].specie.symbol,
            perfect.energy_ev_per_atom,
            "the perfect crystal itself",
            bulk.converged,
        )
    }
    rows, relaxations = [], [("the crystal", bulk)]
    for vacancy in _chosen(structure, arguments):
        row, found = _row(vacancy, host, perfect, potentials, force_field, monitor, arguments)
        handle = structures.put(found.structure, _lineage(asked, vacancy, force_field, found))
        rows.append({**row, "structure_id": handle})
        relaxations.append((f"the vacancy on site {vacancy.site}", found))
    rows.sort(key=lambda row: row["formation_energy_ev"])
    return Answered(
        values={
            "formation_energy_ev": rows[0]["formation_energy_ev"],
            "vacancies": rows,
            "supercell": host.matrix,
            "n_atoms": len(host.structure),
            "width_a": host.width_a,
            "perfect_energy_ev_per_atom": perfect.energy_ev_per_atom,
            "relaxed_volume_change_percent": 100 * (bulk.structure.volume / structure.volume - 1),
            "fmax_ev_per_a": arguments.fmax_ev_per_a,
            "chemical_potentials": [
                {"element": one.element, "energy_ev": one.energy_ev, "of": one.told}
                for one in potentials.values()
            ],
        },
        calculators=[force_field.provenance],
        converged=all(one.converged for _, one in relaxations),
        warnings=[
            *unconverged(relaxations, arguments),
            *_warnings(rows, host, perfect),
            *force_field.caveats(),
        ],
    )


def _needed(structure: Structure, chosen: list[_Vacancy]) -> list[str]:
    """Elements whose chemical potential the crystal itself does not give."""
    if len(structure.composition.element_composition) == 1:
        return []
    return [structure[one.site].specie.symbol for one in chosen]


def _chosen(structure: Structure, arguments: VacancyArguments) -> list[_Vacancy]:
    """The sites to empty, with how many are equal to each.

    Raises:
        InvalidInput: A site does not exist, or there are too many inequivalent ones.
    """
    from llamp_mcp.structures.inequivalent import orbits
    from llamp_mcp.structures.species import check_sites

    classes = orbits(structure)
    if arguments.sites is not None:
        return [
            _Vacancy(site, next(len(members) for members in classes if site in members))
            for site in check_sites(structure, arguments.sites)
        ]
    if len(classes) > _MAX_SITES:
        raise InvalidInput(
            f"{structure.formula} has {len(classes)} inequivalent sites",
            allowed=f"at most {_MAX_SITES} vacancies in one call",
            next_step=f"Give sites, of {[members[0] for members in classes]}.",
        )
    return [_Vacancy(members[0], len(members)) for members in classes]


def _row(
    vacancy: _Vacancy,
    host: Host,
    perfect: Found,
    potentials: dict[str, Reference],
    force_field: ForceField,
    monitor: Monitor,
    arguments: VacancyArguments,
) -> tuple[dict[str, Any], Found]:
    """Energies of one vacancy, and its relaxed structure."""
    at = vacancy.site * host.cells
    element = host.structure[at].specie.symbol
    empty = host.structure.copy()
    empty.remove_sites([at])
    unrelaxed = force_field.find(f"vacancy {vacancy.site} unrelaxed", empty, monitor)
    start = stirred(host.structure, at)
    found = force_field.find(f"vacancy {vacancy.site}", start, monitor, arguments.atoms_only)
    largest_a, far_a = displacements(host, at, empty, found.structure)
    mu = potentials[element].energy_ev
    return {
        "site": vacancy.site,
        "species": host.structure[at].species_string,
        "equivalent_sites": vacancy.equivalent,
        "formation_energy_ev": found.energy_ev - perfect.energy_ev + mu,
        "unrelaxed_formation_energy_ev": unrelaxed.energy_ev - perfect.energy_ev + mu,
        "vacancy_energy_ev": found.energy_ev,
        "largest_displacement_a": largest_a,
        "far_displacement_a": far_a,
        "pressure_gpa": found.pressure_gpa - perfect.pressure_gpa,
        "max_force_ev_per_a": found.max_force_ev_per_a,
        "steps": found.steps,
    }, found


def _lineage(asked: Asked, vacancy: _Vacancy, force_field: ForceField, found: Found) -> LineageStep:
    return LineageStep(
        action="calculate_property",
        parent=asked.structure_id,
        parameters={
            "kind": "vacancy_energy",
            "site": vacancy.site,
            "calculator": force_field.provenance["name"],
            "sha256": force_field.provenance["sha256"],
            "converged": found.converged,
        },
    )


def _warnings(rows: list[dict[str, Any]], host: Host, perfect: Found) -> Iterable[str]:
    if host.width_a < 0.95 * MIN_WIDTH_A:
        yield (
            f"the supercell is only {host.width_a:.3g} Å wide: vacancies interact with their "
            f"images; take at least {MIN_WIDTH_A:g} Å and compare with a larger one"
        )
    for row in rows:
        if row["far_displacement_a"] > _FAR_A:
            yield (
                f"vacancy on site {row['site']}: atoms beyond half the cell's width still move by "
                f"{row['far_displacement_a']:.2g} Å: raise min_width_a until the energy settles"
            )
        if row["formation_energy_ev"] < 0:
            yield (
                f"vacancy on site {row['site']}: a negative formation energy means that this "
                "crystal is no minimum of the force field, or the reference is not its stable phase"
            )
    if perfect.max_force_ev_per_a > 0.1:
        yield f"forces of {perfect.max_force_ev_per_a:.2g} eV/Å are left in the perfect supercell"


def text(values: Values) -> Iterable[str]:
    """One line per vacancy, then how they were computed."""
    for row in values["vacancies"]:
        yield (
            f"vacancy on site {row['site']} ({row['species']}, {row['equivalent_sites']} "
            f"equivalent): formation energy = {row['formation_energy_ev']:.4f} eV (unrelaxed "
            f"{row['unrelaxed_formation_energy_ev']:.4f} eV); energy "
            f"{row['vacancy_energy_ev']:.6f} eV; {row['structure_id']}, {row['steps']} "
            f"steps, max force {row['max_force_ev_per_a']:.2g} eV/Å; largest displacement "
            f"{row['largest_displacement_a']:.3f} Å, beyond half the width "
            f"{row['far_displacement_a']:.3f} Å; pressure {row['pressure_gpa']:.3g} GPa"
        )
    yield "E_f = E(vacancy) - E(perfect) + mu; " + "; ".join(
        f"mu({one['element']}) = {one['energy_ev']:.6f} eV of {one['of']}"
        for one in values["chemical_potentials"]
    )
    matrix = " ".join("[" + " ".join(map(str, row)) + "]" for row in values["supercell"])
    yield (
        f"supercell {matrix}: {values['n_atoms']} atoms before removal, {values['width_a']:.3f} Å "
        f"wide; perfect crystal {values['perfect_energy_ev_per_atom']:.6f} eV/atom"
    )
    yield (
        f"crystal relaxed first (volume {values['relaxed_volume_change_percent']:+.3f} %), vacancy "
        f"at that fixed volume (dilute limit) to {values['fmax_ev_per_a']:g} eV/Å, neighbours "
        f"displaced by {RATTLE_A} Å at random first; neutral vacancies only: this force field "
        "knows no charge states. With a reference, mu is that of the element-rich limit."
    )


def facts(values: Values) -> Iterable[tuple[str, str, float, str]]:
    """Each vacancy under its own structure, the easiest one under the crystal."""
    yield "", "vacancy_formation_energy_ev", values["formation_energy_ev"], "eV"
    for row in values["vacancies"]:
        yield row["structure_id"], "formation_energy_ev", row["formation_energy_ev"], "eV"


KIND = Kind(
    name="vacancy_energy",
    arguments=VacancyArguments,
    check=check,
    run=vacancy_energy,
    text=text,
    facts=facts,
)

"""`committee`: several force fields on one question, side by side, and how far they disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.provenance import LineageStep
from llamp_mcp.simulation.atoms import spacegroup_of
from llamp_mcp.simulation.equation_of_state import fit
from llamp_mcp.simulation.fit_eos import EosParams, compute_curve
from llamp_mcp.simulation.force_field import ForceField
from llamp_mcp.simulation.properties.committee_spread import (
    Member,
    Quantity,
    facts,
    lowest,
    spread,
    text,
    warnings,
)
from llamp_mcp.simulation.properties.common import RelaxedArguments
from llamp_mcp.simulation.properties.kind import Answered, Asked, Kind, Values
from llamp_mcp.simulation.references import (
    compute_references,
    formation_energy_ev_per_atom,
    references_of,
)
from llamp_mcp.simulation.subject import check_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import Structure

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.force_field import Found
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

MAX_MEMBERS: Final = 6
MAX_STRUCTURES: Final = 10

Question = Literal["energy", "eos", "volume"]


class CommitteeArguments(RelaxedArguments):
    """Who is asked, what, and when they are said to disagree."""

    calculators: Annotated[list[str], Field(min_length=2, max_length=MAX_MEMBERS)] = Field(
        description="names from list_calculators"
    )
    question: Question = Field(description="what each computes")
    structure_ids: Annotated[list[str], Field(max_length=MAX_STRUCTURES - 1)] = Field(
        [], description="energy: others to compare"
    )
    reference_ids: list[str] = Field(
        [], description="elemental structures, for chemical potentials"
    )
    strain: Annotated[float, Field(ge=0.002, le=0.1)] = Field(
        0.02, description="largest, linear, ±, default 0.02"
    )
    threshold: Annotated[float, Field(gt=0)] | None = Field(
        None, description="range flagged: eV/atom, else %"
    )


def check(
    asked: Asked,
    arguments: CommitteeArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
) -> None:
    """Refuse members that cannot answer, and energies that cannot be compared."""
    names = arguments.calculators
    if len(set(names)) < len(names):
        raise InvalidInput(
            f"A calculator is named twice in {names}", allowed="each calculator once"
        )
    calculators.environment(*names)
    if arguments.question != "energy" and (arguments.structure_ids or arguments.reference_ids):
        raise InvalidInput(
            f"structure_ids and reference_ids have no use for question {arguments.question!r}",
            next_step="Set question to 'energy', or leave them out.",
        )
    handles = _handles(asked, arguments)
    if len(set(handles)) < len(handles):
        raise InvalidInput("A structure is named twice", allowed="each structure_id once")
    for name in names:
        for handle in (*handles, *arguments.reference_ids):
            check_subject(handle, name, structures=structures, calculators=calculators)
    if arguments.question == "energy":
        _check_comparable([structures.get(handle) for handle in handles], arguments, structures)


def committee(
    asked: Asked,
    arguments: CommitteeArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> Answered:
    """Each member relaxes and computes by itself; their numbers are compared, never averaged."""
    handles = _handles(asked, arguments)
    members = []
    for number, name in enumerate(arguments.calculators):
        monitor.progress(number, len(arguments.calculators), f"asking {name}")
        members.append(_ask(name, handles, arguments, structures, calculators, monitor))
    spreads = [
        spread(quantity, [member.numbers[quantity] for member in members], arguments.threshold)
        for quantity in members[0].numbers
    ]
    values: Values = {
        "question": arguments.question,
        "strain": arguments.strain if arguments.question == "eos" else None,
        "members": [member.told for member in members],
        "spread": spreads,
        "disagree": any(one["disagree"] for one in spreads),
        "lowest": lowest(members) if len(handles) > 1 else {},
    }
    return Answered(
        values=values,
        calculators=[member.calculator for member in members],
        converged=all(member.converged for member in members),
        warnings=list(warnings(values)),
    )


def _handles(asked: Asked, arguments: CommitteeArguments) -> list[str]:
    return [asked.structure_id, *arguments.structure_ids]


def _check_comparable(
    subjects: Sequence[Structure], arguments: CommitteeArguments, structures: StructureStore
) -> None:
    """Refuse absolute energies: the zero of each force field is its own.

    Raises:
        InvalidInput: Neither references nor several structures of one composition are given.
    """
    if arguments.reference_ids:
        for structure in subjects:
            references_of(structure, arguments.reference_ids, structures)
        return
    formulas = sorted({structure.composition.reduced_formula for structure in subjects})
    if len(subjects) < 2 or len(formulas) > 1:
        raise InvalidInput(
            f"Energies of {', '.join(formulas)} cannot be compared between calculators: the zero "
            "of each is its own",
            allowed="differences between structures of one composition (structure_ids), or "
            "formation energies (reference_ids: a structure of each element)",
            next_step="Add structure_ids of other phases of the same formula, or reference_ids.",
        )


def _ask(
    name: str,
    handles: Sequence[str],
    arguments: CommitteeArguments,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> Member:
    everything = [structures.get(one) for one in (*handles, *arguments.reference_ids)]
    force_field = ForceField(calculators, name, everything, max(len(one) for one in everything))
    subjects = dict(zip(handles, everything[: len(handles)], strict=True))
    if arguments.question == "eos":
        found, numbers = _eos(name, subjects, force_field, arguments, monitor)
    else:
        found = {
            handle: force_field.find(f"{name}: {handle}", structure, monitor, arguments.with_cell)
            for handle, structure in subjects.items()
        }
        numbers = _volumes(found)
    converged = all(one.converged for one in found.values())
    told: dict[str, Any] = {"calculator": name}
    if arguments.question == "energy":
        numbers, reached = _energies(name, found, force_field, arguments, structures, monitor)
        converged = converged and reached
    provenance = force_field.provenance
    told |= {
        "sha256": provenance["sha256"],
        "converged": converged,
        "relaxed": [_relaxed(handle, one, structures, provenance) for handle, one in found.items()],
        "numbers": [{**quantity._asdict(), "value": value} for quantity, value in numbers.items()],
    }
    return Member(told, provenance, numbers, converged)


def _eos(
    name: str,
    subjects: dict[str, Structure],
    force_field: ForceField,
    arguments: CommitteeArguments,
    monitor: Monitor,
) -> tuple[dict[str, Found], dict[Quantity, float]]:
    (handle, structure), *_ = subjects.items()
    asked = EosParams(structure_id=handle, calculator=name, strain=arguments.strain)
    curve = compute_curve(structure, force_field, asked, monitor, f"{name}: ")
    at = fit(asked.model, curve.volumes_a3, curve.energies_ev).at
    numbers = {
        Quantity("bulk_modulus_gpa", handle): at.bulk_modulus_gpa,
        Quantity("volume_a3_per_atom", handle): at.volume_a3,
    }
    return {handle: curve.centre}, numbers


def _volumes(found: dict[str, Found]) -> dict[Quantity, float]:
    return {
        Quantity("volume_a3_per_atom", handle): float(one.structure.volume) / len(one.structure)
        for handle, one in found.items()
    }


def _energies(
    name: str,
    found: dict[str, Found],
    force_field: ForceField,
    arguments: CommitteeArguments,
    structures: StructureStore,
    monitor: Monitor,
) -> tuple[dict[Quantity, float], bool]:
    """Formation energies, else differences to the first structure; whether references converged."""
    if not arguments.reference_ids:
        first, *others = found.items()
        return {
            Quantity("energy_difference_ev_per_atom", handle): one.energy_ev_per_atom
            - first[1].energy_ev_per_atom
            for handle, one in others
        }, True
    wanted = {
        element: reference
        for one in found.values()
        for element, reference in references_of(
            one.structure, arguments.reference_ids, structures
        ).items()
    }
    references = compute_references(
        wanted, force_field, monitor, arguments.with_cell, f"{name}: reference"
    )
    by_element = {one.element: one for one in references}
    numbers = {}
    for handle, one in found.items():
        own = [by_element[element.symbol] for element in one.structure.composition.elements]
        numbers[Quantity("formation_energy_ev_per_atom", handle)] = formation_energy_ev_per_atom(
            one.structure, one.energy_ev, own
        )
    return numbers, all(one.converged for one in references)


def _relaxed(
    handle: str, found: Found, structures: StructureStore, calculator: dict[str, Any]
) -> dict[str, Any]:
    group = spacegroup_of(found.structure)
    step = LineageStep(
        action="calculate_property",
        parent=handle,
        parameters={
            "kind": "committee",
            "cell": "full",
            "calculator": calculator["name"],
            "sha256": calculator["sha256"],
            "converged": found.converged,
        },
    )
    return {
        "structure_id": handle,
        "relaxed_id": structures.put(found.structure, step),
        "spacegroup": f"{group['symbol']} ({group['number']})" if group else "undetermined",
    }


KIND = Kind(
    name="committee",
    arguments=CommitteeArguments,
    check=check,
    run=committee,
    text=text,
    facts=facts,
    calculator="own",
)

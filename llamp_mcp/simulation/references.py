"""Formation energies: against the elements, each relaxed and computed by the same force field."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.atoms import elements_of, spacegroup_of
from llamp_mcp.simulation.relaxation import Minimum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pymatgen.core import Structure

    from llamp_mcp.simulation.force_field import ForceField
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

MOLECULE_GAP_A: Final = 5.0
"""With at least this much empty space along a, b and c a structure is a molecule in a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementalReference:
    """An element as it was relaxed and computed.

    Attributes:
        structure_id: As it was given.
        spacegroup: Symbol and number after relaxation; empty where none can be determined.
        relaxed: What moved: `atoms and cell`, or `atoms` for a molecule in a box.
        converged: Whether the relaxation was.
    """

    element: str
    structure_id: str
    formula: str
    energy_ev_per_atom: float
    volume_a3_per_atom: float
    spacegroup: str
    relaxed: str
    converged: bool

    def text(self) -> str:
        """One line for the text of a result."""
        return (
            f"reference {self.element}: {self.structure_id} ({self.formula}, "
            f"{self.spacegroup or 'space group undetermined'}, {self.relaxed} relaxed"
            f"{'' if self.converged else ', NOT converged'}) = {self.energy_ev_per_atom:.6g} "
            f"eV/atom, {self.volume_a3_per_atom:.5g} Å³/atom"
        )


def load_references(
    reference_ids: Iterable[str], structures: StructureStore
) -> dict[str, tuple[str, Structure]]:
    """Handle and structure of each reference by its element.

    Raises:
        InvalidInput: One holds several elements, or two hold the same.
    """
    found: dict[str, tuple[str, Structure]] = {}
    for handle in reference_ids:
        structure = structures.get(handle)
        elements = sorted({element.symbol for element in structure.composition.element_composition})
        if len(elements) != 1:
            raise InvalidInput(
                f"The reference {handle!r} is {structure.formula}",
                allowed="one element only: its crystal, or its molecule in a box (O2)",
            )
        if elements[0] in found:
            raise InvalidInput(
                f"Two references of {elements[0]}: {found[elements[0]][0]}, {handle}"
            )
        found[elements[0]] = (handle, structure)
    return found


def is_molecule(structure: Structure) -> bool:
    """Whether a structure is surrounded by empty space on all sides."""
    from llamp_mcp.structures.surfaces.surface import AXES, profile

    return min(profile(structure, axis).gap_a for axis in AXES) >= MOLECULE_GAP_A


def references_of(
    structure: Structure, reference_ids: Iterable[str], structures: StructureStore
) -> dict[str, tuple[str, Structure]]:
    """Handle and structure of the reference of each element in a structure.

    Those of other elements are left aside: a batch of structures shares its references.

    Raises:
        InvalidInput: An element has none or two, or one is no element.
    """
    given = load_references(reference_ids, structures)
    elements = elements_of(structure)
    if lacking := [element for element in elements if element not in given]:
        raise InvalidInput(
            f"No reference structure of {', '.join(lacking)} for the formation energy of "
            f"{structure.composition.reduced_formula}",
            allowed="reference_ids with one structure of each element "
            f"({', '.join(elements)}), each of that element alone",
            next_step="Get or make it (get_structure, create_structure) and add its structure_id, "
            "or set reference to 'none'.",
        )
    return {element: given[element] for element in elements}


def compute_references(
    references: Mapping[str, tuple[str, Structure]],
    force_field: ForceField,
    monitor: Monitor,
    minimum: Minimum,
    part: str = "reference",
) -> list[ElementalReference]:
    """Relax each reference, once per job: a crystal with its cell, a molecule in its box.

    Args:
        references: As `references_of` gives them.
        force_field: The one of the compound.
        monitor: Keeps each.
        minimum: How far; its `cell` is not used.
        part: Begins the names of the parts.
    """
    return [
        compute_reference(
            element, *one, force_field, monitor, minimum, f"{part} {element} {one[0]}"
        )
        for element, one in references.items()
    ]


def formation_energy_ev_per_atom(
    structure: Structure, energy_ev: float, references: Sequence[ElementalReference]
) -> float:
    """(E - Σ n_i E_i) / Σ n_i, eV/atom, with E_i the energy per atom of each reference."""
    amounts = structure.composition.element_composition.get_el_amt_dict()
    elements = sum(amounts[one.element] * one.energy_ev_per_atom for one in references)
    return (energy_ev - elements) / len(structure)


def unconverged(references: Iterable[ElementalReference]) -> list[str]:
    """A warning for each that did not reach its minimum."""
    return [
        f"the reference of {one.element} did not converge: the formation energy is not reliable"
        for one in references
        if not one.converged
    ]


def as_values(references: Iterable[ElementalReference]) -> list[dict[str, Any]]:
    """As JSON values for a result."""
    return [asdict(one) for one in references]


def compute_reference(
    element: str,
    handle: str,
    structure: Structure,
    force_field: ForceField,
    monitor: Monitor,
    minimum: Minimum,
    part: str,
) -> ElementalReference:
    """Energy per atom of a relaxed reference: a crystal with its cell, a molecule in its box.

    Args:
        element: Symbol.
        handle: Of the structure.
        structure: Of that element alone.
        force_field: The one of the compound.
        monitor: Keeps it.
        minimum: How far; its `cell` is not used.
        part: Name of the part.
    """
    molecule = is_molecule(structure)
    how = Minimum(
        cell="fixed" if molecule else "full",
        fmax_ev_per_a=minimum.fmax_ev_per_a,
        max_steps=minimum.max_steps,
    )
    found = force_field.find(part, structure, monitor, how)
    group = spacegroup_of(found.structure)
    return ElementalReference(
        element=element,
        structure_id=handle,
        formula=str(structure.composition.reduced_formula),
        energy_ev_per_atom=found.energy_ev_per_atom,
        volume_a3_per_atom=float(found.structure.volume) / len(structure),
        spacegroup=f"{group['symbol']} ({group['number']})" if group else "",
        relaxed="atoms" if molecule else "atoms and cell",
        converged=found.converged,
    )

"""Chemical potentials of elements: the energy per atom of a reference, by the same force field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.references import compute_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pymatgen.core import Structure

    from llamp_mcp.simulation.force_field import ForceField
    from llamp_mcp.simulation.relaxation import Minimum
    from llamp_mcp.simulation.workers.monitor import Monitor


@dataclass(frozen=True, slots=True)
class Reference:
    """The energy of an atom in the phase it is exchanged with.

    Attributes:
        element: Symbol.
        energy_ev: Per atom, eV.
        told: What it was computed of.
        converged: Whether its relaxation was.
    """

    element: str
    energy_ev: float
    told: str
    converged: bool


def check_references(needed: Iterable[str], given: Mapping[str, Any], formula: str) -> None:
    """Refuse a compound without the references that its energy needs, and idle ones.

    Raises:
        InvalidInput: A reference lacks, or is of no use.
    """
    needed = sorted(set(needed))
    if lacking := [element for element in needed if element not in given]:
        raise InvalidInput(
            f"In {formula} the energy depends on the chemical potential of {', '.join(lacking)}, "
            "which is not given",
            allowed="reference_ids: one structure per such element, of that element alone",
            next_step="Make or get the elemental phase (O2: create_structure, a molecule in a box) "
            "and give its structure_id in reference_ids.",
        )
    if idle := sorted(set(given) - set(needed)):
        raise InvalidInput(
            f"The reference of {', '.join(idle)} is of no use here",
            allowed=f"references of {', '.join(needed) or 'no element'}",
        )


def chemical_potential(
    element: str,
    handle: str,
    structure: Structure,
    force_field: ForceField,
    monitor: Monitor,
    minimum: Minimum,
) -> Reference:
    """Energy per atom of a relaxed elemental phase."""
    one = compute_reference(
        element, handle, structure, force_field, monitor, minimum, f"reference {handle}"
    )
    told = f"{handle} ({one.formula}, {one.spacegroup}, {one.relaxed} relaxed)"
    return Reference(element, one.energy_ev_per_atom, told, one.converged)

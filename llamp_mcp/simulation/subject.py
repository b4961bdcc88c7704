"""What a calculation is about: a stored structure, its atoms, and the force field on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import Field, model_validator

from llamp_mcp.operation import Params
from llamp_mcp.simulation.atoms import elements_of, to_atoms

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure

    from llamp_mcp.simulation.calculators import Calculators, DType
    from llamp_mcp.structures.store import StructureStore


MAX_BATCH: Final = 100


class OneOrMany(Params):
    """Arguments of a calculation that also takes a batch: one job for each structure.

    The server splits a batch; a calculation itself only ever sees `structure_id`.
    """

    structure_id: str = Field(default="", description="'s-…'")
    structure_ids: list[str] = Field(
        default=[], max_length=MAX_BATCH, description="or several: one job each, one table"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.structure_id) == bool(self.structure_ids):
            raise ValueError("give structure_id, or structure_ids for a batch, not both")
        return self


@dataclass(frozen=True, slots=True)
class Subject:
    """A structure as it is stored, and its atoms with the calculator attached.

    Attributes:
        calculator: What a result says of it: name, family, model, version, sha256, dtype, device.
    """

    structure: Structure
    atoms: Atoms
    calculator: dict[str, Any]

    @property
    def formula(self) -> str:
        """The reduced formula."""
        return str(self.structure.composition.reduced_formula)


def check_subject(
    structure_id: str, calculator: str, *, structures: StructureStore, calculators: Calculators
) -> Structure:
    """The structure, when the calculator can treat it; for the `check` of a calculation.

    Raises:
        InvalidInput: There is no such structure or calculator, or a site is partly occupied.
        CalculatorError: The calculator is not available, lacks an element, or takes fewer atoms.
    """
    structure = structures.get(structure_id)
    calculators.resolve(calculator, elements_of(structure), len(structure))
    return structure


def load_subject(
    structure_id: str,
    calculator: str,
    *,
    structures: StructureStore,
    calculators: Calculators,
    dtype: DType = "float64",
) -> Subject:
    """Load the force field and attach it; for the worker only.

    Args:
        structure_id: Handle of the structure.
        calculator: Name; empty for the default.
        structures: Where structures are.
        calculators: The force fields.
        dtype: Precision of MACE: float64 for minima, elasticity and phonons; float32 is for
            dynamics.

    Raises:
        InvalidInput: As `check_subject`.
        CalculatorError: As `check_subject`, or the model cannot be loaded.
    """
    structure = check_subject(
        structure_id, calculator, structures=structures, calculators=calculators
    )
    loaded = calculators.load(
        calculator, elements_of(structure), dtype=dtype, n_atoms=len(structure)
    )
    atoms = to_atoms(structure)
    atoms.calc = loaded.calculator
    return Subject(structure, atoms, loaded.provenance)

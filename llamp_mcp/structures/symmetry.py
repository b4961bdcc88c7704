"""Space groups through spglib, with its failures as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

SYMPREC_A = 0.01
"""Distance tolerance in Å, pymatgen's default for refined structures."""

MAX_ATOMS = 5000
"""Above this spglib's search for translations takes seconds; the space group is left out."""


class SpaceGroup(NamedTuple):
    """Hermann-Mauguin symbol and number in the International Tables."""

    symbol: str
    number: int

    def __str__(self) -> str:
        return f"{self.symbol} ({self.number})"


def analyzer(structure: Structure, symprec_a: float = SYMPREC_A) -> SpacegroupAnalyzer:
    """Pymatgen's analyzer of a structure.

    Args:
        structure: Any periodic structure, ordered or not. Properties of its sites, magnetic moments
            among them, are left aside: this is the symmetry of the species where they are.
        symprec_a: Distance tolerance in Å.

    Raises:
        InvalidInput: spglib finds no symmetry, mostly because two atoms (nearly) coincide.
    """
    import spglib
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    # spglib 2.7 warns at every call until its old error codes are switched off.
    spglib.error.OLD_ERROR_HANDLING = False
    bare = structure.copy()
    for name in structure.site_properties:
        bare.remove_site_property(name)
    try:
        return SpacegroupAnalyzer(bare, symprec=symprec_a)
    except (SymmetryUndeterminedError, spglib.SpglibError) as error:
        raise InvalidInput(
            f"spglib cannot determine the symmetry at a tolerance of {symprec_a:g} Å: {error}",
            next_step="Check that no two atoms coincide, or use a smaller tolerance.",
        ) from error


def space_group(structure: Structure, symprec_a: float = SYMPREC_A) -> SpaceGroup | None:
    """The space group, or None where it cannot be determined or the cell is too large for it."""
    if len(structure) > MAX_ATOMS:
        return None
    try:
        found = analyzer(structure, symprec_a)
    except InvalidInput:
        return None
    return SpaceGroup(found.get_space_group_symbol(), found.get_space_group_number())

"""Space groups through spglib, with its failures as ours."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

SYMPREC_A = 0.01
"""Distance tolerance in Å, pymatgen's default for refined structures."""

MAX_ATOMS = 2000
"""Above this spglib takes seconds (20 for 5,000 atoms of silicon); the space group is left out."""

MAX_SYMPREC_A: Final = 0.3

_RAREST_ATOMS: Final = {SYMPREC_A: MAX_ATOMS, 0.1: 256, MAX_SYMPREC_A: 128}
"""By the largest tolerance in Å: how many atoms of the rarest kind a search may have."""


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
        InvalidInput: spglib finds no symmetry, mostly because two atoms (nearly) coincide; or the
            tolerance is too large for so many atoms.
    """
    import spglib
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    _check_tolerance(structure, symprec_a)
    # spglib 2.7 warns at every call until its old error codes are switched off.
    spglib.error.OLD_ERROR_HANDLING = False
    bare = structure.copy() if structure.site_properties else structure
    for name in structure.site_properties:
        bare.remove_site_property(name)
    try:
        # pymatgen allows cells 5° off by default, for which symprec would then be no bound; with a
        # negative tolerance spglib takes that of angles from symprec too.
        return SpacegroupAnalyzer(bare, symprec=symprec_a, angle_tolerance=-1.0)
    except (SymmetryUndeterminedError, spglib.SpglibError) as error:
        raise undetermined(symprec_a, error) from error


def undetermined(symprec_a: float, error: Exception) -> InvalidInput:
    """The error for a tolerance in Å at which spglib finds no symmetry."""
    return InvalidInput(
        f"spglib cannot determine the symmetry at a tolerance of {symprec_a:g} Å: {error}",
        next_step="Check that no two atoms coincide, or use another tolerance, such as "
        f"{SYMPREC_A:g}.",
    )


def _check_tolerance(structure: Structure, symprec_a: float) -> None:
    """Hold to what spglib can do in seconds.

    Every atom of the rarest kind may be a translation of another. Where atoms are displaced by
    about the tolerance, spglib searches on and on among those that nearly are one; it took minutes
    for 864 of copper, displaced by 0.02 Å, at 0.1 Å.

    Raises:
        InvalidInput: There are too many atoms for this tolerance, or it is above all bounds.
    """
    if symprec_a > MAX_SYMPREC_A:
        raise InvalidInput(f"symprec_a = {symprec_a:g}", allowed=f"at most {MAX_SYMPREC_A} Å")
    allowed = next(most for largest_a, most in _RAREST_ATOMS.items() if symprec_a <= largest_a)
    if len(structure) <= allowed:
        return
    rarest = min(Counter(str(site.species) for site in structure).values())
    if rarest > allowed:
        raise InvalidInput(
            f"A tolerance of {symprec_a:g} Å is too large for {rarest} atoms of the rarest kind",
            allowed=f"at most {allowed} such atoms",
            next_step=f"Use symprec_a={SYMPREC_A:g}, or a smaller cell.",
        )


def space_group(structure: Structure, symprec_a: float = SYMPREC_A) -> SpaceGroup | None:
    """The space group, or None where it cannot be determined or the cell is too large for it."""
    if len(structure) > MAX_ATOMS:
        return None
    try:
        found = analyzer(structure, symprec_a)
    except InvalidInput:
        return None
    return SpaceGroup(found.get_space_group_symbol(), found.get_space_group_number())

"""Formal charges of a crystal's atoms, and where they come from."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pymatgen.core import Structure

_MAX_SITES: Final = 60
"""Above this the bond valence analysis, which tries out combinations, may take minutes."""

_COMBINATIONS: Final = 2000


class FormalCharges(NamedTuple):
    """Formal charges.

    Attributes:
        charges: Of every site, in e; None where there are none to be had.
        source: Where they come from, or why there are none.
    """

    charges: list[float] | None
    source: str


def formal_charges(structure: Structure) -> FormalCharges:
    """Oxidation states given with the species; else by bond valences; else by composition."""
    elements = structure.composition.elements
    given = [getattr(one, "oxi_state", None) for one in elements]
    if None not in given:
        charges = [
            float(sum((one.oxi_state or 0) * amount for one, amount in site.species.items()))
            for site in structure
        ]
        if abs(sum(charges)) > 1e-3 * len(charges):
            total = f"{sum(charges):+.3g} e per {structure.formula}"
            return FormalCharges(None, f"the oxidation states given do not balance ({total})")
        return FormalCharges(charges, "oxidation states given with the species")
    if len(structure.composition.element_composition) == 1:
        return FormalCharges([0.0] * len(structure), "an element: all charges 0")
    if all(one.is_metal for one in structure.composition.element_composition):
        return FormalCharges(None, "only metals, which have no formal charges")
    return _by_bond_valence(structure) or _by_composition(structure)


def _by_bond_valence(structure: Structure) -> FormalCharges | None:
    from pymatgen.analysis.bond_valence import BVAnalyzer
    from pymatgen.core import Structure

    if len(structure) > _MAX_SITES or not structure.is_ordered:
        return None
    species = [site.species.element_composition for site in structure]
    bare = Structure(structure.lattice, species, structure.frac_coords)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            valences = BVAnalyzer(  # type: ignore[no-untyped-call]
                max_permutations=_COMBINATIONS
            ).get_valences(bare)
        # "Valences cannot be assigned!" is a ValueError; the others are elements without parameters
        # and atoms without neighbours.
        except (ValueError, KeyError, IndexError, ZeroDivisionError):
            return None
    return FormalCharges(
        [float(v) for v in valences], "bond valence analysis of the bulk (pymatgen BVAnalyzer)"
    )


def _by_composition(structure: Structure) -> FormalCharges:
    from pymatgen.core import Composition

    whole, _ = structure.composition.element_composition.get_integer_formula_and_factor(100)
    guesses = Composition(whole).oxi_state_guesses(max_sites=-1)
    if not guesses:
        return FormalCharges(None, "no oxidation states fit the composition; give some (Fe3+, O2-)")
    charges = [
        float(sum(guesses[0][one.symbol] * amount for one, amount in site.species.items()))
        for site in structure
    ]
    told = ", ".join(f"{name} {charge:+.3g}" for name, charge in guesses[0].items())
    return FormalCharges(charges, f"guessed from the composition ({told})")

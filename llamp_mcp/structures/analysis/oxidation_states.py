"""Oxidation states by bond valence and by composition: two opinions, both named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.analysis.block import check_elements, inequivalent, primitive, table

if TYPE_CHECKING:
    from pymatgen.core import Composition, PeriodicSite, Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

MAX_SITES: Final = 250
"""Of the primitive cell: the search is over the states of all inequivalent sites at once."""

MAX_FORMULA: Final = 40
"""Atoms in the reduced formula, for the same reason."""

PERMUTATIONS: Final = 20_000
DISTANCE_SCALE: Final = 1.015
"""BVAnalyzer's own."""

SITES_SHOWN: Final = 24

BOND_VALENCE: Final = (
    "pymatgen BVAnalyzer: bond valence sums (O'Keeffe and Brese 1991, doi 10.1021/ja00009a002) "
    "within 4 Å, distances scaled by 1.015 as for GGA, and frequencies in the ICSD"
)
COMPOSITION: Final = "charge balance of the formula, the likeliest by frequencies in the ICSD"


def block(structure: Structure, request: AnalyzeStructureParams) -> dict[str, Any]:
    """Both opinions per element, the bond valence sum per inequivalent site.

    Raises:
        Undetermined: A site holds no element.
    """
    check_elements(structure)
    bare = _elements_only(structure)
    states, reason = _by_bond_valence(bare)
    guess, guess_reason = _by_composition(bare.composition)
    given = _given(structure)
    symbols = sorted({element.symbol for element in bare.composition})
    valences = {symbol: _mean(bare, states, symbol) for symbol in symbols} if states else {}
    guesses = {symbol: round(float(guess[symbol]), 4) for symbol in symbols} if guess else {}
    rows = [
        {
            "element": symbol,
            "given": given.get(symbol),
            "bond_valence": valences.get(symbol),
            "composition": guesses.get(symbol),
        }
        for symbol in symbols
    ]
    agree = all(
        abs(valences[symbol] - guesses[symbol]) < 0.01
        for symbol in valences.keys() & guesses.keys()
    )
    return {
        "bond_valence_method": BOND_VALENCE,
        "bond_valence_not_determined": reason,
        "composition_method": COMPOSITION,
        "composition_not_determined": guess_reason,
        "agree": agree if valences and guesses else None,
        "elements": rows,
        **_sites(structure, bare, states, request.symprec_a),
    }


def _elements_only(structure: Structure) -> Structure:
    """The structure without oxidation states, spins and properties of its sites."""
    from pymatgen.core import Structure

    kept = [site.species.element_composition for site in structure]
    return Structure(structure.lattice, kept, structure.frac_coords)


def _by_bond_valence(bare: Structure) -> tuple[list[dict[str, int]] | None, str | None]:
    """State of each element on each site, or None and the reason."""
    import spglib
    from pymatgen.analysis.bond_valence import BV_PARAMS, BVAnalyzer, get_z_ordered_elmap

    if missing := sorted(e.symbol for e in bare.composition if e not in BV_PARAMS):
        return None, f"no bond valence parameters for {', '.join(missing)}"
    try:
        reduced = primitive(bare)
        if len(reduced.structure) > MAX_SITES:
            return None, f"more than {MAX_SITES} sites in the primitive cell"
        analyzer = BVAnalyzer(max_permutations=PERMUTATIONS)  # type: ignore[no-untyped-call]
        found = analyzer.get_valences(reduced.structure)
    # It searches the symmetry anew, at 0.1 Å, and that may fail as well.
    except (ValueError, ZeroDivisionError, spglib.SpglibError):
        return None, "no states of these elements balance the charge"
    states = []
    for site, at in enumerate(reduced.site_of):
        shares = get_z_ordered_elmap(bare[site].species)  # type: ignore[no-untyped-call]
        ordered = [element.symbol for element, _ in shares]
        of_site = found[at] if isinstance(found[at], list) else [found[at]]
        states.append(dict(zip(ordered, of_site, strict=True)))
    return states, None


def _by_composition(composition: Composition) -> tuple[dict[str, float] | None, str | None]:
    """The likeliest state of each element, or None and the reason."""
    try:
        guesses = composition.oxi_state_guesses(max_sites=-MAX_FORMULA)
    except ValueError:
        return None, f"the formula has fractions, or more than {MAX_FORMULA} atoms"
    return (guesses[0], None) if guesses else (None, "no common states balance the charge")


def _given(structure: Structure) -> dict[str, float]:
    """Mean oxidation state that the structure carries, per element that has one throughout."""
    sums: dict[str, list[tuple[float, float]]] = {}
    for site in structure:
        for species, share in site.species.items():
            state = getattr(species, "oxi_state", None)
            if state is not None:
                sums.setdefault(species.symbol, []).append((float(state), float(share)))
    return {
        symbol: round(sum(s * n for s, n in found) / sum(n for _, n in found), 4)
        for symbol, found in sums.items()
    }


def _mean(bare: Structure, states: list[dict[str, int]], symbol: str) -> float:
    found = [
        (of_site[symbol], float(site.species[symbol]))
        for site, of_site in zip(bare, states, strict=True)
        if symbol in of_site
    ]
    return round(sum(s * n for s, n in found) / sum(n for _, n in found), 4)


def _sites(
    structure: Structure,
    bare: Structure,
    states: list[dict[str, int]] | None,
    symprec_a: float,
) -> dict[str, Any]:
    groups, note = inequivalent(structure, symprec_a)
    rows = [
        {
            "site": site,
            "species": bare[site].species_string,
            "n_equivalent": len(group),
            "bond_valence": list(states[site].values()) if states else None,
            "bond_valence_sum": _valence_sum(bare, bare[site]),
        }
        for site, group in list(groups.items())[:SITES_SHOWN]
    ]
    return {**table("sites", rows, len(groups)), **({"note": note} if note else {})}


def _valence_sum(bare: Structure, site: PeriodicSite) -> float | None:
    """Bond valence sum in valence units, negative for an anion; the scale is that of the states."""
    from pymatgen.analysis.bond_valence import calculate_bv_sum_unordered

    try:
        near = bare.get_neighbors(site, 4)
        total = calculate_bv_sum_unordered(  # type: ignore[no-untyped-call]
            site, near, scale_factor=DISTANCE_SCALE
        )
    except KeyError:  # an element without parameters
        return None
    return round(float(total), 3) + 0.0

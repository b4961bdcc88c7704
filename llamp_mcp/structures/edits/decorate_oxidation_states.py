"""`decorate_oxidation_states`: give every atom its oxidation state, by a said method."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from pymatgen.core import Structure

    from llamp_mcp.structures.analysis.block import Primitive

_SYMPREC_A = 0.1
"""Tolerance in Å within which sites count as equal in the bond valence analysis: its default."""

_MOST: Final = 9
"""The highest oxidation state known is +9, of iridium (doi 10.1038/nature13795)."""

_MAX_PRIMITIVE = 200
_OTHERS_LISTED = 5
_SITES_LISTED = 20


class DecorateArguments(Arguments):
    """Exactly one of the two."""

    oxidation_states: dict[str, float] | None = Field(None, description='{"Fe": 3, "O": -2}')
    method: Literal["bond_valence", "composition", "remove"] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("oxidation_states", "method")
        return self


def decorate_oxidation_states(structure: Structure, arguments: DecorateArguments) -> Edited:
    """Set the oxidation states, of all sites."""
    if arguments.method == "remove":
        made = structure.copy()
        made.remove_oxidation_states()
        return Edited(made, {"method": "removed", "oxidation_states": {}})
    if arguments.oxidation_states is not None:
        states = _of_all(structure, arguments.oxidation_states)
        return _decorated(structure, states, {"method": "given"})
    if arguments.method == "composition":
        return _by_composition(structure)
    return _by_bond_valence(structure)


def _of_all(structure: Structure, given: Mapping[str, float]) -> list[dict[str, float]]:
    """The states of each site.

    Raises:
        InvalidInput: An element has none, or is not in the structure.
    """
    held = {species.symbol for species in structure.composition}
    if strangers := sorted(set(given) - held):
        raise InvalidInput(
            f"The structure holds no {', '.join(strangers)}", allowed=", ".join(sorted(held))
        )
    if missing := sorted(held - set(given)):
        raise InvalidInput(
            f"oxidation_states leaves out {', '.join(missing)}",
            next_step="Give one for every element of the structure.",
        )
    if beyond := {name: state for name, state in given.items() if not abs(state) <= _MOST}:
        raise InvalidInput(f"oxidation_states = {beyond}", allowed=f"-{_MOST} to {_MOST}")
    return [{one.symbol: given[one.symbol] for one in site.species} for site in structure]


def _by_composition(structure: Structure) -> Edited:
    """The likeliest set that is neutral, by how often the states are found in the ICSD."""
    from pymatgen.core import Composition

    neutral = Composition(structure.composition.get_el_amt_dict())
    guesses = neutral.oxi_state_guesses(max_sites=-1)
    if not guesses:
        raise InvalidInput(
            f"No neutral combination of common oxidation states was found for {neutral.formula}",
            next_step="Give oxidation_states, one for every element.",
        )
    others = [
        {name: round(float(state), 4) for name, state in guess.items()}
        for guess in guesses[1 : _OTHERS_LISTED + 1]
    ]
    report = {
        "method": "composition: the neutral combination whose states are the most frequent in the "
        "ICSD (pymatgen oxi_state_guesses)",
        "n_combinations": len(guesses),
        "other_combinations": others,
    }
    return _decorated(structure, _of_all(structure, guesses[0]), report)


def _by_bond_valence(structure: Structure) -> Edited:
    """The likeliest neutral set by bond valence sums, one state for all equivalent sites."""
    from pymatgen.analysis.bond_valence import BVAnalyzer

    cell, image = _primitive(structure)
    try:
        analysis = BVAnalyzer(symm_tol=_SYMPREC_A)  # type: ignore[no-untyped-call]
        found = analysis.get_valences(cell)
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        raise InvalidInput(
            f"The bond valence analysis assigns no oxidation states to {structure.formula}: no "
            "neutral set has one state for all equivalent sites, or an element lacks parameters",
            next_step='Use method "composition" (an average over mixed valence), or give '
            "oxidation_states.",
        ) from error
    states = []
    for site, of_site in zip(cell, found, strict=True):
        # Of a shared site they come as a list, in the order of the electronegativities.
        several = list(of_site) if isinstance(of_site, list | tuple) else [of_site]
        named = zip(sorted(site.species), several, strict=True)
        states.append({species.symbol: float(state) for species, state in named})
    report = {
        "method": "bond_valence: most probable neutral set by bond valence sums, one state for all "
        "sites equivalent within 0.1 Å (pymatgen BVAnalyzer, doi 10.1021/ja00009a002)"
    }
    made = _decorated(structure, [states[at] for at in image], report)
    if "sites_of_mixed_valence" not in made.report:
        return made
    note = (
        "Mixed valence: equivalent sites were given one state, so ions of two states that share "
        "them, as in an inverse spinel, are not seen."
    )
    return replace(made, notes=(*made.notes, note))


def _primitive(structure: Structure) -> Primitive:
    """The primitive cell of the elements.

    The analysis takes a time that grows with the square of the number of atoms.

    Raises:
        InvalidInput: It is too large.
    """
    from pymatgen.core import Structure

    from llamp_mcp.structures.analysis.block import primitive

    bare = Structure(
        structure.lattice,
        [site.species.element_composition for site in structure],
        structure.frac_coords,
    )
    reduced = primitive(bare, _SYMPREC_A)
    if len(reduced.structure) > _MAX_PRIMITIVE:
        raise InvalidInput(
            f"The primitive cell has {len(reduced.structure)} atoms",
            allowed=f"at most {_MAX_PRIMITIVE} for the bond valence analysis",
            next_step='Use method "composition", or give oxidation_states.',
        )
    return reduced


def _decorated(
    structure: Structure, states: list[dict[str, float]], report: dict[str, Any]
) -> Edited:
    from pymatgen.core import Composition, Species

    made = structure.copy()
    found: dict[str, dict[float, int]] = {}
    for site, of_site in zip(made, states, strict=True):
        # Summed, because Fe2+ and Fe3+ that share a site may become one species.
        site.species = sum(
            (
                Composition(
                    {
                        Species(
                            one.symbol, of_site[one.symbol], spin=getattr(one, "spin", None)
                        ): part
                    }
                )
                for one, part in site.species.items()
            ),
            start=Composition(),
        )
        for symbol, state in of_site.items():
            counts = found.setdefault(symbol, {})
            counts[state] = counts.get(state, 0) + 1
    charge = sum(
        states[at][one.symbol] * occupancy
        for at, site in enumerate(structure)
        for one, occupancy in site.species.items()
    )
    report |= {
        "oxidation_states": {
            symbol: {f"{state:+.4g}": n for state, n in sorted(counts.items())}
            for symbol, counts in found.items()
        },
        "net_charge_e": round(charge, 6) + 0.0,
    }
    mixed = {symbol for symbol, counts in found.items() if len(counts) > 1}
    if mixed:
        report["sites_of_mixed_valence"] = _mixed(states, mixed)
    return Edited(made, report, notes=_notes(structure, found, charge))


def _mixed(states: list[dict[str, float]], mixed: set[str]) -> dict[str, list[int] | str]:
    """The sites of each state of the elements that have several."""
    sites: dict[str, list[int]] = {}
    for at, of_site in enumerate(states):
        for symbol in mixed & of_site.keys():
            sites.setdefault(f"{symbol}{of_site[symbol]:+.4g}", []).append(at)
    return {
        name: held if len(held) <= _SITES_LISTED else f"{len(held)} sites, the first {held[0]}"
        for name, held in sorted(sites.items())
    }


def _notes(
    structure: Structure, found: Mapping[str, Mapping[float, int]], charge: float
) -> tuple[str, ...]:
    notes = []
    told = structure._charge
    if abs(charge) > 1e-3 and told is None:
        notes.append(
            f"The oxidation states sum to {charge:+.4g} e per cell: as decorated the crystal is "
            "not neutral."
        )
    if told is not None and abs(charge - told) > 1e-3:
        notes.append(
            f"The oxidation states sum to {charge:+.4g} e, but the structure's charge is set to "
            f"{told:+.4g} e, which is kept."
        )
    if broken := [
        symbol
        for symbol, counts in found.items()
        if any(abs(state - round(state)) > 1e-6 for state in counts)
    ]:
        notes.append(
            f"Not a whole number for {', '.join(sorted(broken))}: an average over mixed valence. "
            'substitute with sites sets single ones, such as {"Fe": "Fe2+"}.'
        )
    return tuple(notes)


EDIT = Edit(
    name="decorate_oxidation_states", arguments=DecorateArguments, run=decorate_oxidation_states
)

"""`order`: put whole atoms on partially occupied sites, by electrostatic energy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.disorder.sublattices import (
    Sublattice,
    occupied,
    pool,
    sublattices,
    whole_atoms,
)
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.inequivalent import (
    MAX_ARRANGEMENTS,
    Arrangement,
    Pool,
    count_arrangements,
    inequivalent_arrangements,
    rounded,
    site_permutations,
)
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import PeriodicSite, Structure

MAX_SITES: Final = 500
"""Of an Ewald sum, which takes seconds above."""

_LISTED = 8
_RANDOM_STARTS = 16
_SHUFFLED = 6

_SAME_EV: Final = 1e-6

_CAVEAT: Final = (
    "Ewald energies rank the electrostatics of point charges only: no bonding, repulsion, "
    "magnetism or relaxation. Compare the lowest few by energy before one is called the ground "
    "state."
)


class OrderArguments(Arguments):
    """Which of the orderings."""

    rank: Annotated[int, Field(ge=0)] = Field(0, description="0 = lowest Ewald energy")


class _Ordering(NamedTuple):
    energy_ev: float
    arrangement: Arrangement


def order(structure: Structure, arguments: OrderArguments) -> Edited:
    """Rank the orderings by Ewald energy and keep one; the cell stays."""
    parts = sublattices(structure)
    _check_charges(structure, parts)
    counts = whole_atoms(structure, parts)
    pools = [pool(part, count) for part, count in zip(parts, counts, strict=True)]
    ways = count_arrangements(pools)
    matrix = _interactions(structure)
    permutations = site_permutations(structure) if ways <= MAX_ARRANGEMENTS else None
    if permutations is not None:
        classes = inequivalent_arrangements(pools, permutations)
        method = "complete: every inequivalent ordering"
    else:
        classes = _descend(structure, parts, pools, matrix)
        method = (
            "fast: pairs exchanged until none lowers the energy, from many starts; a lower "
            "ordering may exist, and in a large cell probably does"
        )
    ranked = sorted(
        (_Ordering(_energy_ev(structure, parts, one, matrix), one) for one in classes),
        key=lambda ordering: round(ordering.energy_ev, 5),
    )
    if arguments.rank >= len(ranked):
        raise InvalidInput(
            f"rank = {arguments.rank}, but {len(ranked)} orderings were found",
            allowed=f"0 to {len(ranked) - 1}",
        )
    chosen = ranked[arguments.rank]
    made = occupied(structure, parts, chosen.arrangement.labels)
    report = {
        "method": method,
        "arrangements": rounded(ways),
        "orderings": len(ranked),
        "rank": arguments.rank,
        "ewald_energy_ev": round(chosen.energy_ev, 5),
        "lowest": [
            {
                "above_lowest_ev": round(one.energy_ev - ranked[0].energy_ev, 5),
                **({} if permutations is None else {"multiplicity": one.arrangement.multiplicity}),
            }
            for one in ranked[:_LISTED]
        ],
        "sublattices": [part.report(count) for part, count in zip(parts, counts, strict=True)],
    }
    return Edited(made, report, notes=_notes(made, parts))


def _check_charges(structure: Structure, parts: Sequence[Sublattice]) -> None:
    """Hold to what an Ewald sum needs.

    Raises:
        InvalidInput: A species without an oxidation state, none that differ, or too many sites.
    """
    bare = sorted(
        str(one) for one in structure.composition if getattr(one, "oxi_state", None) is None
    )
    if bare:
        raise InvalidInput(
            f"The electrostatic energy needs oxidation states, and {', '.join(bare)} has none",
            next_step="Set them with decorate_oxidation_states, or name ions in substitute, such "
            'as "Fe3+". For a metallic alloy use sqs.',
        )
    if all(len(_states(part)) == 1 for part in parts):
        raise InvalidInput(
            f"What shares the sites ({'; '.join(', '.join(part.names) for part in parts)}) has the "
            "same charge, so every ordering has the same electrostatic energy",
            next_step="Use sqs, or set other oxidation states with decorate_oxidation_states.",
        )
    if len(structure) > MAX_SITES:
        raise InvalidInput(
            f"The structure has {len(structure)} sites",
            allowed=f"at most {MAX_SITES} for an Ewald sum",
            next_step="Order a smaller cell and repeat it, or use sqs.",
        )


def _states(part: Sublattice) -> list[float]:
    """The charges on a sublattice, each once."""
    return sorted({float(getattr(one, "oxi_state", None) or 0) for one in part.species})


def _interactions(structure: Structure) -> NDArray[np.float64]:
    """Energies in eV between unit charges on the sites, shape (sites, sites).

    The energy of charges q is q·M·q (Ewald summation with a neutralising background).
    """
    import numpy as np
    from pymatgen.core import Structure
    from pymatgen.core.ewald import EwaldSummation

    units = Structure(structure.lattice, ["H+"] * len(structure), structure.frac_coords)
    summed = EwaldSummation(units)  # type: ignore[no-untyped-call]
    # What the background adds is a constant at a given net charge; it falls on every pair alike.
    background = (summed.total_energy - float(np.sum(summed.total_energy_matrix))) / len(units) ** 2
    matrix: NDArray[np.float64] = summed.total_energy_matrix + background
    return matrix


def _charge(site: PeriodicSite) -> float:
    return sum(
        float(getattr(one, "oxi_state", None) or 0) * part for one, part in site.species.items()
    )


def _charges(
    structure: Structure, parts: Sequence[Sublattice], labels: Sequence[int]
) -> NDArray[np.float64]:
    """The charge on every site, 0 where it is left empty."""
    import numpy as np

    charges = np.array([_charge(site) for site in structure])
    chosen = iter(labels)
    for part in parts:
        of_species = [float(getattr(one, "oxi_state", None) or 0) for one in part.species]
        for site in part.sites:
            charges[site] = of_species[next(chosen)]
    return charges


def _energy_ev(
    structure: Structure,
    parts: Sequence[Sublattice],
    one: Arrangement,
    matrix: NDArray[np.float64],
) -> float:
    charges = _charges(structure, parts, one.labels)
    return float(charges @ matrix @ charges)


def _descend(
    structure: Structure,
    parts: Sequence[Sublattice],
    pools: Sequence[Pool],
    matrix: NDArray[np.float64],
) -> list[Arrangement]:
    """Orderings that no exchange of two species on a sublattice improves, one of each energy.

    The first ones are reached from random orderings, the later ones from the best so far after a
    few of its sites were shuffled.
    """
    import numpy as np

    random = np.random.default_rng(0)
    sites = np.array([site for one in pools for site in one.sites])
    member = np.concatenate([np.full(len(one.sites), at) for at, one in enumerate(pools)])
    found: dict[float, tuple[int, ...]] = {}
    for descent in range(_descents(len(sites))):
        if descent < _RANDOM_STARTS:
            labels = np.concatenate(
                [random.permutation(np.repeat(np.arange(len(c)), c)) for _, c in pools]
            )
        else:
            labels = np.array(found[min(found)])
            on = np.flatnonzero(member == random.integers(len(pools)))
            shuffled = random.choice(on, min(_SHUFFLED, len(on)), replace=False)
            labels[shuffled] = labels[random.permutation(shuffled)]
        charges = _charges(structure, parts, labels.tolist())
        _exchange(labels, charges, sites, member, matrix)
        found.setdefault(round(float(charges @ matrix @ charges), 5), tuple(labels.tolist()))
    return [Arrangement(labels, 1) for labels in found.values()]


def _descents(n_sites: int) -> int:
    """How many take a second or two."""
    return max(2 * _RANDOM_STARTS, min(100, 1_000_000 // n_sites**2))


def _exchange(
    labels: NDArray[np.int_],
    charges: NDArray[np.float64],
    sites: NDArray[np.int_],
    member: NDArray[np.int_],
    matrix: NDArray[np.float64],
) -> None:
    """Exchange, in place, the two labels that lower the energy most, until none does."""
    import numpy as np

    apart = member[:, None] != member[None, :]
    inner = matrix[np.ix_(sites, sites)]
    own = np.diag(inner)
    stiffness = own[:, None] + own[None, :] - 2 * inner
    while True:
        held, field = charges[sites], matrix[sites] @ charges
        step = held[None, :] - held[:, None]
        change = 2 * step * (field[:, None] - field[None, :]) + step**2 * stiffness
        change[apart] = 0.0
        pair = np.array(np.unravel_index(change.argmin(), change.shape))
        if change[pair[0], pair[1]] > -_SAME_EV:
            return
        labels[pair] = labels[pair[::-1]]
        charges[sites[pair]] = charges[sites[pair[::-1]]]


def _notes(made: Structure, parts: Sequence[Sublattice]) -> tuple[str, ...]:
    notes = [_CAVEAT]
    if alike := [part for part in parts if len(_states(part)) < len(part.species)]:
        named = "; ".join(", ".join(part.names) for part in alike)
        notes.append(
            f"Some of {named} have equal charges: electrostatics do not decide their order, and "
            "orderings of equal energy are told apart by symmetry only."
        )
    charge = sum(_charge(site) for site in made)
    if abs(charge) > 1e-3:
        notes.append(
            f"The oxidation states sum to {charge:+.4g} e per cell; a uniform background "
            "neutralises it in the Ewald sum."
        )
    return tuple(notes)


EDIT = Edit(name="order", arguments=OrderArguments, run=order)

"""`sqs`: a special quasirandom structure, the ordered cell most like a random alloy."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.disorder.quasirandom import MAX_SITES, Found, most_random, warren_cowley
from llamp_mcp.structures.disorder.sublattices import (
    Sublattice,
    cells_for_whole_atoms,
    occupied,
    sublattices,
    whole_atoms,
)
from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.edits.supercell import checked_determinant, compact_matrix
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import Structure

_METHOD = (
    "special quasirandom structure (Zunger 1990, doi 10.1103/PhysRevLett.65.353): correlations of "
    "pairs as in a random alloy; found with sqsgenerator (doi 10.1016/j.cpc.2023.108664)"
)


class SqsArguments(Arguments):
    """The size of the cell and of the search."""

    target_atoms: Annotated[int, Field(ge=1)] | None = Field(
        None, description="about so many, compact"
    )
    iterations: Annotated[int, Field(ge=1)] = Field(50_000, description="default 50000")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="default 0")


def sqs(structure: Structure, arguments: SqsArguments) -> Edited:
    """Fill the partially occupied sites; all others, and the positions, stay."""
    parent, report, cells = _cell(structure, arguments.target_atoms)
    parts = sublattices(parent)
    counts = whole_atoms(parent, parts)
    if (most := max(len(part.sites) for part in parts)) > MAX_SITES:
        raise InvalidInput(
            f"The cell has {most} sites to be filled",
            allowed=f"at most {MAX_SITES} of a kind",
            next_step="Use a smaller target_atoms.",
        )
    labels: list[int] = []
    told = []
    for part, count in zip(parts, counts, strict=True):
        alone = _alone(parent, part)
        found = most_random(alone, count, arguments.iterations, arguments.seed)
        labels += found.labels
        told.append({**part.report(count), **_correlations(alone, part, found)})
    made = occupied(parent, parts, labels)
    report |= {
        "method": _METHOD,
        "seed": arguments.seed,
        "sublattices": told,
        "warren_cowley_rule": "1 - n_ij / (n c_i c_j) over the neighbours in each shell: 0 = "
        "random, below 0 = unlike neighbours preferred, 1 = none",
        "objective_rule": "sum over shells k and unlike pairs of |Warren-Cowley| / k",
    }
    return Edited(made, report, cells=cells, notes=_notes(parts))


def _cell(
    structure: Structure, target_atoms: int | None
) -> tuple[Structure, dict[str, Any], float]:
    """The supercell that is filled, in which the occupancies make whole atoms where possible."""
    if target_atoms is None:
        return structure, {}, 1.0
    unit = cells_for_whole_atoms(sublattices(structure))
    if unit is None:
        whole_atoms(structure, sublattices(structure))  # which says so
    matrix = compact_matrix(structure, max(target_atoms, (unit or 1) * len(structure)), unit or 1)
    cells = checked_determinant(structure, matrix)
    made = structure.make_supercell(matrix, in_place=False)
    return made, {"matrix": matrix.tolist(), "determinant": cells}, float(cells)


def _alone(structure: Structure, part: Sublattice) -> Structure:
    """Only the sites of a sublattice."""
    from pymatgen.core import Structure

    sites = list(part.sites)
    return Structure(structure.lattice, ["H"] * len(sites), structure.frac_coords[sites])


def _correlations(alone: Structure, part: Sublattice, found: Found) -> dict[str, Any]:
    """Warren-Cowley parameters of every shell and pair, and what the search was."""
    import numpy as np

    n_species = len(part.species)
    labels = np.array([found.labels], dtype=np.int8)
    by_shell = [warren_cowley(labels, shell, n_species)[0] for shell in found.shells]
    return {
        "shells_a": [_distance(shell.nearest_a, shell.farthest_a) for shell in found.shells],
        "neighbours": [round(float(shell.images.sum()) / len(alone), 3) for shell in found.shells],
        "warren_cowley": {
            f"{part.names[i]}-{part.names[j]}": [
                round(float(parameters[i, j]), 4) + 0.0 for parameters in by_shell
            ]
            for i, j in combinations(range(n_species), 2)
        },
        "objective": round(found.objective, 6),
        "tried": found.tried,
        "search": "complete" if found.complete else "random",
    }


def _distance(nearest_a: float, farthest_a: float) -> float | list[float]:
    low, high = round(nearest_a, 3), round(farthest_a, 3)
    return low if high - low < 2e-3 else [low, high]


def _notes(parts: Sequence[Sublattice]) -> tuple[str, ...]:
    if len(parts) == 1:
        return ()
    return (
        f"The {len(parts)} sublattices were made random each by itself; correlations between them "
        "were not optimised.",
    )


EDIT = Edit(name="sqs", arguments=SqsArguments, run=sqs)

"""Bonds by pair of species: how many, how long; and the shortest distance there is."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.analysis.block import (
    Primitive,
    Undetermined,
    occupant,
    primitive,
    table,
)
from llamp_mcp.structures.analysis.near_neighbours import METHOD, BondFinder
from llamp_mcp.structures.contacts import contacts

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

PAIRS_SHOWN: Final = 30
BONDS_SHOWN: Final = 40


def block(structure: Structure, request: AnalyzeStructureParams) -> dict[str, Any]:
    """Lengths per pair of species, or with `sites` every bond of these; the shortest distance."""
    near = contacts(structure)
    shortest = near.shortest
    sites = list(dict.fromkeys(request.sites))
    try:
        bonds = _of_sites(structure, sites) if sites else _of_cell(structure)
    except Undetermined as error:
        bonds = {"bonds_not_determined": str(error)}
    return {
        "method": METHOD,
        **bonds,
        "shortest_distance_a": round(shortest.distance_a, 4),
        "shortest_between_sites": list(shortest.sites),
        "shortest_between_species": "-".join(occupant(structure[at]) for at in shortest.sites),
        "warning": near.warning or None,
    }


def _of_cell(structure: Structure) -> dict[str, Any]:
    reduced = primitive(structure)
    lengths = _lengths(reduced)
    cells = len(structure) / len(reduced.structure)
    rows = [
        {
            "pair": pair,
            "bonds_per_cell": round(len(found) * cells),
            "min_a": round(min(found), 4),
            "mean_a": round(sum(found) / len(found), 4),
            "max_a": round(max(found), 4),
        }
        for pair, found in sorted(lengths.items())
    ]
    total = round(sum(map(len, lengths.values())) * cells)
    return {"bonds_per_cell": total, **table("pairs", rows[:PAIRS_SHOWN], len(rows))}


def _lengths(reduced: Primitive) -> dict[str, list[float]]:
    """Bond lengths in Å of the primitive cell by pair of species, in alphabetical order."""
    graph = BondFinder(reduced.structure).graph()
    found: dict[str, list[float]] = defaultdict(list)
    for one, other, bond in graph.graph.edges(data=True):
        ends = reduced.structure[one], reduced.structure[other]
        pair = "-".join(sorted(map(occupant, ends)))
        found[pair].append(float(ends[0].distance(ends[1], jimage=bond["to_jimage"])))
    return found


def _of_sites(structure: Structure, sites: list[int]) -> dict[str, Any]:
    finder = BondFinder(structure)
    rows: list[dict[str, Any]] = []
    for site in sites:
        for bond in finder.neighbours(site):
            other, image = int(bond["site_index"]), [int(x) for x in bond["image"]]
            length_a = float(structure.get_distance(site, other, jimage=image))
            pair = f"{occupant(structure[site])}-{occupant(structure[other])}"
            row = {"site": site, "to_site": other, "image": image, "pair": pair}
            rows.append({**row, "length_a": round(length_a, 4)})
    rows.sort(key=lambda row: (sites.index(row["site"]), row["length_a"], row["to_site"]))
    return table("bonds", rows[:BONDS_SHOWN], len(rows))

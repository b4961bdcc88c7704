"""Bond lengths and coordination."""

from typing import Any

from llamp_mcp.materials.groups.table import METADATA, Field, Group, only_document


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document, its lists of lengths told by their number and extremes."""
    document = only_document(rows)
    types = document.get("bond_types")
    if isinstance(types, dict):
        document["bond_lengths"] = [
            {"bond": bond, "count": len(lengths), "min": min(lengths), "max": max(lengths)}
            for bond, lengths in types.items()
            if lengths
        ]
    return document


GROUP = Group(
    name="bonds",
    about="bond lengths and coordination",
    fields=(
        Field(
            "bond_lengths",
            "shortest and longest of each kind of bond; count: in the cell",
            columns=(("bond", ""), ("count", ""), ("min", "Å"), ("max", "Å")),
            shown=12,
            raw=("bond_types",),
        ),
        Field(
            "bond_length_stats",
            "over all bonds of the cell",
            own_unit="Å",
            parts=("min", "max", "mean", "variance"),
            columns=(("variance", "Å²"),),
        ),
        Field("coordination_envs", "such as Mo-S(6)", shown=12),
        Field("coordination_envs_anonymous", "such as A-B(6)", shown=12),
        Field("method", "by which neighbours were found", local=True),
        Field("bond_types", "all lengths of each kind of bond", "Å", heavy=True),
    ),
    method="neighbours by pymatgen's CrystalNN, else MinimumDistanceNN, in the relaxed cell",
    caveat="what counts as a bond depends on the method",
    document=(
        *METADATA,
        "structure_graph",
        "method",
        "bond_types",
        "bond_length_stats",
        "coordination_envs",
        "coordination_envs_anonymous",
    ),
    fold=fold,
)

"""The structure in words."""

from typing import Any

from llamp_mcp.materials.groups.table import METADATA, Field, Group, only_document


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document, with the mineral and the dimensionality taken out of its details."""
    document = only_document(rows)
    condensed = document.get("condensed_structure")
    if isinstance(condensed, dict):
        mineral = condensed.get("mineral") or {}
        document["mineral"] = mineral.get("name") or mineral.get("type")
        document["dimensionality"] = condensed.get("dimensionality")
    return document


GROUP = Group(
    name="robocrys",
    about="description of the crystal structure in words",
    fields=(
        Field("description", "in words"),
        Field(
            "mineral",
            "mineral or prototype",
            raw=("condensed_structure",),
        ),
        Field(
            "dimensionality",
            "3: framework, 2: layers, 1: chains, 0: molecules",
            raw=("condensed_structure",),
        ),
        Field("robocrys_version", "of the program", named=True),
        Field("condensed_structure", "what the words are made from", heavy=True),
    ),
    method="written by robocrystallographer from the relaxed cell",
    document=(*METADATA, "description", "condensed_structure", "robocrys_version"),
    fold=fold,
)

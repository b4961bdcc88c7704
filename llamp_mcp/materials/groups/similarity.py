"""Materials with a similar structure."""

from typing import Any

from llamp_mcp.materials.groups.table import METADATA, Field, Group, ascending, only_document


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document, the most similar materials first."""
    document = only_document(rows)
    similar = document.get("sim")
    if isinstance(similar, list):
        document["sim"] = sorted(similar, key=ascending("dissimilarity"))
    return document


GROUP = Group(
    name="similarity",
    about="materials with the most similar structures, whatever their elements",
    fields=(
        Field(
            "sim",
            "most similar first; task_id: id of the material; 0 % dissimilarity: the same",
            columns=(("task_id", ""), ("formula", ""), ("dissimilarity", "%"), ("nelements", "")),
            shown=8,
        ),
        Field("method", "of the comparison", local=True),
        Field("feature_vector", "fingerprint of the structure", heavy=True),
    ),
    method="distance between fingerprints of local order (CrystalNN, or M3GNet where method says)",
    document=(*METADATA, "sim", "feature_vector", "method"),
    fold=fold,
)

"""Surface energies and work functions."""

from typing import Any

from llamp_mcp.materials.groups.table import Field, Group, ascending, only_document


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document, its facets by surface energy."""
    document = only_document(rows)
    facets = document.get("surfaces")
    if isinstance(facets, list):
        document["surfaces"] = sorted(facets, key=ascending("surface_energy"))
    return document


GROUP = Group(
    name="surface",
    about="surface energies, work functions and the Wulff shape",
    fields=(
        Field("weighted_surface_energy", "mean over the Wulff shape", minimum=0.0),
        Field("weighted_work_function", "mean over the Wulff shape"),
        Field("surface_anisotropy", "variation of surface energies; 0: a sphere"),
        Field("shape_factor", "of the Wulff shape; large: anisotropic"),
        Field("has_reconstructed", "whether a reconstructed surface is known"),
        Field(
            "surfaces",
            "facets, lowest surface energy first; area_fraction: share of the Wulff shape",
            columns=(
                ("miller_index", ""),
                ("surface_energy", "J/m²"),
                ("work_function", "eV"),
                ("area_fraction", ""),
                ("is_reconstructed", ""),
            ),
            shown=8,
        ),
        Field(
            "weighted_surface_energy_EV_PER_ANG2",
            "mean over the Wulff shape",
            named=True,
            minimum=0.0,
        ),
        Field("pretty_formula", "reduced formula", named=True),
    ),
    method="PBE slabs, 0 K, in vacuum",
    caveat="mostly elements; semilocal surface energies tend to be too small",
    endpoint="surface_properties",
    has_prop="surface_properties",
    document=(
        "surfaces",
        "weighted_surface_energy_EV_PER_ANG2",
        "weighted_surface_energy",
        "surface_anisotropy",
        "pretty_formula",
        "shape_factor",
        "weighted_work_function",
        "has_reconstructed",
        "material_id",
        "structure",
    ),
    fold=fold,
)

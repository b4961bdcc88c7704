"""X-ray absorption spectra."""

from typing import Any

from llamp_mcp.materials.groups.table import STRUCTURE_METADATA, Field, Group, ascending, listing

_LISTED = listing("spectra", ascending("absorbing_element", "edge", "spectrum_type"))


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The spectra by element, each with the id that emmet-core makes of its parts."""
    keys = ("task_id", "spectrum_type", "absorbing_element", "edge")
    named = [
        {**row, "spectrum_id": "-".join(str(row[key]) for key in keys)}
        if all(row.get(key) for key in keys)
        else row
        for row in rows
    ]
    return _LISTED(named)


GROUP = Group(
    name="xas",
    about="X-ray absorption spectra there are of a material; get_spectrum has their data",
    fields=(
        Field(
            "spectra",
            "one per element, edge and type (XANES, EXAFS, XAFS)",
            columns=(
                ("absorbing_element", ""),
                ("edge", ""),
                ("spectrum_type", ""),
                ("spectrum_id", ""),
            ),
            shown=12,
            raw=("task_id", "spectrum_type", "absorbing_element", "edge"),
        ),
    ),
    method="FEFF multiple scattering, mean over the sites of an element",
    caveat="energies of computed edges are shifted against experiment",
    has_prop="xas",
    document=(
        *STRUCTURE_METADATA,
        "spectrum_name",
        "task_id",
        "last_updated",
        "warnings",
        "spectrum",
        "absorbing_element",
        "spectrum_type",
        "edge",
        "builder_meta",
    ),
    fold=fold,
    rows="spectra",
)

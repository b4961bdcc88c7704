"""Coordination polyhedra of the cations."""

from typing import Any

from llamp_mcp.materials.groups.table import METADATA, Field, Group, only_document

_LISTS = {
    "species": "species",
    "chemenv_symbol": "chemenv_symbol",
    "chemenv_name": "chemenv_name",
    "csm": "csm",
    "wyckoff_positions": "wyckoff_position",
}


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document, its parallel lists put together site by site."""
    document = only_document(rows)
    columns = {key: document[name] for name, key in _LISTS.items() if document.get(name)}
    if columns and len({len(values) for values in columns.values()}) == 1:
        document["environments"] = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
    return document


GROUP = Group(
    name="chemenv",
    about="coordination polyhedra of inequivalent cations",
    fields=(
        Field(
            "environments",
            "one per inequivalent cation; csm: continuous symmetry measure, 0 for the perfect "
            "polyhedron",
            columns=tuple((key, "") for key in _LISTS.values()),
            shown=12,
            raw=tuple(_LISTS),
        ),
        Field("valences", "of each site", heavy=True),
        Field("method", "of the analysis", named=True, local=True),
    ),
    method="ChemEnv with its simplest strategy: the polyhedron of lowest symmetry measure",
    caveat="only cations, with guessed oxidation states",
    has_prop="chemenv",
    document=(
        *METADATA,
        "valences",
        "species",
        "chemenv_symbol",
        "chemenv_iupac",
        "chemenv_iucr",
        "chemenv_name",
        "chemenv_name_with_alternatives",
        "csm",
        "method",
        "mol_from_site_environments",
        "wyckoff_positions",
    ),
    fold=fold,
)

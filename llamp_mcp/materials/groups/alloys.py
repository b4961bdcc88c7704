"""Alloys with other materials of the same structure."""

from typing import Any

from llamp_mcp.materials.groups.table import Field, Group, listing

_COLUMNS = (
    ("pair_formula", ""),
    ("id_a", ""),
    ("formula_a", ""),
    ("id_b", ""),
    ("formula_b", ""),
    ("alloying_element_a", ""),
    ("alloying_element_b", ""),
    ("isoelectronic", ""),
    ("band_gap_a", "eV"),
    ("band_gap_b", "eV"),
)


def _pair(row: dict[str, Any]) -> dict[str, Any]:
    pair = row.get("alloy_pair") or {}
    told = {
        **pair,
        **{f"band_gap_{end}": _property(pair, end, "band_gap") for end in ("a", "b")},
    }
    return {name: told[name] for name, _ in _COLUMNS if told.get(name) is not None}


def _property(pair: dict[str, Any], end: str, name: str) -> Any:
    return (pair.get(f"properties_{end}") or {}).get(name)


_LISTED = listing("alloys")


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The pairs in short, and as they are for who asks."""
    marks = ({k: v for k, v in row.items() if k.startswith("_")} for row in rows)
    short = _LISTED([{**_pair(row), **mark} for row, mark in zip(rows, marks, strict=True)])
    return {**short, "alloy_pair": [row["alloy_pair"] for row in rows if "alloy_pair" in row]}


GROUP = Group(
    name="alloys",
    about="alloys the material could form with another of commensurate structure",
    fields=(
        Field(
            "alloys",
            "end members a and b, the elements that replace each other, and the gaps of the ends",
            columns=_COLUMNS,
            shown=6,
            raw=("pair_id", "alloy_pair"),
        ),
        Field("alloy_pair", "the pairs with cells and properties", heavy=True),
    ),
    method="pairs of end members with the same structure and one changing element "
    "(doi 10.48550/arXiv.2206.10715)",
    caveat="hypothetical: nothing says that the alloy forms",
    document=("builder_meta", "alloy_pair", "pair_id"),
    fold=fold,
)

"""Where a material's structure is from, and whom to cite."""

import re
from typing import Any

from llamp_mcp.materials.groups.table import METADATA, Field, Group, only_document

_ENTRY = re.compile(r"\b(doi|title|year|journal)\s*=\s*[{\"]+([^}\"]*)[}\"]", re.IGNORECASE)


def _reference(bibtex: str) -> dict[str, str]:
    """The parts of a BibTeX entry that find the paper; the text itself where it has none."""
    found = {name.lower(): value.strip() for name, value in _ENTRY.findall(bibtex)}
    order = ("doi", "title", "journal", "year")
    told = {name: found[name] for name in order if found.get(name)}
    return told or {"text": " ".join(bibtex.split())[:200]}


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document, with names of authors and short references."""
    document = only_document(rows)
    references = document.get("references")
    if isinstance(references, list):
        document["bibtex"] = references
        document["references"] = [_reference(text) for text in references if text]
    authors = document.get("authors")
    if isinstance(authors, list):
        document["authors"] = [a["name"] for a in authors if isinstance(a, dict) and a.get("name")]
    history = document.get("history")
    if isinstance(history, list):
        document["history"] = [node for node in history if node]
    return document


GROUP = Group(
    name="provenance",
    about="origin of the structure and whom to cite",
    fields=(
        Field("theoretical", "no experimental source of the structure is known"),
        Field("database_IDs", "in other databases"),
        Field(
            "references",
            "papers",
            columns=(("doi", ""), ("title", ""), ("journal", ""), ("year", ""), ("text", "")),
            shown=4,
        ),
        Field("authors", "of the entry", shown=4),
        Field("remarks", "on the entry", shown=4),
        Field("tags", "of the entry", shown=6),
        Field(
            "history",
            "where the structure came from",
            columns=(("name", ""), ("url", "")),
            shown=3,
        ),
        Field("created_at", "date of the first structure"),
        Field("bibtex", "the references in full", heavy=True, raw=("references",)),
    ),
    method="collected from the databases and users that gave structures",
    has_prop="provenance",
    document=(
        *METADATA,
        "created_at",
        "references",
        "authors",
        "remarks",
        "tags",
        "theoretical",
        "database_IDs",
        "history",
    ),
    fold=fold,
)

"""A source of made-up documents, which counts what it is asked.

No value here is one of a real material: the elements Xa and Xb do not exist, or the ids do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llamp_mcp.materials.formulas import formula_key
from llamp_mcp.materials.source import (
    Document,
    Page,
    Query,
    RecipeQuery,
    Recipes,
    Rows,
    SpectrumKind,
)
from llamp_mcp.provenance import SourceMeta

if TYPE_CHECKING:
    from collections.abc import Iterable

META = SourceMeta(
    kind="snapshot",
    name="made up",
    database_version="none",
    licence="none",
    attribution="nobody",
    materials=None,
    notice="made-up values",
)


class MadeUpSource:
    """Answers `search` and `rows` as the interface says, from lists of raw documents."""

    def __init__(self, **endpoints: Iterable[Document]) -> None:
        self._documents = {name: list(rows) for name, rows in endpoints.items()}
        self.asked: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []

    def meta(self) -> SourceMeta:
        return META

    def citations(self) -> dict[str, dict[str, str]]:
        return {}

    def search(self, query: Query) -> Page:
        self.asked.append(("search", query.material_ids or query.formulas, query.fields))
        found = [
            document
            for document in self._documents.get("summary", ())
            if document["material_id"] in query.material_ids
            or formula_key(document["formula_pretty"]) in query.formulas
        ]
        found.sort(
            key=lambda d: (d.get("energy_above_hull") is None, d.get("energy_above_hull") or 0)
        )
        keep = ("material_id", *query.fields)
        page = [{k: d[k] for k in keep if k in d} for d in found[: query.limit]]
        return Page(len(found), tuple(page), {})

    def rows(
        self, endpoint: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> Rows:
        self.asked.append((endpoint, material_ids, fields))
        keep = {"material_id", "_notes", "_sources", *fields}
        return Rows(
            tuple(
                {k: v for k, v in document.items() if not fields or k in keep}
                for identifier in material_ids
                for document in self._documents.get(endpoint, ())
                if document["material_id"] == identifier
            )
        )

    def entries(self, chemsys: tuple[str, ...], thermo_type: str) -> Rows:
        raise NotImplementedError(chemsys, thermo_type)

    def structures(self, material_ids: tuple[str, ...]) -> dict[str, Document]:
        raise NotImplementedError(material_ids)

    def spectrum(self, material_id: str, kind: SpectrumKind) -> Document:
        raise NotImplementedError(material_id, kind)

    def recipes(self, query: RecipeQuery) -> Recipes:
        raise NotImplementedError(query)

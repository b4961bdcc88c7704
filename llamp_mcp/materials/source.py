"""What answers questions about materials: the interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from llamp_mcp.provenance import SourceMeta

Document: TypeAlias = dict[str, Any]
"""Emmet-core field names and values, with `material_id`, `formula_pretty`, `sources` (field → key
of its source) and `notes` beside them. A field without a value is not there."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter on one scalar field, by its dotted name. Entries without the value do not match."""

    field: str
    equals: str | float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: everything that is set must hold. Names and formulas are normalised already."""

    formula: str = ""
    chemsys: str = ""
    elements: tuple[str, ...] = ()
    exclude_elements: tuple[str, ...] = ()
    material_ids: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    fields: tuple[str, ...] = ()
    sort_by: str = "energy_above_hull"
    descending: bool = False
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Part of the matches, in order.

    Attributes:
        total: How many entries match in all.
        documents: Those of this page, with the fields asked for.
        lacking: Per filtered field, how many entries met all else but have no value of it.
    """

    total: int
    documents: tuple[Document, ...]
    lacking: dict[str, int]


def pick(document: Document, name: str) -> Any:
    """The value of a field, or of a dotted name such as `bulk_modulus.vrh`; None if it has none."""
    base, _, part = name.partition(".")
    value = document.get(base)
    return value.get(part) if part and isinstance(value, dict) else value


class MaterialsSource(Protocol):
    """A database of materials. Every method may raise `SourceError`."""

    def meta(self) -> SourceMeta:
        """Which database this is, and what its answers do and do not mean."""

    def citations(self) -> dict[str, dict[str, str]]:
        """The sources that values name: key → name, citation, licence, database_version."""

    def search(self, query: Query) -> Page:
        """The entries that match."""

    def documents(
        self, group: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> tuple[Document, ...]:
        """Documents of a group for the ids that have any of its fields, in the order of the ids."""

    def structure(self, material_id: str) -> dict[str, Any]:
        """`lattice` (rows, Å), `species`, `frac_coords`, perhaps `magmoms` (μB), and `source`.

        Raises:
            NotFound: The entry, or its structure, is not in this database.
        """

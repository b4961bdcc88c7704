"""What answers questions about materials: the interface that every source has.

A source hands out documents as the Project's API names them (emmet-core). What they mean, which
entry a formula selects, and how a value is told is decided above, once for all sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from llamp_mcp.provenance import SourceMeta

Document: TypeAlias = dict[str, Any]
"""A document of the Project by its own field names, plus what a source adds:

* `material_id`: always there, as `mp-149`, whatever the endpoint calls its key;
* `_sources`: {field: key of `citations()`}, from sources that mix origins;
* `_notes`: what a reader must know of this document.

A field without a value is not there, or None.
"""

SpectrumKind = Literal["bands", "dos", "phonon_bands", "phonon_dos"]
"""Spectra that are objects of their own, not documents of an endpoint."""

HELD_AS: Final[dict[SpectrumKind, str]] = {
    "bands": "bandstructure",
    "dos": "dos",
    "phonon_bands": "phonon",
    "phonon_dos": "phonon",
}
"""What `has_props` of a summary calls the data of a kind."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter on one scalar field, by its dotted name. Entries without the value do not match.

    With no bound at all it only asks that there is a value.
    """

    field: str
    equals: str | float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: everything that is set must hold. Names and formulas are normalised already.

    Attributes:
        formulas: Keys of `identifiers.formula_key`, such as `Fe1 O4 P1`; one of them.
        anonymous: Anonymous formula as the Project writes it, such as `ABC3`.
        chemsys: Chemical systems, elements in alphabetical order, wildcards last (`Fe-O-*`); one
            of them.
        elements: All of them are in the entry.
        exclude_elements: None of them is.
        material_ids: One of them.
        possible_species: Ions with a guessed oxidation state, such as `Fe3+`; all of them.
        has_props: Names of groups the entry must have data of, as the Project names them.
        text: Words of the description that robocrystallographer wrote.
        conditions: Filters on scalar fields of the summary.
        fields: Fields of the summary to return; a dotted name returns the whole object.
        sort_by: `material_id`, `formula_pretty` or a scalar field by its dotted name.
        limit: Documents of this page; 0 only counts.
        offset: Documents before it.
    """

    formulas: tuple[str, ...] = ()
    anonymous: str = ""
    chemsys: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    exclude_elements: tuple[str, ...] = ()
    material_ids: tuple[str, ...] = ()
    possible_species: tuple[str, ...] = ()
    has_props: tuple[str, ...] = ()
    text: str = ""
    conditions: tuple[Condition, ...] = ()
    fields: tuple[str, ...] = ()
    sort_by: str = "energy_above_hull"
    descending: bool = False
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Part of the matches, in order: by `sort_by`, then by the number of the id.

    Attributes:
        total: How many entries match in all.
        documents: Summary documents of this page, with `formula_pretty` and the fields asked for.
            Entries without a value of `sort_by` come last.
        lacking: Per filtered field, how many entries met all else but have no value of it. Empty
            where a source does not count them.
        notes: What a reader must know, such as when a cached answer was fetched.
    """

    total: int
    documents: tuple[Document, ...]
    lacking: dict[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Documents of an endpoint, and what a reader must know of the answer as a whole."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeQuery:
    """A search for synthesis recipes; everything that is set must hold.

    Attributes:
        target: Reduced formula of the product.
        precursors: Formulas of starting materials; all of them.
        keywords: Words of the paragraph; any of them, as the Project's endpoint has it.
        operations: Steps by the Project's names, such as `HeatingOperation`; all of them.
        temperature_k: Lowest and highest temperature of some heating step, in kelvin.
        limit: Recipes to return.
    """

    target: str = ""
    precursors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    temperature_k: tuple[float | None, float | None] = (None, None)
    limit: int = 5


@dataclass(frozen=True, slots=True)
class Recipes:
    """Recipes as the Project's synthesis endpoint gives them, best match first."""

    total: int
    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()


def pick(document: Document, name: str) -> Any:
    """The value of a field, or of a dotted name such as `bulk_modulus.vrh`; None if it has none."""
    base, _, part = name.partition(".")
    value = document.get(base)
    return value.get(part) if part and isinstance(value, dict) else value


class MaterialsSource(Protocol):
    """A database of materials. Any thread may ask; every method may raise `SourceError`.

    None of them ever asks for materials one by one: a request per endpoint, however many ids.
    """

    def meta(self) -> SourceMeta:
        """Which database this is, and what its answers do and do not mean."""

    def citations(self) -> dict[str, dict[str, str]]:
        """The sources that values name: key → name, citation, licence, database_version."""

    def search(self, query: Query) -> Page:
        """The entries that match."""

    def rows(
        self, endpoint: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> Rows:
        """All documents that an endpoint has of the materials, in the order of the ids.

        Args:
            endpoint: A name in `endpoints.ENDPOINTS`.
            material_ids: Checked ids.
            fields: Top-level fields to return; empty: all.
        """

    def entries(self, chemsys: tuple[str, ...], thermo_type: str) -> Rows:
        """Documents of the thermo endpoint, of one thermo type, in any of the chemical systems.

        They have `composition`, `energy_per_atom`, `formation_energy_per_atom`,
        `energy_above_hull`, `is_stable`, `thermo_type` and `formula_pretty` where known.
        """

    def structures(self, material_ids: tuple[str, ...]) -> dict[str, Document]:
        """The structures on file, by id, for those of the ids that have one.

        Each is `lattice` (rows, Å), `species`, `frac_coords`, perhaps `magmoms` (μB per site) and
        `source` (a key of `citations()`), and `_notes`.
        """

    def spectrum(self, material_id: str, kind: SpectrumKind) -> Document:
        """A spectrum as the dictionary of pymatgen's object, with `material_id` and `_notes`.

        Raises:
            NotFound: The entry has none in this database.
        """

    def recipes(self, query: RecipeQuery) -> Recipes:
        """Synthesis recipes from the literature."""

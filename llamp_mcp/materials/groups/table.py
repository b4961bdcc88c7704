"""What a group of properties is: fields, units, how they were computed, what to beware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import one_of
from llamp_mcp.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STRUCTURE_METADATA: Final = (
    "nsites",
    "elements",
    "nelements",
    "composition",
    "composition_reduced",
    "formula_pretty",
    "formula_anonymous",
    "chemsys",
    "volume",
    "density",
    "density_atomic",
    "symmetry",
)
"""What nearly every document says of the cell it belongs to."""

METADATA: Final = (
    *STRUCTURE_METADATA,
    "builder_meta",
    "material_id",
    "deprecated",
    "deprecation_reasons",
    "last_updated",
    "origins",
    "warnings",
    "structure",
    "property_name",
)
"""The fields that every property document of the Project has."""

_LONG: Final = frozenset({"structure", "origins", "builder_meta"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a group, by its emmet-core name.

    Attributes:
        name: Name in the Project's documents, or of a list that several documents make up.
        about: What it means, in a few words.
        own_unit: Unit, where `units.FIELD_UNITS` has none for this name.
        parts: Keys of a value that is an object of scalars.
        columns: Keys of an object, or of the objects in a list, that have units of their own.
        named: Given only when asked for by name.
        heavy: Too long for a table (tensors, long lists); given only when asked for by name.
        local: Understood only together with its group, since the name alone says too little.
        shown: Items of a list that are given unless the field is asked for by name; 0: all.
        raw: Fields of the Project's documents that it is made from; empty: that of its name.
        minimum: A value below is unphysical.
        maximum: A value above is unphysical.
    """

    name: str
    about: str
    own_unit: str = ""
    parts: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    named: bool = False
    heavy: bool = False
    local: bool = False
    shown: int = 0
    raw: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def unit(self) -> str | None:
        """Unit of the value, or None for one without."""
        return self.own_unit or unit_of(self.name)

    @property
    def on_request(self) -> bool:
        """Whether it is given only when asked for by name."""
        return self.named or self.heavy

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields of the Project's documents that it is made from."""
        return self.raw or (self.name,)

    def unit_of(self, part: str) -> str:
        """Unit of a part of the value: its own, or that of the whole."""
        return dict(self.columns).get(part, self.unit or "")


def only_document(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The document of an endpoint that has one per material; of several the first, which it says.

    The source gives them in the order in which the Project does.
    """
    first = dict(rows[0])
    if len(rows) > 1:
        first["_notes"] = [
            *first.get("_notes", ()),
            f"the Project has {len(rows)} such documents of it; this is the first",
        ]
    return first


@dataclass(frozen=True, slots=True)
class Group:
    """A group of properties that is asked for by name.

    Attributes:
        name: Name of the group, as `get_properties` takes it.
        about: What it holds.
        fields: The fields a user wants, in the order in which they are given.
        method: How the values were computed.
        caveat: What a reader must know before using them.
        endpoint: Name in `endpoints.ENDPOINTS`; empty: that of the group.
        has_prop: Its name in `has_props` of a summary; empty where the summary does not tell.
        document: All fields that the endpoint's documents have.
        fold: Makes one document of all that the endpoint has of one material.
        rows: The field that lists the documents, where one material has several.
        always: Fields without which the others cannot be told apart: always read, always given.
    """

    name: str
    about: str
    fields: tuple[Field, ...]
    method: str
    caveat: str = ""
    endpoint: str = ""
    has_prop: str = ""
    document: tuple[str, ...] = METADATA
    fold: Callable[[list[dict[str, Any]]], dict[str, Any]] = only_document
    rows: str = ""
    always: tuple[str, ...] = ()

    def field(self, name: str) -> Field | None:
        """The field of that name, be it listed or only one of the Project's documents.

        Where a material has several documents, a field of one is given in the list of them.
        """
        for field in self.fields:
            if field.name == name:
                return field
        if name not in self.document:
            return None
        if self.rows:
            listing = self.field(self.rows)
            needs = (*listing.needs, name) if listing else (name,)
            return Field(self.rows, _AS_IT_IS, heavy=True, raw=needs)
        heavy = name not in METADATA or name in _LONG
        return Field(name, _AS_IT_IS, named=True, heavy=heavy)

    def resolve(self, name: str) -> Field:
        """The field that a name, or a dotted name such as `bulk_modulus.vrh`, belongs to.

        Raises:
            InvalidInput: There is none; the text lists them.
        """
        base, _, part = name.partition(".")
        field = self.field(base)
        if field is None:
            listed = (f.name for f in self.fields)
            raise one_of(f"field of {self.name}", name, (*listed, *self.document))
        if part and field in self.fields and part not in field.parts:
            raise one_of(
                "field", name, (f"{base}.{p}" for p in field.parts) if field.parts else (base,)
            )
        return field

    @property
    def default(self) -> tuple[str, ...]:
        """Names of the fields that are given when none is asked for."""
        return tuple(field.name for field in self.fields if not field.on_request)

    @property
    def source_of(self) -> str:
        """The endpoint that its documents come from."""
        return self.endpoint or self.name


_AS_IT_IS: Final = "as the Project's document has it"


def listing(
    name: str, order: Callable[[dict[str, Any]], Any] | None = None
) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """A fold for endpoints with several documents per material: they become one list.

    Args:
        name: The field that holds the list.
        order: Sort key of a document; None: as the source gives them.
    """

    def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
        bare = [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]
        ordered = sorted(bare, key=order) if order else bare
        return {name: [item for item in ordered if item], **_marks(rows)}

    return fold


def _marks(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What sources add to documents, of all of them together."""
    notes: dict[str, None] = {}
    sources: dict[str, str] = {}
    for row in rows:
        notes |= dict.fromkeys(row.get("_notes", ()))
        sources = row.get("_sources", {}) | sources
    return {"_notes": list(notes), "_sources": sources}


def ascending(*keys: str) -> Callable[[dict[str, Any]], Any]:
    """A sort key: by these fields, documents without a value last."""
    return lambda row: tuple((row.get(key) is None, row.get(key)) for key in keys)

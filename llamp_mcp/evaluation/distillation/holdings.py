"""What a source holds and may be passed on, by formula, entry, group and field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.distillation.rows import digest
from llamp_mcp.evaluation.distillation.vocabulary import WORDS
from llamp_mcp.materials import presentation, project, reading, selection
from llamp_mcp.materials.formulas import formula_key
from llamp_mcp.materials.groups import GROUPS, HOME
from llamp_mcp.materials.identifiers import id_number
from llamp_mcp.materials.source import Query
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.materials.groups.table import Group
    from llamp_mcp.materials.source import Document, MaterialsSource
    from llamp_mcp.settings import Settings

MAX_ENTRIES: Final = 2_000_000
_BATCH: Final = 400
_NON_COMMERCIAL: Final = "BY-NC"


@dataclass(frozen=True, slots=True)
class Property:
    """A field of a group, or one part of it, as `get_properties` is asked for it.

    Attributes:
        group: Name of the group.
        name: Dotted name.
        alone: Whether the name is understood without its group.
    """

    group: str
    name: str
    alone: bool

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `get_properties` beside the materials."""
        group = {} if self.alone else {"groups": [self.group]}
        return {**group, "fields": [self.name]}


@dataclass(slots=True)
class Entry:
    """What is held of one entry."""

    material_id: str
    formula: str
    hull: float | None
    hull_fact: Fact | None = None
    properties: dict[Property, Any] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    unphysical: set[Property] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Formula:
    """All entries of one composition, the lowest on the hull first, those unknown last."""

    key: str
    formula: str
    entries: tuple[Entry, ...]

    def holding(self, wanted: Property) -> tuple[Entry, ...]:
        """The entries that have a property."""
        return tuple(entry for entry in self.entries if wanted in entry.properties)

    def properties(self) -> tuple[Property, ...]:
        """Everything that any of the entries has, each once."""
        return tuple(dict.fromkeys(name for entry in self.entries for name in entry.properties))


@dataclass(slots=True)
class Catalogue:
    """The entries of a source, without their values.

    Attributes:
        formulas: Entries by key of their formula: id, formula as written, hull energy.
        keys: Key of the formula by id.
    """

    formulas: dict[str, list[tuple[str, str, float | None]]]
    keys: dict[str, str]

    def ordered(self, seed: int) -> list[str]:
        """The keys in an order of chance that is always the same for a seed."""
        return sorted(self.formulas, key=lambda key: digest(f"{seed} {key}"))


def open_offline(settings: Settings) -> MaterialsSource:
    """The sample or snapshot that the settings name.

    Raises:
        InvalidInput: They name the live database, or one that is not CC BY 4.0.
        SourceError: It cannot be read.
    """
    if settings.source_kind == "live":
        raise InvalidInput(
            "A data set is not distilled from the live database: it would take thousands of "
            "requests, and nobody could make it again from the same data",
            allowed="LLAMP_SOURCE=sample, or the path of a snapshot",
            next_step="Make a snapshot with `llamp-mcp snapshot`, and set LLAMP_SOURCE to it.",
        )
    from llamp_mcp.materials.open_source import open_source

    # without a key, so that texts of the source do not depend on whether this user has one
    source = open_source(settings.model_copy(update={"mp_api_key": None}))
    if (licence := source.meta().licence) != project.LICENCE:
        raise InvalidInput(
            f"The licence of the source {source.meta().name!r} is {licence!r}",
            allowed=f"a source under {project.LICENCE}: a data set is made to be passed on",
        )
    return source


def catalogue(source: MaterialsSource) -> Catalogue:
    """Every entry of a source, by one search."""
    fields = ("formula_pretty", "energy_above_hull", "is_stable")
    page = source.search(Query(fields=fields, sort_by="material_id", limit=MAX_ENTRIES))
    found = Catalogue({}, {})
    for document in page.documents:
        key = formula_key(document["formula_pretty"])
        entry = (
            document["material_id"],
            document["formula_pretty"],
            selection.hull_energy(document),
        )
        found.formulas.setdefault(key, []).append(entry)
        found.keys[document["material_id"]] = key
    return found


def held(
    source: MaterialsSource, known: Catalogue, keys: Iterable[str]
) -> Iterator[Formula | Withheld]:
    """What there is of formulas, a few requests for many of them together.

    A formula with an entry that may not be passed on comes as `Withheld`: its other entries are
    told by the tools together with that one.
    """
    told = source.citations()
    reader = _Reader(
        source,
        free=frozenset(key for key in told if told[key]["licence"] == project.LICENCE),
        citations=presentation.citation_texts(told, told),
        database=source.meta().name,
    )
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if sum(len(known.formulas[one]) for one in batch) >= _BATCH:
            yield from reader.read(known, batch)
            batch = []
    yield from reader.read(known, batch)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A formula left out for the licence of some of its entries."""

    key: str
    entries: int
    unfree: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reader:
    source: MaterialsSource
    free: frozenset[str]
    citations: dict[str, str]
    database: str

    def read(self, known: Catalogue, keys: list[str]) -> Iterator[Formula | Withheld]:
        """The documents of all groups of all entries of some formulas."""
        entries = {
            identifier: Entry(identifier, formula, hull)
            for key in keys
            for identifier, formula, hull in known.formulas[key]
        }
        unfree: set[str] = set()
        for name, group in GROUPS.items():
            for document in reading.documents(self.source, name, tuple(entries)):
                if not _is_free(document, self.free):
                    unfree.add(document["material_id"])
                entry = entries[document["material_id"]]
                _add(entry, group, document)
                self._add_hull(entry, document)
        for key in keys:
            own = [entries[identifier] for identifier, _, _ in known.formulas[key]]
            if barred := tuple(e.material_id for e in own if e.material_id in unfree):
                yield Withheld(key, len(own), barred)
                continue
            own.sort(key=lambda e: (e.hull is None, e.hull or 0.0, id_number(e.material_id)))
            yield Formula(key, own[0].formula, tuple(own))

    def _add_hull(self, entry: Entry, document: Document) -> None:
        """Note whose the hull energy is by which the entry is ordered."""
        if entry.hull is None or document.get("energy_above_hull") != entry.hull:
            return
        key = document["sources"].get("energy_above_hull", "")
        entry.hull_fact = entry.hull_fact or Fact(
            subject=entry.material_id,
            property="energy_above_hull",
            value=entry.hull,
            unit="eV/atom",
            source=self.citations.get(key, self.database),
            formula=entry.formula,
        )


def _is_free(document: Document, free: frozenset[str]) -> bool:
    """Whether a document, and every value of it that names its source, is CC BY 4.0."""
    if any(_NON_COMMERCIAL in note for note in document["notes"]):
        return False
    if not free.issuperset(document["sources"].values()):
        return False
    return not any(_names_unfree(value) for value in document.values())


def _names_unfree(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, dict) and _names_unfree(item) for item in value)
    if not isinstance(value, dict):
        return False
    about = value.get("builder_meta", value)
    return isinstance(about, dict) and about.get("license") == _NON_COMMERCIAL


def _add(entry: Entry, group: Group, document: Document) -> None:
    """Note what a document has of the properties that there are words for."""
    warned = [text.partition(" = ")[0] for text in selection.unphysical(document, group.name)]
    for known in group.fields:
        value = document.get(known.name)
        elsewhere = group.name == "summary" and HOME.get(known.name) != "summary"
        if value is None or known.heavy or elsewhere:
            continue
        if not known.on_request:
            entry.groups[group.name] = entry.groups.get(group.name, 0) + 1
        for name, part in _parts(known.name, value):
            told = Property(group.name, name, HOME.get(known.name) == group.name)
            entry.properties[told] = part
            if any(label == name or label.startswith(f"{name}.") for label in warned):
                entry.unphysical.add(told)


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A field as it is asked for: whole where that has words of its own, else by its parts."""
    if name in WORDS:
        yield name, value
    elif isinstance(value, dict):
        for part, item in value.items():
            if item is not None and f"{name}.{part}" in WORDS:
                yield f"{name}.{part}", item

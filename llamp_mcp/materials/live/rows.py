"""Documents of the live endpoints by material: each endpoint names its materials in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from llamp_mcp.errors import one_of
from llamp_mcp.materials.client import batches
from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.identifiers import in_letters
from llamp_mcp.materials.source import Document, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llamp_mcp.materials.client import Found

MAX_TASKS: Final = 100
"""Calculations of one answer: a material may have dozens, and each document is large."""

NON_COMMERCIAL: Final = "licence CC BY-NC 4.0 (non-commercial), unlike most of the Project"

_WORKING_IONS: Final = ("Li", "Na", "K", "Mg", "Ca", "Al", "Zn", "Y", "Rb", "Cs")

Ids = tuple[str, ...]


class Asking(Protocol):
    """What asks the Project: a `Question` of a tool, or the download of a snapshot."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the answers."""

    def say(self, note: str) -> None:
        """Add a note."""

    def find(
        self, endpoint: str, criteria: dict[str, Any], fields: Iterable[str] = (), *, limit: int
    ) -> Found:
        """One page of documents."""

    def every(
        self, endpoint: str, criteria: dict[str, Any], fields: Iterable[str] = ()
    ) -> list[Document]:
        """All documents, page after page."""

    def listed(self, field: str, material_ids: Iterable[str]) -> dict[str, Any]:
        """What the summaries of materials list in a field."""


def rows(ask: Asking, endpoint: str, material_ids: Ids, fields: tuple[str, ...]) -> Rows:
    """All documents of an endpoint about the materials, in the order of the ids.

    Raises:
        InvalidInput: There is no such endpoint, or its documents have no such field.
        SourceError: The Project could not answer.
    """
    if endpoint not in ENDPOINTS:
        raise one_of("endpoint", endpoint, ENDPOINTS)
    asked = tuple(dict.fromkeys(material_ids))
    found = _READERS.get(endpoint, _by_material_id(endpoint))(ask, asked, fields) if asked else {}
    documents = [
        with_licence({**document, "material_id": identifier})
        for identifier in asked
        for document in found.get(identifier, ())
    ]
    return Rows(tuple(documents), ask.notes)


def with_licence(document: Document) -> Document:
    """A document that says so if it may not be used commercially."""
    licence = (document.get("builder_meta") or {}).get("license")
    if licence == "BY-NC":
        document["_notes"] = [*document.get("_notes", ()), NON_COMMERCIAL]
    return document


def _grouped(
    documents: Iterable[Document], ids: Ids, names: Callable[[Document], Iterable[Any]]
) -> dict[str, list[Document]]:
    """Documents by the asked materials they name; one that names several comes once for each."""
    found: dict[str, list[Document]] = {identifier: [] for identifier in ids}
    for document in documents:
        for name in dict.fromkeys(names(document)):
            if name in found:
                found[name].append(document)
    return found


def _by_field(
    ask: Asking,
    endpoint: str,
    ids: Ids,
    fields: tuple[str, ...],
    *,
    parameter: str,
    identifier: str,
) -> dict[str, list[Document]]:
    """Documents whose field `identifier` is a material's id, or its number."""
    wanted = (*fields, identifier) if fields else ()
    documents = [
        document
        for batch in batches(ids)
        for document in ask.every(endpoint, {parameter: batch}, wanted)
    ]
    return _grouped(documents, ids, lambda document: [document.get(identifier)])


def _by_material_id(endpoint: str) -> Any:
    def read(ask: Asking, ids: Ids, fields: tuple[str, ...]) -> dict[str, list[Document]]:
        return _by_field(
            ask, endpoint, ids, fields, parameter="material_ids", identifier="material_id"
        )

    return read


def _by_task_id(endpoint: str) -> Any:
    """Endpoints of older calculations: the number of their `task_id` is that of the material."""

    def read(ask: Asking, ids: Ids, fields: tuple[str, ...]) -> dict[str, list[Document]]:
        # documents of a material whose id starts otherwise carry its number only
        plain = {f"mp-{identifier.partition('-')[2]}": identifier for identifier in ids}
        found = _by_field(
            ask, endpoint, tuple(plain), fields, parameter="task_ids", identifier="task_id"
        )
        return {plain[name]: documents for name, documents in found.items()}

    return read


def _phonon(ask: Asking, ids: Ids, fields: tuple[str, ...]) -> dict[str, list[Document]]:
    """Phonon documents have ids of their own, which the summary of a material names."""
    of: dict[str, list[str]] = {}
    for material, by_method in ask.listed(ENDPOINTS["phonon"].listed_in, ids).items():
        for identifiers in by_method.values():
            for identifier in identifiers:
                of.setdefault(identifier, []).append(material)
    wanted = (*fields, "identifier") if fields else ()
    documents = [
        document
        for batch in batches(of)
        for document in ask.every("phonon", {"identifiers": batch}, wanted)
    ]
    return _grouped(documents, ids, lambda document: of.get(document.get("identifier", ""), []))


def _tasks(ask: Asking, ids: Ids, fields: tuple[str, ...]) -> dict[str, list[Document]]:
    """Calculations of a material, which its summary names; bounded."""
    of: dict[str, list[str]] = {}
    share = max(1, MAX_TASKS // len(ids))
    for material, tasks in ask.listed(ENDPOINTS["tasks"].listed_in, ids).items():
        if len(tasks) > share:
            ask.say(f"{material} has {len(tasks)} calculations; {share} of them are read")
        for task in tasks[:share]:
            of.setdefault(task, []).append(material)
    wanted = (*fields, "task_id") if fields else ()
    documents = [
        document
        for batch in batches(of)
        for document in ask.find("tasks", {"task_ids": batch}, wanted, limit=MAX_TASKS).documents
    ]
    return _grouped(documents, ids, lambda document: of.get(document.get("task_id", ""), []))


def _substrates(ask: Asking, ids: Ids, fields: tuple[str, ...]) -> dict[str, list[Document]]:
    """Films are matched as text: both ways to write an id are asked for."""
    both = [text for identifier in ids for text in (identifier, in_letters(identifier))]
    wanted = (*fields, "film_id") if fields else ()
    documents = [
        document
        for batch in batches(both)
        for document in ask.every("substrates", {"film_id_eq_any": batch}, wanted)
    ]
    return _grouped(documents, ids, lambda document: [document.get("film_id")])


def _electrodes(ask: Asking, ids: Ids, fields: tuple[str, ...]) -> dict[str, list[Document]]:
    """Electrodes are asked for as material and working ion; the server combines all with all."""
    wanted = (*fields, "material_ids") if fields else ()
    documents = []
    for batch in batches(ids):
        first, *others = batch.split(",")
        batteries = [f"{first}_{ion}" for ion in _WORKING_IONS]
        batteries += [f"{other}_{_WORKING_IONS[0]}" for other in others]
        documents += ask.every("insertion_electrodes", {"battery_ids": ",".join(batteries)}, wanted)
    return _grouped(documents, ids, lambda document: document.get("material_ids") or ())


def _alloys(ask: Asking, ids: Ids, fields: tuple[str, ...]) -> dict[str, list[Document]]:
    wanted = tuple(dict.fromkeys((*fields, "pair_id", "alloy_pair"))) if fields else ()
    documents = [
        document
        for batch in batches(ids)
        for document in ask.every("alloys", {"material_ids": batch}, wanted)
    ]

    def ends(document: Document) -> list[Any]:
        pair = document.get("alloy_pair") or {}
        return [pair.get("id_a"), pair.get("id_b")]

    return _grouped(documents, ids, ends)


_READERS: Final[dict[str, Any]] = {
    "phonon": _phonon,
    "tasks": _tasks,
    "substrates": _substrates,
    "insertion_electrodes": _electrodes,
    "alloys": _alloys,
    "xas": _by_task_id("xas"),
    "eos": _by_task_id("eos"),
}

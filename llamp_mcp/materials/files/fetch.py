"""The requests behind a snapshot, in an order that can be taken up where it broke off."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import NotFound
from llamp_mcp.materials.client import Found, ProjectClient, batches
from llamp_mcp.materials.files import layout
from llamp_mcp.materials.identifiers import subsystems
from llamp_mcp.materials.live import rows as live_rows
from llamp_mcp.materials.source import HELD_AS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llamp_mcp.materials.files.request import SnapshotRequest
    from llamp_mcp.materials.source import Document, SpectrumKind

    Progress = Callable[[int, int, str], None]

_FREE: Final = "BY-C"
_SUMMARIES_PER_PAGE: Final = 200
_MATERIALS_PER_REQUEST: Final = 100
_TASKS_PER_REQUEST: Final = 2
"""Materials whose calculations are asked for at once: each has dozens, all are wanted."""
_PAUSE_S: Final = 0.1
_MAX_TARGETS: Final = 300
"""Formulas whose synthesis recipes are asked for: a request each, at least."""
_RECIPES_PER_TARGET: Final = 50
_RECIPES_PER_REQUEST: Final = 10
_DONE: Final = -1


class Direct:
    """Asks as `Question` does, without the cache, one request after the other, with pauses."""

    def __init__(self, client: ProjectClient) -> None:
        self._client = client
        self._said: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was said."""
        return tuple(self._said)

    def say(self, note: str) -> None:
        """Add a note."""
        self._said[note] = None

    def find(
        self,
        endpoint: str,
        criteria: dict[str, Any],
        fields: Iterable[str] = (),
        **page: Any,
    ) -> Found:
        """One page of documents."""
        time.sleep(_PAUSE_S)
        return self._client.find(endpoint, criteria, fields, **page)

    def every(
        self, endpoint: str, criteria: dict[str, Any], fields: Iterable[str] = (), **_: Any
    ) -> list[Document]:
        """All documents, page after page, however many."""
        found: list[Document] = []
        while True:
            page = self.find(endpoint, criteria, fields, skip=len(found))
            found += page.documents
            if not page.documents or len(found) >= page.total:
                return found

    def listed(self, field: str, material_ids: Iterable[str]) -> dict[str, Any]:
        """What the summaries of materials list in a field."""
        return {
            document["material_id"]: document[field]
            for batch in batches(material_ids)
            for document in self.every("summary", {"material_ids": batch}, ("material_id", field))
            if document.get(field)
        }


@dataclass(frozen=True, slots=True)
class _Entry:
    """What later requests must know of an entry."""

    material_id: str
    formula: str
    chemsys: str
    props: dict[str, bool] = field(default_factory=dict)


class Fetch:
    """Fetches what a request names; every step skips what an earlier run has made safe.

    Args:
        client: The Project.
        request: What to fetch.
        writer: Where to.
        progress: Called with done, total and what is being fetched.
        check: Called with the number of materials before they are fetched; may refuse.
    """

    def __init__(
        self,
        client: ProjectClient,
        request: SnapshotRequest,
        writer: layout.Writer,
        progress: Progress,
        check: Callable[[int], None],
    ) -> None:
        self._client, self._request, self._writer = client, request, writer
        self._progress, self._check = progress, check
        self._ask = Direct(client)
        self._held = set(writer.material_ids("summary"))
        for note in writer.noted("said") or ():
            self._ask.say(note)

    def run(self) -> None:
        """Everything that was asked for."""
        self._summaries("selected", self._criteria())
        if self._writer.noted("chosen") is None:
            self._writer.note("chosen", len(self._held))
        self._neighbours()
        for endpoint in self._request.endpoints:
            if endpoint != "summary":
                self._documents(endpoint)
        self._recipes()
        for kind in self._request.spectra:
            self._spectra(kind)

    def _criteria(self) -> list[dict[str, Any]]:
        """Parameters of the summary endpoint whose answers together are what was asked for."""
        request = self._request
        wild = [system for system in request.chemsys if "*" in system]
        return [
            *({"chemsys": batch} for batch in batches(request.systems())),
            *({"chemsys": system} for system in wild),
            *({"formula": key.replace(" ", "")} for key in request.formulas),
            *([{"elements": ",".join(request.elements)}] if request.elements else []),
            *({"material_ids": batch} for batch in batches(request.material_ids)),
        ]

    def _summaries(self, name: str, criteria: list[dict[str, Any]]) -> None:
        """Fetch the summaries of all criteria; first count them."""
        criteria = [asked | {"license": _FREE} for asked in criteria]
        expected = self._writer.noted(f"{name} expected")
        if expected is None:
            find = self._ask.find
            totals = (find("summary", one, ("material_id",), limit=1).total for one in criteria)
            expected = sum(totals)
            self._check(len(self._held) + expected)
            self._writer.note(f"{name} expected", expected)
        for number, asked in enumerate(criteria):
            mark = f"{name} {number}"
            skip = self._writer.noted(mark) or 0
            while skip != _DONE:
                page = self._ask.find(
                    "summary", asked, sort="material_id", limit=_SUMMARIES_PER_PAGE, skip=skip
                )
                for document in page.documents:
                    self._keep_summary(document)
                skip += len(page.documents)
                if not page.documents or skip >= page.total:
                    skip = _DONE
                self._safe(mark, skip)
                self._progress(len(self._held), max(expected, len(self._held)), "summary")

    def _keep_summary(self, document: Document) -> None:
        """Keep a summary once: the criteria may overlap."""
        if _licence(document) == _FREE and document["material_id"] not in self._held:
            self._held.add(document["material_id"])
            self._writer.add("summary", document)

    def _neighbours(self) -> None:
        """Fetch the summaries of all entries that a hull with the chosen ones is made of."""
        missing = self._writer.noted("missing")
        if missing is None:
            systems = subsystems({entry.chemsys for entry in self._chosen})
            missing = [system for system in systems if system not in self._request.systems()]
            self._writer.note("missing", missing)
        self._summaries("neighbours", [{"chemsys": batch} for batch in batches(missing)])

    @cached_property
    def _chosen(self) -> list[_Entry]:
        """The entries that were asked for, without the neighbours."""
        count = self._writer.noted("chosen")
        ids = self._writer.material_ids("summary")[:count]
        found = {
            name: _Entry(
                name,
                document.get("formula_pretty") or "",
                document.get("chemsys") or "",
                document.get("has_props") or {},
            )
            for name, _, document in self._writer.documents("summary")
        }
        return [found[name] for name in ids]

    def _documents(self, endpoint: str) -> None:
        """Fetch the documents of an endpoint; those of thermo for the neighbours, too."""
        if endpoint == "thermo":
            ids = self._writer.material_ids("summary")
        else:
            ids = tuple(entry.material_id for entry in self._chosen)
        size = _TASKS_PER_REQUEST if endpoint == "tasks" else _MATERIALS_PER_REQUEST
        for start in range(self._writer.noted(endpoint) or 0, len(ids), size):
            chunk = ids[start : start + size]
            rows = live_rows.rows(self._ask, endpoint, chunk, ())
            for document in rows.documents:
                if _licence(document) in {_FREE, None}:
                    self._writer.add(endpoint, document)
                else:
                    self._ask.say(f"{endpoint} documents that are not under CC BY were left out")
            done = start + len(chunk)
            self._safe(endpoint, done)
            self._progress(done, len(ids), endpoint)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not in the file, though one might expect it."""
        formulas = len({entry.formula for entry in self._chosen})
        if formulas <= _MAX_TARGETS:
            return self._ask.notes
        return (
            *self._ask.notes,
            f"synthesis recipes of {_MAX_TARGETS} of {formulas} formulas only",
        )

    def _recipes(self) -> None:
        """Fetch recipes whose target is one of the chosen formulas."""
        formulas = sorted({entry.formula for entry in self._chosen})[:_MAX_TARGETS]
        for done in range(self._writer.noted(layout.RECIPES) or 0, len(formulas)):
            asked, skip = {"target_formula": formulas[done]}, 0
            while skip < _RECIPES_PER_TARGET:
                page = self._ask.find("synthesis", asked, limit=_RECIPES_PER_REQUEST, skip=skip)
                for document in page.documents:
                    self._writer.add_recipe(document)
                skip += len(page.documents)
                if not page.documents or skip >= page.total:
                    break
            self._safe(layout.RECIPES, done + 1)
            self._progress(done + 1, len(formulas), "synthesis recipes")

    def _spectra(self, kind: SpectrumKind) -> None:
        """Fetch spectra one by one, for the entries that are said to have one."""
        ids = [e.material_id for e in self._chosen if e.props.get(HELD_AS[kind], not e.props)]
        for done in range(self._writer.noted(kind) or 0, len(ids)):
            time.sleep(_PAUSE_S)
            try:
                self._writer.add_spectrum(kind, self._client.spectrum(kind, ids[done]))
            except NotFound:
                self._ask.say(f"the Project has no {kind} of {ids[done]}, though it says so")
            self._safe(kind, done + 1)
            self._progress(done + 1, len(ids), kind)

    def _safe(self, mark: str, done: int) -> None:
        """Commit what was added together with how far it goes."""
        self._writer.note(mark, done)
        self._writer.note("said", self._ask.notes)
        self._writer.commit()


def _licence(document: Document) -> str | None:
    """The licence a document names; endpoints whose documents name none follow the summary."""
    licence: str | None = (document.get("builder_meta") or {}).get("license")
    return licence

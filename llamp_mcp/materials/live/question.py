"""One question to the live Project: asked there or answered from the cache, and what to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from llamp_mcp.errors import InvalidInput, SourceError
from llamp_mcp.materials.client import PAGE, Found, ProjectClient, batches
from llamp_mcp.materials.live.cache import answer_key, scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llamp_mcp.materials.live.cache import AnswerCache
    from llamp_mcp.materials.source import Document

T = TypeVar("T")

Listed: TypeAlias = dict[tuple[str, str, str], Any]
"""Database version, field of the summary, material: what the field holds."""

_MOST_LISTED: Final = 50_000
MAX_DOCUMENTS: Final = 5000
"""Documents that one answer collects at most."""


class Question:
    """What one call of a source asks, and the notes for its answer.

    Args:
        client: The Project.
        cache: Answers of earlier questions.
        listed: Ids of documents that summaries listed, for the questions to come.

    Raises:
        SourceError: There is no usable key, or the Project cannot be reached and never was.
    """

    def __init__(
        self, client: ProjectClient, cache: AnswerCache, listed: Listed | None = None
    ) -> None:
        self._client, self._cache = client, cache
        self._listed: Listed = {} if listed is None else listed
        self._scope = scope(client.key())
        self._offline: SourceError | None = None
        self._fetched: set[str] = set()
        self._said: dict[str, None] = {}
        try:
            self.version = client.database_version()
            cache.remember_version(client.endpoint, self.version)
        except SourceError as error:
            self.version = cache.last_version(client.endpoint)
            if not self.version:
                raise
            self._offline = error

    @property
    def is_offline(self) -> bool:
        """Whether the Project cannot be reached, so that only the cache answers."""
        return self._offline is not None

    def find(
        self,
        endpoint: str,
        criteria: dict[str, Any],
        fields: Iterable[str] = (),
        *,
        sort: str = "",
        limit: int = PAGE,
        skip: int = 0,
    ) -> Found:
        """`ProjectClient.find`, through the cache."""
        names = tuple(fields)

        def ask() -> list[Any]:
            found = self._client.find(endpoint, criteria, names, sort=sort, limit=limit, skip=skip)
            return [found.total, list(found.documents)]

        asked = ["find", endpoint, criteria, names, sort, limit, skip]
        (total, documents), fetched_at = self._remembered(asked, ask)
        return Found(total, tuple(documents), fetched_at)

    def every(
        self,
        endpoint: str,
        criteria: dict[str, Any],
        fields: Iterable[str] = (),
        *,
        most: int = MAX_DOCUMENTS,
        whole: bool = False,
    ) -> list[Document]:
        """All documents, page after page, up to `most`; a note says when there are more.

        Raises:
            InvalidInput: There are more, and only the `whole` means anything.
        """
        found: list[Document] = []
        while True:
            page = self.find(endpoint, criteria, fields, skip=len(found), limit=min(PAGE, most))
            found += page.documents
            if not page.documents or len(found) >= page.total:
                return found
            if whole and page.total > most:
                raise InvalidInput(
                    f"The Project has {page.total} {endpoint} documents of this, more than {most}",
                    next_step="Ask for less at once, such as fewer elements.",
                )
            if len(found) >= most:
                self.say(
                    f"the Project has {page.total} {endpoint} documents of these materials; "
                    f"only {most} were read"
                )
                return found[:most]

    def spectrum(self, kind: Any, material_id: str) -> Document:
        """`ProjectClient.spectrum`, through the cache."""
        answer, _ = self._remembered(
            ["spectrum", kind, material_id], lambda: self._client.spectrum(kind, material_id)
        )
        return answer

    def remember(self, field: str, documents: Iterable[Document]) -> None:
        """Keep what summaries list in a field; see `Endpoint.listed_in`."""
        if len(self._listed) > _MOST_LISTED:
            self._listed.clear()
        for document in documents:
            self._listed[self.version, field, document["material_id"]] = document.get(field)

    def listed(self, field: str, material_ids: Iterable[str]) -> dict[str, Any]:
        """What the summaries of materials list in a field; asked for where it is not known."""
        ids = tuple(material_ids)
        missing = [i for i in ids if (self.version, field, i) not in self._listed]
        for batch in batches(missing):
            found = self.every("summary", {"material_ids": batch}, ("material_id", field))
            self.remember(field, found)
        held = {i: self._listed.get((self.version, field, i)) for i in ids}
        return {identifier: value for identifier, value in held.items() if value}

    def say(self, note: str) -> None:
        """Add a note to the answer."""
        self._said[note] = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the answer."""
        notes = list(self._said)
        if self._fetched:
            dates = sorted(self._fetched)
            when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
            notes.append(f"answered from the cache, fetched {when}")
        if self._offline is not None:
            notes.append(
                f"the Project cannot be reached now: this is its version {self.version}, as cached"
            )
        return tuple(notes)

    def _remembered(self, asked: list[Any], ask: Callable[[], T]) -> tuple[T, str | None]:
        key = answer_key(self._client.endpoint, self.version, self._scope, asked)
        offline = self._offline

        def cannot() -> T:
            assert offline is not None
            raise SourceError(
                f"{offline.what}; and this was never asked before, so the cache has no answer",
                next_step=offline.next_step,
            )

        answer, fetched_at = self._cache.get_or(
            key, cannot if offline is not None else ask, tag=self.version
        )
        if fetched_at is not None:
            self._fetched.add(fetched_at)
        return answer, fetched_at

"""Where values come from: sources, lineage of structures, the ledger of facts told to callers."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class SourceMeta(BaseModel):
    """Which database answers, in which version, under which licence, with how much in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["sample", "snapshot", "live"]
    name: str
    database_version: str = Field(description="version of the database the values belong to")
    licence: str
    attribution: str
    materials: int | None = Field(description="materials held; null when not counted")
    coverage: dict[str, int] = Field(default_factory=dict, description="materials per group")
    notice: str = Field(description="what an answer from this source does and does not mean")

    def summary(self) -> dict[str, str]:
        """The part that every answer carries."""
        keys = ("kind", "name", "database_version", "licence", "notice")
        return {key: str(getattr(self, key)) for key in keys}


class LineageStep(BaseModel):
    """One recorded event in the life of a structure: its origin, an edit, or a calculation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str = Field(description="the tool or edit that made this structure")
    parent: str | None = Field(default=None, description="structure_id it was made from")
    origin: str | None = Field(
        default=None, description="material id and database version, or file"
    )
    parameters: dict[str, Any] = Field(default_factory=dict)
    structure_id: str | None = Field(default=None, description="the structure this step led to")

    def text(self) -> str:
        """The step in a few words, for the text channel."""
        made_from = self.origin or self.parent or ""
        arguments = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        call = f"{self.action}({arguments})" if arguments else self.action
        return f"{call} of {made_from}" if made_from else call


@dataclass(frozen=True, slots=True)
class Fact:
    """One value a tool returned: what of what, how much, in which unit, from where."""

    subject: str
    property: str
    value: float | int | str | bool | None
    unit: str | None
    source: str
    formula: str | None = None


class Ledger:
    """What each caller was told by this server process: facts and ids, newest last, bounded.

    Every distinct fact is kept, not only the newest value of a property: two methods, thermo types
    or calculators give two values of one name, and both were told.

    Args:
        limit: Facts, and ids, kept per caller; the oldest are forgotten first.
        callers: Callers kept; the least recently served is forgotten first.
    """

    def __init__(self, limit: int = 20_000, callers: int = 256) -> None:
        self._limit, self._callers = limit, callers
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._lock = Lock()

    def record(self, caller: str, facts: Iterable[Fact]) -> None:
        """Remember what a caller was just told; a fact told again becomes the newest."""
        with self._lock:
            told = self._of(caller)
            for fact in facts:
                told.facts[fact] = None
                told.facts.move_to_end(fact)
                told.ids[fact.subject] = None
            self._forget(told)

    def saw(self, caller: str, ids: Iterable[str]) -> None:
        """Remember ids that a tool returned to a caller, in whatever part of its answer.

        Args:
            caller: Who was told.
            ids: As `ids_in` finds them in an answer; not those that the caller named itself.
        """
        with self._lock:
            told = self._of(caller)
            for name in ids:
                told.ids[name] = None
                told.ids.move_to_end(name)
            self._forget(told)

    def facts(self, caller: str) -> Iterator[Fact]:
        """What this caller was told, oldest first."""
        with self._lock:
            return iter(tuple(self._told[caller].facts) if caller in self._told else ())

    def seen(self, caller: str) -> frozenset[str]:
        """Every id that a tool returned to this caller: those of facts, and those only named."""
        with self._lock:
            return frozenset(self._told[caller].ids if caller in self._told else ())

    def _of(self, caller: str) -> _Told:
        told = self._told.setdefault(caller, _Told())
        self._told.move_to_end(caller)
        return told

    def _forget(self, told: _Told) -> None:
        while len(told.facts) > self._limit:
            told.facts.popitem(last=False)
        while len(told.ids) > self._limit:
            told.ids.popitem(last=False)
        while len(self._told) > self._callers:
            self._told.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one caller was told, in order."""

    facts: OrderedDict[Fact, None] = field(default_factory=OrderedDict)
    ids: OrderedDict[str, None] = field(default_factory=OrderedDict)


_ID: Final = re.compile(
    r"(?<![\w.-])(?:"
    r"(?P<material>(?:mp|mvc)-(?:[0-9]{1,12}|aa[a-z]{6}))(?![\w-])"
    r"|(?P<ours>[sjb]-(?=[a-f]*[0-9])[0-9a-f]{6,40})(?![\w-])"
    r"|(?P<doi>10\.[0-9]{4,9}/[^\s\"'<>|`*,;]+)"
    r"|arxiv:\s?(?P<arxiv>[0-9]{4}\.[0-9]{4,5}(?:v[0-9]+)?)"
    r")",
    re.IGNORECASE,
)
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class NamedId:
    """An id in a text, with the place where it stands."""

    name: str
    start: int
    end: int


def named_ids(text: str) -> Iterator[NamedId]:
    """The ids in a text: of materials, structures, jobs, batches, DOIs and arXiv numbers.

    They are in lower case, but for DOIs, which stay as they are written, without the full stop or
    bracket that follows them.
    """
    for match in _ID.finditer(text):
        name = next(part for part in match.groups() if part)
        if match["doi"]:
            name = _without_punctuation(name)
            yield NamedId(name, match.start(), match.start() + len(name))
        else:
            yield NamedId(name.lower(), match.start(), match.end())


def ids_in(text: str) -> frozenset[str]:
    """The ids in a text, each once."""
    return frozenset(found.name for found in named_ids(text))


def _without_punctuation(doi: str) -> str:
    """A DOI without what closes the sentence or bracket it stands in."""
    while doi[-1] in ".:?!" or (
        doi[-1] in _CLOSING and doi.count(doi[-1]) > doi.count(_CLOSING[doi[-1]])
    ):
        doi = doi[:-1]
    return doi

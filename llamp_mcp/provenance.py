"""Where values come from: sources, lineage of structures, the ledger of facts told to callers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

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
    """The facts told to each caller by this server process, newest last, bounded.

    Args:
        limit: Facts kept per caller; the oldest are forgotten first.
        callers: Callers kept; the least recently served is forgotten first.
    """

    def __init__(self, limit: int = 20_000, callers: int = 256) -> None:
        self._limit, self._callers = limit, callers
        self._facts: OrderedDict[str, OrderedDict[tuple[str, str], Fact]] = OrderedDict()
        self._lock = Lock()

    def record(self, caller: str, facts: Iterable[Fact]) -> None:
        """Remember what a caller was just told; a newer value of a property replaces the old."""
        with self._lock:
            told = self._facts.setdefault(caller, OrderedDict())
            self._facts.move_to_end(caller)
            for fact in facts:
                key = (fact.subject, fact.property)
                told[key] = fact
                told.move_to_end(key)
            while len(told) > self._limit:
                told.popitem(last=False)
            while len(self._facts) > self._callers:
                self._facts.popitem(last=False)

    def facts(self, caller: str) -> Iterator[Fact]:
        """What this caller was told, oldest first."""
        with self._lock:
            return iter(tuple(self._facts.get(caller, {}).values()))

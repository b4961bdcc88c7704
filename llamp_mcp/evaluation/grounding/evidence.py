"""What a caller was told, by subject and formula, and what its source adds to that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput, LlampError
from llamp_mcp.evaluation.grounding.catalogue import TOLD
from llamp_mcp.evaluation.grounding.properties import without_group
from llamp_mcp.evaluation.grounding.quantities import Counts
from llamp_mcp.materials import answer, identifiers, presentation
from llamp_mcp.materials.formulas import formula_key
from llamp_mcp.materials.groups import GROUPS
from llamp_mcp.materials.reading import documents
from llamp_mcp.provenance import Fact, ids_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.evaluation.grounding.properties import Asked
    from llamp_mcp.materials.source import Document, MaterialsSource

_GEOMETRY: Final = re.compile(r"geometry of (s-[0-9a-f]+)")
_ATOMS: Final = ("nsites", "n_atoms")


@dataclass(frozen=True, slots=True)
class Item:
    """A fact that bears on a claim, and how."""

    fact: Fact
    rank: int


class Evidence:
    """The facts told to a caller, and every id that was returned to it.

    Args:
        told: The facts, oldest first.
        seen: Further ids that tools returned.
    """

    def __init__(self, told: Iterable[Fact], seen: Iterable[str]) -> None:
        self._facts: dict[str, list[Fact]] = {}
        self._formulas: dict[str, dict[str, None]] = {}
        self._ids = {canonical(name) for name in seen}
        self._keys: dict[str, dict[str, None]] | None = None
        for fact in told:
            self._add(fact)

    def _add(self, fact: Fact) -> None:
        subject = canonical(fact.subject)
        self._facts.setdefault(subject, []).append(fact)
        if fact.formula:
            self._formulas.setdefault(subject, {})[fact.formula] = None
        if isinstance(fact.value, str) and "-" in fact.value:
            self._ids |= {canonical(name) for name in ids_in(fact.value)}

    def add(self, facts: Iterable[Fact]) -> None:
        """Facts that a source gave for ids it had returned before."""
        for fact in facts:
            self._add(fact)
        self._keys = None

    def knows(self, subject: str) -> bool:
        """Whether any tool returned this id."""
        return subject in self._facts or subject in self._ids

    def formulas(self, subject: str) -> tuple[str, ...]:
        """What a subject is made of, as it was told."""
        return tuple(self._formulas.get(subject, ()))

    def of_formula(self, key: str) -> tuple[str, ...]:
        """Every subject of a composition."""
        return tuple(self.keys().get(key, ()))

    def keys(self) -> dict[str, dict[str, None]]:
        """Subjects by the key of their composition."""
        if self._keys is None:
            self._keys = {}
            for subject, formulas in self._formulas.items():
                for formula in formulas:
                    for part in formula.split(", "):
                        if key := composition(part):
                            self._keys.setdefault(key, {})[subject] = None
        return self._keys

    def items(self, subjects: Iterable[str], asked: Asked) -> list[Item]:
        """The facts that bear on a property of subjects, newest first."""
        found = []
        for subject in subjects:
            for fact in reversed(self._facts.get(subject, ())):
                if (rank := asked.rank(fact.property)) is not None:
                    found.append(Item(fact, rank))
                elif (derived := _derived(fact, asked)) is not None:
                    found.append(Item(derived, TOLD))
        return found

    def properties(self, subject: str) -> tuple[str, ...]:
        """Names of what was told of a subject."""
        return tuple(dict.fromkeys(fact.property for fact in self._facts.get(subject, ())))

    def cubic(self, subject: str, value: float) -> Iterator[float]:
        """Edges of the conventional cubic cell, where a primitive cell has this edge.

        A face-centred cell's edges enclose 60 degrees, a body-centred one's arccos(-1/3).
        """
        angles = self._values(subject, "alpha"), self._values(subject, "gamma")
        if any(abs(a - 60) < 0.01 for both in angles for a in both):
            yield value * 2**0.5
        if any(abs(a - 109.4712) < 0.01 for both in angles for a in both):
            yield value * 2 / 3**0.5

    def counts(self, fact: Fact) -> Counts:
        """Numbers of atoms that a value may be counted by."""
        subject = canonical(fact.subject)
        whose = [
            other
            for other in self._facts.get(subject, ())
            if without_group(other.property).rpartition(".")[2] in _ATOMS
        ]
        same = [other for other in whose if other.source == fact.source]
        own = "n_atoms" if _GEOMETRY.search(fact.source) else "nsites"
        named = [other for other in whose if other.property.endswith(own)]
        cells = {int(f.value) for f in same or named or whose if isinstance(f.value, (int, float))}
        key = composition(fact.formula or "")
        atoms = sum(int(n) for n in re.findall(r"[0-9]+", key)) if key else None
        return Counts(atoms, tuple(sorted(cells)))

    def structures_of(self, material: str) -> tuple[str, ...]:
        """The handles under which the structure of a material was given."""
        found = (_GEOMETRY.search(fact.source) for fact in self._facts.get(material, ()))
        return tuple(dict.fromkeys(match[1] for match in found if match))

    def hull_energy(self, subject: str) -> float | None:
        """The lowest energy above the hull that was told of a subject."""
        return min(self._values(subject, "energy_above_hull"), default=None)

    def _values(self, subject: str, name: str) -> tuple[float, ...]:
        return tuple(
            float(fact.value)
            for fact in self._facts.get(subject, ())
            if without_group(fact.property) == name and isinstance(fact.value, (int, float))
        )


def canonical(name: str) -> str:
    """An id in the one form that ids are compared in."""
    stripped = name.strip().removeprefix("https://doi.org/").removeprefix("doi:").strip()
    return identifiers.plain_id(stripped.lower())


def composition(text: str) -> str:
    """The key of a composition; empty for what is no formula."""
    try:
        return formula_key(text)
    except InvalidInput:
        return ""


def _derived(fact: Fact, asked: Asked) -> Fact | None:
    """A yes or no that follows from a number."""
    certain = asked.property.certain if asked.property else None
    if certain is None or without_group(fact.property) != certain[0]:
        return None
    if not isinstance(fact.value, (int, float)):
        return None
    words = f"{fact.property} = {presentation.number(fact.value)}; {fact.source}"
    return Fact(fact.subject, asked.name, fact.value <= certain[1], None, words, fact.formula)


def read(source: MaterialsSource, wanted: dict[str, dict[str, list[str]]]) -> Iterator[Fact]:
    """What a source has of ids that it returned: one request per group.

    Args:
        source: The database.
        wanted: Group → id → fields.

    Raises:
        SourceError: It could not answer.
        NotFound: It has nothing of the kind.
    """
    texts = source.citations()
    for group, by_id in wanted.items():
        fields = tuple(dict.fromkeys(name for names in by_id.values() for name in names))
        for document in documents(source, group, tuple(by_id), fields):
            row = _row(document, group)
            used = presentation.citation_texts(texts, row["sources"].values())
            yield from answer.facts([row], used, source.meta().name)


def _row(document: Document, group: str) -> dict[str, Any]:
    """A document as `get_properties` would tell it."""
    known = GROUPS[group]
    given = {name: value for name, value in document.items() if known.field(name) is not None}
    given.pop("material_id", None)
    given.pop("formula_pretty", None)
    return {
        "material_id": document["material_id"],
        "formula": document.get("formula_pretty"),
        "groups": {group: given},
        "sources": document["sources"],
    }


def unavailable(error: LlampError) -> str:
    """What a reader is told when the source could not be asked."""
    return f"the source could not be asked for what the ledger lacks: {error.what}"

"""What a name of a property means: a word, a symbol, or the name of a fact."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.grounding.catalogue import PROPERTIES, TOLD, Property
from llamp_mcp.evaluation.grounding.quantities import ATOM, CELL, FORMULA_UNIT, Unit, unit
from llamp_mcp.materials.groups import GROUPS, home_of

_PERS: Final = (
    (re.compile(r"(?: |^)(?:per|by) atom\b|_per_atom\b"), ATOM),
    (
        re.compile(r"(?: |^)(?:per|by) (?:formula units?|f u|fu)\b| normalized formula units"),
        FORMULA_UNIT,
    ),
    (re.compile(r"(?: |^)(?:per|of the) (?:unit |primitive |conventional )?cell\b"), CELL),
)
_FIELD_PERS: Final = {
    "volume": CELL,
    "total_magnetization": CELL,
    "density_atomic": ATOM,
    "atomic volume": ATOM,
    "unit cell volume": CELL,
    "cell volume": CELL,
    "volume_a3": CELL,
}
_FILLERS: Final = frozenset(
    (
        *("the", "of", "a", "dft", "pbe", "gga", "emt", "calculated", "computed", "predicted"),
        *("reported", "value", "mp", "average", "static", "fundamental", "electronic", "elastic"),
        *("lowest", "constant", "component", "tensor", "vrh", "hill", "as", "with", "in", "by"),
        *("using", "from", "r2scan", "ggau"),
    )
)
_UNIT_WORDS: Final = frozenset(
    (
        *("gpa", "mpa", "pa", "ev", "mev", "kj", "mol", "a3", "ang3", "a", "k", "thz", "j", "m2"),
        *("mub", "g", "cm3", "d", "per"),
    )
)
_ATOMS: Final = "nsites"
_IN_BRACKETS: Final = re.compile(r"\s*[(\[]([^()\[\]]+|[^()]*\([^()]*\)[^()]*)[)\]]\s*$")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a claim is about.

    Attributes:
        name: As it was called.
        property: The property; None for one that only facts know.
        per: What the name says it is counted per.
        unit: The unit that stands in brackets behind the name.
        field: The fact it names, where it is the name of one: then nothing related is meant.
        keys: What a fact that no property lists may be called, to be it.
    """

    name: str
    property: Property | None
    per: str = ""
    unit: str = ""
    field: str = ""
    keys: frozenset[str] = frozenset()

    def rank(self, fact: str) -> int | None:
        """How a fact bears on it; None: not at all."""
        if self.property is None:
            return TOLD if self.keys & _keys(fact) else None
        rank = _rank(self.property, fact)
        return rank if not self.field or rank == TOLD else None

    def home(self) -> tuple[str, tuple[str, ...]] | None:
        """The group that a source reads it from, with the fields; None: no source has it.

        Values that are counted per cell are read with the number of its atoms.
        """
        known = self.property
        listed = known.fields + known.also if known else (self.name,)
        homes = {field.partition(".")[0]: _home(field.partition(".")[0]) for field in listed}
        group = next(filter(None, homes.values()), None)
        if group is None:
            return None
        fields = tuple(field for field, home in homes.items() if home == group)
        counted = bool(known and known.per and GROUPS[group].field(_ATOMS))
        return group, (*fields, *((_ATOMS,) if counted else ()))

    def told_in(self, fact: str, text: str | None) -> Unit | None:
        """The unit of a fact, with what it is counted per where the fact's name says that."""
        known = unit(text or "")
        if known is None or known.per or known.moles or not known.base:
            return known
        per = self.property.per if self.property else ""
        if "per_atom" in fact:
            per = ATOM
        return Unit(known.base, per) if per else known


@lru_cache(maxsize=2048)
def asked(name: str) -> Asked:
    """What a name of a property means, be it a word, a symbol, or the name of a fact."""
    bracketed = _IN_BRACKETS.search(name)
    told = bracketed[1] if bracketed and unit(bracketed[1]) else ""
    bare = without_group((name[: bracketed.start()] if bracketed and told else name).strip())
    plain = _plain(bare)
    per = _per(plain)
    if bare in _FIELDS:
        return Asked(name, _FIELDS[bare], per or _FIELD_PERS.get(bare, ""), told, bare)
    for reduced in _reductions(plain):
        if reduced in _NAMES:
            per = per or _FIELD_PERS.get(reduced if reduced == plain else "", "")
            return Asked(name, _NAMES[reduced], per, told)
    return Asked(name, None, per, told, keys=frozenset(_reductions(plain)))


def _home(field: str) -> str | None:
    try:
        return home_of(field)
    except InvalidInput:
        return None


@lru_cache(maxsize=65536)
def _rank(known: Property, fact: str) -> int | None:
    return known.rank(without_group(fact))


def without_group(fact: str) -> str:
    """A fact's name without the group that some bear to be told apart."""
    head, _, rest = fact.partition(".")
    return rest if rest and head in GROUPS else fact


def _per(plain: str) -> str:
    return next((per for pattern, per in _PERS if pattern.search(plain)), "")


def _plain(text: str) -> str:
    """Lower case, with blanks for punctuation."""
    spaced = re.sub(r"[_\-.()\[\]{},/:$\\^]+", " ", text.replace("'", "").replace("\u2019", ""))
    return " ".join(spaced.lower().split())


def _reductions(plain: str) -> tuple[str, ...]:
    """A name, and what is left of it without fillers, counts and units."""
    counted = plain
    for pattern, _ in _PERS:
        counted = " ".join(pattern.sub(" ", counted).split())
    words = [word for word in counted.split() if word not in _FILLERS]
    ends = list(words)
    while len(ends) > 1 and ends[-1] in _UNIT_WORDS:
        ends.pop()
    return tuple(dict.fromkeys((plain, counted, " ".join(words), " ".join(ends))))


@lru_cache(maxsize=4096)
def _keys(fact: str) -> frozenset[str]:
    """What a fact that no property lists may be called."""
    bare = fact.partition(" at ")[0]
    whole, last = _plain(without_group(bare)), _plain(bare.rpartition(".")[2])
    return frozenset((*_reductions(whole), *_reductions(last)))


_NAMES: Final[dict[str, Property]] = {
    **{_plain(symbol): found for found in PROPERTIES for symbol in found.symbols},
    **{_plain(name): found for found in PROPERTIES for name in (found.name, *found.names)},
}
_FIELDS: Final[dict[str, Property]] = {
    field: found for found in reversed(PROPERTIES) for field in found.fields if "*" not in field
}
_LONG: Final = 6
"""Names of facts that are shorter are words of the language as well."""


def _mention() -> str:
    """Pattern of every name that a text may use, the longest first."""
    told = {name for found in PROPERTIES for name in found.names}
    told |= {field for field in _FIELDS if len(field) > _LONG}
    longest_first = sorted(told, key=len, reverse=True)
    parts = (r"[\s_-]+".join(map(re.escape, re.split(r"[ _-]+", name))) for name in longest_first)
    return "|".join(parts).replace("'", "['\u2019]?")


MENTION: Final = re.compile(
    rf"(?<![\w-])(?:{_mention()})(?![\w-])(?! of states)"
    r"(?:[\s_-]+\(?(?:vrh|voigt|reuss|hill)\)?)?"
    r"(?:\s+per\s+(?:atom|formula unit|f\.u\.|(?:unit )?cell))?",
    re.IGNORECASE,
)
"""A property named in a text."""

"""Answers in the making: sentences, and beside them everything that they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import LlampError
from llamp_mcp.evaluation.distillation.rows import Call, CitedFact, Derived, Exchange, printed
from llamp_mcp.materials import answer as telling
from llamp_mcp.materials import get_properties, presentation, search_materials
from llamp_mcp.materials.groups import GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llamp_mcp.materials.source import MaterialsSource
    from llamp_mcp.operation import Result
    from llamp_mcp.provenance import Fact

_FAILED: Final = "Error executing tool {tool}: {error}"
"""How a client is told of an error."""
_NO_METHOD: Final = frozenset({"symmetry", "nsites"})
"""Properties that do not depend on how the volume was computed."""
_ON_FAILURE: Final = frozenset({"elasticity"})
"""Groups whose caveat is about failed calculations."""


class Tools:
    """The real tools, called as functions on one source."""

    def __init__(self, source: MaterialsSource) -> None:
        self._source = source

    def properties(
        self, materials: Sequence[str], **arguments: Any
    ) -> tuple[Call, get_properties.PropertiesResult | None]:
        """What `get_properties` answers; None where it answers with an error."""
        asked = {"materials": list(materials), **arguments}
        return self._call(get_properties.OPERATION, asked)

    def search(self, **arguments: Any) -> tuple[Call, search_materials.SearchResult | None]:
        """What `search_materials` answers; None where it answers with an error."""
        return self._call(search_materials.OPERATION, arguments)

    def _call(self, operation: Any, arguments: dict[str, Any]) -> tuple[Call, Any]:
        try:
            result: Result = operation.run(operation.params(**arguments), source=self._source)
        except LlampError as error:
            told = _FAILED.format(tool=operation.name, error=error)
            return Call(operation.name, arguments, told, failed=True), None
        return Call(operation.name, arguments, result.text()), result


def facts(result: get_properties.PropertiesResult) -> dict[tuple[str, str], Fact]:
    """Every value of a result by id and dotted name, short lists as one text."""
    rows = [
        {**row, "groups": {name: _plain(values) for name, values in row["groups"].items()}}
        for row in result.results
    ]
    told = telling.facts(rows, result.sources, result.source["name"])
    return {(fact.subject, fact.property): fact for fact in told}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if any(isinstance(item, dict) for item in value):
        return [_plain(item) for item in value]
    if any(isinstance(item, list) for item in value):
        return None
    words = all(isinstance(item, str) for item in value)
    joined = ", ".join(map(presentation.number, value))
    return joined if words else f"[{joined}]"


class Answer:
    """Collects sentences, facts, and numbers that follow from them."""

    def __init__(self) -> None:
        self._sentences: list[str] = []
        self._facts: list[CitedFact] = []
        self._derived: list[Derived] = []
        self._remarks: list[str] = []
        self._mentioned: list[str] = []

    def say(self, sentence: str) -> None:
        """Add a sentence; its numbers must come from the methods below."""
        begins_with_id = sentence.startswith(("mp-", "mvc-"))
        self._sentences.append(sentence if begins_with_id else sentence[:1].upper() + sentence[1:])

    def mention(self, material_id: str) -> str:
        """An entry that the answer names without a value of it."""
        self._mentioned.append(material_id)
        return material_id

    def remark(self, sentence: str) -> str:
        """A fixed sentence, or a part of one, that may hold numbers of its own."""
        if sentence not in self._remarks:
            self._remarks.append(sentence)
        return sentence

    def cite(self, fact: Fact) -> str:
        """The value of a fact with its unit."""
        value = fact.value if fact.value is not None else ""
        self._place(fact)
        return printed(value, fact.unit)

    def scaled(self, fact: Fact, factor: float, unit: str, about: str) -> str:
        """The value times an exact factor."""
        place = self._place(fact)
        return self._derive(_number(fact) * factor, unit, "scale", (place,), factor, about)

    def quotient(self, fact: Fact, factor: float, unit: str, about: str) -> str:
        """An exact factor by the value."""
        place = self._place(fact)
        return self._derive(factor / _number(fact), unit, "quotient", (place,), factor, about)

    def difference(self, first: Fact, second: Fact) -> str:
        """By how much the first value is larger."""
        places = (self._place(first), self._place(second))
        value = _number(first) - _number(second)
        return self._derive(value, first.unit, "difference", places, None, "difference")

    def count(self, number: int, about: str) -> str:
        """A number of things, which `about` names."""
        return self._derive(float(number), None, "count", (), None, about)

    def constant(self, value: float, unit: str, about: str) -> str:
        """A constant of nature, or the factor between two units."""
        return self._derive(value, unit, "constant", (), value, about)

    def _derive(
        self,
        value: float,
        unit: str | None,
        operation: Any,
        of: tuple[int, ...],
        factor: float | None,
        about: str,
    ) -> str:
        shown = presentation.number(float(value))
        made = Derived(
            text=shown,
            value=value,
            unit=unit,
            operation=operation,
            of=of,
            factor=factor,
            about=about,
        )
        if made not in self._derived:
            self._derived.append(made)
        return printed(float(value), unit)

    def _place(self, fact: Fact) -> int:
        number = isinstance(fact.value, (int, float)) and not isinstance(fact.value, bool)
        cited = CitedFact(
            material_id=fact.subject,
            formula=fact.formula or "",
            property=fact.property,
            value=float(fact.value) if number and fact.value is not None else None,
            text=presentation.number(fact.value) if fact.value is not None else "",
            unit=fact.unit,
            source=fact.source,
        )
        if cited not in self._facts:
            self._facts.append(cited)
        return self._facts.index(cited)

    def method(self, group: str, name: str = "", *, caveat: bool = False) -> None:
        """Say how a value was computed, and what to beware.

        Args:
            group: The group it is of.
            name: The property; empty: the whole group.
            caveat: Whether to give also a caveat that only concerns failed calculations.
        """
        if name in _NO_METHOD:
            return
        known = GROUPS[group]
        told = known.method
        if known.caveat and (caveat or group not in _ON_FAILURE):
            told += f"; {known.caveat}"
        self.say(f"Method: {self.remark(told)}.")

    def finish(
        self,
        name: str,
        kind: str,
        question: str,
        calls: Sequence[Call],
        *,
        formulas: Sequence[str],
    ) -> Exchange:
        """The exchange, with the sources of its facts as the last sentence."""
        sources = list(dict.fromkeys(fact.source for fact in self._facts))
        if sources:
            self.say(f"Source{'s' if len(sources) > 1 else ''}: {'; '.join(sources)}.")
        ids = (*(fact.material_id for fact in self._facts), *self._mentioned)
        return Exchange(
            name=name,
            kind=kind,
            question=question,
            answer=" ".join(self._sentences).replace(" \n", "\n").replace("\n ", "\n"),
            formulas=tuple(dict.fromkeys(formulas)),
            materials=tuple(dict.fromkeys(ids)),
            calls=tuple(calls),
            facts=tuple(self._facts),
            derived=tuple(self._derived),
            remarks=tuple(self._remarks),
        )


def _number(fact: Fact) -> float:
    if not isinstance(fact.value, (int, float)):
        raise TypeError(f"{fact.property} of {fact.subject} is not a number")
    return float(fact.value)

"""Whether what somebody claims is what the tools of this server returned."""

from __future__ import annotations

from dataclasses import replace
from string import ascii_lowercase
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, WithJsonSchema

from llamp_mcp.errors import InvalidInput, NotFound, SourceError
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact, ids_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llamp_mcp.evaluation.grounding.evidence import Evidence
    from llamp_mcp.evaluation.grounding.statements import Judgement, Statement
    from llamp_mcp.materials.source import MaterialsSource

MAX_CLAIMS: Final = 100
MAX_TEXT: Final = 20_000
_FEW: Final = 40
_ROOM: Final = {True: (90, 160), False: (52, 44)}
"""Characters of a claim and of its note, where there are few claims, and where there are many."""
_MAX_SOURCES: Final = 12
_MAX_SOURCE: Final = 120
_MAX_IDS: Final = 50


class Claim(Params):
    """One value that is claimed."""

    material_id: str = Field(default="", description="or structure_id, DOI")
    formula: str = ""
    property: str
    value: Annotated[
        int | float | str | bool, WithJsonSchema({"type": ["number", "string", "boolean"]})
    ]
    unit: str = ""


class GroundingParams(Params):
    """Arguments of `check_grounding`."""

    claims: Annotated[list[Claim], Field(max_length=MAX_CLAIMS)] = Field(
        default=[], description="values to check"
    )
    text: Annotated[str, Field(max_length=MAX_TEXT)] = Field(default="", description="or an answer")


class GroundingResult(Result):
    """What became of every claim, and the ids that no tool returned."""

    claims: list[dict[str, Any]] = Field(
        description="verdict, claim, value found, unit, source, note"
    )
    unknown_ids: list[str]
    sources: dict[str, str]
    notes: list[str]

    def text(self) -> str:
        """The counts, a line per claim, then the ids to be left out."""
        verdicts = [claim["verdict"] for claim in self.claims]
        counts = (f"{verdicts.count(v)} {v}" for v in ("supported", "contradicted", "unknown"))
        lines = [f"{len(verdicts)} claims: {', '.join(counts)}."]
        lines += [_line(claim) for claim in self.claims]
        if self.unknown_ids:
            lines.append(
                f"No tool returned: {', '.join(self.unknown_ids)}. Do not cite an id before a tool "
                "has returned it: look a material up with get_properties."
            )
        lines += [f"Note: {note}" for note in self.notes]
        told = "; ".join(f"[{letter}] {name}" for letter, name in self.sources.items())
        return "\n".join([*lines, f"Sources: {told}" if told else ""]).rstrip()


def check_grounding(
    params: GroundingParams,
    *,
    told: tuple[Fact, ...],
    seen: frozenset[str],
    source: MaterialsSource,
) -> GroundingResult:
    """Check an answer before giving it: did tools return its values here?

    Claims or text. Each value is supported, contradicted (with the right one) or unknown; ids no
    tool returned are named.
    """
    from llamp_mcp.evaluation.grounding.claims import stated
    from llamp_mcp.evaluation.grounding.evidence import Evidence, canonical
    from llamp_mcp.evaluation.grounding.reading import read_text

    if bool(params.claims) == bool(params.text.strip()):
        raise InvalidInput(
            "Both claims and text are given" if params.claims else "Nothing to check is given",
            allowed="claims, or text",
            next_step="Give claims=[{'material_id': 'mp-149', 'property': 'band_gap', 'value': "
            "0.61, 'unit': 'eV'}], or the answer as text.",
        )
    evidence, notes = Evidence(told, seen), []
    if params.text:
        statements = read_text(params.text, evidence)
        named: Iterable[str] = sorted(ids_in(params.text), key=params.text.lower().find)
    else:
        statements = [stated(claim) for claim in params.claims]
        named = (claim.material_id for claim in params.claims if ids_in(claim.material_id))
    if len(statements) > MAX_CLAIMS:
        notes.append(f"{len(statements) - MAX_CLAIMS} more claims were not checked")
    if params.text and not statements:
        notes.append("no value of a property was found in the text; give claims to be sure")
    judgements, failures = _judged(statements[:MAX_CLAIMS], evidence, source)
    ids = dict.fromkeys(
        (
            *(name for name in named if not evidence.knows(canonical(name))),
            *(one.unknown_id for one in judgements if one.unknown_id),
        )
    )
    if len(ids) > _MAX_IDS:
        notes.append(f"{len(ids) - _MAX_IDS} more ids that no tool returned")
    return _result(judgements, list(ids)[:_MAX_IDS], [*notes, *failures])


def _judged(
    statements: Sequence[Statement], evidence: Evidence, source: MaterialsSource
) -> tuple[list[Judgement], list[str]]:
    """The judgements; the source is asked for what the ledger does not decide."""
    from llamp_mcp.evaluation.grounding.evidence import read, unavailable
    from llamp_mcp.evaluation.grounding.properties import asked
    from llamp_mcp.evaluation.grounding.verdicts import judge

    judgements = [judge(statement, evidence) for statement in statements]
    wanted: dict[str, dict[str, list[str]]] = {}
    for one in judgements:
        home = asked(one.statement.property).home() if one.lacking else None
        if home is not None:
            for identifier in one.lacking:
                wanted.setdefault(home[0], {}).setdefault(identifier, []).extend(home[1])
    if not wanted:
        return judgements, []
    try:
        evidence.add(read(source, wanted))
    except (SourceError, NotFound) as error:
        return judgements, [unavailable(error)]
    again = [judge(one.statement, evidence) if one.lacking else one for one in judgements]
    return [
        replace(new, notes=(*new.notes, "read from the source now"))
        if new.fact is not None and new != old
        else new
        for old, new in zip(judgements, again, strict=True)
    ], []


def _result(
    judgements: Sequence[Judgement], unknown_ids: list[str], notes: list[str]
) -> GroundingResult:
    sources: dict[str, str] = {}
    room = _ROOM[len(judgements) <= _FEW]
    return GroundingResult(
        claims=[_row(one, sources, *room) for one in judgements],
        unknown_ids=unknown_ids,
        sources={letter: text for text, letter in sources.items()},
        notes=notes,
    )


def _row(
    one: Judgement, sources: dict[str, str], claim_room: int, note_room: int
) -> dict[str, Any]:
    """A judgement as it is told; empty fields are left out."""
    made = one.statement
    about = " ".join(part for part in (made.material, made.formula) if part)
    claim = " ".join(part for part in (about, made.property, "=", made.shown, made.unit) if part)
    note = "; ".join(one.notes)
    row: dict[str, Any] = {"verdict": one.verdict, "claim": _cut(claim, claim_room)}
    if one.fact is not None:
        row |= {
            "material_id": one.fact.subject,
            "property": one.fact.property,
            "value": one.fact.value
            if not isinstance(one.fact.value, str)
            else _cut(one.fact.value, 60),
            "unit": one.fact.unit or "",
            "source": _letter(one.fact.source, sources),
        }
    return row | ({"note": _cut(note, note_room)} if note else {})


def _letter(source: str, sources: dict[str, str]) -> str:
    """The letter of a source; beyond the alphabet's first dozen they share one."""
    text = _cut(source, _MAX_SOURCE)
    if text not in sources and len(sources) >= _MAX_SOURCES:
        text = "other sources, named where the value was told"
    return sources.setdefault(text, ascii_lowercase[len(sources)])


def _line(claim: dict[str, Any]) -> str:
    from llamp_mcp.materials.presentation import number

    line = f"{claim['verdict']}: {claim['claim']}"
    if "value" in claim:
        value = f"{number(claim['value'])} {claim['unit']}".rstrip()
        line += f"; found {value} ({claim['material_id']} {claim['property']}) [{claim['source']}]"
    return line + (f" ({claim['note']})" if "note" in claim else "")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}\u2026"


OPERATION = Operation(
    name="check_grounding",
    title="Check grounding",
    params=GroundingParams,
    result=GroundingResult,
    run=check_grounding,
    toolset="experts",
    read_only=True,
    quotes=True,
)

"""A claim, ready to be judged, and what the judgement is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llamp_mcp.evaluation.grounding.figures import Figure
    from llamp_mcp.provenance import Fact

Verdict = Literal["supported", "contradicted", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One value that somebody claims.

    Attributes:
        property: What it is of, as it was called.
        value: Words, a yes or no, or a number.
        shown: The value as it was written.
        unit: As it was written; empty: none was.
        material: The id it is said of; empty: none was named.
        formula: The formula it is said of; empty: none was named.
        elsewhere: Whether it is said to come from somewhere else, such as an experiment.
    """

    property: str
    value: Figure | str | bool
    shown: str
    unit: str = ""
    material: str = ""
    formula: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of a claim.

    Attributes:
        statement: The claim.
        verdict: Whether what was told supports it.
        fact: The value that was told, nearest to what was claimed.
        notes: Why, where that is not plain.
        lacking: Ids a source should be asked about, because nothing told decides the claim.
        unknown_id: The id it names that no tool returned.
    """

    statement: Statement
    verdict: Verdict
    fact: Fact | None = None
    notes: tuple[str, ...] = ()
    lacking: tuple[str, ...] = field(default=())
    unknown_id: str = ""

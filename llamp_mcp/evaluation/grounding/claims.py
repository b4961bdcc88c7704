"""A structured claim as a statement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llamp_mcp.evaluation.grounding.figures import Figure, quoted
from llamp_mcp.evaluation.grounding.quantities import unit
from llamp_mcp.evaluation.grounding.statements import Statement

if TYPE_CHECKING:
    from llamp_mcp.evaluation.check_grounding import Claim

_LONGEST = 120


def stated(claim: Claim) -> Statement:
    """What a structured claim says; a unit may stand behind the number, in the value itself."""
    value, written = split_value(claim.value)
    return Statement(
        property=claim.property.strip()[:_LONGEST],
        value=value,
        shown=str(claim.value).removesuffix(written).strip()[:_LONGEST],
        unit=claim.unit.strip() or written,
        material=claim.material_id.strip()[:_LONGEST],
        formula=claim.formula.strip()[:_LONGEST],
    )


def split_value(value: float | str | bool) -> tuple[Figure | str | bool, str]:
    """A number with its unit, where it has one; else words."""
    if isinstance(value, bool):
        return value, ""
    if (figure := quoted(value)) is not None:
        return figure, ""
    text = str(value).strip()
    for cut in (match.end() for match in re.finditer(r"[0-9)](?=\s*[^0-9\s.,])", text)):
        figure, written = quoted(text[:cut]), text[cut:].strip()
        if figure is not None and unit(written) is not None:
            return figure, written
    return text[:_LONGEST], ""

"""A formula as it is written, element by element."""

from __future__ import annotations

import re
from typing import Final

from llamp_mcp.errors import InvalidInput, clip

_TOKEN: Final = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d+)?)?")


def tokens(formula: str) -> list[tuple[str, float]]:
    """Symbols and counts in the order of the formula; "FeFe2O4" gives Fe twice.

    Raises:
        InvalidInput: It is not a formula of elements without brackets.
    """
    from pymatgen.core import Element

    found = _TOKEN.findall(formula)
    whole = bool(found) and "".join(symbol + count for symbol, count in found) == formula
    if not whole or not all(Element.is_valid_symbol(symbol) for symbol, _ in found):
        raise InvalidInput(
            f"{clip(formula)} is not a formula of elements",
            allowed="symbols with counts and without brackets, such as 'SrTiO3'",
        )
    return [(symbol, float(count or 1)) for symbol, count in found]

"""Values that are words: symmetry, magnetic order, yes and no."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from llamp_mcp.materials.formulas import formula_key

if TYPE_CHECKING:
    from llamp_mcp.provenance import Fact

_YES: Final = frozenset(
    ("true", "yes", "stable", "metal", "metallic", "conductor", "direct", "magnetic", "1")
)
_NO: Final = frozenset(
    (
        *("false", "no", "unstable", "metastable", "insulator", "insulating", "semiconductor"),
        *("semiconducting", "nonmetal", "nonmetallic", "indirect", "nonmagnetic", "0"),
    )
)
_ORDERS: Final = {
    "ferromagnetic": "fm",
    "ferromagnet": "fm",
    "antiferromagnetic": "afm",
    "antiferromagnet": "afm",
    "ferrimagnetic": "fim",
    "ferrimagnet": "fim",
    "nonmagnetic": "nm",
}
_LONG: Final = 40
"""Longer values are prose, which may be retold in other words."""
_OVERBARS: Final = re.compile("([0-9])[\u0304\u0305]|[\u0304\u0305]([0-9])")
_SUBSCRIPTS: Final = str.maketrans("\u2080\u2081\u2082\u2083\u2084\u2085\u2086", "0123456")
_GROUP: Final = re.compile(
    r"\s*(?P<symbol>[PIFABCR][^()#]*?)?\s*[(#]?\s*(?:no\.?|number|#)?\s*(?P<number>[0-9]{1,3})?\s*\)?\s*",
    re.IGNORECASE,
)


def same(claimed: float | str | bool, fact: Fact) -> bool | None:
    """Whether a claim in words is what a fact says; None when they cannot be compared."""
    if fact.property.endswith(("symmetry.symbol", "spacegroup_symbol", "symmetry.number")) or (
        fact.property.endswith("spacegroup_number")
    ):
        return _same_group(claimed, fact.value)
    word = _word(claimed)
    if isinstance(fact.value, bool):
        return fact.value if word in _YES else not fact.value if word in _NO else None
    if not isinstance(fact.value, str):
        return None
    told = _word(fact.value)
    if fact.property.endswith("ordering"):
        order = _ORDERS.get(word, word)
        return order == told if order in _ORDERS.values() else None
    if word == told:
        return True
    return None if len(told) > _LONG else False


def same_formula(claimed: str, told: tuple[str, ...]) -> bool:
    """Whether a formula is one of those told, however it is written."""
    return any(formula_key(claimed) == formula_key(one) for one in told)


def is_group(text: str) -> bool:
    """Whether a text is a space group's symbol of Hermann and Mauguin."""
    return _number_of(_symbol(text)) is not None


def _word(value: object) -> str:
    return " ".join(str(value).casefold().replace("non-", "non").split())


def _same_group(claimed: float | str | bool, told: object) -> bool | None:
    match = _GROUP.fullmatch(str(claimed).removesuffix(".0"))
    if isinstance(claimed, bool) or match is None or not any(match.groups()):
        return None
    symbol = _symbol(match["symbol"] or "")
    number = int(match["number"]) if match["number"] else _number_of(symbol)
    if symbol and match["number"] and _number_of(symbol) not in (None, number):
        return False
    if isinstance(told, str):
        if symbol == _symbol(told):
            return True
        told = _number_of(_symbol(told))
    return None if number is None or told is None else number == told


def _symbol(text: str) -> str:
    """A symbol without blanks and typography: `F d -3 m`, `Fd3\u0305m` and `Fd-3m` are one."""
    barred = _OVERBARS.sub(lambda m: f"-{m[1] or m[2]}", text)
    plain = re.sub(r"[\s_{}$`*\\]|bar|:.*", "", barred.translate(_SUBSCRIPTS))
    return plain.replace("\u2212", "-").replace("\u2013", "-")


def _number_of(symbol: str) -> int | None:
    """The number of a space group by its symbol, in whatever setting."""
    if not re.fullmatch(r"[PIFABCR][-0-9a-z/]{1,12}", symbol):
        return None
    return _numbers().get(symbol)


@lru_cache(maxsize=1)
def _numbers() -> dict[str, int]:
    """Numbers of the space groups by the symbols of all their settings."""
    from pymatgen.symmetry.groups import SpaceGroup

    kinds = ("universal_h_m", "hermann_mauguin", "short_h_m", "hermann_mauguin_u")
    return {_symbol(row[kind]): row["number"] for row in SpaceGroup.SYMM_OPS for kind in kinds}

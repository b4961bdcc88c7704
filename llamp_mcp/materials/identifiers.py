"""Material ids, formulas and chemical systems: checked and normalised before they reach a source.

The Project's own client accepts any lower-case word as an id, and turns an unknown element into an
unfiltered search; both would answer a question nobody asked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from llamp_mcp.errors import InvalidInput, clip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymatgen.core.composition import Composition

_ID = re.compile(r"(mp|mvc)-[0-9]{1,8}")
_LOOKS_LIKE_ID = re.compile(r"mp|mvc|(?i:mp|mvc)[-_]")
_FORMULA = re.compile(r"[A-Za-z0-9.()\[\]{}]+")
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_MAX_FORMULA = 100

EXAMPLES = "such as 'Fe2O3', 'NaFe(SO4)2' or 'Si'"


def material(text: str) -> tuple[str, str]:
    """What a user called a material: `("id", "mp-149")` or `("formula", "Fe1 O4 P1")`.

    Raises:
        InvalidInput: It is neither.
    """
    cleaned = text.strip()
    if _LOOKS_LIKE_ID.match(cleaned):
        return "id", material_id(cleaned)
    try:
        return "formula", formula_key(cleaned)
    except InvalidInput as error:
        raise InvalidInput(
            error.what,
            allowed=f"a material id such as 'mp-149', or a formula {EXAMPLES}",
            next_step=error.next_step,
        ) from error


def material_id(text: str) -> str:
    """A checked material id.

    Raises:
        InvalidInput: It is not of the form `mp-149`.
    """
    cleaned = text.strip().lower()
    if _ID.fullmatch(cleaned) is None:
        raise InvalidInput(
            f"{clip(text)} is not a material id",
            allowed="'mp-' or 'mvc-' and one to eight digits, such as 'mp-149'",
            next_step="Find ids with search_materials; never guess one.",
        )
    return cleaned


def id_number(identifier: str) -> int:
    """The number of a checked id, by which entries are ordered."""
    return int(identifier.partition("-")[2])


def formula_key(text: str) -> str:
    """The reduced composition in alphabetical order, equal for all ways to write a formula.

    `Fe PO4`, `FePO4` and `Fe2P2O8` all give `Fe1 O4 P1`.

    Raises:
        InvalidInput: It is not a formula; the text says where it goes wrong.
    """
    return _formula_key("".join(text.split()))


@lru_cache(maxsize=1024)
def _formula_key(text: str) -> str:
    composition = _composition(text)
    from pymatgen.core.composition import Composition

    reduced, _ = composition.get_integer_formula_and_factor()
    return composition_key(Composition(reduced).get_el_amt_dict())


def composition_key(amounts: dict[str, float]) -> str:
    """The key of a reduced composition given as amounts."""
    return " ".join(f"{symbol}{round(amounts[symbol])}" for symbol in sorted(amounts))


def chemical_system(text: str) -> str:
    """A chemical system with its elements in alphabetical order: `Li-Fe-O` → `Fe-Li-O`.

    Raises:
        InvalidInput: A part is not an element, or one is named twice.
    """
    symbols = [part.strip() for part in text.split("-")]
    if len(set(symbols)) < len(symbols):
        raise InvalidInput(f"An element stands twice in the chemical system {clip(text)}")
    return "-".join(sorted(elements(symbols)))


def elements(symbols: Iterable[str]) -> tuple[str, ...]:
    """Checked element symbols.

    Raises:
        InvalidInput: One is not the symbol of an element.
    """
    checked = tuple(symbols)
    for symbol in checked:
        _check_element(symbol, symbol)
    return checked


def _composition(text: str) -> Composition:
    """Parse after checks of our own, whose texts a model can act on."""
    if not text or len(text) > _MAX_FORMULA or _FORMULA.fullmatch(text) is None:
        raise _not_a_formula(text, "it is empty, too long, or has characters no formula has")
    _check_brackets(text)
    symbols = _SYMBOL.findall(text)
    if not symbols or re.search(r"[a-z]", _SYMBOL.sub("", text)):
        raise _not_a_formula(text, "element symbols start with a capital letter")
    for symbol in symbols:
        _check_element(symbol, text)
    from pymatgen.core.composition import Composition

    try:
        composition = Composition(text)
    except ValueError as error:
        raise _not_a_formula(text, str(error)) from error
    if not composition.num_atoms > 0:
        raise _not_a_formula(text, "it has no atoms")
    return composition


def _check_element(symbol: str, text: str) -> None:
    from pymatgen.core.periodic_table import Element

    if not Element.is_valid_symbol(symbol):
        where = "" if symbol == text else f" (in {clip(text)})"
        raise InvalidInput(
            f"{clip(symbol)} is not a chemical element{where}",
            allowed="element symbols with a capital letter, such as 'Si' or 'O'",
            next_step="Correct the symbol and call again.",
        )


def _check_brackets(text: str) -> None:
    open_brackets: list[str] = []
    for character in text:
        if character in "([{":
            open_brackets.append(character)
        elif character in _CLOSING and (
            not open_brackets or open_brackets.pop() != _CLOSING[character]
        ):
            raise _not_a_formula(text, f"{character!r} has no opening bracket")
    if open_brackets:
        raise _not_a_formula(text, f"{open_brackets[-1]!r} is never closed")


def _not_a_formula(text: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"{clip(text)} is not a chemical formula: {reason}",
        allowed=f"formulas {EXAMPLES}",
        next_step="Correct it and call again.",
    )

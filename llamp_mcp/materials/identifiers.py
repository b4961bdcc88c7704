"""Material ids, formulas and chemical systems: checked and normalised before they reach a source.

The Project's own client accepts any lower-case word as an id, and turns an unknown element into an
unfiltered search; both would answer a question nobody asked.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.materials.formulas import EXAMPLES, element, elements_of_formula
from llamp_mcp.materials.formulas import formula_key as formula_key

if TYPE_CHECKING:
    from collections.abc import Iterable

_ID = re.compile(r"(mp|mvc)-([0-9]{1,8}|aa[a-z]{6})")
_LABELLED = re.compile(r"((?:mp|mvc)-\w+)[\s:]+(?:\((\S+)\)|([^\s(]\S*?)):?")
"""An id with its formula behind it, as the lines of a result begin; models copy both."""
_LOOKS_LIKE_ID = re.compile(r"mp|mvc|(?i:mp|mvc)[-_]")
_LETTERS = 8
_LAST_DECIMAL = 3347529
"""The last entry that the Project numbers; later ones are named in letters (emmet's AlphaID)."""
_SPECIES = re.compile(r"([A-Z][a-z]?)([0-9]*\.?[0-9]*)([+-])([0-9]*\.?[0-9]*)")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻\u2212", "0123456789+--")


def material(text: str) -> tuple[str, str]:
    """What a user called a material: `("id", "mp-149")` or `("formula", "Fe1 O4 P1")`.

    Raises:
        InvalidInput: It is neither.
    """
    cleaned = text.strip()
    if labelled := _LABELLED.fullmatch(cleaned):
        formula_key(labelled[2] or labelled[3])
        return "id", material_id(labelled[1])
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
    """A checked material id. Eight letters are the number to base 26: `mp-aaaaaaft` is `mp-149`.

    Shorter words are refused: the Project reads every word as a number, `mp-foo` as `mp-3758`.

    Raises:
        InvalidInput: It is not of the form `mp-149`.
    """
    cleaned = text.strip().lower()
    if _ID.fullmatch(cleaned) is None:
        raise InvalidInput(
            f"{clip(text)} is not a material id",
            allowed="'mp-' or 'mvc-' and one to eight digits, such as 'mp-149', or all eight "
            "letters of a newer id, which begin with 'aa'",
            next_step="Find ids with search_materials; never guess one.",
        )
    return plain_id(cleaned)


def plain_id(identifier: str) -> str:
    """An id as the Project shows it: `mp-149` for `mp-aaaaaaft`, letters for those beyond.

    What is not an id alone, such as `mp-149_Li`, stays as it is.
    """
    match = _ID.fullmatch(identifier)
    if match is None:
        return identifier
    number = id_number(identifier)
    return in_letters(identifier) if number > _LAST_DECIMAL else f"{match[1]}-{number}"


def in_letters(identifier: str) -> str:
    """A checked id as the database stores it: `mp-149` is `mp-aaaaaaft`."""
    number, word = id_number(identifier), ""
    for _ in range(_LETTERS):
        number, digit = divmod(number, 26)
        word = chr(ord("a") + digit) + word
    return f"{identifier.partition('-')[0]}-{word}"


def id_number(identifier: str) -> int:
    """The number of a checked id, by which entries are ordered."""
    word = identifier.partition("-")[2]
    if word.isdecimal():
        return int(word)
    number = 0
    for letter in word:  # digits to base 26, from a = 0
        number = 26 * number + ord(letter) - ord("a")
    return number


def chemical_system(text: str) -> str:
    """A chemical system with its elements in alphabetical order: `Li-Fe-O` → `Fe-Li-O`.

    Raises:
        InvalidInput: A part is not an element, or one is named twice.
    """
    return "-".join(sorted(_members(text.split("-"), text)))


def subsystems(systems: Iterable[str]) -> tuple[str, ...]:
    """Chemical systems and all that lie in them: `Fe-O` → `Fe`, `O`, `Fe-O`."""
    found = {
        "-".join(part)
        for system in systems
        for symbols in [sorted(system.split("-"))]
        for size in range(1, len(symbols) + 1)
        for part in combinations(symbols, size)
    }
    return tuple(sorted(found, key=lambda system: (system.count("-"), system)))


def chemical_systems(text: str) -> tuple[str, ...]:
    """Chemical systems of a search, separated by commas; or one with wildcards, which come last.

    Raises:
        InvalidInput: A part is not an element, or wildcards stand in one of several systems.
    """
    systems = text.split(",") if text.strip() else []
    if "*" not in text:
        return tuple(dict.fromkeys(chemical_system(system) for system in systems))
    if len(systems) > 1:
        raise InvalidInput(
            f"Wildcards stand in one of several chemical systems: {clip(text)}",
            allowed="several systems without wildcards, or one with, such as 'Li-Fe-*'",
            next_step="Search for them one by one.",
        )
    parts = [part.strip() for part in systems[0].split("-")]
    known = _members([part for part in parts if part != "*"], text)
    return ("-".join([*sorted(known), *["*"] * parts.count("*")]),)


def _members(parts: list[str], text: str) -> tuple[str, ...]:
    try:
        symbols = elements(parts)
    except InvalidInput as error:
        raise InvalidInput(
            f"{error.what} (in {clip(text)})" if len(parts) > 1 else error.what,
            allowed="a chemical system such as 'Li-Fe-O': elements with '-' between them",
            next_step=error.next_step,
        ) from error
    if len(set(symbols)) < len(symbols):
        raise InvalidInput(
            f"An element stands twice in the chemical system {clip(text)}",
            next_step="Name each element once.",
        )
    return symbols


def elements(symbols: Iterable[str]) -> tuple[str, ...]:
    """Checked element symbols, in the order given.

    Raises:
        InvalidInput: One is not the symbol of an element.
    """
    return tuple(element(symbol.strip()) for symbol in symbols)


def elements_or_formulas(symbols: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """Checked element symbols, where a formula stands for its elements, and notes that say so.

    Raises:
        InvalidInput: One is neither.
    """
    found: list[str] = []
    notes: list[str] = []
    for symbol in symbols:
        parts = elements_of_formula(symbol.strip())
        if parts:
            notes.append(
                f"elements: the formula {symbol.strip()!r} was read as {', '.join(parts)}; for "
                f"this composition alone use formula={symbol.strip()!r}"
            )
        found += parts or [element(symbol.strip())]
    return tuple(dict.fromkeys(found)), notes


def species(text: str) -> str:
    """An ion as the Project writes it: `Fe3+`, `Fe+3` and `Fe³⁺` → `Fe3+`; `Li1+` → `Li+`.

    Raises:
        InvalidInput: It is not an element with a charge.
    """
    match = _SPECIES.fullmatch("".join(text.split()).translate(_SUPERSCRIPTS))
    amounts = [amount for amount in match.group(2, 4) if amount] if match else []
    if match is None or len(amounts) > 1 or "." in amounts:
        raise InvalidInput(
            f"{clip(text)} is not an ion",
            allowed="an element with its oxidation state, such as 'Fe3+' or 'O2-'",
            next_step="Correct it, or leave possible_species out and use elements.",
        )
    from pymatgen.core.periodic_table import Species

    charge = float(amounts[0]) if amounts else 1.0
    symbol, sign = element(match[1], text), match[3]
    return str(Species(symbol, charge if sign == "+" else -charge))

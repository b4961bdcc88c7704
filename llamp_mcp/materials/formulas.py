"""Chemical formulas as people write them, checked and brought to one form.

The Project's own client turns an unknown element into an unfiltered search, so a formula is
understood here, or refused with the reason, before any source sees it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput, clip

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition

EXAMPLES = "such as 'Fe2O3', 'NaFe(SO4)2' or 'Si'"

_SYMBOL = re.compile(r"[A-Z][a-z]?")
_FORMULA = re.compile(r"[A-Za-z0-9.()\[\]{}]+")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_MAX_FORMULA = 100
_TOLERANCE = 1e-4
"""Amounts that differ by less are one, as in pymatgen."""
_MAX_FORMULAS = 150
_TYPOGRAPHY = str.maketrans("₀₁₂₃₄₅₆₇₈₉•⋅∙･", "0123456789····")
_WATER = re.compile(r"\*(?=\d*\.?\d*[HD]2O$)|\.(?=[A-Z(\[])")
"""A star before water, or a dot before a letter: what keyboards have for the dot of a hydrate."""
_AMBIGUOUS_DOT = re.compile(r"(.*\d)\.(\d+)([HD]2O)")
_ISOTOPE = re.compile(r"[DT](?![a-z])")
_ROMAN = re.compile(r"\((II|III|IV|VI|VII|VIII)\)")
_MOLECULE = re.compile(r"([A-Z][a-z]?)(?:[3-9]|[1-9][0-9]+)")
"""One element, more than two atoms: C60 or S8."""
_SYSTEM = re.compile(r"([A-Z][a-z]?|\*)(-([A-Z][a-z]?|\*))+")
_CHARGED = re.compile(r".*[⁺⁻+\u2212-]\)?")
_STAND_INS: Final = ("Li", "Be", "Na", "Mg", "Al", "Si", "Cl", "Ca", "Sc", "Ti", "Cr", "Mn")
"""Real symbols that take the place of letters for any element while a formula is parsed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the formulas of a search mean.

    Attributes:
        keys: Keys of `formula_key`; one of them.
        anonymous: Anonymous formula as the Project writes it, such as `ABC3`; empty for none.
        notes: How the text was understood, where that is not plain.
    """

    keys: tuple[str, ...] = ()
    anonymous: str = ""
    notes: tuple[str, ...] = ()


def wanted(text: str) -> Wanted:
    """What to search for: formulas, one with a wildcard, or an anonymous one.

    `Fe2O3, Fe3O4` are two formulas; `Fe*O3` has any one further element in place of the star;
    `ABO3` is anonymous, as it has a letter that is no element: every letter is any element.

    Raises:
        InvalidInput: A part is none of these.
    """
    parts = [plain(part) for part in text.split(",")] if text.strip() else []
    unnamed = [part for part in parts if _is_anonymous(part)]
    if unnamed and len(parts) > 1:
        raise InvalidInput(
            f"The anonymous formula {clip(unnamed[0])} cannot stand beside others",
            allowed="several formulas, or one anonymous formula such as 'ABC3'",
            next_step="Search for it alone.",
        )
    if unnamed:
        return _anonymous(unnamed[0])
    keys = dict.fromkeys(key for part in parts for key in _with_wildcard(part))
    if len(keys) > _MAX_FORMULAS:
        raise InvalidInput(
            f"{clip(text)} means {len(keys)} formulas",
            allowed=f"at most {_MAX_FORMULAS}; a wildcard counts as one per element",
            next_step="Search for them in several calls.",
        )
    return Wanted(tuple(keys), notes=tuple(n for part in text.split(",") for n in remarks(part)))


def formula_key(text: str) -> str:
    """The reduced composition in alphabetical order, equal for all ways to write a formula.

    `Fe PO4`, `FePO4`, `FePO₄` and `Fe2P2O8` all give `Fe1 O4 P1`; `CuSO4·5H2O` is
    `CuSO4(H2O)5`; D and T are H.

    Raises:
        InvalidInput: It is not a formula; the text says where it goes wrong.
    """
    return _formula_key(plain(text))


def composition_key(amounts: dict[str, float]) -> str:
    """The key of a reduced composition given as amounts."""
    return " ".join(f"{symbol}{round(amounts[symbol])}" for symbol in sorted(amounts))


def amounts_key(amounts: dict[str, float]) -> str:
    """The key of any composition: reduced to whole numbers, but O2 and Li2O2 as the Project has."""
    values = list(amounts.values())
    if not all(float(amount).is_integer() for amount in values):
        from monty.fractions import gcd_float

        unit = gcd_float(values, _TOLERANCE)
        values = [round(amount / unit) for amount in values]
    divisor = gcd(*map(int, values))
    counts = {symbol: value / divisor for symbol, value in zip(amounts, values, strict=True)}
    key = composition_key(counts)
    return _doubled().get(key, key)


def anonymous_key(key: str) -> str:
    """The anonymous formula of a key: letters for elements, in the order of their amounts."""
    amounts = sorted(int(amount) for amount in re.findall(r"[0-9]+", key))
    divisor = gcd(*amounts)
    letters = zip(ascii_uppercase, (amount // divisor for amount in amounts), strict=False)
    return "".join(f"{letter}{n if n > 1 else ''}" for letter, n in letters)


def remarks(text: str) -> tuple[str, ...]:
    """How a formula, or an element, was understood, where a reader may have meant more."""
    said, read = "".join(text.split()).translate(_TYPOGRAPHY), plain(text)
    notes = [f"{text.strip()} is searched as {read}"] if said != read else []
    if _ISOTOPE.search(read) and not _is_anonymous(read):
        notes.append(
            f"{text.strip()}: D and T are searched as H, because the Project's data (by pymatgen) "
            "do not tell isotopes apart"
        )
    if molecule := _MOLECULE.fullmatch(read):
        notes.append(f"{read} means the composition {molecule[1]} here, not the molecule")
    return tuple(notes)


def plain(text: str) -> str:
    """A formula without blanks and typography; `CuSO4·5H2O` becomes `CuSO4(H2O)5`."""
    written = _WATER.sub("·", "".join(text.split()).translate(_TYPOGRAPHY))
    first, *others = written.split("·")
    if not others:
        return written
    parts = []
    if not all((first, *others)):
        return written
    for part in (first, *others):
        count, formula = re.match(r"([0-9.]*)(.*)", part).groups()  # type: ignore[union-attr]
        parts.append(f"({formula}){count}" if count else formula)
    return "".join(parts)


def element(symbol: str, within: str = "") -> str:
    """The symbol of an element; isotopes of hydrogen are H.

    Args:
        symbol: What should be one.
        within: The text it stands in, for the error.

    Raises:
        InvalidInput: It is none; the text says which may be meant.
    """
    if symbol in ("D", "T"):
        return "H"
    if symbol not in _symbols():
        where = f" (in {clip(within)})" if within and within != symbol else ""
        likely = _named(symbol) or _spellings(within or symbol)
        raise InvalidInput(
            f"{clip(symbol)} is not a chemical element{where}",
            allowed="element symbols with a capital letter, such as 'Si' or 'O'",
            next_step=_did_you_mean(likely) or "Correct the symbol and call again.",
        )
    return symbol


def elements_of_formula(text: str) -> list[str]:
    """The elements of a formula of several, in its order; none of what is no such formula."""
    parts = list(dict.fromkeys(re.findall(r"[A-Z][a-z]?", text)))
    written = re.fullmatch(r"(?:[A-Z][a-z]?[0-9.]*|[()][0-9.]*){2,}", text)
    return parts if written and len(parts) > 1 and set(parts) <= set(_symbols()) else []


@lru_cache(maxsize=2048)
def _formula_key(text: str) -> str:
    return amounts_key(_composition(text).get_el_amt_dict())


@lru_cache(maxsize=1)
def _doubled() -> dict[str, str]:
    """Compositions that the Project never halves: O2, N2, …, Li2O2 and other peroxides.

    pymatgen's own reduction is not called, because it warns of every noble gas.
    """
    from pymatgen.core.composition import Composition

    return {
        composition_key(Composition(half).get_el_amt_dict()): composition_key(
            Composition(whole).get_el_amt_dict()
        )
        for half, whole in Composition.special_formulas.items()
    }


def _composition(text: str) -> Composition:
    """Parse after checks of our own, whose texts a model can act on."""
    if reason := _never(text):
        raise _not_a_formula(text, *reason)
    _check_brackets(text)
    symbols = _SYMBOL.findall(text)
    if not symbols or re.search(r"[a-z]", _SYMBOL.sub("", text)):
        likely = _did_you_mean(_named(text) or _spellings(text))
        raise _not_a_formula(text, "element symbols start with a capital letter", likely)
    for symbol in symbols:
        element(symbol, text)
    from pymatgen.core.composition import Composition

    try:
        composition = Composition(text)
    except ValueError as error:
        raise _not_a_formula(text, str(error)) from error
    if not composition.num_atoms > 0:
        raise _not_a_formula(text, "it has no atoms")
    return composition


def _never(text: str) -> tuple[str, str] | None:
    """Why a text cannot be a formula, and what to use instead; None when it may be one."""
    if _SYSTEM.fullmatch(text):
        return "it is a chemical system", f"Use chemsys={text!r} in search_materials."
    if re.search(r"(?<![A-Z])x", text):
        return "x is not a number", "Search by chemsys: entries have fixed compositions."
    if _CHARGED.fullmatch(text) or _ROMAN.search(text):
        return (
            "it names a charge, and entries are neutral",
            "Write it without charge; for entries with an ion use possible_species=['Fe3+'] in "
            "search_materials.",
        )
    if dotted := _AMBIGUOUS_DOT.fullmatch(text):
        salt, count, water = dotted.groups()
        return (
            f"it is not clear whether {salt[-1]}.{count} is one number",
            f"Write '{salt}({water}){count}' for a hydrate.",
        )
    if "*" in text:
        return "it has characters no formula has", "Only search_materials takes wildcards."
    if not text or len(text) > _MAX_FORMULA or _FORMULA.fullmatch(text) is None:
        return "it is empty, too long, or has characters no formula has", ""
    return None


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


def _not_a_formula(text: str, reason: str, next_step: str = "") -> InvalidInput:
    return InvalidInput(
        f"{clip(text)} is not a chemical formula: {reason}",
        allowed=f"formulas {EXAMPLES}",
        next_step=next_step or "Correct it and call again.",
    )


def _is_anonymous(text: str) -> bool:
    """Whether all symbols are single letters and one of them is no element."""
    if _FORMULA.fullmatch(text) is None or re.search(r"[a-z]", text):
        return False
    letters = set(re.findall(r"[A-Z]", text))
    return len(letters) <= len(_STAND_INS) and not letters <= {*_symbols(), "D", "T"}


def _anonymous(text: str) -> Wanted:
    letters = sorted(set(re.findall(r"[A-Z]", text)))
    stand_ins = dict(zip(letters, _STAND_INS, strict=False))
    name = anonymous_key(_formula_key(re.sub(r"[A-Z]", lambda m: stand_ins[m.group()], text)))
    real = [letter for letter in letters if letter in _symbols() and letter not in "BC"]
    wish = f"; add elements={real} if you mean {', '.join(real)} itself" if real else ""
    note = f"{text} is searched as {name}: each letter is any element{wish}"
    return Wanted(anonymous=name, notes=(note,) if real or name != text else ())


def _with_wildcard(text: str) -> tuple[str, ...]:
    """The keys a formula means: one, or with a star one per further element."""
    if "*" not in text:
        return (_formula_key(text),)
    symbols = [s for s in _symbols() if s not in _SYMBOL.findall(text)]
    if text.count("*") > 1:
        free = iter(s for s in _STAND_INS if s not in _SYMBOL.findall(text))
        name = anonymous_key(_formula_key(re.sub(r"\*", lambda _: next(free, "*"), text)))
        known = sorted(set(_SYMBOL.findall(text)))
        raise InvalidInput(
            f"{clip(text)} has more than one wildcard",
            allowed="one wildcard in a formula, such as 'Fe*O3'",
            next_step=f"Use formula='{name}'" + (f" with elements={known}." if known else "."),
        )
    return tuple(_formula_key(text.replace("*", symbol)) for symbol in symbols)


@lru_cache(maxsize=1)
def _symbols() -> tuple[str, ...]:
    """The elements by their number; isotopes have no symbol of their own here."""
    from pymatgen.core.periodic_table import Element

    return tuple(dict.fromkeys(e.symbol for e in sorted(Element, key=lambda e: e.Z)))


def _named(name: str) -> list[str]:
    """The symbol of an element called by its English name."""
    from pymatgen.core.periodic_table import Element

    try:
        return [Element.from_name(name.strip().capitalize()).symbol]
    except ValueError:
        return []


def _spellings(text: str) -> list[str]:
    """Formulas that a text becomes with capital letters in the right places; few elements first."""
    word = text.strip().lower()
    if len(word) > 24 or _FORMULA.fullmatch(word) is None:
        return []
    ends: list[list[str]] = [[""]]
    for end, character in enumerate(word, 1):
        here = [] if character.isalpha() else [head + character for head in ends[end - 1]]
        for width in (1, 2):
            symbol = word[max(end - width, 0) : end].capitalize()
            if len(symbol) == width and symbol in _symbols():
                here += [head + symbol for head in ends[end - width]]
        ends.append(sorted(here, key=lambda spelling: len(_SYMBOL.findall(spelling)))[:8])
    return [spelling for spelling in ends[-1] if _SYMBOL.search(spelling) and spelling != text][:3]


def _did_you_mean(likely: list[str]) -> str:
    return f"Did you mean {' or '.join(map(repr, likely))}?" if likely else ""

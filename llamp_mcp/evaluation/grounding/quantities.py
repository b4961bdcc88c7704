"""Units as people write them, and a value read in another unit.

What a value is counted per (atom, formula unit, cell, mole of either) is not a dimension: it is
kept beside the unit, because converting it takes the number of atoms, and because it is where most
slips are made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.evaluation.arithmetic.registry import LOCK, registry

if TYPE_CHECKING:
    from collections.abc import Iterator

AVOGADRO: Final = 6.02214076e23
"""Exact in the 2019 SI (doi 10.1088/1681-7575/aa950a)."""
ATOM, FORMULA_UNIT, CELL = "atom", "formula unit", "cell"
_EVERY: Final = (ATOM, FORMULA_UNIT, CELL)
_OF_A_MOLE: Final = (ATOM, FORMULA_UNIT)

Base = tuple[tuple[str, int], ...]
"""Units by pint's names, with their powers."""

_SYMBOLS: Final = {
    **dict.fromkeys(("eV", "ev", "electronvolt", "electronvolts"), "electron_volt"),
    **dict.fromkeys(("meV", "mev"), "millielectron_volt"),
    **{"keV": "kiloelectron_volt", "J": "joule", "kJ": "kilojoule", "kj": "kilojoule"},
    **{"mJ": "millijoule", "kcal": "kilocalorie", "Ha": "hartree", "hartree": "hartree"},
    **{"Ry": "rydberg", "N": "newton", "W": "watt", "mW": "milliwatt"},
    **{"GPa": "gigapascal", "gpa": "gigapascal", "Gpa": "gigapascal", "MPa": "megapascal"},
    **{"TPa": "terapascal", "kPa": "kilopascal", "Pa": "pascal", "Mbar": "megabar"},
    **{"kbar": "kilobar", "bar": "bar", "atm": "standard_atmosphere"},
    **dict.fromkeys(("\u00c5", "A", "Ang", "ang", "angstrom", "angstroms", "Angstrom"), "angstrom"),
    **{"nm": "nanometer", "pm": "picometer", "cm": "centimeter", "m": "meter", "km": "kilometer"},
    **{"bohr": "bohr", "g": "gram", "kg": "kilogram", "cc": "centimeter", "u": "dalton"},
    **{"K": "kelvin", "kelvin": "kelvin", "mK": "millikelvin"},
    **dict.fromkeys(("\u00b0C", "degC", "Celsius", "celsius", "C\u00b0"), "degree_Celsius"),
    **{"s": "second", "ps": "picosecond", "fs": "femtosecond", "THz": "terahertz", "Hz": "hertz"},
    **{"\u03bcC": "microcoulomb", "uC": "microcoulomb", "C": "coulomb", "T": "tesla"},
    **dict.fromkeys(("\u03bcB", "\u03bc_B", "mu_B", "muB", "uB", "u_B"), "bohr_magneton"),
    **dict.fromkeys(("\u00b0", "deg", "degree", "degrees"), "degree"),
    **dict.fromkeys(("%", "percent"), "percent"),
}
_PERS: Final = {
    **dict.fromkeys(("atom", "atoms", "at", "at.", "site", "sites"), ATOM),
    **dict.fromkeys(("f.u.", "f.u", "fu", "formula_unit", "formula_units"), FORMULA_UNIT),
    **dict.fromkeys(("formula",), FORMULA_UNIT),
    **dict.fromkeys(("cell", "cells"), CELL),
}
_PLAIN: Final = frozenset(
    ("", "dimensionless", "relative permittivity", "unitless", "none", "atoms per cell", "sites")
)
_SPELLINGS: Final = (
    (re.compile("\u00b5"), "\u03bc"),  # the micro sign
    (re.compile("\u212b|A\u030a"), "\u00c5"),
    (re.compile("\u2212|\u207b"), "-"),
    (re.compile(r"\*\*"), "^"),
    (re.compile("[\u00b7\u22c5*]|\\\\cdot"), " "),
    (re.compile("\u00b2"), "2"),
    (re.compile("\u00b3"), "3"),
    (re.compile("\u00b9"), "1"),
    (re.compile(r"\bbohr magnetons?\b|\bmu_\{?B\}?|\u03bc_\{?B\}?", re.I), "\u03bcB"),
    (re.compile(r"\bf\.\s?u\b\.?|\b(?:formula|f\.)[ -]units?\b", re.I), "formula_unit"),
    (re.compile(r"\b(?:unit|primitive|conventional)[ -]?cells?\b", re.I), "cell"),
    (re.compile(r"\bcubic (angstroms?|\u00c5)", re.I), r"\1^3"),
    (re.compile(r"\bdegrees? (?:celsius|C)\b", re.I), "degC"),
    (re.compile(r"\bdeg(?:rees?)? K\b"), "K"),
    (re.compile(r"\belectron[ -]volts?\b", re.I), "eV"),
    (re.compile(r"\bgigapascals?\b", re.I), "GPa"),
    (re.compile(r"\bkelvins?\b", re.I), "K"),
    (re.compile(r"\bper\b|\bp\.", re.I), "/"),
    (re.compile(r"\bof (?=atoms?|formula_unit)"), " "),
    (re.compile(r"\bg/cc\b"), "g/cm^3"),
    (re.compile(r"^W/m ?K$"), "W/(m K)"),
    (re.compile(r"^1 ?/"), "/"),
)
_TOKEN: Final = re.compile(
    r"(?P<sign>[/()])|(?P<word>[A-Za-z\u03bc\u00c5\u00b0%_]+(?:\.[a-z])*\.?)"
    r"(?:\^|\*\*)?\(?(?P<power>-?[0-9])?\)?"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that was understood.

    Attributes:
        base: Its parts.
        per: What it is counted per; empty: nothing, or it was not said.
        moles: Whether it is of a mole of that.
    """

    base: Base
    per: str = ""
    moles: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many atoms things have; empty where it is not known.

    Attributes:
        formula_unit: Atoms of the reduced formula.
        cell: Atoms of the cells that the value may be of.
    """

    formula_unit: int | None = None
    cell: tuple[int, ...] = ()

    def of(self, per: str) -> tuple[int, ...]:
        """Atoms in what a value is counted per."""
        if per == CELL:
            return self.cell
        if per == FORMULA_UNIT:
            return (self.formula_unit,) if self.formula_unit else ()
        return (1,)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value told in another unit, and what had to be assumed for it."""

    value: float
    per: str
    assumed: str = ""


@lru_cache(maxsize=1024)
def unit(text: str) -> Unit | None:
    """A unit by its text; None for one that is not known here.

    `eV/atom`, `eV per formula unit`, `kJ/mol`, `kJ/mol of atoms`, `g cm^-3`, `W/(m K)`.
    """
    plain = " ".join(text.split())
    if plain.casefold() in _PLAIN:
        return Unit(())
    for pattern, spelling in _SPELLINGS:
        plain = pattern.sub(spelling, plain)
    plain = re.sub(r"(?<=[A-Za-z\u00c5])-(?=[0-9])", "^-", plain)
    powers: dict[str, int] = {}
    per, moles, below, bracketed, position = "", False, False, False, 0
    while position < len(plain):
        if plain[position] == " ":
            position += 1
            continue
        match = _TOKEN.match(plain, position)
        if match is None or match.end() == position:
            return None
        position = match.end()
        if match["sign"]:
            below = match["sign"] == "/" or (below and match["sign"] == "(")
            bracketed = match["sign"] == "(" or (bracketed and match["sign"] == "/")
            continue
        word, power = match["word"], int(match["power"] or 1) * (-1 if below else 1)
        if word in ("mol", "mole", "moles") and power == -1:
            moles = True
        elif word in _PERS and (power == -1 or moles):
            per = _PERS[word]
        elif word in _SYMBOLS:
            name = _SYMBOLS[word]
            powers[name] = powers.get(name, 0) + power * (3 if word == "cc" else 1)
        else:
            return None
        below = below and bracketed
    return Unit(tuple(sorted(powers.items())), per, moles) if powers else None


def readings(
    value: float, told: Unit, wanted: Unit, counts: Counts, *, also: bool
) -> Iterator[Reading]:
    """A value in the wanted unit, in every way that unit can be meant.

    Args:
        value: In the unit it was told in.
        told: That unit.
        wanted: The unit of a claim. Where it does not say per what, the way the value was told
            comes first, then per atom and per formula unit.
        counts: Numbers of atoms.
        also: Whether those others are meant at all.
    """
    scale = conversion(told.base, wanted.base)
    if scale is None:
        return
    factor, offset = scale
    if told.moles != wanted.moles:
        factor *= AVOGADRO if wanted.moles else 1 / AVOGADRO
    if not told.per:
        if not wanted.per:
            yield Reading(value * factor + offset, "")
        return
    ways = {wanted.per or told.per: None}
    if also and not wanted.per:
        ways |= dict.fromkeys(_OF_A_MOLE)
    for way in ways:
        said = "" if way == wanted.per else _assumed(way, moles=wanted.moles)
        for ratio in _ratios(told.per, way, counts):
            yield Reading(value * factor * ratio + offset, way, said)


def _ratios(told: str, wanted: str, counts: Counts) -> Iterator[float]:
    """How much more of a material one count holds than another, in every way that is known."""
    if told == wanted:
        yield 1.0
        return
    for inside in counts.of(wanted):
        for whole in counts.of(told):
            yield inside / whole


def _assumed(per: str, *, moles: bool) -> str:
    return f"read as per mole of {per}s" if moles else f"read as per {per}"


_FAMILIES: Final[tuple[tuple[str, ...], ...]] = (
    ("eV", "meV", "kJ/mol", "kcal/mol", "hartree", "Ry"),
    ("GPa", "eV/\u00c5\u00b3", "MPa", "Pa", "kbar", "TPa"),
    ("\u00c5\u00b3", "nm\u00b3", "bohr\u00b3"),
    ("\u00c5", "nm", "pm", "bohr"),
    ("K", "\u00b0C"),
    ("g/cm\u00b3", "kg/m\u00b3"),
    ("J/m\u00b2", "eV/\u00c5\u00b2", "mJ/m\u00b2"),
    ("C/m\u00b2", "\u03bcC/cm\u00b2"),
    ("\u03bcB",),
    ("THz", "cm^-1", "meV"),
    ("m/s", "km/s"),
    ("", "%"),
)
"""Units that one quantity is told in, where a number may have been given the wrong one."""


def relatives(told: Unit) -> Iterator[tuple[str, Unit]]:
    """The other units that a number of this kind may really be in, by their names."""
    for family in _FAMILIES:
        units = [(name, known) for name in family if (known := unit(name))]
        if any(known.base == told.base for _, known in units):
            for name, known in units:
                for per in _counted(told, known):
                    yield _called(name, per, known), replace(known, per=per)
            return


def _counted(told: Unit, known: Unit) -> tuple[str, ...]:
    if not told.per:
        return ("",)
    return _OF_A_MOLE if known.moles else _EVERY


def _called(name: str, per: str, known: Unit) -> str:
    if not per:
        return name
    return f"{name} of {per}s" if known.moles else f"{name} per {per}"


@lru_cache(maxsize=1024)
def conversion(told: Base, wanted: Base) -> tuple[float, float] | None:
    """Factor and offset from one unit to another; None where they measure different things."""
    if told == wanted:
        return 1.0, 0.0
    import pint

    with LOCK:  # a context changes the registry for every thread
        source, target, waves = _pint_unit(told), _pint_unit(wanted), _waves(told, wanted)
        try:
            one, two = (
                float(registry().Quantity(number, source).to(target, *waves).magnitude)
                for number in (1.0, 2.0)
            )
        except (pint.DimensionalityError, pint.OffsetUnitCalculusError):
            return None
    return two - one, 2 * one - two


def _waves(told: Base, wanted: Base) -> tuple[str, ...]:
    """The context in which frequencies, wave numbers and energies of a quantum are one."""
    linear = (
        {"[time]": -1},
        {"[length]": -1},
        {"[length]": 2, "[mass]": 1, "[time]": -2},
    )
    both = (dict(_pint_unit(base).dimensionality) for base in (told, wanted))
    return ("spectroscopy",) if all(one in linear for one in both) else ()


@lru_cache(maxsize=256)
def _pint_unit(base: Base) -> Any:
    made = registry().Unit("dimensionless")
    for name, power in base:
        offset = name == "degree_Celsius" and len(base) > 1
        made = made * registry().Unit("kelvin" if offset else name) ** power
    return made

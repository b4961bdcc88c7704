"""Pint's registry, with units of what is counted, and what dimensions are called."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.evaluation.arithmetic.vocabulary import (
    AMBIGUOUS,
    CONSTANTS,
    COUNTED,
    known,
    symbols,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK: Final = RLock()
"""Pint fills its caches as it goes, and tools run on threads."""

_MIN_SPELT = 5
"""Letters from which a word of pint's counts as spelt out; shorter ones must be its very name."""
_KINDS: Final = {
    "energy": "J",
    "pressure or energy density": "Pa",
    "force": "N",
    "length": "m",
    "area": "m**2",
    "volume": "m**3",
    "mass": "kg",
    "density": "kg/m**3",
    "time": "s",
    "frequency": "Hz",
    "velocity": "m/s",
    "temperature": "K",
    "amount": "mol",
    "molar energy": "J/mol",
    "molar mass": "kg/mol",
    "energy per atom": "J/atom",
    "energy per formula unit": "J/formula_unit",
    "energy per molecule": "J/molecule",
    "energy per cell": "J/unit_cell",
    "energy per site": "J/site",
    "atoms": "atom",
    "formula units": "formula_unit",
    "volume per atom": "m**3/atom",
    "energy per temperature": "J/K",
    "energy per area": "J/m**2",
    "charge": "C",
    "current": "ampere",
    "voltage": "V",
    "power": "W",
    "magnetic moment": "bohr_magneton",
    "wavenumber or inverse length": "1/m",
    "number density": "1/m**3",
}
"""What dimensions are called, with a unit that has them."""


@cache
def registry() -> Any:
    """The one registry of this process: 0.3 s the first time."""
    from pint import UnitRegistry

    made: UnitRegistry[Any] = UnitRegistry(on_redefinition="ignore", cache_folder=None)
    for unit in dict.fromkeys(COUNTED.values()):
        made.define(f"{unit} = [{unit}]")
    return made


@cache
def unit(name: str, at: int = 0) -> Any:
    """Pint's unit of a name.

    Args:
        name: As it was written.
        at: Where, for the error.

    Raises:
        InvalidInput: It is none, with the closest that is.
    """
    where = f" at character {at}" if at else ""
    if name in AMBIGUOUS:
        raise InvalidInput(f"{name!r}{where} may mean two units", allowed=AMBIGUOUS[name])
    if name == "e":
        return registry().Unit("elementary_charge")
    word = symbols().get(name)
    if word is None and not _is_spelt(name):
        raise _unknown(name, where)
    return registry().Unit(word or name)


@cache
def constant(name: str) -> Any:
    """A constant of nature as a quantity."""
    word, told = CONSTANTS[name]
    return registry().Quantity(1.0, word).to(told)


def dimensions(of: Any) -> dict[str, float]:
    """Powers of the base dimensions of a unit or quantity; none that is zero but for rounding."""
    powers: Mapping[str, float] = of.dimensionality
    return {name: round(float(power), 9) for name, power in powers.items() if abs(power) > 1e-9}


def kind(of: Any) -> str:
    """What the dimension of a unit or quantity is called."""
    found = dimensions(of)
    if not found:
        return "a plain number"
    return _kinds().get(frozenset(found.items())) or str(of.dimensionality)


@cache
def _kinds() -> dict[frozenset[tuple[str, float]], str]:
    make = registry().Unit
    return {frozenset(dimensions(make(unit)).items()): name for name, unit in _KINDS.items()}


def _is_spelt(name: str) -> bool:
    """Whether pint knows a word that is spelt out, not put together from symbols."""
    from pint import UndefinedUnitError

    if not name.replace("_", "").isalpha():
        return False
    try:
        readings = registry().parse_unit_name(name)
    except UndefinedUnitError:
        return False
    return any(
        name == prefix + word + suffix
        or (len(name) >= _MIN_SPELT + len(prefix) and name.startswith(prefix) and name.islower())
        for prefix, word, suffix in readings
        if registry().Quantity(1, prefix + word)._is_multiplicative
    )


def _unknown(name: str, where: str) -> InvalidInput:
    options = known()
    folded = {option.casefold(): option for option in reversed(options)}
    same = folded.get(name.casefold())
    close = [same] if same else get_close_matches(name, options, n=1)
    return InvalidInput(
        f"{clip(name)}{where} is not a unit, constant or function",
        allowed="symbols such as eV, GPa, kJ, mol, Å, K, degC, atom; names spelt out; the "
        f"constants {', '.join(CONSTANTS)}",
        next_step=f"Did you mean {close[0]!r}?" if close else "",
    )

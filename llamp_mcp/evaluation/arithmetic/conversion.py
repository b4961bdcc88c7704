"""A quantity in the unit that was asked for; per atom, per formula unit and per mole kept apart."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.arithmetic.evaluation import evaluate
from llamp_mcp.evaluation.arithmetic.parser import parse_unit
from llamp_mcp.evaluation.arithmetic.registry import LOCK, constant, dimensions, kind, registry
from llamp_mcp.evaluation.arithmetic.syntax import Unit, words
from llamp_mcp.evaluation.arithmetic.vocabulary import COUNTED, OFFSET

_COUNTS: Final = {f"[{unit}]": unit for unit in COUNTED.values()}
_SUBSTANCE: Final = "[substance]"
_PLAIN: Final = ("", "1", "dimensionless")
_NEXT: Final = {
    ("energy", "temperature"): "Divide by k_B.",
    ("temperature", "energy"): "Multiply by k_B.",
    ("energy", "frequency"): "Divide by h.",
    ("frequency", "energy"): "Multiply by h.",
    ("energy", "wavenumber or inverse length"): "Divide by (h*c).",
    ("wavenumber or inverse length", "energy"): "Multiply by h*c.",
    ("energy", "length"): "A wavelength is h*c divided by the energy.",
    ("length", "energy"): "A photon's energy is h*c divided by the wavelength.",
    ("charge", "temperature"): "C is the coulomb; write degC.",
}


class Converted(NamedTuple):
    """A value in a unit, and how often the Avogadro constant came in."""

    value: float
    unit: str
    moles: str
    """Such as ` * N_A (mol of atoms)`; empty where no mole came in."""


def convert(quantity: Any, to: str) -> Converted:
    """A quantity in a unit; without one, in that which it has.

    Raises:
        InvalidInput: The unit is none, or of another dimension.
    """
    if to.strip() in _PLAIN:
        if dimensions(quantity):
            if to.strip():
                raise _mismatch(quantity, registry().Unit(""), "a plain number")
            return Converted(float(quantity.magnitude), shown(quantity.units), "")
        return Converted(float(quantity.to("").magnitude), "", "")
    tree = parse_unit(to)
    if isinstance(tree, Unit) and tree.name in OFFSET:
        wanted = registry().Unit(OFFSET[tree.name])
    else:
        wanted = evaluate(tree).units
    factor, moles = _moles(quantity, wanted, words(tree))
    value = float((quantity * factor).to(wanted).magnitude)
    if not math.isfinite(value):
        raise InvalidInput(f"The value is too large in {words(tree)}", allowed="up to 1e308")
    return Converted(value, words(tree), moles)


@lru_cache(4096)
def factor(unit: str, wanted: str) -> float:
    """What a value in one unit is multiplied by to be in another; neither may be °C.

    Raises:
        InvalidInput: One is no unit, or they differ in dimension.
    """
    with LOCK:
        return convert(evaluate(parse_unit(unit)), wanted).value


def shown(unit: Any) -> str:
    """A unit of pint as text: `eV/Å³`."""
    text = f"{unit:~P}".replace("formula_unit", "f.u.").replace("unit_cell", "cell")
    return text.replace("µ_B", "µB")


def _moles(quantity: Any, wanted: Any, name: str) -> tuple[Any, str]:
    """The power of the Avogadro constant that leads from one unit to the other, and its words.

    1 eV is as much per particle as 96.485 kJ is per mole of such particles: of atoms when the
    energy was per atom, of formula units when it was per formula unit.
    """
    have, want = dimensions(quantity), dimensions(wanted)
    gap = {
        key: want.get(key, 0) - have.get(key, 0)
        for key in have.keys() | want.keys()
        if want.get(key, 0) != have.get(key, 0)
    }
    if not gap:
        return 1, ""
    power = gap.pop(_SUBSTANCE, 0)
    counted = [key for key in gap if key in _COUNTS]
    if abs(power) != 1 or len(gap) > 1 or len(counted) != len(gap):
        raise _mismatch(quantity, wanted, name)
    if counted and gap[counted[0]] != -power:
        raise _mismatch(quantity, wanted, name)
    avogadro = constant("N_A") ** -power
    things = "particles"
    if counted:
        things = _COUNTS[counted[0]].replace("_", " ") + "s"
        avogadro = avogadro * registry().Quantity(1.0, _COUNTS[counted[0]]) ** -power
    return avogadro, f" {'*' if power < 0 else '/'} N_A (mol of {things})"


def _mismatch(quantity: Any, wanted: Any, name: str) -> InvalidInput:
    have, want = dimensions(quantity), dimensions(wanted)
    unit = shown(quantity.units) or "a plain number"
    counted = {
        _COUNTS[key]
        for key in (have.keys() | want.keys()) & _COUNTS.keys()
        if have.get(key) != want.get(key)
    }
    hint = _NEXT.get((kind(quantity), kind(wanted)), "")
    if counted == {"atom", "formula_unit"}:
        hint = "Multiply by the atoms per formula unit, such as * 5 atom/f.u."
    elif counted == {"atom"}:
        hint = "Multiply or divide by the number of atoms, such as * 4 atom."
    elif counted:
        hint = f"Multiply or divide by a number of {', '.join(sorted(counted))}."
    return InvalidInput(
        f"{unit} ({kind(quantity)}) cannot be converted to {name} ({kind(wanted)})",
        allowed=f"a unit of {kind(quantity)}" if have else "no unit",
        next_step=hint
        or "h is Planck's constant in an expression (the hour is hr), c the speed "
        "of light, e the elementary charge, F the farad.",
    )

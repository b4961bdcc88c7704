"""Values in other units: exact factors, and the steps said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.distillation.answer import Answer, facts
from llamp_mcp.evaluation.distillation.rows import Exchange, pick
from llamp_mcp.evaluation.distillation.values import why
from llamp_mcp.evaluation.distillation.vocabulary import words
from llamp_mcp.materials.get_reaction_energy import EV_IN_KJ_PER_MOL
from llamp_mcp.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from llamp_mcp.evaluation.distillation.answer import Tools
    from llamp_mcp.evaluation.distillation.holdings import Formula, Property

HC_EV_NM: Final = 6.62607015e-34 * 299792458 / 1.602176634e-19 * 1e9
"""Planck constant times speed of light in eV nm, exact by the 2019 SI (doi
10.1088/1681-7575/aa950a)."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A property in another unit.

    Attributes:
        property: Dotted name.
        questions: With {s}.
        unit: The unit asked for.
        factor: From the unit of the property; with `quotient`, divided by the value.
        by: The sentence that says the factor {factor}.
        quotient: Whether the factor is divided by the value.
        per_formula_unit: Whether the value is per atom, and asked for per formula unit.
    """

    property: str
    questions: tuple[str, ...]
    unit: str
    factor: float
    by: str
    quotient: bool = False
    per_formula_unit: bool = False


CONVERSIONS: Final = (
    Conversion(
        "formation_energy_per_atom",
        (
            "What is the formation energy of {s} in kJ per mole of atoms?",
            "Give me the formation energy of {s} in kJ/mol, per atom.",
        ),
        "kJ/mol of atoms",
        EV_IN_KJ_PER_MOL,
        "1 eV per atom is {factor} per mole",
    ),
    Conversion(
        "formation_energy_per_atom",
        (
            "What is the formation energy of {s} per formula unit?",
            "How much energy does a formula unit of {s} release when it forms from the elements?",
        ),
        "eV per formula unit",
        1.0,
        "",
        per_formula_unit=True,
    ),
    Conversion(
        "energy_above_hull",
        (
            "How many meV per atom is {s} above the convex hull?",
            "Give the energy above the hull of {s} in meV/atom.",
        ),
        "meV/atom",
        1000.0,
        "1 eV is {factor}",
    ),
    Conversion(
        "bulk_modulus.vrh",
        (
            "What is the bulk modulus of {s} in eV/Å³?",
            "Convert the bulk modulus of {s} to eV per cubic ångström.",
        ),
        "eV/Å³",
        1 / EV_PER_A3_IN_GPA,
        "",
    ),
    Conversion(
        "band_gap",
        (
            "Which photon wavelength corresponds to the band gap of {s}?",
            "At which wavelength would the computed gap of {s} absorb?",
        ),
        "nm",
        HC_EV_NM,
        "the wavelength is {factor} divided by the energy",
        quotient=True,
    ),
    Conversion(
        "density",
        ("What is the density of {s} in kg/m³?", "Density of {s} in SI units?"),
        "kg/m³",
        1000.0,
        "1 g/cm³ is {factor}",
    ),
)
_FACTOR_UNITS: Final = {
    "kJ/mol of atoms": "kJ",
    "meV/atom": "meV",
    "nm": "eV·nm",
    "kg/m³": "kg/m³",
}


def convert(
    tools: Tools, formula: Formula, wanted: Property, conversion: Conversion, seed: int
) -> Exchange | None:
    """The value of a formula's chosen entry in another unit."""
    call, result = tools.properties([formula.formula], **wanted.arguments)
    if result is None or len(result.results) != 1 or result.results[0]["warnings"]:
        return None
    identifier = result.results[0]["material_id"]
    fact = facts(result).get((identifier, wanted.name))
    if fact is None or not isinstance(fact.value, (int, float)) or fact.value == 0:
        return None
    name = f"{seed} {formula.key} {wanted.name} {conversion.unit}"
    answer, term = Answer(), words(wanted.name).exact
    shown, factor, unit = answer.cite(fact), conversion.factor, conversion.unit
    about = f"{wanted.name} in {unit}"
    lead = f"The {term} of {formula.formula} ({identifier}) is {shown}"
    if conversion.per_formula_unit:
        atoms = _atoms(formula.key)
        count = answer.count(atoms, f"atoms in a formula unit of {formula.formula}")
        if atoms == 1:
            return None
        value = answer.scaled(fact, float(atoms), unit, about)
        molar = answer.scaled(
            fact, atoms * EV_IN_KJ_PER_MOL, "kJ/mol", f"{about}, per mole of formula units"
        )
        answer.say(f"{lead}. A formula unit has {count} atoms, so it is {value}, or {molar}.")
    else:
        make = answer.quotient if conversion.quotient else answer.scaled
        value = make(fact, factor, unit, about)
        answer.say(f"{lead}, which is {value}{_by(answer, conversion)}.")
    why(answer, formula, formula.holding(wanted), identifier)
    answer.method(wanted.group, wanted.name)
    question = pick(conversion.questions, name).format(s=formula.formula)
    return answer.finish(name, "conversion", question, [call], formulas=[formula.formula])


def _by(answer: Answer, conversion: Conversion) -> str:
    """How the conversion goes; GPa and eV/Å³ are said the way round that people remember."""
    if conversion.unit == "eV/Å³":
        factor = answer.constant(EV_PER_A3_IN_GPA, "GPa", "1 eV/Å³ in GPa")
        return f" ({answer.remark('1 eV/Å³')} is {factor})"
    unit = _FACTOR_UNITS[conversion.unit]
    factor = answer.constant(conversion.factor, unit, f"factor to {conversion.unit}")
    told = conversion.by.format(factor=factor)
    for literal in ("1 eV", "1 g/cm³"):
        if told.startswith(literal):
            answer.remark(literal)
    return f" ({told})"


def _atoms(key: str) -> int:
    """Atoms in a formula unit, of a key such as `Fe1 O4 P1`."""
    return sum(int("".join(c for c in part if c.isdigit())) for part in key.split())

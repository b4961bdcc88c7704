"""The words of an expression: unit symbols, constants, functions.

Pint would read `Ge` as a giga-elementary-charge, `kB` as a kilobyte and `cat` as a
centi-technical-atmosphere. A short symbol is therefore only what stands here; everything else has
to be spelt out (`inch`, `kilobyte`).
"""

from __future__ import annotations

from functools import cache
from typing import Final

_PREFIXED: Final = {
    "eV": "µmkMG",
    "J": "pnµmkM",
    "cal": "k",
    "Pa": "mkMGT",
    "bar": "mkMG",
    "m": "fpnµmcdk",
    "g": "nµmk",
    "s": "fpnµm",
    "K": "mk",
    "mol": "nµmk",
    "V": "nµmkM",
    "W": "pnµmkMG",
    "Wh": "mk",
    "Hz": "kMGT",
    "T": "nµm",
    "G": "k",
    "N": "pnµmkM",
    "C": "pnµm",
    "F": "pnµm",
    "H": "nµm",
    "S": "nµmk",
    "A": "pnµmk",
    "Ah": "mk",
    "L": "nµm",
    "l": "µm",
    "Ω": "mkM",
    "Oe": "k",
    "Ry": "m",
    "rad": "m",
}
"""Symbols and the prefixes that they take. The bare `A` is refused: see `AMBIGUOUS`."""

_PLAIN: Final = {
    "Å": "angstrom",
    "Ang": "angstrom",
    "ang": "angstrom",
    "u": "unified_atomic_mass_unit",
    "amu": "unified_atomic_mass_unit",
    "Da": "dalton",
    "Ha": "hartree",
    "E_h": "hartree",
    "bohr": "bohr",
    "Bohr": "bohr",
    "a_0": "bohr",
    "a0": "bohr",
    "mu_B": "bohr_magneton",
    "muB": "bohr_magneton",
    "µB": "bohr_magneton",
    "µ_B": "bohr_magneton",
    "D": "debye",
    "erg": "erg",
    "dyn": "dyne",
    "atm": "standard_atmosphere",
    "Torr": "torr",
    "torr": "torr",
    "psi": "psi",
    "min": "minute",
    "hr": "hour",
    "deg": "degree",
    "°": "degree",
    "%": "percent",
    "ppm": "ppm",
    "M_u": "molar_mass_constant",
    "Kelvin": "kelvin",
    "Pascal": "pascal",
    "Angstrom": "angstrom",
    "Joule": "joule",
    "electronvolt": "electron_volt",
    "electronvolts": "electron_volt",
}
"""Symbols that take no prefix, by pint's name."""

OFFSET: Final = {
    "degC": "degree_Celsius",
    "°C": "degree_Celsius",
    "℃": "degree_Celsius",
    "celsius": "degree_Celsius",
    "Celsius": "degree_Celsius",
    "degF": "degree_Fahrenheit",
    "°F": "degree_Fahrenheit",
}
"""Temperatures counted from another zero than the kelvin's."""

COUNTED: Final = {
    "atom": "atom",
    "atoms": "atom",
    "formula_unit": "formula_unit",
    "formula_units": "formula_unit",
    "f.u.": "formula_unit",
    "f.u": "formula_unit",
    "fu": "formula_unit",
    "cell": "unit_cell",
    "cells": "unit_cell",
    "unit_cell": "unit_cell",
    "unit_cells": "unit_cell",
    "site": "site",
    "sites": "site",
    "molecule": "molecule",
    "molecules": "molecule",
}
"""What energies are told per. Each has a dimension of its own, so that none cancels another."""

CONSTANTS: Final = {
    "k_B": ("boltzmann_constant", "J/K"),
    "h": ("planck_constant", "J*s"),
    "hbar": ("dirac_constant", "J*s"),
    "N_A": ("avogadro_constant", "1/mol"),
    "e": ("elementary_charge", "C"),
    "c": ("speed_of_light", "m/s"),
    "R": ("molar_gas_constant", "J/(mol*K)"),
    "m_e": ("electron_mass", "kg"),
    "m_p": ("proton_mass", "kg"),
    "epsilon_0": ("vacuum_permittivity", "F/m"),
    "mu_0": ("vacuum_permeability", "N/A**2"),
    "pi": ("pi", ""),
}
"""Constants: pint's name (CODATA) and the unit that a result keeps."""

SPELLINGS: Final = {
    "kB": "k_B",
    "kb": "k_B",
    "ħ": "hbar",
    "ℏ": "hbar",
    "NA": "N_A",
    "π": "pi",
    "ε_0": "epsilon_0",
    "ε0": "epsilon_0",
    "eps_0": "epsilon_0",
    "eps0": "epsilon_0",
    "epsilon0": "epsilon_0",
    "µ_0": "mu_0",
    "µ0": "mu_0",
    "mu0": "mu_0",
    "boltzmann_constant": "k_B",
    "planck_constant": "h",
    "avogadro_constant": "N_A",
    "elementary_charge": "e",
    "speed_of_light": "c",
    "ln": "log",
}
"""Other ways to write a constant or a function."""

FUNCTIONS: Final = (
    "sqrt",
    "exp",
    "log",
    "log10",
    "sin",
    "cos",
    "tan",
    "abs",
    "min",
    "max",
    "mean",
    "std",
)

AMBIGUOUS: Final = {"A": "ampere, or Å (angstrom)"}
"""Refused, with what to write instead: `eV/A^3` of a model never means amperes."""


@cache
def symbols() -> dict[str, str]:
    """Every unit symbol, and pint's word for it."""
    prefixed = {
        prefix + symbol: prefix + symbol
        for symbol, prefixes in _PREFIXED.items()
        for prefix in ("", *prefixes)
    }
    prefixed |= {"u" + word[1:]: word for word in prefixed if word[0] == "µ" and len(word) > 1}
    prefixed |= {"Ohm": "ohm", "l": "liter", "L": "liter"}
    for word in AMBIGUOUS:
        del prefixed[word]
    return prefixed | _PLAIN | OFFSET | COUNTED


def known() -> tuple[str, ...]:
    """Every word that may be written, for the closest match to one that may not."""
    return (*symbols(), *CONSTANTS, *FUNCTIONS)

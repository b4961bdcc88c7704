"""Conversions against the CODATA constants that scipy carries."""

from __future__ import annotations

import pytest
from scipy import constants

from llamp_mcp.evaluation.grounding.quantities import (
    Counts,
    Unit,
    conversion,
    readings,
    relatives,
    unit,
)

EV, NA, A = constants.electron_volt, constants.Avogadro, constants.angstrom


def known(text: str) -> Unit:
    found = unit(text)
    assert found is not None, text
    return found


def first(value: float, told: str, wanted: str, counts: Counts | None = None) -> float:
    found = readings(value, known(told), known(wanted), counts or Counts(2, (8,)), also=True)
    return next(found).value


@pytest.mark.parametrize(
    "same",
    [
        ("eV/atom", "eV per atom", "eV atom^-1", "eV/at.", "eV / atom", "electron volts per atom"),
        ("eV per formula unit", "eV/f.u.", "eV per f.u.", "eV/formula unit", "eV/fu"),
        ("kJ/mol", "kJ mol-1", "kJ mol\u207b\u00b9", "kJ per mol"),
        ("kJ/mol of atoms", "kJ/(mol atoms)", "kJ/mol atoms"),
        ("\u00c5\u00b3", "\u00c5^3", "A^3", "A3", "angstrom^3", "cubic angstroms", "Angstrom**3"),
        ("\u00c5\u00b3 per cell", "\u00c5^3/cell", "\u00c5\u00b3 per unit cell"),
        ("\u03bcB", "\u00b5B", "mu_B", "muB", "\u03bc_B", "Bohr magnetons"),
        ("g/cm\u00b3", "g/cc", "g cm^-3", "g\u00b7cm\u207b\u00b3", "g/cm3"),
        ("W/(m\u00b7K)", "W/m/K", "W m-1 K-1", "W/(m K)", "W/mK"),
        ("eV/\u00c5\u00b3", "eV/A^3", "eV \u00c5^-3", "eV per \u00c5^3"),
        ("\u00b0C", "degC", "degrees Celsius"),
        ("dimensionless", "", "relative permittivity"),
        ("1/TPa", "TPa^-1"),
    ],
)
def test_a_unit_may_be_written_in_many_ways(same: tuple[str, ...]) -> None:
    assert {unit(text) for text in same} == {known(same[0])}


@pytest.mark.parametrize("text", ["furlongs", "9**9**9", "eV/banana", "()", "import os", "GPa?"])
def test_what_is_no_unit_is_none(text: str) -> None:
    assert unit(text) is None


@pytest.mark.parametrize(
    ("told", "wanted", "factor"),
    [
        ("eV/\u00c5\u00b3", "GPa", EV / A**3 / constants.giga),
        ("Pa", "GPa", 1e-9),
        ("kbar", "GPa", 0.1),
        ("eV/atom", "meV/atom", 1000.0),
        ("eV/atom", "kJ/mol of atoms", EV * NA / 1000),
        ("eV/atom", "kcal/mol of atoms", EV * NA / 1000 / constants.calorie),
        ("eV/atom", "eV per formula unit", 2.0),
        ("eV/atom", "kJ/mol of formula units", 2 * EV * NA / 1000),
        ("\u00c5\u00b3 per cell", "\u00c5\u00b3/atom", 1 / 8),
        ("\u03bcB per cell", "\u03bcB/f.u.", 2 / 8),
        ("g/cm\u00b3", "kg/m\u00b3", 1000.0),
        ("J/m\u00b2", "eV/\u00c5\u00b2", A**2 / EV),
        ("C/m\u00b2", "\u03bcC/cm\u00b2", 100.0),
        ("\u00c5", "bohr", A / constants.value("Bohr radius")),
        ("eV", "hartree", EV / constants.value("Hartree energy")),
        ("THz", "cm^-1", 1e12 / constants.c / 100),
        ("THz", "meV", 1e12 * constants.h / EV * 1000),
        ("", "%", 100.0),
    ],
)
def test_a_conversion_is_that_of_codata(told: str, wanted: str, factor: float) -> None:
    assert first(3.7, told, wanted) == pytest.approx(3.7 * factor, rel=1e-6)


def test_temperatures_have_an_offset() -> None:
    assert first(973.15, "K", "\u00b0C") == pytest.approx(
        float(constants.convert_temperature(973.15, "K", "C"))
    )


@pytest.mark.parametrize(
    ("told", "wanted"),
    [("eV", "GPa"), ("\u00c5", "\u00c5\u00b3"), ("eV/atom", "eV/\u00c5\u00b3"), ("K", "eV")],
)
def test_different_quantities_have_no_conversion(told: str, wanted: str) -> None:
    assert conversion(known(told).base, known(wanted).base) is None
    assert list(readings(1.0, known(told), known(wanted), Counts(2, (8,)), also=True)) == []


def test_a_unit_that_does_not_say_per_what_is_read_as_told_first_then_per_formula_unit() -> None:
    found = readings(-0.67, known("eV/atom"), known("eV"), Counts(2), also=True)
    assert [(way.value, way.per) for way in found] == [(-0.67, "atom"), (-1.34, "formula unit")]
    own = readings(-0.67, known("eV/atom"), known("eV"), Counts(2), also=False)
    assert [way.per for way in own] == ["atom"]


def test_without_the_number_of_atoms_nothing_is_converted_per_cell() -> None:
    told, wanted = known("\u00c5\u00b3 per cell"), known("\u00c5\u00b3/atom")
    assert list(readings(40.0, told, wanted, Counts(2), also=True)) == []


def test_the_units_a_number_may_have_slipped_from_are_of_its_kind() -> None:
    names = [name for name, _ in relatives(known("eV/atom"))]
    assert {"eV per formula unit", "meV per atom", "kJ/mol of atoms"} <= set(names)
    assert "GPa" in [name for name, _ in relatives(known("eV/\u00c5\u00b3"))]
    assert list(relatives(known("W/(m K)"))) == []

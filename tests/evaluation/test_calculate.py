from __future__ import annotations

import ast
import math
import operator
import time

import pytest
import scipy.constants
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.arithmetic.conversion import factor
from llamp_mcp.evaluation.arithmetic.parser import MAX_DEPTH
from llamp_mcp.evaluation.arithmetic.tokens import MAX_TOKENS
from llamp_mcp.evaluation.calculate import MAX_CHARACTERS, CalculateParams, calculate
from llamp_mcp.units import EV_PER_A3_IN_GPA, FIELD_UNITS

EV, N_A, K_B, H, C = (
    scipy.constants.e,
    scipy.constants.N_A,
    scipy.constants.k,
    scipy.constants.h,
    scipy.constants.c,
)


def run(expression, to=""):
    return calculate(CalculateParams(expression=expression, to=to))


def refusal(expression, to=""):
    with pytest.raises(InvalidInput) as caught:
        run(expression, to)
    return str(caught.value)


@pytest.mark.parametrize(
    ("expression", "to", "value"),
    [
        ("1 eV/Å³", "GPa", EV_PER_A3_IN_GPA),
        ("0.84 eV/angstrom^3", "GPa", 0.84 * EV * 1e21),
        ("1 GPa", "eV/Å^3", 1e-21 / EV),
        ("160.2176634 GPa in eV/Å³", "", 1.0),
        ("1 eV", "J", EV),
        ("1 eV", "kJ/mol", EV * N_A / 1000),
        ("-0.67 eV/atom", "kJ/mol", -0.67 * EV * N_A / 1000),
        ("-0.67 eV per atom to kJ/mol", "", -0.67 * EV * N_A / 1000),
        ("1 kcal/mol", "eV/molecule", 4184 / N_A / EV),
        ("96.48533212331 kJ/mol", "eV/f.u.", 1.0),
        ("25 degC", "K", 298.15),
        ("-10 °C", "K", 263.15),
        ("300 K", "degC", 26.85),
        ("77 degF to K", "", 298.15),
        ("25 °C - 20 °C", "K", 5.0),
        ("5 J/(kg degC)", "J/(kg K)", 5.0),
        ("k_B * 300 K", "meV", K_B * 300 / EV * 1000),
        ("h*c/(500 nm)", "eV", H * C / 500e-9 / EV),
        ("hbar*2*pi to J s", "", H),
        ("R*300 K", "kJ/mol", scipy.constants.R * 0.3),
        ("1 e/Å^2", "C/m^2", EV * 1e20),
        ("1 amu", "kg", scipy.constants.atomic_mass),
        ("1 µB", "J/T", scipy.constants.physical_constants["Bohr magneton"][0]),
        ("1 Ha", "eV", scipy.constants.physical_constants["Hartree energy in eV"][0]),
        ("1 hartree/bohr^3", "GPa", 29421.02648438959),
        ("8*28.0855 amu/(5.43 Å)^3", "g/cm^3", 8 * 28.0855 * 1.66053906892e-24 / 5.43e-8**3),
        ("45 Å³ per cell / (8 atom/cell)", "Å³/atom", 5.625),
        ("-0.67 eV/atom * 5 atom/f.u.", "eV/f.u.", -3.35),
        ("1.2 × 10³ eV", "keV", 1.2),  # noqa: RUF001
        ("1.2 x 10^3 meV to eV", "", 1.2),
        ("6 ÷ 2 · 3", "", 9.0),
        ("2 − 5", "", -3.0),  # noqa: RUF001
        ("5 m⁻¹ to cm^-1", "", 0.05),
        ("5 K/min", "K/s", 5 / 60),
        ("10 m/s", "km/h", 36.0),
        ("3.7 V * 2.5 Ah", "W hr", 9.25),
        ("mean([1 eV, 3000 meV])", "", 2.0),
        ("std(1, 2, 3)", "", math.sqrt(2 / 3)),
        ("min(1 eV, 1 meV) to eV", "", 0.001),
        ("max(2, 3) GPa", "", 3.0),
        ("sqrt(16 Å^2)", "", 4.0),
        ("(27 Å^3)^(1/3)", "Å", 3.0),
        ("exp(-0.5 eV/(k_B*300 K))", "", math.exp(-0.5 * EV / K_B / 300)),
        ("ln(10) - log(10) + log10(100)", "", 2.0),
        ("sin(30 deg) + cos(pi) + tan(0)", "", -0.5),
        ("abs(-3 eV)", "", 3.0),
        ("5 % to dimensionless", "", 0.05),
    ],
)
def test_values_are_those_of_codata(expression, to, value):
    """Oracles: scipy.constants (CODATA), and by hand; ASE and NIST for hartree/bohr^3."""
    assert run(expression, to).value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("expression", "value", "unit", "read_as"),
    [
        ("10 eV / 2 Å^3", 5.0, "eV/Å³", "10 eV / (2 Å³)"),
        ("1 eV / 2 Å", 0.5, "eV/Å", "1 eV / (2 Å)"),
        ("3 GPa/2 eV/Å^3", 1.5 / EV_PER_A3_IN_GPA, "", "3 GPa / (2 eV/Å³)"),
        ("1.5 eV / 8.617e-5 eV/K", 1.5 / 8.617e-5, "K", "1.5 eV / (8.617e-5 eV/K)"),
        ("1/300 K", 1 / 300, "1/K", "1 / (300 K)"),
        ("2^3^2", 512.0, "", "2^(3²)"),
        ("-2^2", -4.0, "", "-2²"),
        ("2*(3+4)", 14.0, "", "2 * (3 + 4)"),
        ("1 - (2 - 3)", 2.0, "", "1 - (2 - 3)"),
        ("8/(4/2)", 4.0, "", "8 / (4 / 2)"),
        ("(3/2) k_B", 1.5 * K_B, "J/K", "3 / 2 * k_B"),
        ("log(10)", math.log(10), "", "ln(10)"),
        ("5 μB/f.u.", 5.0, "µB/f.u.", "5 µB/f.u."),
    ],
)
def test_a_number_binds_to_its_unit_and_the_reading_is_shown(expression, value, unit, read_as):
    found = run(expression)
    assert (found.unit, found.read_as) == (unit, read_as)
    assert found.value == pytest.approx(value, rel=1e-12)


def test_the_text_is_one_line_with_the_reading_the_value_and_the_unit():
    assert run("1 eV/Å³", "GPa").text() == "1 eV/Å³ → 160.2176634 GPa"
    assert run("2^40").text() == "2⁴⁰ → 1099511627776"
    text = run("-0.67 eV/atom", "kJ/mol").text()
    assert text == "-0.67 eV/atom * N_A (mol of atoms) → -64.64517252 kJ/mol"


OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
small = st.floats(0.01, 99, allow_subnormal=False).map(lambda x: f"{x:.3f}")
expressions = st.recursive(
    small,
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join)
        | inner.map(lambda x: f"({x})")
        | inner.map(lambda x: f"-{x}")
        | st.tuples(inner, st.sampled_from(["**2", "**-1", "**3**0.5"])).map(
            lambda x: f"({x[0]}){x[1]}"
        )
    ),
    max_leaves=12,
)


def by_python(node):
    if isinstance(node, ast.Expression):
        return by_python(node.body)
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](by_python(node.left), by_python(node.right))
    if isinstance(node, ast.UnaryOp):
        return -by_python(node.operand)
    return float(node.value)


@settings(deadline=None)
@given(expressions)
def test_plain_arithmetic_is_pythons(expression):
    """Oracle: the grammar of Python, read with its own ast."""
    try:
        expected = by_python(ast.parse(expression, mode="eval"))
    except (ZeroDivisionError, OverflowError):
        expected = math.nan
    if isinstance(expected, complex) or not math.isfinite(expected):
        assert refusal(expression)
    elif len(expression) <= MAX_CHARACTERS:
        assert run(expression).value == pytest.approx(expected, rel=1e-12, abs=1e-300)


@settings(deadline=None)
@given(expressions)
def test_the_reading_has_the_value_of_the_expression(expression):
    """The text that a model is shown, read again, means the same."""
    try:
        first = run(expression)
    except InvalidInput:
        return
    if len(first.read_as) <= MAX_CHARACTERS:
        assert run(first.read_as).value == pytest.approx(first.value, rel=1e-12)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_either_calculated_or_refused(text):
    try:
        found = run(text or " ")
    except InvalidInput:
        return
    assert math.isfinite(found.value)


@settings(deadline=None)
@given(st.text(alphabet="0123456789.eVÅKGPatomh()+-*/^ ,", max_size=40))
def test_any_string_of_its_own_characters_is_either_calculated_or_refused(text):
    try:
        found = run(text or " ")
    except InvalidInput:
        return
    assert math.isfinite(found.value)


@pytest.mark.parametrize(
    ("expression", "to", "words"),
    [
        ("5 foo", "", ["'foo' at character 3"]),
        ("5 ev", "", ["'ev'", "Did you mean 'eV'?"]),
        ("5 gpa", "", ["Did you mean 'GPa'?"]),
        ("1 eV/A^3", "GPa", ["'A' at character 6", "ampere, or Å (angstrom)"]),
        ("1 GPa", "eV/A^3", ["'A'", "angstrom"]),
        ("5 eV + 3 Å", "", ["'5 eV' (energy)", "'3 Å' (length)"]),
        ("5 eV + 3", "", ["a plain number"]),
        ("1 eV", "GPa", ["eV (energy)", "GPa (pressure", "a unit of energy"]),
        ("1 eV", "THz", ["Divide by h"]),
        ("1 eV", "K", ["Divide by k_B"]),
        ("12 C", "K", ["degC"]),
        ("36 km/h", "m/s", ["the hour is hr"]),
        ("-0.67 eV/atom", "eV/f.u.", ["* 5 atom/f.u."]),
        ("-0.67 eV/atom", "eV", ["number of atoms"]),
        ("1 eV", "eV/atom", ["number of atoms"]),
        ("1 eV/f.u.", "eV/atom/f.u.", ["atom"]),
        ("1 eV/atom + 1 kJ/mol", "", ["energy per atom", "molar energy"]),
        ("exp(1 eV)", "", ["plain number", "energy"]),
        ("2^(1 eV)", "", ["exponent"]),
        ("25 °C + 10 °C", "", ["273.15"]),
        ("1/0", "", ["Division by zero"]),
        ("1 eV/(2 K - 2 K)", "", ["Division by zero: '2 K - 2 K'"]),
        ("0^-1", "", ["Division by zero"]),
        ("sqrt(-1)", "", ["negative"]),
        ("(-8)^(1/3)", "", ["negative"]),
        ("log(0)", "", ["above 0"]),
        ("sin(1, 2)", "", ["one"]),
        ("9**9**9", "", ["too large"]),
        ("1e308*10", "", ["too large"]),
        ("1e999", "", ["too large"]),
        ("1e300 m", "fm", ["too large"]),
        ("(1 m)^30", "", ["raised to 30"]),
        ("3/2 k_B", "", ["two ways"]),
        ("5 J/mol K", "", ["two ways", "J/(mol K)"]),
        ("5 W/m·K", "", ["two ways"]),
        ("2 eV 3", "", ["'3' at character 6", "operator"]),
        ("1,000 eV", "", ["','", "no commas in numbers"]),
        ("1 eV +", "", ["ends early"]),
        ("(1", "", ["ends early"]),
        ("1)", "", ["')' at character 2"]),
        ("sqrt 4", "", ["'(' after sqrt"]),
        ("1 eV to", "", ["ends early"]),
        ("1 eV to J", "meV", ["Name one unit"]),
        ("1 eV", "2 J", ["not a unit"]),
        ("2 Ge", "", ["'Ge'"]),
        ("5 dBm", "", ["'dBm'"]),
        ("nan", "", ["'nan'"]),
        ("inf", "", ["'inf'"]),
        ("5 ± 1", "", ["'±' at character 3"]),
        ("__import__('os').system('id')", "", ["has no meaning here"]),
        ("x.y", "", ["'.' at character 2"]),
        ("lambda: 1", "", ["':'"]),
        ("open(3)", "", ["'open'"]),
    ],
)
def test_a_refusal_says_what_where_and_what_to_do(expression, to, words):
    text = refusal(expression, to)
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "nested"),
        ("-" * (MAX_DEPTH + 1) + "1", "nested"),
        ("^".join("2" * (MAX_DEPTH + 2)), "nested"),
        ("+".join("1" * MAX_TOKENS), f"at most {MAX_TOKENS}"),
        ("9^9^9^9^9^9^9", "too large"),
        ("9" * MAX_CHARACTERS, "too large"),
    ],
)
def test_size_and_time_are_bounded(expression, words):
    run("1 eV", "J")  # the registry is made once
    began = time.perf_counter()
    assert words in refusal(expression)
    assert time.perf_counter() - began < 0.5


def test_a_longer_expression_is_no_argument():
    with pytest.raises(ValidationError, match="at most 500"):
        CalculateParams(expression="1" * (MAX_CHARACTERS + 1))


NOT_UNITS = {"atoms per cell", "elements", "dimensionless", "relative permittivity"}


@pytest.mark.parametrize("unit", sorted(set(FIELD_UNITS.values()) - NOT_UNITS))
def test_every_unit_that_our_tools_tell_is_understood(unit):
    assert factor(unit, unit) == pytest.approx(1.0)


def test_a_factor_leads_back():
    assert factor("GPa", "eV/Å³") * factor("eV/Å³", "GPa") == pytest.approx(1.0)
    with pytest.raises(InvalidInput, match="cannot be converted"):
        factor("eV", "GPa")

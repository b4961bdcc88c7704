from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamp_mcp.evaluation.benchmark.extraction import extract, ids_in
from llamp_mcp.evaluation.benchmark.questions import Item, QuestionSet

QUESTIONS = {
    "eV": ("Band gaps", "What is the band gap of {key} in eV?"),
    "GPa": ("Bulk moduli", "What is the bulk modulus of {key} in GPa? Voigt-Reuss-Hill."),
    "eV/atom": ("Formation energies", "What is the formation energy per atom of {key} in eV/atom?"),
    "g/cm³": ("Density", "What is the density of {key} in g/cm³?"),
    "Å": ("Distances", "How far are the nearest Si neighbours of {key}, in Å?"),
    "μB per formula unit": ("Moment", "What is the total magnetisation of {key} in μB/f.u.?"),
    "Å³/atom": ("Volumes", "What is the volume per atom of {key} in Å³?"),
    "K": ("Temperatures", "What was the mean temperature of the run, in K?"),
    "%": ("Strain", "What is the volumetric strain of the cell, in percent?"),
    "": ("Neighbours", "How many Si atoms are the nearest neighbours of {key}?"),
}


def number(text, unit, key="Si"):
    title, question = QUESTIONS[unit]
    item = Item(key=key, reference=1.0)
    asked = QuestionSet(
        name="t", title=title, source="", question=question, answer="number", unit=unit,
        items=(item,),
    )  # fmt: skip
    return extract(asked, item, text)


def kind(text, *classes):
    item = Item(key="FePO4")
    asked = QuestionSet(
        name="t", title="Ordering", source="", question="Which ordering has {key}?",
        answer="class", classes=classes, items=(item,),
    )  # fmt: skip
    return extract(asked, item, text)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("Answer: 0.61 eV", "eV", 0.61),
        ("mp-149 has 0.61 eV", "eV", 0.61),
        ("The band gap of Si (mp-149) is 0.6105 eV.", "eV", 0.6105),
        ("mp-149 Si: band_gap = 0.6105 eV; energy_above_hull = 0 eV/atom", "eV", 0.6105),
        ("It lies 0 eV/atom above the hull and its band gap is 0.61 eV", "eV", 0.61),
        ("The gap is 610.5 meV.", "eV", 0.6105),
        ("**0.61 eV**", "eV", 0.61),
        ("The final answer is $0.61\\,\\text{eV}$.", "eV", 0.61),
        ("$E_g = 6.1 \\times 10^{-1}\\ \\mathrm{eV}$", "eV", 0.61),
        ("\\boxed{0.61~\\text{eV}}", "eV", 0.61),
        ('{"answer": 0.61, "unit": "eV"}', "eV", 0.61),
        ("Thought: Ge has 0.7 eV.\nAnswer: 0.61", "eV", 0.61),
        ("Answer: 1.1\n\nAnswer: 0.61 eV", "eV", 0.61),
        ("Answer:\n0.61 eV", "eV", 0.61),
        ("The gap is ~0.61 eV", "eV", 0.61),
        ("0.61(2) eV", "eV", 0.61),
        ("0.61 ± 0.02 eV", "eV", 0.61),
        ("The band gap is zero.", "eV", 0.0),
        ("Ge has a zero band gap in PBE.\nAnswer: 0 eV", "eV", 0.0),
        ("The band gap is 0.61 electron volts", "eV", 0.61),
        ("The band gap is 0,61 eV", "eV", 0.61),
        ("1. The band gap of silicon is 0.61 eV [2]", "eV", 0.61),
        ("The band gap is 0.61 eV. The experimental value is 1.12 eV.", "eV", 0.61),
        ("Voigt: 150 GPa, Reuss: 140 GPa. The bulk modulus is 145 GPa", "GPa", 145),
        ("The bulk modulus is 151.4 GPa and the shear modulus 50 GPa", "GPa", 151.4),
        ("bulk modulus: 0.84 eV/Å³", "GPa", 134.5828),
        ("The bulk modulus is 1,346 kbar", "GPa", 134.6),
        ("bulk modulus = 134.6 gigapascals", "GPa", 134.6),
        ("K_VRH = -1127.579 GPa", "GPa", -1127.579),
        ("<think>maybe 20 GPa</think> The bulk modulus is 54.5 GPa", "GPa", 54.5),
        ("Answer: 54.5 GPa\nAnswer: the value and its unit", "GPa", 54.5),
        ("bulk_modulus.vrh = 54.5 GPa; bulk_modulus.voigt = 55 GPa", "GPa", 54.5),
        ("K_VRH = \u22121127.579 GPa", "GPa", -1127.579),
        ("K_VRH = \u22121,127.579 GPa", "GPa", -1127.579),
        ("1.346e2 GPa", "GPa", 134.6),
        ("1.346 × 10² GPa", "GPa", 134.6),  # noqa: RUF001
        ("Fe2O3 has a bulk modulus of 199 GPa", "GPa", 199),
        ("The formation energy is −0.67 eV/atom", "eV/atom", -0.67),  # noqa: RUF001
        ("The formation energy is -0.67 eV per atom.", "eV/atom", -0.67),
        ("The formation energy is -64.645 kJ/mol", "eV/atom", -0.67),
        ("The formation energy is -0.67 eV", "eV/atom", -0.67),
        ("-1.34 eV/f.u., that is -0.67 eV/atom", "eV/atom", -0.67),
        ("The density is 2.105 g/cm3", "g/cm³", 2.105),
        ("The density is 2105 kg/m^3", "g/cm³", 2.105),
        ("The density is 2.105 g cm⁻³", "g/cm³", 2.105),
        ("The nearest neighbours are 4 Si atoms at 2.357 Å", "Å", 2.357),
        ("They are 0.2357 nm away", "Å", 2.357),
        ("2.357 \\AA", "Å", 2.357),
        ("2.357 angstroms", "Å", 2.357),
        ("5.0 μB per formula unit", "μB per formula unit", 5.0),
        ("5.0 $\\mu_B$/f.u.", "μB per formula unit", 5.0),
        ("5 µB/f.u. (FM)", "μB per formula unit", 5.0),
        ("23.05 Å^3/atom", "Å³/atom", 23.05),
        ("23.05 Å³ per atom", "Å³/atom", 23.05),
        ("23.05 Å³", "Å³/atom", 23.05),
        ("The mean temperature was 550 K over 2 ps", "K", 550),
        ("The strain is 0 %", "%", 0),
        ("The strain is 66%.", "%", 66),
        ("It has 4 nearest Si neighbours at 2.357 Å", "", 4),
        ("It has four nearest neighbours", "", 4),
        ("Answer: 4", "", 4),
        ("Answer: 4 N atoms", "", 4),
        ("Answer: Fm-3m (225)", "", 225),
        ("Answer: P-1 (No. 2)", "", 2),
        ("Answer: P6_3/mmc, 194", "", 194),
    ],
)
def test_the_number_is_found_in_the_wanted_unit(text, unit, expected):
    assert number(text, unit) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("", "eV"),
        ("I do not know.", "eV"),
        ("Answer: unknown", "eV"),
        ("The band gap is 0.61 eV.\nAnswer: unknown", "eV"),
        ("Answer: none", "GPa"),
        ("Answer: N/A", "GPa"),
        ("Answer: no single value (mp-8634: 280.959 GPa, mp-542909: 248.693 GPa)", "GPa"),
        ("No single value: mp-8634 has 280.959 GPa and mp-542909 has 248.693 GPa", "GPa"),
        ("mp-8634 has 280.959 GPa, mp-542909 248.693 GPa; none can be chosen", "GPa"),
        ("The bulk modulus is between 140 and 160 GPa", "GPa"),
        ("The bulk modulus is 140-160 GPa", "GPa"),
        ("The bulk modulus is 140\u2013160 GPa", "GPa"),
        ("The bulk modulus is 140 to 160 GPa", "GPa"),
        ("The bulk modulus is 207 GPa or 295 GPa", "GPa"),
        ("The bulk modulus is > 100 GPa", "GPa"),
        ("The bulk modulus exceeds that of mp-149, Fe2O3 and 10.1021/jp407510h", "GPa"),
        ("The formation energy is -0.67 eV per formula unit", "eV/atom"),
        ("The formation energy is -0.67 eV/f.u.", "eV/atom"),
        ("The lattice constant is 5.43 Å", "GPa"),
        ("Its bulk modulus is 0.84 eV", "GPa"),
        ("There are 5 entries of Si from 2023-11-01", "eV"),
        ("It is 2.1 g/cm^2", "g/cm³"),
    ],
)
def test_an_answer_without_one_value_is_no_answer(text, unit):
    assert number(text, unit) is None


@pytest.mark.parametrize(
    "piece", ["0.5 ", "0.5 eV or 3 GPa, mp-149 ", "1", "1,", "<think>", "\\text{", "1 to ", "( "]
)
def test_an_endless_answer_takes_no_endless_time(piece):
    began = time.perf_counter()
    assert number("Answer: 0.61 eV\n" + piece * (400_000 // len(piece)), "eV") != 0.61
    assert time.perf_counter() - began < 10


def test_a_value_told_in_spite_of_a_refusal_is_an_answer():
    text = "I cannot give an exact value, but the bulk modulus is about 150 GPa."
    assert number(text, "GPa") == 150


@settings(deadline=None)
@given(
    value=st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-4),
    form=st.sampled_from(["{}", "{:.6g}", "{:,.3f}", "{:.5e}", "**{}**", "`{:.4f}`"]),
    where=st.sampled_from(
        ["Answer: {} GPa", "The bulk modulus of mp-1234 is {} GPa (mp-30).", "= {} GPa, Fe2O3"]
    ),
)
def test_every_way_to_print_a_float_is_read_back(value, form, where):
    """Oracle: Python's own reading of the same digits."""
    digits = form.format(value)
    expected = float(digits.strip("*`").replace(",", ""))
    assert number(where.format(digits), "GPa") == pytest.approx(expected, rel=1e-12)


ORDERINGS = ("FM", "AFM", "FiM", "NM")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FM", "FM"),
        ("It is ferromagnetic.", "FM"),
        ("It is antiferromagnetic (AFM).", "AFM"),
        ("It is anti-ferromagnetic.", "AFM"),
        ("Ferrimagnetic ordering", "FiM"),
        ("Answer: FiM", "FiM"),
        ("The material is non-magnetic.", "NM"),
        ("It is not ferromagnetic but antiferromagnetic.", "AFM"),
        ("FM and AFM were compared; the ground state is AFM.", "AFM"),
        ("The FM state lies higher.\nAnswer: AFM", "AFM"),
        ("ordering = FM, total_magnetization = 5 µB", "FM"),
        ("The Fe-Fe distance is 0.3 nm", None),
        ("FM or AFM", None),
        ("Answer: unknown", None),
        ("I do not know", None),
    ],
)
def test_the_class_is_found_by_any_of_its_names(text, expected):
    assert kind(text, *ORDERINGS) == expected


def test_a_class_without_other_names_is_found_whatever_its_case():
    systems = ("cubic", "hexagonal", "trigonal")
    assert kind("The crystal system is **Hexagonal**.", *systems) == "hexagonal"
    assert kind("It is rhombohedral", *systems) == "trigonal"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Answer: Fd-3m (227)", "Fd-3m"),
        ("It is $Fd\\bar{3}m$.", "Fd-3m"),
        ("It is Fd3\u0305m.", "Fd-3m"),
        ("The space group is P2₁/c", "P2_1/c"),
        ("The space group is $P2_{1}/c$", "P2_1/c"),
        ("P21/c (No. 14)", "P2_1/c"),
        ("R-3c", "R-3c"),
        ("R3c", "R3c"),
        ("P-1", "P-1"),
        ("P1", None),
    ],
)
def test_a_space_group_is_found_in_any_spelling(text, expected):
    assert kind(text, "P-1", "P2_1/c", "R3c", "R-3c", "Fd-3m") == expected


def test_the_key_of_a_question_tells_values_of_one_kind_apart():
    asked = QuestionSet(
        name="t",
        title="Elastic constants",
        source="",
        question="What is the elastic constant {key} in GPa?",
        answer="number",
        unit="GPa",
        items=(Item(key="C11"), Item(key="C12")),
    )
    text = "C11 = 45.62 GPa, C12 = 20.63 GPa, C44 = 6.07 GPa"
    assert extract(asked, asked.items[0], text) == 45.62
    assert extract(asked, asked.items[1], text) == 20.63


def test_ids_and_dois_are_named_once_and_in_one_spelling():
    text = (
        "MP-149 (see mp-149, mp-aaaaaaft), mvc-12; not mp-api or mp-id.\n"
        "https://doi.org/10.1021/JP407510h. (10.1016/S0378-7753(01)00593-4), doi:10.1021/cm402617b;"
    )
    assert ids_in(text) == (
        "mp-149",
        "mvc-12",
        "10.1021/jp407510h",
        "10.1016/s0378-7753(01)00593-4",
        "10.1021/cm402617b",
    )


def test_an_answer_of_ids_is_the_ids():
    item = Item(key="Si", ids=("mp-149",))
    asked = QuestionSet(
        name="t", title="Ids", source="", question="Id of {key}?", answer="ids", items=(item,)
    )
    assert extract(asked, item, "It is **mp-149**.") == "mp-149"
    assert extract(asked, item, "I do not know.") is None

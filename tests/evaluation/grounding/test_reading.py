"""Sentences as language models write them, and what is claimed in them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamp_mcp.evaluation.grounding.evidence import Evidence
from llamp_mcp.evaluation.grounding.reading import read_text
from tests.evaluation.grounding.told import TOLD, check

S, C, U = "supported", "contradicted", "unknown"
WORDS = [
    *("Si", "Fe", "GaN", "mp-149", "mp-9258", "band gap", "bulk modulus", "0.61", "207", "eV"),
    *(
        "GPa",
        "is",
        "of",
        "from",
        "and",
        "than",
        "(",
        ")",
        "|",
        "\n",
        "- ",
        "#",
        ":",
        "=",
        ".",
        "\u00b1",
    ),
    *(
        "1.2 \u00d7 10\u207b\u00b3",
        "\u2212",
        "/atom",
        "per",
        "K",
        "space group",
        "Fd-3m",
        "respectively",
    ),
]

SENTENCES: list[tuple[str, list[str]]] = [
    # right
    ("Silicon (mp-149) has a band gap of 0.61 eV.", [S]),
    ("The PBE band gap of Si is 0.6105 eV.", [S]),
    ("Si has a band gap of about 0.6 eV.", [S]),
    ("The band gap of silicon lies between 0.5 and 0.7 eV.", [S]),
    ("A 0.61 eV gap makes Si (mp-149) a semiconductor; its density is 2.31 g/cm^3.", [S, S]),
    ("The bulk modulus of Fe (mp-13) is 207 GPa (1.293 eV/\u00c5\u00b3).", [S, S]),
    ("mp-13 (Fe) has K_VRH = 207.1 GPa and a Poisson's ratio of 0.353.", [S, S]),
    ("Fe has a bulk modulus of 207 GPa and Cu 151 GPa.", [S, S]),
    ("The gaps are 0.61 eV for Si and 0.0 eV for Ge.", [S, S]),
    ("The formation energy of GaN from Ga and N2 is \u22120.67 eV/atom.", [S]),
    ("GaAs (mp-2534) has a formation enthalpy of \u221243.1 kJ/mol of atoms.", [S]),
    ("BaTiO3 has a formation energy of -3.49 eV/atom, i.e. -17.45 eV per formula unit.", [S, S]),
    ("The EMT bulk modulus of Cu is 0.84 eV/\u00c5\u00b3, that is 134.4 GPa.", [S, S]),
    ("Cu: bulk_modulus_gpa = 134.37 GPa (EMT).", [S]),
    ("The lattice parameter a of Cu (mp-30) is 3.62 \u00c5.", [S]),
    ("The bulk modulus of Co (mp-54) is \u22121,127.6 GPa, which is unphysical.", [S]),
    ("FePO4 (mp-753395) is ferromagnetic with 5.0 \u03bcB per formula unit.", [S]),
    ("FePO\u2084 has a total magnetization of 5 \u03bcB/f.u., and it is metastable.", [S, S]),
    ("Si (mp-149) has an indirect band gap of 0.61 eV and is stable.", [S, S, S]),
    ("Si crystallises in the space group Fd-3m (No. 227).", [S]),
    # the subject of the sentence before, or of the heading
    ("The band gap of Si is 0.61 eV. It has a density of 2.31 g/cm\u00b3.", [S, S]),
    ("## Si (mp-149)\n\n- Band gap: 0.61 eV\n- Volume per atom: 20.16 \u00c5^3", [S, S]),
    ("Bulk moduli (VRH):\n- **Fe** (mp-13): 207.1 GPa\n- Zn, mp-79: 80 GPa", [S, C]),
    ("1. Si: band gap 0.61 eV\n2. Ge: band gap 0.00 eV", [S, S]),
    # tables
    ("| Material | ID | Bulk modulus (GPa) |\n|---|---|---|\n| Fe | mp-13 | 207.1 |", [S]),
    ("| Id | Eg (eV) |\n|:-:|--:|\n| mp-149 | 0.61 |\n| mp-804 | 3.40 |", [S, C]),
    ("| Property | Si | Ge |\n|---|---|---|\n| Band gap | 0.61 eV | 0.1 eV |", [S, C]),
    ("For Si:\n\n| Property | Value |\n|---|---|\n| Density | 2.31 g/cm\u00b3 |", [S]),
    # wrong
    ("Silicon (mp-149) has a band gap of 1.12 eV.", [C]),
    ("GaN's formation energy is \u22120.67 eV per formula unit.", [C]),
    ("GaAs has a formation energy of \u221243 eV.", [C]),
    ("The EMT bulk modulus of Cu is 0.84 GPa.", [C]),
    ("The bulk modulus of Fe (mp-13) is 137 GPa.", [C]),
    ("The bulk modulus of iron is 250 GPa.", [C]),
    (
        "FePO4 is antiferromagnetic, with 10 \u03bcB per formula unit of total magnetization.",
        [C, C],
    ),
    ("GaN (mp-149) has a band gap of 0.61 eV.", [C]),
    ("Si has the space group Fm-3m.", [C]),
    # not told
    ("The stiffest material in Si\u2013O is mp-9258, with a bulk modulus of 300 GPa.", [U]),
    ("WC has a bulk modulus of 400 GPa.", [U]),
    (
        "NaCl has a density of 2.1 g/cm\u00b3. CsCl is denser. Its density is 3.9 g/cm\u00b3.",
        [S, U],
    ),
    ("Si has a band gap of 1.12 eV in experiment, but 0.61 eV in PBE.", [U, S]),
    ("Iron oxide is common. Its bulk modulus is 99 GPa.", [U]),
    ("The magnetic moment of Fe in FePO4 is 4.2 \u03bcB.", [U]),
    # comparisons
    ("Si has a smaller band gap (0.61 eV) than GaN (1.73 eV).", [S, S]),
    ("Compared with Si (0.61 eV), GaN has a wider band gap of 1.73 eV.", [S]),
    ("The band gap increases from 0.61 eV in Si to 1.73 eV in GaN.", [S, S]),
    (
        "Among Fe, mp-13 has the bulk modulus 207.1 GPa, mp-136 137.4 GPa and mp-150 300 GPa.",
        [S, S, C],
    ),
    ("mp-136 is 0.13 eV/atom above the hull; mp-150 has E_hull = 0.12 eV/atom.", [S, C]),
    ("| Compound | Eg (eV) |\n|---|---|\n| [mp-149](https://x.org/mp-149) | 0.7 |", [C]),
    ("Cu: B0 = 134.4 GPa, K = 151.4 GPa.", [S, S]),
    # no claims
    ("The band gap of GaN is 1.1 eV larger than that of Si.", []),
    ("The average bulk modulus of Fe over its polymorphs is 213 GPa.", []),
    ("Zn has moduli (Voigt-Reuss-Hill bulk modulus); Reuss: 60 GPa.", []),
    ("The bulk moduli of Fe, Cu and Zn are 207, 151 and 86 GPa, respectively.", []),
    ("I ran 5 trials at 300 K and 10 GPa with Fe, see Fig. 2 and [3].", []),
    ("The gap of Si is larger than 0.5 eV and less than 1 eV.", []),
    ("The band gap of Si differs by 0.51 eV from experiment.", []),
    ("In this case no value is known. As I said, He is inert. No. At 20 GPa we stop.", []),
    ("SCF and NPT runs (CIF, PBE) took 12 s; HOW is described in POSCAR.", []),
    ("The density of states of Si at 0.5 eV is low.", []),
    ("Is Fe stable? It is not ferromagnetic if heated.", []),
    ("BaCO3 + TiO2 -> BaTiO3 + CO2 was balanced.", []),
    ("The Si band gap was computed with a 500 eV cutoff.", []),
    ("The band gap of Si, with a cutoff energy of 520 eV and U = 5.3 eV, was computed.", []),
]


@pytest.mark.parametrize(("text", "verdicts"), SENTENCES)
def test_the_claims_of_a_text_are_found_and_judged(text: str, verdicts: list[str]) -> None:
    result = check(text=text)
    assert sorted(claim["verdict"] for claim in result.claims) == sorted(verdicts), result.text()


def test_nothing_that_was_told_is_called_wrong_in_a_text() -> None:
    """Every fact, said in a plain sentence, is supported or left alone."""
    words = {
        "bulk_modulus.vrh": "bulk modulus",
        "band_gap": "band gap",
        "formation_energy_per_atom": "formation energy",
        "density": "density",
        "volume": "volume",
        "density_atomic": "volume per atom",
        "debye_temperature": "Debye temperature",
        "bulk_modulus_gpa": "bulk modulus",
    }
    told = [fact for fact in TOLD if fact.property in words]
    assert len(told) > 20
    for fact in told:
        name = words[fact.property]
        for text in (
            f"The {name} of {fact.subject} ({fact.formula}) is {fact.value:.6g} {fact.unit}.",
            f"{fact.formula} ({fact.subject}): {name} = {fact.value:.4g} {fact.unit}",
            f"{fact.formula} has a {name} of {fact.value:.4g} {fact.unit}, by {fact.subject}.",
        ):
            assert [c["verdict"] for c in check(text=text).claims] == [S], text


def test_a_claim_keeps_what_the_text_said_of_it() -> None:
    (made,) = read_text(
        "Fe\u2082O\u2083 (mp-19770): band gap \u2248 1.5 \u00b1 0.1 eV", Evidence(TOLD, ())
    )
    assert (made.material, made.formula) == ("mp-19770", "Fe2O3")
    assert (made.property, made.shown, made.unit) == ("band gap", "1.5 \u00b1 0.1", "eV")


def test_ids_of_a_text_that_no_tool_returned_are_named_in_order() -> None:
    text = "See mp-9258, mp-149, s-deadbeef00000000 and https://doi.org/10.1000/xyz123."
    assert check(text=text).unknown_ids == ["mp-9258", "s-deadbeef00000000", "10.1000/xyz123"]


@pytest.mark.parametrize(
    "text",
    [
        *("1 " * 2000, "(Si" * 2000, "from Si and " * 500, "|" * 5000, "eV " * 2000),
        *("band gap" + " " * 9000, "Si band gap of 0.61 eV and " * 300, "A" * 9000),
        *("10.1000/" + ")" * 9000, "|a|\n|-|\n" * 900),
    ],
)
def test_a_strange_text_is_read_in_reasonable_time(text: str) -> None:
    start = time.perf_counter()
    result = check(text=text)
    assert time.perf_counter() - start < 3.0
    assert {claim["verdict"] for claim in result.claims} <= {S}


@given(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join))
@settings(max_examples=150, deadline=None)
def test_any_words_can_be_read(text: str) -> None:
    for made in read_text(text, Evidence(TOLD, ())):
        assert made.shown
        assert made.property


def test_a_doi_is_the_same_in_capitals() -> None:
    assert check(text="doi 10.1007/S10853-011-6139-7").unknown_ids == []

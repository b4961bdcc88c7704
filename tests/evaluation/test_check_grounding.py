from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from scipy import constants

from llamp_mcp.errors import InvalidInput, SourceError
from llamp_mcp.evaluation.check_grounding import MAX_CLAIMS, OPERATION
from llamp_mcp.provenance import Fact
from tests.evaluation.grounding.told import TOLD, NothingMore, check

if TYPE_CHECKING:
    from llamp_mcp.materials.source import Rows

S, C, U = "supported", "contradicted", "unknown"
KJ = constants.electron_volt * constants.Avogadro / 1000
GPA = constants.electron_volt / constants.angstrom**3 / 1e9
CU = "s-ff153afcd4fc6816"
DOI = "10.1007/s10853-011-6139-7"

CLAIMS: list[tuple[str, str, str, object, str, str]] = [
    # right, by id: exact, rounded, as text
    ("mp-149", "", "band_gap", 0.6105, "eV", S),
    ("mp-149", "", "band gap", 0.61, "eV", S),
    ("mp-149", "", "Eg", "0.6", "eV", S),
    ("mp-149", "", "band gap", "0.61 eV", "", S),
    ("mp-149", "Si", "band gap", 0.61, "", S),
    ("mp-aaaaaaft", "", "band gap", 0.61, "eV", S),
    ("mp-13", "", "bulk modulus", 207, "GPa", S),
    ("mp-13", "", "K_VRH", 207.09, "GPa", S),
    ("mp-13", "", "bulk modulus", "~210", "GPa", S),
    ("mp-136", "", "bulk modulus", 137, "GPa", S),
    ("mp-13", "", "Poisson's ratio", 0.353, "", S),
    ("mp-13", "", "energy above hull", 0, "eV/atom", S),
    ("mp-5020", "", "Debye temperature", 455, "K", S),
    ("mp-2534", "", "refractive index", 4.2, "", S),
    ("mp-2534", "", "static dielectric constant", 17.6, "", S),
    (DOI, "", "heating temperature", 973, "K", S),
    # right, by formula
    ("", "Si", "band gap", 0.61, "eV", S),
    ("", "silicon", "band gap", 0.61, "eV", S),
    ("", "NGa", "formation energy", -0.67, "eV/atom", S),
    ("", "Fe", "bulk modulus", 207, "GPa", S),
    ("", "Fe2", "bulk modulus", 137.4, "GPa", S),
    ("Fe", "", "bulk modulus", 295, "GPa", S),
    ("", "Co", "bulk modulus", -1127.6, "GPa", S),
    ("", "FePO4", "total magnetization per formula unit", 5.0, "\u03bcB", S),
    # right, in another unit
    ("mp-149", "", "band gap", 610.5, "meV", S),
    ("mp-13", "", "bulk modulus", 207.093 / GPA, "eV/\u00c5\u00b3", S),
    ("mp-13", "", "bulk modulus", "207093", "MPa", S),
    ("mp-30", "", "Young's modulus", 127, "GPa", S),
    (CU, "", "bulk modulus", 0.84, "eV/A^3", S),
    ("mp-2534", "", "formation energy", -0.4463 * KJ, "kJ/mol", S),
    ("mp-2534", "", "formation energy", -2 * 0.4463 * KJ, "kJ/mol", S),
    ("mp-2534", "", "formation energy", -0.4463 * KJ, "kJ/mol of atoms", S),
    ("mp-804", "", "formation energy", -1.34, "eV per formula unit", S),
    ("mp-804", "", "formation energy", -670, "meV/atom", S),
    ("mp-804", "", "formation energy", -0.67, "eV", S),
    ("mp-149", "", "volume per atom", 20.16, "\u00c5\u00b3", S),
    ("mp-149", "", "volume", 20.16, "\u00c5\u00b3/atom", S),
    ("mp-149", "", "density", 2313, "kg/m\u00b3", S),
    ("mp-753395", "", "total magnetization", 10, "\u03bcB per cell", S),
    ("mp-5020", "", "Debye temperature", 182.05, "\u00b0C", S),
    (DOI, "", "calcination temperature", 700, "\u00b0C", S),
    # wrong
    ("mp-149", "", "band gap", 1.12, "eV", C),
    ("mp-149", "", "band gap", 0, "eV", C),
    ("mp-13", "", "bulk modulus", 180, "GPa", C),
    ("mp-804", "", "formation energy", 0.67, "eV/atom", C),
    ("", "Fe", "bulk modulus", 250, "GPa", C),
    ("mp-5020", "", "Debye temperature", 455, "\u00b0C", C),
    (DOI, "", "heating temperature", 800, "\u00b0C", C),
    ("mp-149", "GaN", "band gap", 0.61, "eV", C),
    # wrong: another polymorph's
    ("mp-13", "", "bulk modulus", 137, "GPa", C),
    ("mp-13", "", "bulk modulus", 295, "GPa", C),
    ("mp-830", "", "formation energy", "-0.6700", "eV/atom", C),
    ("mp-804", "", "band gap", 1.571, "eV", C),
    # wrong: slips of unit
    ("mp-804", "", "formation energy", -0.67, "eV per formula unit", C),
    ("mp-804", "", "formation energy", -1.34, "eV/atom", C),
    ("mp-804", "", "formation_energy_per_atom", -1.34, "eV", C),
    ("mp-2534", "", "formation energy", -43.06, "eV", C),
    ("mp-2534", "", "formation energy", -0.4463, "kJ/mol", C),
    (CU, "", "bulk modulus", 0.84, "GPa", C),
    (CU, "", "bulk modulus", 134.4, "eV/\u00c5\u00b3", C),
    ("mp-30", "", "Young's modulus", 1.27e11, "GPa", C),
    ("mp-149", "", "volume per atom", 40.33, "\u00c5\u00b3", C),
    ("mp-753395", "", "magnetic moment", 10, "\u03bcB per formula unit", C),
    ("mp-149", "", "band gap", 0.61, "GPa", C),
    # words
    ("mp-149", "", "space group", "F d -3 m", "", S),
    ("mp-149", "", "space group", "Fd3\u0305m", "", S),
    ("mp-149", "", "space group", 227, "", S),
    ("mp-149", "", "space group", "Fd-3m (225)", "", C),
    ("mp-149", "", "space group", "Fm-3m", "", C),
    ("mp-753395", "", "space group", "P2_1/n", "", S),
    ("mp-753395", "", "space group", 14, "", S),
    ("mp-753395", "", "space group", "Pnma", "", C),
    ("mp-149", "", "crystal system", "cubic", "", S),
    ("mp-753395", "", "magnetic ordering", "ferromagnetic", "", S),
    ("mp-753395", "", "ordering", "AFM", "", C),
    ("mp-13", "", "is_stable", True, "", S),
    ("mp-753395", "", "is_stable", True, "", C),
    ("mp-30", "", "metallic", "yes", "", S),
    ("mp-149", "", "is_gap_direct", "direct", "", C),
    ("mp-149", "", "formula", "Si", "", S),
    ("mp-149", "", "formula", "Ge", "", C),
    # the same structure under another handle, in another cell
    ("mp-30", "", "bulk modulus", 134.4, "GPa", S),
    ("mp-30", "", "lattice parameter a", 2.56, "\u00c5", S),
    ("mp-30", "", "lattice parameter a", 2.560619 * 2**0.5, "\u00c5", S),
    ("mp-30", "", "lattice parameter a", 3.9, "\u00c5", C),
    # nobody told
    ("mp-9258", "", "bulk modulus", 300, "GPa", U),
    ("s-0123456789abcdef", "", "bulk modulus", 300, "GPa", U),
    ("mp-149", "", "bulk modulus", 88.9, "GPa", U),
    ("mp-149", "", "melting point", 1687, "K", U),
    ("", "WC", "bulk modulus", 400, "GPa", U),
    ("", "unobtainium", "band gap", 1, "eV", U),
    ("", "", "band gap", 1.1, "eV", U),
    ("mp-149", "", "band gap", 0.61, "furlongs", U),
    ("mp-79", "", "formation energy", 0, "eV/atom", U),
]


def one(material: str, formula: str, name: str, value: object, unit: str) -> dict[str, Any]:
    return {
        "material_id": material,
        "formula": formula,
        "property": name,
        "value": value,
        "unit": unit,
    }


@pytest.mark.parametrize(("material", "formula", "name", "value", "unit", "verdict"), CLAIMS)
def test_a_claim_is_judged_by_what_was_told(
    material: str, formula: str, name: str, value: object, unit: str, verdict: str
) -> None:
    (claim,) = check(claims=[one(material, formula, name, value, unit)]).claims
    assert claim["verdict"] == verdict, claim


def test_there_are_enough_claims_of_every_kind() -> None:
    verdicts = [claim[-1] for claim in CLAIMS]
    assert len(verdicts) >= 60
    assert min(map(verdicts.count, (S, C, U))) >= 9


@pytest.mark.parametrize(
    ("material", "name", "value", "unit", "note"),
    [
        ("mp-804", "formation energy", -0.67, "eV per formula unit", "is that in eV/atom"),
        ("mp-804", "formation energy", -1.34, "eV/atom", "is that in eV per formula unit"),
        ("mp-2534", "formation energy", -43.06, "eV", "is that in kJ/mol of atoms"),
        (CU, "bulk modulus", 0.84, "GPa", "is that in eV/\u00c5\u00b3"),
        (CU, "bulk modulus", 134.4, "eV/\u00c5\u00b3", "is that in GPa"),
        ("mp-753395", "magnetic moment", 10, "\u03bcB/f.u.", "is that in \u03bcB per cell"),
        ("mp-804", "formation energy", 0.67, "eV/atom", "the sign is wrong"),
        ("mp-149", "band gap", 3.3, "GPa", "GPa is no unit of it"),
        ("mp-13", "bulk modulus", 137, "GPa", "this is the value of mp-136: 137.4 GPa"),
        ("mp-30", "bulk modulus", 134.4, "GPa", f"computed for {CU}, the structure of mp-30"),
        ("mp-149", "melting point", 1687, "K", "not told; told of mp-149: "),
        ("mp-2534", "formation energy", -86.12, "kJ/mol", "per mole of formula units"),
        ("mp-149", "band gap", 0.61, "", "no unit given: taken as eV"),
    ],
)
def test_a_verdict_says_why(material: str, name: str, value: float, unit: str, note: str) -> None:
    (claim,) = check(claims=[one(material, "", name, value, unit)]).claims
    assert note in claim["note"]


def test_a_contradiction_gives_the_right_value_with_unit_id_and_source() -> None:
    result = check(claims=[one("mp-149", "", "band gap", 1.12, "eV")])
    (claim,) = result.claims
    assert claim["value"] == 0.6105
    assert (claim["unit"], claim["material_id"], claim["property"]) == ("eV", "mp-149", "band_gap")
    assert result.sources[claim["source"]] == "Materials Project, database of 2023"
    assert "found 0.6105 eV (mp-149 band_gap) [a]" in result.text()


def test_a_formula_may_mean_another_entry_than_the_lowest_and_that_is_said() -> None:
    (claim,) = check(claims=[one("", "Fe", "bulk modulus", 137, "GPa")]).claims
    assert claim["verdict"] == S
    assert claim["note"] == "of mp-136; mp-13, lower on the hull, has 207.093 GPa"


def test_two_methods_told_of_one_structure_both_count() -> None:
    told = [
        Fact("s-1a2b3c4d", "band_gap", v, "eV", m, "Si") for v, m in ((0.6, "PBE"), (1.2, "HSE"))
    ]
    claims = [one("s-1a2b3c4d", "", "band gap", v, "eV") for v in (0.6, 1.2, 0.9)]
    result = check(told, claims=claims)
    assert [claim["verdict"] for claim in result.claims] == [S, S, C]
    assert "also told: " in result.claims[2]["note"]


def test_a_value_of_a_structure_that_may_be_another_is_not_called_wrong() -> None:
    told = [
        Fact("mp-30", "energy_ev_per_atom", -4.1, "eV/atom", "MP", "Cu"),
        Fact("s-00000000000000aa", "energy_ev_per_atom", -0.007, "eV/atom", "emt", "Cu"),
    ]
    (claim,) = check(told, claims=[one("mp-30", "", "energy per atom", -0.007, "eV")]).claims
    assert claim["verdict"] == U
    assert "whether that structure is mp-30 was not told" in claim["note"]


def test_an_invented_id_is_named_and_its_value_is_not_looked_up() -> None:
    source = NothingMore({"material_id": "mp-9258", "bulk_modulus": {"vrh": 300.0}})
    result = check(claims=[one("mp-9258", "SiO2", "bulk modulus", 300, "GPa")], source=source)
    assert result.unknown_ids == ["mp-9258"]
    assert [claim["verdict"] for claim in result.claims] == [U]
    assert source.asked == []
    assert "Do not cite" in result.text()


def test_what_the_ledger_lacks_is_read_from_the_source_in_one_request_for_all() -> None:
    source = NothingMore(
        {"material_id": "mp-149", "formula_pretty": "Si", "bulk_modulus": {"vrh": 88.9}},
        {"material_id": "mp-32", "formula_pretty": "Ge", "bulk_modulus": {"vrh": 59.1}},
    )
    claims = [
        one("mp-149", "", "bulk modulus", 89, "GPa"),
        one("", "Ge", "bulk modulus", 70, "GPa"),
        one("mp-13", "", "bulk modulus", 207, "GPa"),
    ]
    result = check(claims=claims, source=source)
    assert [claim["verdict"] for claim in result.claims] == [S, C, S]
    assert "read from the source now" in result.claims[0]["note"]
    assert "note" not in result.claims[2]
    assert source.asked == [("elasticity", ("mp-149", "mp-32"))]


def test_an_id_that_was_only_named_is_looked_up_too() -> None:
    source = NothingMore({"material_id": "mp-66", "formula_pretty": "C", "band_gap": 4.1})
    claims = [one("mp-66", "", "band gap", 4.1, "eV")]
    assert check(claims=claims, source=source).unknown_ids == ["mp-66"]
    result = check(claims=claims, source=source, seen=["mp-66"])
    assert (result.claims[0]["verdict"], result.unknown_ids) == (S, [])


def test_a_source_that_fails_leaves_the_verdicts_of_the_ledger() -> None:
    class Broken(NothingMore):
        def rows(self, *_arguments: object, **_more: object) -> Rows:
            raise SourceError("no network")

    claims = [one("mp-149", "", n, v, "") for n, v in (("bulk modulus", 89), ("band gap", 0.61))]
    result = check(claims=claims, source=Broken())
    assert [claim["verdict"] for claim in result.claims] == [U, S]
    assert "no network" in result.notes[0]


def test_an_id_within_a_told_value_was_returned_as_well() -> None:
    told = [Fact("mp-2", "decomposes_to[0].material_id", "mp-99", None, "MP", "PdO")]
    assert check(told, text="It decomposes to mp-99 and mp-98.").unknown_ids == ["mp-98"]


@pytest.mark.parametrize("arguments", [{}, {"text": " "}, {"text": "x", "claims": [{}]}])
def test_claims_or_text_are_needed_and_not_both(arguments: dict[str, Any]) -> None:
    claims = [one("mp-149", "", "band gap", 1, "eV")] if "claims" in arguments else []
    with pytest.raises(InvalidInput, match="Allowed: claims, or text"):
        check(text=arguments.get("text", ""), claims=claims)


def test_a_text_without_claims_says_so() -> None:
    result = check(text="Nothing was found.")
    assert result.claims == []
    assert "no value of a property was found" in result.text()


def test_the_longest_answer_stays_short() -> None:
    claims = [
        one("mp-804", "", "formation energy per atom as computed with PBE", -1.34 - i / 1e4, "eV")
        for i in range(MAX_CLAIMS)
    ]
    told = [
        *TOLD,
        *(Fact("mp-804", "formation_energy_per_atom", -i, "eV/atom", "x" * 500) for i in range(30)),
    ]
    result = check(told, claims=claims)
    assert len(result.text()) < 20_000
    compact = json.dumps(result.model_dump(), ensure_ascii=False, separators=(",", ":"))
    assert len(compact) < 26_000
    assert {claim["verdict"] for claim in result.claims} == {C}
    text = " ".join(f"Si has a band gap of 1.{i} eV." for i in range(150))
    cut = check(text=text)
    assert len(cut.claims) == MAX_CLAIMS
    assert cut.notes == ["50 more claims were not checked"]


def test_a_long_conversation_is_checked_fast() -> None:
    told = [
        Fact(f"mp-{100 + i // 10}", f"property_{i % 10}", float(i), "eV", "MP", f"Si{i % 97 + 1}O2")
        for i in range(20_000)
    ]
    text = (
        "Si has a band gap of 0.61 eV (mp-149), and Fe (mp-13) a bulk modulus of 207 GPa. " * 40
    )[:3000]
    check(TOLD, text=text)
    start = time.perf_counter()
    result = check([*told, *TOLD][-20_000:], text=text)
    assert time.perf_counter() - start < 1.0
    assert {claim["verdict"] for claim in result.claims} == {S}


def test_its_answer_is_no_fact() -> None:
    result = check(claims=[one("mp-149", "", "band gap", 1.12, "eV")])
    assert list(OPERATION.facts(result)) == []

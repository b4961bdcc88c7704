"""Worked calls: understood as a person would, valid for the tools, and right through the server."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.errors import NotFound
from llamp_mcp.experts.brief import NAMES, Expert, read_brief
from llamp_mcp.experts.planning import Case, WorkedCall, compiled, fill, match, worked_calls
from llamp_mcp.server.app import ALL_OPERATIONS

if TYPE_CHECKING:
    from tests.conftest import Driver

EXAMPLES = {
    "material": "Ba(PdS2)2",
    "precursor": "Li2CO3",
    "adsorbate": "CO2",
    **dict(zip("abcd", ("BaCO3", "TiO2", "BaTiO3", "CO2"), strict=True)),
    "species": "Li",
    "site_kind": "tetrahedral",
    "chemsys": "Si-O",
    "constant": "C11",
    "topic": "LiFePO4 carbon coating",
    "n": "100",
    "height": "2",
    "low": "1",
    "high": "5.5",
    **dict.fromkeys("hkl", "1"),
}
"""A plausible value for every slot that the briefs use."""
TEMPERATURES = {"a": "300", "b": "800", "c": "300"}
OPERATIONS = {operation.name: operation for operation in ALL_OPERATIONS}
WORKED = [(name, worked) for name in NAMES for worked in worked_calls(read_brief(name))]
IDS = [f"{name}: {worked.asked[0]}" for name, worked in WORKED]


def slots_of(worked: WorkedCall) -> dict[str, str]:
    pattern = worked.asked[0]
    names = compiled(pattern).groupindex
    given = {**EXAMPLES, **(TEMPERATURES if "{a:number}" in pattern else {})}
    return {name: given[name] for name in names}


class Results(dict[str, Any]):
    """Stands for any result: every path leads somewhere."""

    def __missing__(self, _key: str) -> Results:
        return self


@pytest.mark.parametrize(("name", "worked"), WORKED, ids=IDS)
def test_a_worked_call_is_valid_for_its_tools(name: Expert, worked: WorkedCall) -> None:
    slots = slots_of(worked)
    for call in worked.calls:
        assert call.tool in read_brief(name).tools
        results = [Results(structure_id="s-0123456789abcdef", material_id="mp-149")] * 4
        arguments = fill(call.arguments, slots, results)
        OPERATIONS[call.tool].params.model_validate(arguments)


@pytest.mark.parametrize(("name", "worked"), WORKED, ids=IDS)
def test_every_way_of_asking_is_understood(name: Expert, worked: WorkedCall) -> None:
    slots = slots_of(worked)
    for pattern in worked.asked:
        question = f"Please: what is the {_said(pattern, slots)}?"
        found = match(question)
        assert found is not None, question
        assert (found.expert, found.worked, found.slots) == (name, worked, slots)


def _said(pattern: str, slots: dict[str, str]) -> str:
    """The pattern as a person may say it: the first of alternatives, something for `...`."""
    words = [
        word if "{" in word else word.split("/")[0].replace("...", ", and so on,")
        for word in pattern.split()
    ]
    plain = " ".join(words).replace(":material", "").replace(":number", "").replace(":digit", "")
    plain = plain.replace(":words", "").replace(":word", "")
    return plain.format(**slots)


@pytest.mark.parametrize(
    ("question", "slots"),
    [
        ("bulk modulus of Sc", {"material": "Sc"}),
        ("What is the BULK Modulus (VRH, GPa) of the most stable Fe?", {"material": "Fe"}),
        ("band gap of NaFe(SO4)2 in eV?", {"material": "NaFe(SO4)2"}),
        ("band gap of mp-149.", {"material": "mp-149"}),
        ("band gap of diamond silicon (mp-149)", {"material": "mp-149"}),
        ("density of NaCl (mp-22862) in g/cm³", {"material": "mp-22862"}),
        ("the stiffest material in Si\u2013O?", {"chemsys": "Si-O"}),
        (
            "BaCO3 + TiO2 → BaTiO3 + CO2",
            {"a": "BaCO3", "b": "TiO2", "c": "BaTiO3", "d": "CO2"},
        ),
        (
            "Put Li at the tetrahedral interstitial of Si",
            {"species": "Li", "site_kind": "tetrahedral", "material": "Si"},
        ),
    ],
)
def test_slots_keep_their_case_and_words_do_not_matter(
    question: str, slots: dict[str, str]
) -> None:
    found = match(question)
    assert found is not None
    assert found.slots == slots


@pytest.mark.parametrize(
    "question",
    ["bulk modulus of Copper", "bulk modulus of everything", "What is the weather?", ""],
)
def test_what_no_brief_answers_is_not_understood(question: str) -> None:
    assert match(question) is None


def test_the_most_specific_pattern_wins() -> None:
    plain, computed = "bulk modulus of Cu", "bulk modulus of fcc Cu by equation of state with EMT"
    experts = [found.expert for q in (plain, computed) if (found := match(q))]
    assert experts == ["elasticity", "simulation"]


def test_a_slot_of_unknown_kind_is_a_mistake_of_the_brief() -> None:
    with pytest.raises(ValueError, match="colour"):
        compiled("gap of {thing:colour}")


def test_an_answer_without_a_last_resort_is_a_mistake_of_the_brief() -> None:
    with pytest.raises(ValueError, match="must hold always"):
        WorkedCall(asked=("x",), calls=(), answer=(Case(when={"1.a": "b"}, say="c"),))


RESULTS = [{"rows": [{"id": "mp-1", "k": 1.23456789}, {"id": "mp-2", "k": 0.5}], "m": [[1.0, 2]]}]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{1.rows.0.k}", 1.23456789),
        ("{1.rows.-1.id}", "mp-2"),
        ("{1.rows.*.id}", ["mp-1", "mp-2"]),
        ("{1.rows.*.k} GPa", "1.23457, 0.5 GPa"),
        ("{1.m} of {material}", "[1, 2] of Si"),
        ("{n}", 7),
        ({"x": ["{height}", "{material}"], "y": 3}, {"x": [2.5, "Si"], "y": 3}),
        ((Case(when={"1.rows.0.id": "mp-9"}, say="no"), Case(say="{1.rows.1.id}")), "mp-2"),
        ((Case(when={"1.rows.7.id": ""}, say="no"), Case(say="yes")), "yes"),
        ((Case(when={"1.rows.0.id": "MP-1"}, say="yes"), Case(say="no")), "yes"),
    ],
)
def test_templates_are_filled(template: Any, expected: Any) -> None:
    assert fill(template, {"material": "Si", "n": "7", "height": "2.5"}, RESULTS) == expected


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{1.rows.2.id}", "2 items"),
        ("{1.rows.0.colour}", "id, k"),
        ("{2.rows}", "1 to 1"),
        ("{species}", "no slot 'species'"),
        ("{1.rows.0.id.x}", "nothing within 'mp-1'"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_is(template: str, says: str) -> None:
    with pytest.raises(NotFound, match=says):
        fill(template, {}, RESULTS)


def test_templates_hold_only_placeholders_that_are_slots_or_earlier_results() -> None:
    for name, worked in WORKED:
        known = {slot for pattern in worked.asked for slot in compiled(pattern).groupindex}
        for place, call in enumerate(worked.calls):
            _check(call.arguments, known, place, name)
        for case in worked.answer:
            _check([case.say, *(f"{{{path}}}" for path in case.when)], known, 9, name)


def _check(template: Any, slots: set[str], calls: int, name: str) -> None:
    if isinstance(template, dict | list):
        for part in template.values() if isinstance(template, dict) else template:
            _check(part, slots, calls, name)
    elif isinstance(template, str):
        for _, path, _, _ in string.Formatter().parse(template):
            head = (path or "1").split(".")[0]
            assert head in slots or (head.isdecimal() and int(head) <= calls) or path is None, (
                name,
                template,
            )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What is the bulk modulus of V?", ("181.232 GPa", "mp-146")),
        ("What is the bulk modulus of Co?", ("200.587 GPa", "mp-102", "mp-54", "unphysical")),
        ("What is the bulk modulus of Mn?", ("No single value", "mp-8634", "mp-542909")),
        ("Formation energy of TlGaS2?", ("-0.884233 eV/atom", "mp-4016")),
        ("Decomposition enthalpy of mp-2534?", ("-0.446277 eV/atom",)),
        ("Band gap of Ba(PdS2)2?", ("0.7792 eV", "mp-28967")),
        ("Band gap of AgSbS2?", ("0 eV", "0.114625 eV/atom above the hull")),
        ("Synthesis of LiFePO4?", ("10.1021/jp407510h", "10.1007/s10853-011-6139-7", "700 °C")),
        (
            "Put Li at the tetrahedral interstitial of Si",
            ("4 neighbours at 2.357 Å", "strain 0 %", "mp-149"),
        ),
        ("Magnetic ordering of FePO4?", ("FM", "5 μB per formula unit", "mp-753395")),
        ("Space group of FePO4?", ("P-1", "mp-753395")),
        ("Density of mp-22862, from its crystal structure", ("2.105", "g/cm³")),
        ("Make a NaZnP (100) slab with CO2 2 Å above it", ("2 Å above", "mp-4824")),
        (
            "The stiffest material with the lowest formation energy in Si-O",
            ("mp-9258", "310.27 GPa", "mp-7000", "-3.04582 eV/atom"),
        ),
        ("bulk modulus of Cu from an equation of state with EMT", ("134.372 GPa",)),
    ],
)
async def test_the_stories_are_answered_through_the_server(
    server: Driver, question: str, said: tuple[str, ...]
) -> None:
    """Values and ids are the Materials Project's as printed in the notebooks of arXiv 2401.17244.

    Geometry follows from the lattice parameter of Si; EMT's modulus is that of ASE's tutorial,
    0.84 eV/Å³, within 0.3 %.
    """
    found = match(question)
    assert found is not None
    results: list[dict[str, Any]] = []
    for call in found.worked.calls:
        arguments = fill(call.arguments, found.slots, results)
        ask = server.done if OPERATIONS[call.tool].long_running else server.call
        answer = await ask(call.tool, **arguments)
        results.append(answer["result"] if OPERATIONS[call.tool].long_running else answer)
    told = fill(found.worked.answer, found.slots, results)
    assert not [words for words in said if words not in told], told


def test_an_unphysical_modulus_is_never_chosen_silently() -> None:
    """Whatever the source, a warning goes into the answer with the next candidate's id."""
    rows = [
        _row("mp-1", -5.0, ["bulk_modulus.vrh = -5 is unphysical"], "lowest"),
        _row("mp-2", 7.0, [], "next candidate, beside the unphysical mp-1"),
    ]
    found = match("bulk modulus of Co")
    assert found is not None
    told = fill(found.worked.answer, found.slots, [{"results": rows}])
    assert all(words in told for words in ("7 GPa", "mp-2", "mp-1", "unphysical"))


def _row(material_id: str, vrh: float, warnings: list[str], selection: str) -> dict[str, Any]:
    return {
        "material_id": material_id,
        "formula": "Co",
        "selection": selection,
        "warnings": warnings,
        "groups": {"elasticity": {"bulk_modulus": {"vrh": vrh}}},
    }

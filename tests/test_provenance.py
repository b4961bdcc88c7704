from __future__ import annotations

import pytest

from llamp_mcp.provenance import Fact, Ledger, LineageStep, ids_in, named_ids


def fact(subject: str, value: float = 1.0, name: str = "band_gap") -> Fact:
    return Fact(subject, name, value, "eV", "test")


def test_each_caller_has_a_ledger_of_its_own() -> None:
    ledger = Ledger()
    ledger.record("ann", [fact("mp-1")])
    ledger.record("bob", [fact("mp-2")])
    assert [f.subject for f in ledger.facts("ann")] == ["mp-1"]
    assert list(ledger.facts("nobody")) == []


def test_every_distinct_value_is_kept_and_one_told_again_moves_to_the_end() -> None:
    ledger = Ledger()
    ledger.record("ann", [fact("mp-1", 1.0), fact("mp-2"), fact("mp-1", 2.0), fact("mp-1", 1.0)])
    told = [(f.subject, f.value) for f in ledger.facts("ann")]
    assert told == [("mp-2", 1.0), ("mp-1", 2.0), ("mp-1", 1.0)]


def test_the_same_value_by_two_methods_is_two_facts() -> None:
    ledger = Ledger()
    ledger.record("ann", [Fact("s-1", "band_gap", 1.0, "eV", method) for method in ("pbe", "hse")])
    assert [f.source for f in ledger.facts("ann")] == ["pbe", "hse"]


def test_ids_are_remembered_that_have_no_facts() -> None:
    ledger = Ledger()
    ledger.record("ann", [fact("mp-1")])
    ledger.saw("ann", ["mp-2", "j-0123456789abcde"])
    assert ledger.seen("ann") == {"mp-1", "mp-2", "j-0123456789abcde"}
    assert ledger.seen("bob") == frozenset()
    assert len(list(ledger.facts("ann"))) == 1


def test_an_id_is_still_known_when_its_facts_are_forgotten_until_there_are_too_many_ids() -> None:
    ledger = Ledger(limit=2)
    ledger.record("ann", [fact("mp-1"), fact("mp-2", 1.0), fact("mp-2", 2.0)])
    assert [f.subject for f in ledger.facts("ann")] == ["mp-2", "mp-2"]
    assert ledger.seen("ann") == {"mp-1", "mp-2"}
    ledger.saw("ann", ["mp-3"])
    assert ledger.seen("ann") == {"mp-2", "mp-3"}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("The entry is mp-149.", {"mp-149"}),
        ("(mp-149, mvc-12; MP-30)", {"mp-149", "mvc-12", "mp-30"}),
        ("mp-aaaaaaft and mp-foo and mp-149_Li", {"mp-aaaaaaft"}),
        ("structure://s-ff153afcd4fc6816.cif", {"s-ff153afcd4fc6816"}),
        ("job j-1a208cc0ee69ccd of b-1a208cc0ee69ccd", {"j-1a208cc0ee69ccd", "b-1a208cc0ee69ccd"}),
        ("https://doi.org/10.1007/s10853-011-6139-7.", {"10.1007/s10853-011-6139-7"}),
        ("(doi 10.1016/0022-3093(95)00155-7)", {"10.1016/0022-3093(95)00155-7"}),
        ("[arXiv:2401.17244v2]", {"2401.17244v2"}),
        ("the s-block, a p-type j-pole, 10.5/2 and b-axis", set()),
    ],
)
def test_ids_are_found_in_a_text(text: str, ids: set[str]) -> None:
    assert ids_in(text) == ids


def test_an_id_says_where_it_stands() -> None:
    text = "See 10.1021/cm303259j. Not MP-149!"
    assert [text[found.start : found.end] for found in named_ids(text)] == [
        "10.1021/cm303259j",
        "MP-149",
    ]


def test_the_ledger_forgets_the_oldest_facts_and_callers() -> None:
    ledger = Ledger(limit=2, callers=2)
    ledger.record("ann", [fact("mp-1"), fact("mp-2"), fact("mp-3")])
    assert [f.subject for f in ledger.facts("ann")] == ["mp-2", "mp-3"]
    ledger.record("bob", [fact("mp-1")])
    ledger.record("ann", [fact("mp-4")])
    ledger.record("eve", [fact("mp-1")])
    assert list(ledger.facts("bob")) == []
    assert len(list(ledger.facts("ann"))) == 2


def test_a_step_says_what_was_done_to_what() -> None:
    step = LineageStep(action="supercell", parent="s-1", parameters={"target_atoms": 16})
    assert step.text() == "supercell(target_atoms=16) of s-1"
    assert LineageStep(action="get_structure", origin="mp-149").text() == "get_structure of mp-149"

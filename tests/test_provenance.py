from __future__ import annotations

from llamp_mcp.provenance import Fact, Ledger, LineageStep


def fact(subject: str, value: float = 1.0, name: str = "band_gap") -> Fact:
    return Fact(subject, name, value, "eV", "test")


def test_each_caller_has_a_ledger_of_its_own() -> None:
    ledger = Ledger()
    ledger.record("ann", [fact("mp-1")])
    ledger.record("bob", [fact("mp-2")])
    assert [f.subject for f in ledger.facts("ann")] == ["mp-1"]
    assert list(ledger.facts("nobody")) == []


def test_a_newer_value_replaces_the_older_and_moves_to_the_end() -> None:
    ledger = Ledger()
    ledger.record("ann", [fact("mp-1", 1.0), fact("mp-2"), fact("mp-1", 2.0)])
    assert [(f.subject, f.value) for f in ledger.facts("ann")] == [("mp-2", 1.0), ("mp-1", 2.0)]


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

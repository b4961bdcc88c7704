"""The rule by which a formula means an entry; all values are made up."""

from __future__ import annotations

import pytest

from llamp_mcp.materials import selection
from tests.materials.made_up import MadeUpSource


def entry(number, energy=None, **more):
    document = {"material_id": f"mp-{3200000 + number}", "formula_pretty": "FeO", **more}
    return document if energy is None else {**document, "energy_above_hull": energy}


def chosen(found, hull=None, group=""):
    hull = hull or {d["material_id"]: selection.hull_energy(d) for d in found}
    return selection.choose(found, hull, "values", group)


def ids(choices):
    return [choice.document["material_id"] for choice in choices]


def test_the_lowest_on_the_hull_is_chosen_and_the_others_are_named():
    [choice] = chosen([entry(1, 0.2), entry(2, 0.1), entry(3)])
    assert choice.document["material_id"] == "mp-3200002"
    assert "of 3 candidates with values: mp-3200002, mp-3200001" in choice.selection
    assert "unknown here: mp-3200003" in choice.selection


def test_equal_energies_are_said():
    [choice] = chosen([entry(2, 0.0), entry(1, 0.0)])
    assert choice.document["material_id"] == "mp-3200001"
    assert "equal: mp-3200001, mp-3200002" in choice.selection


def test_lower_entries_without_the_values_are_said():
    found = [entry(1, 0.2)]
    hull = {"mp-3200001": 0.2, "mp-3200002": 0.0}
    [choice] = chosen(found, hull)
    assert "lower but without values here: mp-3200002 (on the hull)" in choice.selection


def test_none_is_chosen_where_no_hull_energy_is_known():
    choices = chosen([entry(1), entry(2)])
    assert len(choices) == 2
    assert not any(choice.chosen for choice in choices)


def test_hundreds_of_polymorphs_do_not_flood_the_answer():
    found = [entry(n, n / 1000) for n in range(1, 301)]
    [choice] = chosen(found)
    assert "of 300 candidates" in choice.selection
    assert "and 260 more" in choice.selection
    assert len(choice.selection) < 800


def test_an_unphysical_value_brings_the_next_candidate():
    found = [entry(1, 0.0, n=0.5), entry(2, 0.1, n=0.7), entry(3, 0.2, n=1.5)]
    assert ids(chosen(found, group="dielectric")) == ["mp-3200001", "mp-3200003"]
    # the name means nothing in a group that has no such field
    assert ids(chosen(found, group="surface")) == ["mp-3200001"]


def test_bounds_are_those_of_the_group():
    document = {"e_total": 0.1, "bulk_modulus": {"vrh": -1.0, "voigt": None}, "n": True}
    assert selection.unphysical(document, "dielectric") == ["e_total = 0.1 is unphysical (below 1)"]
    assert selection.unphysical(document, "elasticity") == [
        "bulk_modulus.vrh = -1 is unphysical (below 0)"
    ]


def test_all_formulas_are_one_search_and_all_ids_another():
    source = MadeUpSource(
        summary=[
            entry(1, 0.0),
            entry(2, 0.1),
            {"material_id": "mp-3200003", "formula_pretty": "NiO"},
        ]
    )
    found = selection.entries(source, ["Fe1 O1", "Ni1 O1", "C1"], ["mp-3200001", "mp-3200009"])
    assert {key: list(entries) for key, entries in found.by_formula.items()} == {
        "Fe1 O1": ["mp-3200001", "mp-3200002"],
        "Ni1 O1": ["mp-3200003"],
        "C1": [],
    }
    assert list(found.by_id) == ["mp-3200001"]
    assert [kind for kind, *_ in source.asked] == ["search", "search"]


def test_entries_that_were_cut_are_said(monkeypatch):
    monkeypatch.setattr(selection, "MAX_ENTRIES", 2)
    source = MadeUpSource(summary=[entry(n, n / 10) for n in range(1, 6)])
    found = selection.entries(source, ["Fe1 O1"], [])
    assert list(found.by_formula["Fe1 O1"]) == ["mp-3200001", "mp-3200002"]
    assert found.notes == (
        "only the 2 lowest on the hull of 5 entries of these compositions were considered; name "
        "fewer formulas",
    )


@pytest.mark.parametrize(
    ("told", "may"),
    [
        ({}, True),
        ({"has_props": None}, True),
        ({"has_props": {"elasticity": True}}, True),
        ({"has_props": {"thermo": True}}, True),
        ({"has_props": {"elasticity": False}}, False),
    ],
)
def test_only_what_the_summary_denies_is_not_asked_for(told, may):
    assert selection.may_have(told, "elasticity") is may
    assert selection.may_have({"has_props": {"": False, "bonds": False}}, "robocrys")

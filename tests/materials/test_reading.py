from __future__ import annotations

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.reading import documents
from tests.materials.made_up import MadeUpSource

ID = "mp-3200001"
OTHER = "mp-3200002"


def test_all_materials_are_asked_for_at_once_with_the_fields_that_are_needed():
    source = MadeUpSource(
        thermo=[
            {"material_id": ID, "thermo_type": "R2SCAN", "energy_above_hull": 0.5},
            {"material_id": ID, "thermo_type": "GGA_GGA+U", "energy_above_hull": 0.4},
            {"material_id": OTHER, "thermo_type": "R2SCAN", "energy_per_atom": -1.0},
        ]
    )
    found = documents(source, "thermo", (ID, OTHER, "mp-3200003"), ("energy_above_hull",))
    assert [(d["material_id"], d["energy_above_hull"]) for d in found] == [(ID, 0.4)]
    assert found[0]["thermo_type"] == "GGA_GGA+U"
    [(endpoint, ids, fields)] = source.asked
    assert (endpoint, ids) == ("thermo", (ID, OTHER, "mp-3200003"))
    assert set(fields) == {
        *("energy_above_hull", "thermo_type", "formula_pretty", "warnings", "deprecated")
    }


def test_nothing_is_asked_for_no_materials():
    source = MadeUpSource()
    assert documents(source, "thermo", ()) == ()
    assert source.asked == []


def test_without_names_everything_is_read():
    raw = {"material_id": ID, "formula_pretty": "XaXb", "band_gap": 1.0, "dos": {"total": 1}}
    [told] = documents(MadeUpSource(electronic_structure=[raw]), "electronic_structure", (ID,))
    assert told["dos"] == {"total": 1}
    assert told["formula_pretty"] == "XaXb"


def test_several_documents_become_a_list_with_what_was_named():
    rows = [
        {"material_id": ID, "sigma": 5, "gb_energy": 0.9, "final_structure": {"sites": []}},
        {"material_id": ID, "sigma": 3, "gb_energy": 0.7, "final_structure": {"sites": []}},
    ]
    source = MadeUpSource(grain_boundaries=rows)
    [told] = documents(source, "grain_boundary", (ID,), ("grain_boundaries",))
    assert told["grain_boundaries"] == [
        {"sigma": 3, "gb_energy": 0.7},
        {"sigma": 5, "gb_energy": 0.9},
    ]
    [told] = documents(source, "grain_boundary", (ID,), ("final_structure",))
    assert told["grain_boundaries"][0] == {
        "sigma": 3,
        "gb_energy": 0.7,
        "final_structure": {"sites": []},
    }


def test_sources_and_notes_of_a_row_go_with_its_fields():
    rows = [
        {
            "material_id": ID,
            "bond_types": {"Xa-Xb": [2.0, 2.5]},
            "_sources": {"bond_types": "a-paper"},
            "_notes": ["rounded"],
        }
    ]
    [told] = documents(MadeUpSource(bonds=rows), "bonds", (ID,), ("bond_lengths",))
    assert told["bond_lengths"] == [{"bond": "Xa-Xb", "count": 2, "min": 2.0, "max": 2.5}]
    assert told["sources"]["bond_lengths"] == "a-paper"
    assert told["notes"] == ["rounded"]


def test_what_the_project_says_against_a_document_is_said():
    rows = [
        {
            "material_id": ID,
            "bulk_modulus": {"vrh": 1.0},
            "deprecated": True,
            "warnings": ["one", "two", "three", "x" * 500],
        }
    ]
    [told] = documents(MadeUpSource(elasticity=rows), "elasticity", (ID,), ("bulk_modulus.vrh",))
    assert told["notes"] == [
        f"{ID} elasticity: deprecated by the Project",
        *(f"{ID} elasticity: the Project warns: {said}" for said in ("one", "two", "three")),
        f"{ID} elasticity: 1 more warnings",
    ]


def test_a_material_without_any_of_the_fields_is_left_out():
    rows = [{"material_id": ID, "bulk_modulus": {"vrh": None, "voigt": 2.0}}]
    source = MadeUpSource(elasticity=rows)
    assert documents(source, "elasticity", (ID,), ("bulk_modulus.vrh", "state")) == ()
    assert documents(source, "elasticity", (ID,), ("bulk_modulus.voigt",))


def test_youngs_modulus_is_found_under_its_alias():
    rows = [{"material_id": ID, "youngs_modulus": 2e11}]
    [told] = documents(MadeUpSource(elasticity=rows), "elasticity", (ID,), ("young_modulus",))
    assert told["young_modulus"] == 2e11


def test_unknown_fields_are_refused_before_the_source_is_asked():
    source = MadeUpSource()
    with pytest.raises(InvalidInput, match="Did you mean 'edge'"):
        documents(source, "xas", (ID,), ("edges",))
    assert source.asked == []

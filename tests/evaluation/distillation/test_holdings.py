"""What a snapshot holds is asked for in every group, in words that read well."""

from __future__ import annotations

import json
import re

import pytest

from llamp_mcp.evaluation.distillation.distill import distill
from tests.evaluation.distillation.conftest import rows

COPPER = {
    "material_id": "mp-30",
    "formula_pretty": "Cu",
    "composition": {"Cu": 1},
    "composition_reduced": {"Cu": 1},
    "chemsys": "Cu",
    "elements": ["Cu"],
    "nelements": 1,
}
FACET = {
    "miller_index": [1, 1, 1],
    "surface_energy": 1.34,
    "work_function": 4.88,
    "area_fraction": 0.6,
    "is_reconstructed": False,
}
DOCUMENTS = [
    ("summary", COPPER | {"nsites": 1, "density": 8.9, "energy_above_hull": 0.0}),
    ("surface_properties", {"material_id": "mp-30", "surfaces": [FACET], "shape_factor": 5.1}),
    ("robocrys", COPPER | {"description": "Cu is cubic. All bond lengths are 2.53 Å."}),
    (
        "thermo",
        COPPER
        | {
            "thermo_type": "GGA_GGA+U",
            "energy_above_hull": 0.02,
            "decomposes_to": [{"material_id": "mp-124", "formula": "Ag", "amount": 1.0}],
        },
    ),
    (
        "provenance",
        COPPER
        | {
            "theoretical": False,
            "authors": [{"name": "Marie Curie", "email": "m@example.org"}],
            "references": ["@article{x, doi={10.1000/xyz}, title={Copper}, year={1990}}"],
        },
    ),
    ("magnetism", COPPER | {"ordering": "NM", "is_magnetic": False}),
]


@pytest.fixture
def pairs(snapshot, tmp_path):
    distill(snapshot(DOCUMENTS), tmp_path / "out")
    return rows(tmp_path / "out", "pairs")


def _answers(pairs, name):
    return [
        row["answer"]
        for row in pairs
        if row["kind"] == "value" and any(f["property"].startswith(name) for f in row["facts"])
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("surfaces", "miller index [1, 1, 1], surface energy 1.34 J/m², work function 4.88 eV"),
        ("shape_factor", "5.1"),
        ("description", "Cu is cubic. All bond lengths are 2.53 Å."),
        ("theoretical", "Yes: an experimental source of the structure of Cu (mp-30) is known"),
        ("references", "doi 10.1000/xyz, title Copper, year 1990"),
        ("is_magnetic", "No: no site of Cu (mp-30) carries a magnetic moment"),
        ("ordering", "NM"),
    ],
)
def test_every_group_is_asked_about(pairs, name, told):
    answers = _answers(pairs, name)
    assert answers
    assert all(told in answer for answer in answers)


def test_what_names_an_entry_that_is_not_held_is_left_out(pairs):
    """Its formula, and so its side, would not be known."""
    assert "mp-124" not in json.dumps(pairs)


def test_people_are_not_in_the_data_set(pairs):
    assert not re.search("Curie|example.org", json.dumps(pairs))

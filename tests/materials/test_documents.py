from __future__ import annotations

import json

import pytest

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials import documents
from llamp_mcp.materials.documents import document
from tests.materials.made_up import MadeUpSource


def test_a_material_is_one_json_document_with_units_and_sources(source):
    body = document(source, "mp-54")
    assert json.loads(json.dumps(body, allow_nan=False)) == body
    assert {"summary", "thermo", "elasticity"} <= set(body["groups"])
    assert body["units"]["bulk_modulus"] == "GPa"
    assert "raw" in body["groups"]["elasticity"]["elastic_tensor"]
    assert set(body["value_sources"].values()) == set(body["sources"])
    assert "10.1063/1.4812323" in body["source"]["attribution"]


def test_one_group_is_given_alone(source):
    assert list(document(source, "mp-149", "electronic_structure")["groups"]) == [
        "electronic_structure"
    ]


def test_what_is_not_there_is_an_error(source):
    with pytest.raises(NotFound, match="no magnetism of mp-149"):
        document(source, "mp-149", "magnetism")
    with pytest.raises(NotFound, match="no mp-5 in this source"):
        document(source, "mp-5")
    with pytest.raises(InvalidInput, match="not a material id"):
        document(source, "hello")
    with pytest.raises(InvalidInput, match="Unknown group 'bands'"):
        document(source, "mp-149", "bands")


ID = "mp-3200001"
SUMMARY = {"material_id": ID, "formula_pretty": "FeO", "has_props": {"xas": False}}


def test_everything_is_read_that_the_summary_does_not_deny():
    source = MadeUpSource(
        summary=[SUMMARY],
        dielectric=[{"material_id": ID, "total": [[1.0]], "n": 1.5}],
        piezoelectric=[{"material_id": ID, "total": [[2.0]]}],
    )
    body = document(source, ID)
    assert list(body["groups"]) == ["summary", "dielectric", "piezoelectric"]
    assert body["formula_pretty"] == "FeO"
    assert body["units"]["total"] == "relative permittivity"
    assert body["units"]["piezoelectric.total"] == "C/m²"
    asked = [kind for kind, *_ in source.asked]
    assert "xas" not in asked
    assert len(asked) == len(set(asked))


def test_fields_that_are_asked_for_by_no_one_are_there_too():
    raw = {"material_id": ID, "task_id": "mp-3200009", "input": {"incar": {"ENCUT": 520}}}
    body = document(MadeUpSource(tasks=[raw]), ID, "tasks")
    assert body["groups"]["tasks"]["tasks"] == [
        {"task_id": "mp-3200009", "input": {"incar": {"ENCUT": 520}}}
    ]


def test_what_is_too_long_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(documents, "MAX_BYTES", 500)
    raw = {"material_id": ID, "energies": [0.5] * 200, "bandgap": 1.0, "nkpoints": 8}
    body = document(MadeUpSource(absorption=[raw]), ID, "absorption")
    assert body["groups"]["absorption"] == {"bandgap": 1.0, "nkpoints": 8}
    assert list(body["left_out"]) == ["absorption.energies"]

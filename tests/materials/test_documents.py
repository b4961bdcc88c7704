from __future__ import annotations

import json

import pytest

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.documents import document


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

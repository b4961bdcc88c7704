from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.pictures import picture
from llamp_mcp.structures.view_structure import (
    ViewStructureParams,
    ViewStructureResult,
    view_structure,
)
from tests.structures.conftest import copper, salt
from tests.structures.pictures.crystals import carbon_dioxide, perovskite, pixels

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from llamp_mcp.structures.store import StructureStore


def view(store: StructureStore, structure: Structure, **arguments: Any) -> ViewStructureResult:
    handle = store.put(structure, LineageStep(action="create_structure"))
    params = ViewStructureParams(structure_id=handle, **arguments)
    return view_structure(params, structures=store)


def test_the_text_tells_what_the_picture_shows(store: StructureStore) -> None:
    result = view(store, perovskite(), orientation="b")
    text = result.text()
    for said in (
        "SrTiO3, n_atoms = 5 in the cell, n_drawn = 15",
        "view along [0 1 0]: direction [0 1 0] (direct lattice) towards the reader, c up",
        "Sr green (#00ff00), 1 in the cell",
        "O red (#ff0d0d), 3 in the cell",
        "6 O-Ti, 1.95",
        "rule for drawing: distance up to the sum of the covalent radii",
        "Sr has up to 12 neighbours within the cutoff",
        "shortest distance = 1.95",
        f"structure://{result.structure_id}.png",
    ):
        assert said in text
    assert result.bonds["kinds"][0]["per_cell"] == 6
    assert result.shortest_distance_a == pytest.approx(3.905 / 2, abs=1e-3)
    assert [one["symbol"] for one in result.elements] == ["Sr", "Ti", "O"]
    assert result.labels["count"] > 0


def test_the_picture_comes_with_it_and_the_standard_view_is_linked(store: StructureStore) -> None:
    result = view(store, salt(), width_px=400)
    (image,) = result.images()
    assert pixels(image).shape[:2] == tuple(result.size_px[::-1])
    assert result.size_px[0] == 400
    assert image == picture(salt(), width_px=400).png
    (link,) = result.links()
    assert (link.uri, link.mime_type) == (result.uri, "image/png")


def test_arguments_reach_the_picture(store: StructureStore) -> None:
    result = view(
        store, salt(), direction=[1, 1, 0], labels="element", bonds=False, repeats=[2, 1, 1]
    )
    assert result.view["towards_reader"] == [1, 1, 0]
    assert result.view["repeats"] == [2, 1, 1]
    assert result.n_drawn == 5 * 3 * 3
    assert result.labels["kind"] == "element"
    assert result.bonds["kinds"] == []
    assert "sticks per cell: none" in result.text()


def test_vacuum_and_whole_molecules_are_told(store: StructureStore) -> None:
    text = view(store, carbon_dioxide(at=(0, 0, 0))).text()
    assert "vacuum along a, b, c" in text
    assert "molecules and molecular ions are drawn whole" in text


def test_partly_occupied_sites_are_told(store: StructureStore) -> None:
    structure = copper()
    structure[0] = {"Cu": 0.5, "Au": 0.2}
    assert "vacant white (#ffffff), 0.3 in the cell" in view(store, structure).text()


def test_atoms_too_near_are_told(store: StructureStore) -> None:
    structure = copper()
    structure.append("H", [0.1, 0, 0])
    assert "unphysical" in view(store, structure).text()


def test_missing_sticks_are_explained(store: StructureStore) -> None:
    assert "no sticks among more than 1000 atoms" in view(store, salt(), repeats=[5, 5, 6]).text()


@pytest.mark.parametrize(
    "wrong",
    [
        {"width_px": 200},
        {"width_px": 5000},
        {"repeats": [0, 1, 1]},
        {"repeats": [1, 1]},
        {"direction": [1, 1, 1, 1]},
        {"orientation": "d"},
    ],
)
def test_arguments_are_bounded(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ViewStructureParams(structure_id="s-0", **wrong)


def test_bad_input_is_explained(store: StructureStore) -> None:
    with pytest.raises(InvalidInput, match="not all zero"):
        view(store, salt(), direction=[0, 0, 0])
    with pytest.raises(InvalidInput, match="at most 8000 atoms"):
        view(store, salt() * (3, 3, 3), repeats=[10, 10, 10])
    with pytest.raises(NotFound):
        view_structure(ViewStructureParams(structure_id="s-0"), structures=store)

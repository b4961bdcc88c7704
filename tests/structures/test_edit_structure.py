from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.errors import HomeError, InvalidInput, NotFound
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures import OPERATIONS
from llamp_mcp.structures.edit_structure import (
    OPERATION,
    EditStructureParams,
    EditStructureResult,
    edit_structure,
)
from tests.structures.conftest import copper, silicon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.structures.store import StructureStore

GROW_AND_ADD: list[dict[str, Any]] = [
    {"op": "supercell", "target_atoms": 16},
    {"op": "interstitial", "species": "Li", "site_kind": "tetrahedral"},
]


@pytest.fixture
def handle(store: StructureStore) -> str:
    return store.put(silicon(), LineageStep(action="get_structure", origin="mp-149, 2025.1"))


def run(store: StructureStore, handle: str, *edits: dict[str, Any]) -> EditStructureResult:
    params = EditStructureParams(structure_id=handle, edits=list(edits))
    return edit_structure(params, structures=store)


def numbers(value: Any) -> Iterator[float]:
    """Every number in a JSON document."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_the_lithium_story_ends_in_a_stored_structure_with_its_whole_lineage(
    store: StructureStore, handle: str
) -> None:
    result = run(store, handle, *GROW_AND_ADD)
    assert (result.formula, result.n_atoms, result.material_id) == ("LiSi16", 17, None)
    assert [step.action for step in result.lineage] == [
        "get_structure",
        "supercell",
        "interstitial",
    ]
    assert result.lineage[0].origin == "mp-149, 2025.1"
    assert result.lineage[-1].structure_id == result.structure_id
    assert [step["structure_id"] for step in result.steps] == [
        step.structure_id for step in result.lineage[1:]
    ]
    assert len(store.get(result.structure_id)) == 17
    assert len(store.get(result.steps[0]["structure_id"])) == 16
    assert result.steps[1]["report"]["inserted"]["coordination"] == 4


def test_the_text_holds_every_number_of_every_step(store: StructureStore, handle: str) -> None:
    result = run(store, handle, *GROW_AND_ADD, {"op": "vacancy", "site": 0}, {"op": "conventional"})
    text = result.text()
    said = {float(found) for found in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)}
    for number in numbers(result.model_dump(mode="json")):
        assert any(abs(number - other) <= 1e-5 * abs(number) + 1e-9 for other in said), number
    for step in result.steps:
        assert step["structure_id"] in text


def test_a_changed_cell_is_named_until_the_next_edit(store: StructureStore, handle: str) -> None:
    assert run(store, handle, {"op": "conventional"}).cell == "conventional"
    later = run(store, handle, {"op": "conventional"}, {"op": "perturb", "distance_a": 0.01})
    assert later.cell == "as_given"


def test_the_same_edits_give_the_same_handle(store: StructureStore, handle: str) -> None:
    first = run(store, handle, *GROW_AND_ADD)
    assert run(store, handle, *GROW_AND_ADD).structure_id == first.structure_id


def test_when_one_edit_fails_nothing_is_stored(store: StructureStore, handle: str) -> None:
    with pytest.raises(InvalidInput, match=r"edits\[2\] \(vacancy\): .*nothing was changed"):
        run(store, handle, *GROW_AND_ADD, {"op": "vacancy", "site": 99})
    assert [line.structure_id for line in store.newest()] == [handle]


def test_when_the_disk_is_full_nothing_is_stored(
    store: StructureStore, handle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("llamp_mcp.structures.store._packed", full)
    with pytest.raises(HomeError, match="no space is left"):
        run(store, handle, *GROW_AND_ADD)
    assert [line.structure_id for line in store.newest()] == [handle]


def test_an_unknown_structure_is_said_after_the_edits_were_checked(store: StructureStore) -> None:
    with pytest.raises(NotFound, match="s-0000000000000000"):
        run(store, "s-" + "0" * 16, {"op": "primitive"})
    with pytest.raises(InvalidInput, match="Unknown op"):
        run(store, "s-" + "0" * 16, {"op": "explode"})


def test_the_input_schema_stays_small_and_flat() -> None:
    schema = EditStructureParams.model_json_schema()
    text = json.dumps(schema, separators=(",", ":"))
    assert len(text) < 6_600
    assert "$ref" not in text
    item = schema["properties"]["edits"]["items"]
    assert item["additionalProperties"] is False
    for name, field in item["properties"].items():
        assert name == "op" or field["description"], name


def test_growing_silicon_and_adding_lithium_takes_well_under_a_second(
    store: StructureStore, handle: str
) -> None:
    run(store, handle, *GROW_AND_ADD)
    began = time.process_time()
    run(store, handle, *GROW_AND_ADD)
    assert time.process_time() - began < 1


def test_facts_of_the_result_are_those_of_the_new_structure(
    store: StructureStore, handle: str
) -> None:
    result = run(store, handle, *GROW_AND_ADD)
    told = {fact.property: fact for fact in OPERATION.facts(result)}
    assert told["n_atoms"].value == 17
    assert {fact.subject for fact in told.values()} == {result.structure_id}


def test_answers_stay_within_the_budget_of_tokens(store: StructureStore) -> None:
    large = store.put(copper() * (5, 5, 5), LineageStep(action="create_structure"))
    edits: list[dict[str, Any]] = [
        {"op": "vacancy", "sites": list(range(100))},
        {"op": "perturb", "distance_a": 0.05},
    ]
    text = run(store, large, *edits, *[{"op": "vacancy", "site": 0}] * 8).text()
    assert len(text) < 18_000


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_descriptions_are_short_manuals(operation: Any) -> None:
    assert 60 < len(operation.description) < 700

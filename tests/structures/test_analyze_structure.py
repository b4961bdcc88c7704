from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.analysis import BLOCKS
from llamp_mcp.structures.analyze_structure import (
    OPERATION,
    AnalyzeStructureParams,
    AnalyzeStructureResult,
    BlockName,
    analyze_structure,
)
from llamp_mcp.structures.symmetry import MAX_ATOMS
from tests.structures.analysis.crystals import alloy, crystal_of, molybdenite, perovskite
from tests.structures.conftest import copper, salt, silicon
from tests.structures.test_edit_structure import numbers

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from llamp_mcp.structures.store import StructureStore

EVERY = sorted(BLOCKS)


def run(store: StructureStore, structure: Structure, **arguments: Any) -> AnalyzeStructureResult:
    handle = store.put(structure, LineageStep(action="create_structure"))
    params = AnalyzeStructureParams(structure_id=handle, **arguments)
    return analyze_structure(params, structures=store)


def test_every_block_is_an_argument_and_a_key() -> None:
    assert set(BLOCKS) == set(get_args(BlockName)) < set(AnalyzeStructureResult.model_fields)


def test_symmetry_density_and_coordination_come_unasked(store: StructureStore) -> None:
    result = run(store, perovskite())
    assert result.formula == "SrTiO3"
    assert result.blocks().keys() == {"symmetry", "density", "coordination"}
    assert result.xrd == result.bonds == result.distances == {}
    assert not list(result.images())


@pytest.mark.parametrize(
    "structure",
    [silicon(), perovskite() * (2, 1, 1), molybdenite(), alloy(0.75), alloy(0.5), crystal_of(14)],
)
def test_the_text_holds_every_number_of_every_block(
    store: StructureStore, structure: Structure
) -> None:
    result = run(store, structure, what=EVERY, sites=[0, 1])
    told = result.model_dump(mode="json")
    assert all(told[name] for name in EVERY)
    text = result.text()
    said = {float(found) for found in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)}
    for number in numbers(told):
        assert any(abs(number - other) <= 1e-5 * abs(number) + 1e-9 for other in said), number
    assert result.structure_id in text
    json.dumps(told, allow_nan=False)


def test_answers_stay_within_the_budget_of_tokens(store: StructureStore) -> None:
    large = perovskite() * (2, 2, 2)
    large.perturb(0.02, seed=0)
    result = run(store, large, what=EVERY, sites=list(range(40)))
    assert len(result.text()) < 18_000


def test_a_pattern_comes_with_its_picture(store: StructureStore) -> None:
    result = run(store, copper(), what=["xrd"])
    (picture,) = result.images()
    assert picture.startswith(b"\x89PNG")
    assert result.xrd
    assert result.xrd["peaks"]


def test_a_block_without_an_answer_does_not_spoil_the_others(store: StructureStore) -> None:
    large = copper() * (8, 8, 8)
    result = run(store, large, what=["symmetry", "density"])
    assert result.symmetry
    assert f"at most {MAX_ATOMS}" in result.symmetry["not_determined"]
    assert f"at most {MAX_ATOMS}" in result.text()
    assert result.density
    assert result.density["n_sites"] == 2048
    with pytest.raises(InvalidInput, match=f"at most {MAX_ATOMS}"):
        run(store, large, what=["symmetry"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"what": ["density"], "sites": [0]}, "sites means nothing"),
        ({"what": ["symmetry"], "wavelength": "MoKa"}, "wavelength means nothing"),
        ({"what": ["density"], "two_theta_max_deg": 60}, "two_theta_max_deg means nothing"),
        ({"what": ["bonds"], "sites": [8]}, "no site 8"),
        ({"what": ["density", "distances"]}, "distances: .*two or more"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    store: StructureStore, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        run(store, salt(), **arguments)


@pytest.mark.parametrize(
    "wrong", [{"what": []}, {"what": ["colour"]}, {"symprec_a": 1}, {"tolerance": 1}]
)
def test_arguments_outside_their_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AnalyzeStructureParams(structure_id="s-" + "0" * 16, **wrong)


def test_an_unknown_structure_is_said(store: StructureStore) -> None:
    params = AnalyzeStructureParams(structure_id="s-" + "0" * 16)
    with pytest.raises(NotFound, match="s-0000000000000000"):
        analyze_structure(params, structures=store)


def test_nothing_is_stored_or_changed(store: StructureStore) -> None:
    structure = salt()
    result = run(store, structure, what=EVERY, sites=[0, 4])
    assert [line.structure_id for line in store.newest()] == [result.structure_id]
    assert store.get(result.structure_id) == structure


def test_facts_carry_their_units(store: StructureStore) -> None:
    result = run(store, copper(), what=["symmetry", "density", "packing", "bonds"])
    facts = {fact.property: fact for fact in OPERATION.facts(result)}
    assert {fact.subject for fact in facts.values()} == {result.structure_id}
    assert facts["spacegroup_number"].value == 225
    assert facts["spacegroup_symbol"].value == "Fm-3m"
    assert facts["density.density_g_cm3"].unit == "g/cm³"
    assert facts["bonds.shortest_distance_a"].unit == "Å"
    assert facts["density.volume_per_atom_a3"].unit == "Å³"


def test_a_tool_of_many_blocks_stays_small() -> None:
    # What clients pay in every conversation, about: description and both schemas.
    schema = json.dumps(AnalyzeStructureParams.model_json_schema(), separators=(",", ":"))
    assert len(OPERATION.description) + len(schema) < 1_700

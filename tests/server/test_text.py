"""The text channel alone is enough: hosts differ on which one a model sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Driver

pytestmark = pytest.mark.anyio

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
HANDLE = re.compile(r"\b(?:mp-\d+|s-[0-9a-f]{16}|j-[0-9a-f]{15})\b")
NOT_SAID = {"seed", "done", "total", "every_steps", "wall_s", "ms_per_step"}
"""Said in other words, or rounded for reading."""
COPPER = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615, "cubic": True}


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, key)
    else:
        yield key, value


def said(number: float, text: str) -> bool:
    """Whether some number of the text is this one, rounded to what was printed."""
    for found in NUMBER.findall(text.replace(",", "")):
        digits = len(found.partition("e")[0].partition(".")[2])
        tolerance = max(0.51 * 10**-digits if "e" not in found else 0, 1e-3 * abs(number))
        if abs(float(found) - number) <= tolerance:
            return True
    return False


def complete(text: str, structured: dict[str, Any]) -> None:
    for key, value in leaves(structured):
        if isinstance(value, str):
            missing = [handle for handle in HANDLE.findall(value) if handle not in text]
            assert not missing, (key, missing)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            assert key in NOT_SAID or said(value, text), (key, value, text)


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search_materials", {"elements": ["Fe"], "limit": 20}),
    ("search_materials", {"chemsys": "Li-Fe-O", "ranges": {"energy_above_hull": [0, 0.02]}}),
    ("get_properties", {"materials": ["Fe", "Co", "Mn", "Cu"], "groups": ["elasticity"]}),
    ("get_properties", {"materials": ["mp-30"], "fields": ["elastic_tensor"], "groups": []}),
    ("get_properties", {"materials": ["FePO4"], "groups": ["magnetism", "electronic_structure"]}),
    ("get_structure", {"material": "mp-149", "cell": "conventional"}),
    ("get_properties", {"materials": ["mp-149"], "groups": ["summary", "thermo", "bonds"]}),
    ("get_phase_diagram", {"chemsys": "Li-Fe-O"}),
    ("get_phase_diagram", {"chemsys": "LiFeO2", "limit": 5}),
    ("get_reaction_energy", {"reactants": ["Fe", "O2"], "products": ["Fe2O3"]}),
    ("find_synthesis", {"target": "LiFePO4", "limit": 3}),
    ("create_structure", {"prototype": COPPER}),
    ("list_calculators", {}),
]


@pytest.mark.parametrize(("tool", "arguments"), CALLS, ids=lambda value: str(value)[:60])
async def test_every_number_and_id_is_in_the_text(
    server: Driver, tool: str, arguments: dict[str, Any]
) -> None:
    text, structured = await server.text(tool, **arguments), await server.call(tool, **arguments)
    complete(text, structured)
    assert len(text) / 4 <= 6000


async def test_an_identified_structure_is_told_in_full(server: Driver) -> None:
    silicon = await server.call("get_structure", material="mp-149")
    arguments = {"structure_id": silicon["structure_id"]}
    text = await server.text("identify_structure", **arguments)
    complete(text, await server.call("identify_structure", **arguments))
    assert "mp-149" in text


async def test_edits_and_simulations_are_complete_as_well(server: Driver) -> None:
    made = await server.call("create_structure", prototype=COPPER)
    edits = [
        {"op": "supercell", "repeats": [2, 2, 2]},
        {"op": "vacancy", "site": 0},
        {"op": "strain", "voigt": [0.01, 0, 0, 0, 0, 0.02]},
        {"op": "perturb", "distance_a": 0.05, "seed": 3},
    ]
    arguments: dict[str, Any] = {"structure_id": made["structure_id"], "edits": edits}
    text = await server.text("edit_structure", **arguments)
    edited = await server.call("edit_structure", **arguments)
    complete(text, edited)

    for tool, more in (
        ("relax_structure", {"cell": "full"}),
        ("run_md", {"steps": 40, "temperature_k": [300, 400], "seed": 1}),
    ):
        answer = await server.done(
            tool, structure_id=edited["structure_id"], calculator="emt", **more
        )
        assert answer["state"] == "completed"
        complete(await server.text("get_job", job_id=answer["job_id"]), answer)
        facts = {fact.property for fact in server.services.ledger.facts("local")}
        assert "energy_ev_per_atom" in facts or tool == "run_md"


async def test_a_result_can_be_read_at_the_addresses_it_gives(server: Driver) -> None:
    made = await server.call("create_structure", prototype=COPPER)
    job = await server.done("run_md", structure_id=made["structure_id"], calculator="emt", steps=20)
    result = job["result"]
    for uri in (
        f"job://{job['job_id']}",
        result["trajectory"]["uri"],
        result["plot"]["uri"],
        f"structure://{result['structure_id']}.cif",
        f"structure://{result['structure_id']}.poscar",
        "mp://mp-149",
        "mp://mp-30/elasticity",
        "llamp://source",
        "llamp://calculators",
        "llamp://properties/elasticity",
    ):
        (content,) = (await server.client.read_resource(uri)).contents
        assert len(content.model_dump_json()) > 100, uri

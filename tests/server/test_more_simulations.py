"""Every calculation through the server: queued, run by a worker, told in full by its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.test_text import COPPER, complete

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from llamp_mcp.settings import Settings
    from tests.conftest import Driver

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PRIMITIVE = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.6}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("calculate_energy", {}),
    ("fit_eos", {"points": 5}),
    ("compute_elastic_tensor", {}),
    ("compute_phonons", {"supercell": [2, 2, 2], "temperatures_k": [0, 300]}),
    ("calculate_property", {"kind": "surface_energy", "miller": [1, 1, 1]}),
    ("calculate_property", {"kind": "vacancy_energy", "min_width_a": 7}),
    (
        "calculate_property",
        {
            "kind": "thermal_expansion",
            "min_width_a": 6,
            "volumes": 5,
            "temperatures_k": [300],
        },
    ),
]


@pytest.fixture
async def more(settings: Settings, drive: Callable[[Settings], Any]) -> AsyncIterator[Driver]:
    toolsets = ["structures", "simulation", "simulation_more"]
    async with drive(settings.model_copy(update={"toolsets": toolsets})) as driver:
        yield driver


async def made(server: Driver, **prototype: Any) -> str:
    answer = await server.call("create_structure", prototype=prototype)
    return str(answer["structure_id"])


async def told_in_full(server: Driver, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await server.done(tool, calculator="emt", **arguments)
    assert answer["state"] == "completed", answer["error"]
    complete(await server.text("get_job", job_id=answer["job_id"]), answer["result"])
    result: dict[str, Any] = answer["result"]
    return result


@pytest.mark.parametrize(("tool", "arguments"), CALLS, ids=lambda one: str(one)[:40])
async def test_calculation_of_a_crystal(more: Driver, tool: str, arguments: dict[str, Any]) -> None:
    await told_in_full(more, tool, structure_id=await made(more, **PRIMITIVE), **arguments)


async def test_atom_on_a_slab(more: Driver) -> None:
    crystal = await made(more, **COPPER)
    slab = await more.call(
        "edit_structure",
        structure_id=crystal,
        edits=[{"op": "slab", "miller": [1, 1, 1], "min_thickness_a": 4, "min_vacuum_a": 10}],
    )
    await told_in_full(
        more,
        "calculate_property",
        kind="adsorption_energy",
        structure_id=slab["structure_id"],
        molecule="O",
    )


async def test_hop_of_a_vacancy(more: Driver) -> None:
    crystal = await made(more, **COPPER)
    ends = [
        await more.call(
            "edit_structure",
            structure_id=crystal,
            edits=[
                {"op": "supercell", "matrix": [[2, 0, 0], [0, 2, 0], [0, 0, 2]]},
                {"op": "remove", "sites": [site]},
            ],
        )
        for site in (0, 8)
    ]
    await told_in_full(
        more,
        "find_migration_barrier",
        initial_id=ends[0]["structure_id"],
        final_id=ends[1]["structure_id"],
        images=3,
    )


@pytest.mark.model
async def test_committee_on_several_structures_is_one_job(more: Driver) -> None:
    """Its `structure_ids` are compared within the job, not a batch."""
    fcc = await made(more, **PRIMITIVE)
    bcc = await made(more, **{**PRIMITIVE, "crystal": "bcc", "a": 2.87})
    answer = await more.done(
        "calculate_property",
        kind="committee",
        structure_id=fcc,
        structure_ids=[bcc],
        calculators=["emt", "chgnet"],
        question="energy",
    )
    assert answer["job_id"].startswith("j-")
    assert answer["result"]["values"]["lowest"] == {"emt": fcc, "chgnet": fcc}
    complete(await more.text("get_job", job_id=answer["job_id"]), answer["result"])

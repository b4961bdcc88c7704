"""The tools that check, compute and brief, as a client gets them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scipy import constants

from llamp_mcp.experts.ask_expert import OPERATION as ASK
from llamp_mcp.materials.get_properties import OPERATION as READ
from llamp_mcp.server.app import create_server
from llamp_mcp.server.schemas import hints, title
from llamp_mcp.server.services import Services
from llamp_mcp.simulation.run_md import OPERATION as RUN_MD
from llamp_mcp.structures.edit_structure import OPERATION as EDIT
from tests.server.tasking import tasking

if TYPE_CHECKING:
    from collections.abc import Callable

    from llamp_mcp.settings import Settings
    from tests.conftest import Driver

pytestmark = pytest.mark.anyio

TRIALS = Path(__file__).parents[1] / "data" / "scor_bulk_moduli.json"


async def test_arithmetic_with_units_comes_back_as_value_unit_and_reading(server: Driver) -> None:
    found = await server.call("calculate", expression="0.84 eV/Å^3", to="GPa")
    gpa = 0.84 * constants.electron_volt / constants.angstrom**3 / 1e9
    assert found["value"] == pytest.approx(gpa)
    assert found["unit"] == "GPa"
    told = await server.text("calculate", expression="0.84 eV/Å^3", to="GPa")
    assert told == "0.84 eV/Å³ → 134.5828373 GPa"


async def test_code_is_no_expression(server: Driver) -> None:
    told = await server.error("calculate", expression="__import__('os').system('id')")
    assert "uid" not in told
    assert "Allowed" in told or "character" in told


async def test_the_published_scores_come_back_through_the_server(
    settings: Settings, drive: Callable[[Settings], Any]
) -> None:
    data = json.loads(TRIALS.read_text("utf-8"))
    own = settings.model_copy(update={"toolsets": ("evaluation",)})
    async with drive(own) as server:
        found = await server.call(
            "score_self_consistency",
            responses=data["responses"],
            reference=data["reference"],
        )
    mean = found["mean"]
    # the row printed in arXiv 2401.17244
    assert mean["precision"] == pytest.approx(2.698, abs=1e-3)
    assert mean["cop"] == pytest.approx(0.900, abs=1e-3)
    assert mean["confidence"] == 1
    assert mean["scor"] == pytest.approx(0.900, abs=1e-3)
    assert mean["mae"] == pytest.approx(14.574, abs=1e-3)


async def test_a_brief_says_which_of_its_tools_are_not_served(
    settings: Settings, drive: Callable[[Settings], Any]
) -> None:
    own = settings.model_copy(update={"toolsets": ("materials", "experts")})
    async with drive(own) as server:
        found = await server.call("expert_brief", expert="simulation")
        told = await server.text("expert_brief", expert="simulation")
    assert "run_md" in found["not_served"]
    assert "get_structure" not in found["not_served"]
    assert "Not on this server" in told


async def test_a_wrong_key_in_a_claim_is_named_with_those_allowed(server: Driver) -> None:
    claim = {"property": "band gap", "valeu": 1.1, "value": 1.1}
    told = await server.error("check_grounding", claims=[claim])
    assert "Unknown argument 'claims.0.valeu'" in told
    assert "Did you mean 'value'?" in told


async def test_an_id_that_a_note_only_repeats_was_not_returned(server: Driver) -> None:
    """`get_properties` says of an id that is not there that it is not there."""
    text = await server.text("get_properties", materials=["mp-149", "mp-99999"])
    assert "mp-99999" in text
    found = await server.call("check_grounding", text="See mp-149 and mp-99999.")
    assert found["unknown_ids"] == ["mp-99999"]


async def test_what_a_check_quotes_is_not_told_by_a_tool(server: Driver) -> None:
    for _ in range(2):
        found = await server.call("check_grounding", text="mp-9258 is the stiffest.")
        assert found["unknown_ids"] == ["mp-9258"]


async def test_a_reaction_energy_can_be_claimed_of_its_product(server: Driver) -> None:
    given = await server.call(
        "get_reaction_energy", reactants=["Li2O", "Fe2O3"], products=["LiFeO2"]
    )
    unit = given["per_formula_unit"]
    text = (
        f"The reaction energy of LiFeO2 is {given['energy_ev']:.3f} eV for the equation as "
        f"written, or {unit['energy_ev']:.3f} eV per formula unit."
    )
    found = await server.call("check_grounding", text=text)
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "supported"]


async def test_what_a_task_told_can_be_claimed(settings: Settings) -> None:
    services = Services(settings)
    try:
        async with tasking(create_server(settings, services)) as tasks:
            bulk = {"kind": "bulk", "name": "Cu"}
            copper = (await tasks.call("create_structure", prototype=bulk))["structuredContent"]
            handle = copper["structure_id"]
            task_id = await tasks.start("calculate_energy", structure_id=handle, calculator="emt")
            done = await tasks.until(task_id, "completed")
            energy = done["result"]["structuredContent"]["result"]["energy_ev_per_atom"]
            claim = {
                "material_id": handle,
                "property": "energy_ev_per_atom",
                "value": energy,
                "unit": "eV/atom",
            }
            checked = await tasks.call("check_grounding", claims=[claim])
    finally:
        services.engine.stop()
    (told,) = checked["structuredContent"]["claims"]
    assert told["verdict"] == "supported"


def test_a_title_that_only_says_the_name_again_is_left_out() -> None:
    assert title(EDIT) is None
    longer = dataclasses.replace(EDIT, title="Edit a crystal")
    assert title(longer) == "Edit a crystal"


def test_hints_say_what_changes_what() -> None:
    reading = hints(READ, open_world=True)
    assert (reading.read_only_hint, reading.destructive_hint) == (True, False)
    assert reading.open_world_hint is True
    assert hints(RUN_MD, open_world=False).read_only_hint is False
    assert hints(ASK, open_world=True).idempotent_hint is False

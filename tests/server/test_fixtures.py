"""Tools of the official conformance suite: there when asked for, and nowhere else.

The suite itself runs from outside, against a server that has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ElicitResult,
    InputRequiredResult,
    InputResponse,
)

from llamp_mcp.client import text_of
from llamp_mcp.server.app import create_server
from llamp_mcp.server.fixtures import ONLY_AS_TASK, TASK_TOOLS
from llamp_mcp.server.services import Services
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.workers.kinds import kinds
from tests.server.tasking import tasking

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

NAMES = {"greet", *TASK_TOOLS}


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    made = Services(settings.model_copy(update={"test_fixtures": True}))
    yield made
    if "engine" in made.__dict__:
        made.engine.stop()


async def names(settings: Settings) -> set[str]:
    return {tool.name for tool in await create_server(settings).list_tools()}


async def test_without_the_variable_nothing_of_them_exists(settings: Settings) -> None:
    assert not NAMES & await names(settings)
    assert not NAMES & kinds(settings).keys()
    async with tasking(create_server(settings)) as client:
        for name in sorted(NAMES):
            answer = await client.call(name)
            assert answer["isError"]
            assert f"Unknown tool: {name}" in answer["content"][0]["text"]


async def test_the_variable_adds_them_and_changes_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMP_TEST_FIXTURES", "1")
    assert Settings().test_fixtures
    with_fixtures = settings.model_copy(update={"test_fixtures": True})
    assert await names(with_fixtures) - await names(settings) == NAMES
    assert await names(settings) < await names(with_fixtures)


async def test_greeting_is_no_task_even_if_an_older_client_asks_for_one(services: Services) -> None:
    async with tasking(create_server(services.settings, services)) as client:
        answer = await client.call("greet", name="World")
    assert answer["resultType"] == "complete"
    assert answer["content"][0]["text"] == "Hello, World!"


@pytest.mark.parametrize("name", sorted(ONLY_AS_TASK))
async def test_what_is_served_only_as_a_task_names_the_extension_it_needs(
    services: Services, name: str
) -> None:
    async with Client(create_server(services.settings, services)) as plain:
        with pytest.raises(MCPError) as caught:
            await plain.call_tool(name, {})
    assert caught.value.error.code == MISSING_REQUIRED_CLIENT_CAPABILITY


async def test_a_question_before_the_task_is_asked_before_there_is_one(services: Services) -> None:
    name = "test_tool_with_task"
    answers: dict[str, InputResponse] = {
        "user_name": ElicitResult(action="accept", content={"name": "Alice"})
    }
    async with tasking(create_server(services.settings, services)) as client:
        call = client.client.session.call_tool
        asked = await call(name, {}, allow_claimed=True, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        assert (asked.input_requests or {}).keys() == answers.keys()
        assert services.jobs.newest() == []
        made = await call(name, {}, allow_claimed=True, input_responses=answers)
        created = made.model_dump(by_alias=True)
        assert created["resultType"] == "task"
        assert not {"requestState", "inputRequests"} & created.keys()
        task = await client.until(created["taskId"])
    assert "Hello, Alice!" in task["result"]["content"][0]["text"]


async def test_a_question_nobody_follows_is_handed_back_as_a_job(services: Services) -> None:
    async with Client(create_server(services.settings, services)) as plain:
        answer = await plain.call_tool("confirm_delete", {"filename": "a", "wait_s": 0})
        assert answer.structured_content["state"] in ("queued", "running")
        job_id = answer.structured_content["job_id"]
        with anyio.fail_after(10):
            stopped = await plain.call_tool("cancel_job", {"job_id": job_id})
    assert "cancelled" in text_of(stopped)

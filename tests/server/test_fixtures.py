"""What the official conformance suite calls: there when asked for, and nowhere else.

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
    ListRootsResult,
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

TOOLS = {
    *("greet", "test_simple_text", "test_sampling", "test_input_required_result_elicitation"),
    *("json_schema_2020_12_tool", "test_error_handling", "test_custom_header"),
    *TASK_TOOLS,
}


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    made = Services(settings.model_copy(update={"test_fixtures": True}))
    yield made
    made.stop()


async def names(settings: Settings) -> set[str]:
    return {tool.name for tool in await create_server(settings).list_tools()}


async def test_without_the_variable_nothing_of_them_exists(settings: Settings) -> None:
    assert not TOOLS & await names(settings)
    assert not TOOLS & kinds(settings).keys()
    async with tasking(create_server(settings)) as client:
        for name in sorted(TOOLS):
            answer = await client.call(name)
            assert answer["isError"]
            assert f"Unknown tool: {name}" in answer["content"][0]["text"]


async def test_the_variable_adds_them_and_changes_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMP_TEST_FIXTURES", "1")
    assert Settings().test_fixtures
    with_fixtures = settings.model_copy(update={"test_fixtures": True})
    added = await names(with_fixtures) - await names(settings)
    assert added >= TOOLS
    assert all(name in TOOLS or name.startswith("test_") for name in added)
    assert await names(settings) < await names(with_fixtures)


async def test_resources_prompts_and_methods_are_also_only_there_with_the_variable(
    settings: Settings,
) -> None:
    async def there(settings: Settings) -> tuple[set[str], set[str]]:
        async with Client(create_server(settings), mode="legacy") as client:
            resources = (await client.list_resources()).resources
            prompts = (await client.list_prompts()).prompts
            assert (client.server_capabilities.logging is not None) == settings.test_fixtures
        return {str(each.uri) for each in resources}, {each.name for each in prompts}

    plain = await there(settings)
    fixed = await there(settings.model_copy(update={"test_fixtures": True}))
    assert fixed[0] - plain[0] == {
        *("test://static-text", "test://static-binary", "test://watched-resource"),
    }
    assert fixed[1] - plain[1] == {
        *("test_simple_prompt", "test_prompt_with_arguments", "test_prompt_with_image"),
        *("test_prompt_with_embedded_resource", "test_input_required_result_prompt"),
    }
    assert plain[0] < fixed[0]
    assert plain[1] < fixed[1]


@pytest.mark.parametrize(
    ("name", "answers", "said"),
    [
        ("elicitation", {"user_name": ElicitResult(action="accept", content={"name": "A"})}, "A"),
        ("list_roots", {"client_roots": ListRootsResult(roots=[])}, ""),
    ],
)
async def test_a_round_is_asked_again_until_it_is_answered(
    services: Services, name: str, answers: dict[str, InputResponse], said: str
) -> None:
    tool = f"test_input_required_result_{name}"
    async with Client(create_server(services.settings, services)) as client:
        call = client.session.call_tool
        other: dict[str, InputResponse] = {"other": ElicitResult(action="cancel")}
        for wrong in (None, other):
            asked = await call(tool, {}, allow_input_required=True, input_responses=wrong)
            assert isinstance(asked, InputRequiredResult)
            assert (asked.input_requests or {}).keys() == answers.keys()
        made = await call(tool, {}, allow_input_required=True, input_responses=answers)
    assert not isinstance(made, InputRequiredResult)
    assert text_of(made) == said


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

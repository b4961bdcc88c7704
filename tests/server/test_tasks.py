"""Tasks: jobs as SEP-2663 shows them to clients that declare it, and to no others."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
)

from llamp_mcp.client import text_of
from llamp_mcp.server.app import create_server
from llamp_mcp.server.services import Services
from llamp_mcp.server.tasks import TASKS, TaskParams
from llamp_mcp.settings import Settings
from tests.server.tasking import TERMINAL, Answer, CancelTask, GetTask, TaskClient, tasking
from tests.server.test_http import ACCEPT
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

COPPER = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.7, "cubic": True}
UNKNOWN = "j-000000000000000"
ACCEPTED = {"action": "accept", "content": {"confirm": True}}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One home and one worker for all tests."""
    home = tmp_path_factory.mktemp("home")
    made = Services(Settings(home=home, source="sample", worker_idle_s=60, test_fixtures=True))
    yield made
    made.engine.stop()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("http")) as url:
        yield url


@pytest.fixture
async def tasks(services: Services) -> AsyncIterator[TaskClient]:
    async with tasking(create_server(services.settings, services)) as client:
        yield client


async def copper(client: Client) -> dict[str, Any]:
    """Arguments of a relaxation that takes an instant."""
    made = await client.call_tool("create_structure", {"prototype": COPPER})
    return {"structure_id": made.structured_content["structure_id"], "calculator": "emt"}


async def refusal(request: Any) -> int:
    with pytest.raises(MCPError) as caught:
        await request
    return int(caught.value.error.code)


# --- what becomes a task ---


async def test_the_result_of_a_task_is_what_the_tool_itself_answers_and_is_remembered_as_told(
    tasks: TaskClient, services: Services
) -> None:
    arguments = await copper(tasks.client)
    task_id = await tasks.start("relax_structure", **arguments)
    told = set(services.ledger.facts("local"))
    result = (await tasks.until(task_id, "completed"))["result"]
    assert told < set(services.ledger.facts("local"))
    async with Client(create_server(services.settings, services)) as plain:
        answer = await plain.call_tool("relax_structure", arguments)
    text = answer.model_dump_json(by_alias=True, exclude_none=True)
    expected = json.loads(text.replace(answer.structured_content["job_id"], task_id))
    for of_each_run in (expected["structuredContent"], result["structuredContent"]):
        del of_each_run["progress"]  # as last reported, which is a matter of time
    del expected["_meta"]  # of the response, which is that of tasks/get here
    assert result == expected
    assert result["structuredContent"]["result"]["converged"]


async def test_a_task_is_a_job_that_get_job_knows(tasks: TaskClient) -> None:
    task_id = await tasks.start("slow_compute", seconds=0)
    await tasks.until(task_id, "completed")
    listed = await tasks.client.call_tool("get_job", {})
    assert task_id in [job["job_id"] for job in listed.structured_content["jobs"]]


async def test_a_batch_is_one_task(tasks: TaskClient) -> None:
    arguments = await copper(tasks.client)
    each = [arguments.pop("structure_id")] * 2
    task_id = await tasks.start("relax_structure", structure_ids=each, **arguments)
    assert task_id.startswith("b-")
    task = await tasks.until(task_id)
    rows = task["result"]["structuredContent"]["result"]["rows"]
    assert [row["converged"] for row in rows] == [True, True]
    assert task["statusMessage"] == "completed"


async def test_bad_input_fails_at_once_and_makes_no_task(
    tasks: TaskClient, services: Services
) -> None:
    arguments = await copper(tasks.client)
    before = services.jobs.newest()
    for wrong in ({"structure_id": "s-none"}, {"fmax": 1}, {"calculator": "emu"}):
        answer = await tasks.call("relax_structure", **arguments | wrong)
        assert answer["isError"], answer
        assert "taskId" not in answer
        assert str(next(iter(wrong.values() if "fmax" not in wrong else wrong))) in str(answer)
    assert services.jobs.newest() == before


async def test_tools_that_answer_at_once_never_become_tasks(tasks: TaskClient) -> None:
    assert (await tasks.call("search_materials", formula="Si"))["resultType"] == "complete"
    assert (await tasks.call("get_job"))["resultType"] == "complete"
    assert (await tasks.call("no_such_tool"))["isError"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_other_clients_wait_for_the_answer_as_ever(services: Services, mode: Any) -> None:
    async with Client(create_server(services.settings, services), mode=mode) as plain:
        answer = await plain.call_tool("slow_compute", {"seconds": 0.2, "label": "x"})
    assert answer.structured_content["state"] == "completed"
    assert "Computed 'x'" in text_of(answer)


async def test_a_handshake_client_gets_no_task_even_if_it_declares_the_extension(
    services: Services,
) -> None:
    async with tasking(create_server(services.settings, services), mode="legacy") as client:
        answer = await client.call("slow_compute", seconds=0)
        assert answer["structuredContent"]["state"] == "completed"
        assert await refusal(client.get(answer["structuredContent"]["job_id"])) == METHOD_NOT_FOUND


# --- what a task says ---


async def test_a_task_tells_its_progress_and_its_times(tasks: TaskClient) -> None:
    created = await tasks.call("slow_compute", seconds=30)
    assert created["status"] == "working"
    assert not {"result", "error", "inputRequests", "requestState"} & created.keys()
    task = await tasks.until_computing(created["taskId"])
    assert task["status"] == "working"
    assert task["statusMessage"].startswith("running: ")
    assert " of 600; computing" in task["statusMessage"]
    begun, seen = (datetime.fromisoformat(task[at]) for at in ("createdAt", "lastUpdatedAt"))
    assert begun < seen <= datetime.now(UTC)
    await tasks.cancel(created["taskId"])


async def test_a_task_is_kept_as_long_as_its_ttl_says(
    tasks: TaskClient, services: Services
) -> None:
    task_id = await tasks.start("slow_compute", seconds=0.5)
    task = await tasks.until(task_id, "completed")
    created = datetime.fromisoformat(task["createdAt"])
    ended = datetime.fromisoformat(task["lastUpdatedAt"])
    kept = created + timedelta(milliseconds=task["ttlMs"]) - ended
    assert abs(kept - timedelta(days=services.settings.job_days)) < timedelta(seconds=0.1)
    assert isinstance(task["ttlMs"], int)


async def test_jobs_kept_for_ever_have_no_ttl(services: Services) -> None:
    for_ever = services.settings.model_copy(update={"job_days": 0})
    job = services.jobs.submit("slow_compute", {"seconds": 0})
    async with tasking(create_server(for_ever)) as client:
        task = await client.get(job.job_id)
    assert task["ttlMs"] is None


async def test_the_suggested_interval_grows_with_the_age_of_the_task(
    tasks: TaskClient, services: Services
) -> None:
    seen = []
    for age_s in (0, 20, 3600):
        job = services.jobs.submit("slow_compute", {"seconds": 30})
        backdate(services, job.job_id, age_s)
        seen.append((await tasks.get(job.job_id))["pollIntervalMs"])
        await tasks.cancel(job.job_id)
    assert seen[0] == 500
    assert 2000 <= seen[1] < 2100
    assert seen[2] == 10_000


def backdate(services: Services, job_id: str, age_s: float) -> None:
    import sqlite3

    with sqlite3.connect(services.settings.home / "jobs.sqlite", timeout=10) as db:
        db.execute("UPDATE jobs SET created = ? WHERE job_id = ?", (time.time() - age_s, job_id))
    db.close()


async def test_a_calculation_that_fails_is_a_result_with_an_error(tasks: TaskClient) -> None:
    task = await tasks.until(await tasks.start("failing_job"))
    assert task["status"] == "completed"
    assert task["result"]["isError"] is True
    assert task["result"]["structuredContent"]["state"] == "failed"
    assert "This fixture always fails" in task["result"]["content"][0]["text"]
    assert "error" not in task


async def test_a_bug_is_a_failed_task_without_its_text(tasks: TaskClient) -> None:
    task = await tasks.until(await tasks.start("protocol_error_job"))
    assert task["status"] == "failed"
    assert task["error"]["code"] == -32603
    assert f"job://{task['taskId']}/log" in task["error"]["message"]
    assert "result" not in task
    assert "on purpose" not in str(task)


async def test_cancelling_stops_the_job_and_may_be_asked_again(tasks: TaskClient) -> None:
    task_id = await tasks.start("slow_compute", seconds=60)
    await tasks.until_computing(task_id)
    assert not {"taskId", "status"} & (await tasks.cancel(task_id)).keys()
    await tasks.until(task_id, "cancelled")
    assert (await tasks.cancel(task_id))["resultType"] == "complete"
    assert (await tasks.get(task_id))["status"] == "cancelled"


# --- questions ---


async def test_a_task_that_asks_goes_on_when_it_is_answered(tasks: TaskClient) -> None:
    task_id = await tasks.start("confirm_delete", filename="a.txt")
    task = await tasks.until(task_id, "input_required")
    (key,) = task["inputRequests"]
    assert task["inputRequests"][key]["method"] == "elicitation/create"
    assert (await tasks.update(task_id, nobody_asked=ACCEPTED))["resultType"] == "complete"
    assert (await tasks.get(task_id))["status"] == "input_required"
    acknowledged = await tasks.update(task_id, **{key: ACCEPTED})
    assert not {"taskId", "status", "result"} & acknowledged.keys()
    task = await tasks.until(task_id)
    assert "a.txt: accept {'confirm': True}" in task["result"]["content"][0]["text"]
    assert (await tasks.update(task_id, **{key: ACCEPTED}))["resultType"] == "complete"


async def test_each_of_several_questions_may_be_answered_by_itself(tasks: TaskClient) -> None:
    task_id = await tasks.start("multi_input")
    await tasks.until(task_id, "input_required")
    await tasks.update(task_id, name={"action": "accept", "content": {"name": "Ann"}})
    task = await tasks.get(task_id)
    assert task["status"] == "input_required"
    assert list(task["inputRequests"]) == ["sure"]
    await tasks.update(task_id, name={"action": "decline"}, sure=ACCEPTED)
    task = await tasks.until(task_id)
    assert "[{'name': 'Ann'}, {'confirm': True}]" in task["result"]["content"][0]["text"]


async def test_an_answer_of_the_wrong_shape_is_refused(tasks: TaskClient) -> None:
    task_id = await tasks.start("confirm_delete", filename="a.txt")
    await tasks.until(task_id, "input_required")
    for wrong in (1, {"action": "perhaps"}, {}):
        assert await refusal(tasks.update(task_id, confirm=wrong)) == INVALID_PARAMS
    assert (await tasks.get(task_id))["status"] == "input_required"
    await tasks.cancel(task_id)
    await tasks.until(task_id, "cancelled")


# --- who may, and what is refused ---


async def test_unknown_tasks_are_invalid_parameters(tasks: TaskClient) -> None:
    for task_id in (UNKNOWN, "b-000000000000000", "../../etc", ""):
        assert await refusal(tasks.get(task_id)) == INVALID_PARAMS
        assert await refusal(tasks.update(task_id, a=ACCEPTED)) == INVALID_PARAMS
        assert await refusal(tasks.cancel(task_id)) == INVALID_PARAMS


async def test_clients_without_the_extension_are_told_what_is_missing(services: Services) -> None:
    async with Client(create_server(services.settings, services)) as plain:
        for request in (GetTask, CancelTask):
            sent = plain.session.send_request(request(params=TaskParams(task_id=UNKNOWN)), Answer)
            with pytest.raises(MCPError) as caught:
                await sent
            assert caught.value.error.code == MISSING_REQUIRED_CLIENT_CAPABILITY
            assert TASKS in caught.value.error.data["requiredCapabilities"]["extensions"]


async def test_the_extension_is_advertised_without_the_older_tasks(services: Services) -> None:
    async with Client(create_server(services.settings, services)) as plain:
        capabilities = plain.server_capabilities.model_dump(by_alias=True, exclude_none=True)
    assert capabilities["extensions"][TASKS] == {}
    assert "tasks" not in capabilities


async def test_an_unusable_home_is_an_internal_error_that_says_what_to_do(
    settings: Settings,
) -> None:
    settings.home.parent.joinpath("file").write_text("")
    blocked = settings.model_copy(update={"home": settings.home.parent / "file" / "home"})
    async with tasking(create_server(blocked)) as client:
        with pytest.raises(MCPError, match="Set LLAMP_HOME") as caught:
            await client.get(UNKNOWN)
    assert caught.value.error.code == -32603


# --- over HTTP, and over restarts ---


async def test_tasks_survive_their_server(tmp_path: Path) -> None:
    options = {"LLAMP_TEST_FIXTURES": "1", "LLAMP_WORKER_IDLE_S": "2"}
    with serving(tmp_path, **options) as url:
        async with tasking(url) as client:
            ended = await client.start("slow_compute", seconds=0, label="before")
            goes_on = await client.start("slow_compute", seconds=100)
            before = await client.until(ended)
            assert before["status"] == "completed"
    with serving(tmp_path, **options) as url:
        async with tasking(url) as client:
            after = await client.get(ended)
            assert after == {**before, "_meta": after["_meta"]}
            assert (await client.get(goes_on))["status"] == "working"
            await client.cancel(goes_on)
            assert (await client.until(goes_on))["status"] == "cancelled"


async def test_a_task_survives_its_worker(tasks: TaskClient, services: Services) -> None:
    task_id = await tasks.start("slow_compute", seconds=1)
    await tasks.until_computing(task_id)
    worker = services.jobs.get(task_id).worker
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    seen = set()
    with anyio.fail_after(30):
        while (task := await tasks.get(task_id))["status"] not in TERMINAL:
            seen.add(task["status"])
            await anyio.sleep(0.02)
    assert seen == {"working"}
    assert task["status"] == "completed"
    assert services.jobs.get(task_id).worker != worker


def raw(
    method: str, capabilities: dict[str, Any], **params: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of a request as a client writes them."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    return body, {**ACCEPT, "mcp-protocol-version": "2026-07-28", "mcp-method": method}


async def test_the_routing_header_must_name_the_task(address: str) -> None:
    body, headers = raw("tasks/get", {"extensions": {TASKS: {}}}, taskId=UNKNOWN)
    codes = []
    async with httpx2.AsyncClient() as client:
        for name in ({}, {"mcp-name": "j-1"}, {"mcp-name": UNKNOWN}):
            response = await client.post(address, json=body, headers={**headers, **name})
            assert response.status_code == 400
            codes.append(response.json()["error"]["code"])
    assert codes == [HEADER_MISMATCH, HEADER_MISMATCH, INVALID_PARAMS]


async def test_word_of_tasks_is_only_for_clients_with_the_extension(address: str) -> None:
    body, headers = raw("subscriptions/listen", {}, notifications={"taskIds": [UNKNOWN]})
    async with httpx2.AsyncClient() as client:
        response = await client.post(address, json=body, headers=headers)
    assert response.json()["error"]["code"] == MISSING_REQUIRED_CLIENT_CAPABILITY

"""Tokens, homes of their own, and limits, over Streamable HTTP on loopback."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr

from llamp_mcp.client import call, text_of
from llamp_mcp.server.gate import Gate
from llamp_mcp.settings import Settings
from tests.server.tasking import tasking
from tests.server.test_http import ACCEPT, PING
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

ALICE, BOB = "alice-has-a-token-of-her-own", "bob-has-another-token-of-his"
TOKENS = f'{{"alice": "{ALICE}", "bob": "{BOB}"}}'
COPPER = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615}
ERAS = ["legacy", "2026-07-28"]


def bearing(token: str) -> httpx2.AsyncClient:
    """What sends that token with every request."""
    return httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60)


@asynccontextmanager
async def as_caller(url: str, token: str, mode: str) -> AsyncIterator[Client]:
    """A client with that token."""
    async with (
        bearing(token) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with serving(home, LLAMP_HTTP_TOKENS=TOKENS, LLAMP_WORKER_IDLE_S="15") as url:
        yield url


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


@pytest.mark.parametrize("mode", ERAS)
async def test_structures_jobs_and_files_belong_to_who_made_them(
    address: str, home: Path, mode: str
) -> None:
    async with as_caller(address, ALICE, mode) as alice:
        _, made = await call(alice, "create_structure", {"prototype": COPPER})
        handle = made["structure_id"]
        energy = {"structure_id": handle, "calculator": "emt", "wait_s": 20}
        _, answer = await call(alice, "calculate_energy", energy)
        job_id = answer["job_id"]
        file = f"cu-{mode}.cif"
        await call(alice, "export_structure", {"structure_id": handle, "path": file})
        await alice.read_resource(f"structure://{handle}.cif")
        await alice.read_resource(f"job://{job_id}")
    async with as_caller(address, BOB, mode) as bob:
        assert handle in await refused(bob, "view_structure", structure_id=handle)
        for tool in ("get_job", "cancel_job"):
            assert "There is no job" in await refused(bob, tool, job_id=job_id)
        assert "j-" not in (await call(bob, "get_job", {}))[0]
        assert file in await refused(bob, "create_structure", path=file)
        assert "outside the workspace" in await refused(
            bob, "create_structure", path=f"../../alice/workspace/{file}"
        )
        for uri in (
            f"structure://{handle}.cif",
            f"structure://{handle}.png",
            f"structure://{handle}/geometry",
            f"job://{job_id}",
            f"trajectory://{file}",
        ):
            with pytest.raises(MCPError, match=r"No structure|no job|no file"):
                await bob.read_resource(uri)
    assert (home / "callers" / "alice" / "workspace" / file).is_file()
    assert not (home / "structures.sqlite").exists()


async def test_facts_told_to_one_caller_do_not_support_the_answer_of_another(address: str) -> None:
    claim = {"text": "The band gap of mp-149 is 0.61 eV."}
    async with as_caller(address, ALICE, "2026-07-28") as alice:
        await call(alice, "get_properties", {"materials": ["mp-149"], "fields": ["band_gap"]})
        assert "1 supported" in (await call(alice, "check_grounding", claim))[0]
    async with as_caller(address, BOB, "2026-07-28") as bob:
        assert "1 unknown" in (await call(bob, "check_grounding", claim))[0]


async def test_a_session_serves_only_the_token_that_opened_it(address: str) -> None:
    opening = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    async with httpx2.AsyncClient(headers=ACCEPT) as http:
        of_alice, of_bob = ({"authorization": f"Bearer {token}"} for token in (ALICE, BOB))
        opened = await http.post(address, json=opening, headers=of_alice)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        assert (await http.post(address, json=PING, headers=session | of_alice)).status_code == 200
        assert (await http.post(address, json=PING, headers=session | of_bob)).status_code == 404


async def test_health_is_told_without_a_token_and_tells_nothing_else(address: str) -> None:
    async with httpx2.AsyncClient() as http:
        health = await http.get(address.replace("/mcp", "/healthz"))
        assert (health.status_code, health.json()) == (200, {"status": "ok"})
        assert (await http.post(address, json=PING, headers=ACCEPT)).status_code == 401


async def test_a_caller_over_the_rate_is_told_when_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path, LLAMP_HTTP_TOKENS=TOKENS, LLAMP_HTTP_RATE="5") as url:
        async with httpx2.AsyncClient(headers=ACCEPT) as http:

            async def codes(token: str, count: int) -> list[int]:
                headers = {"authorization": f"Bearer {token}"}
                answers = [await http.post(url, json=PING, headers=headers) for _ in range(count)]
                for answer in answers:
                    if answer.status_code == 429:
                        assert 1 <= int(answer.headers["retry-after"]) <= 60
                return [answer.status_code for answer in answers]

            alice = await codes(ALICE, 7)
            assert 429 not in alice[:5]
            assert alice[5:] == [429, 429]
            assert 429 not in await codes(BOB, 5)
            assert await codes("a guess that is not a token", 6) == [401] * 5 + [429]
            assert 429 in await codes(ALICE, 1)


async def test_a_request_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, LLAMP_HTTP_BODY_KB="16") as url:
        async with httpx2.AsyncClient(headers=ACCEPT) as http:
            answer = await http.post(url, json={**PING, "params": {"_meta": {"x": "y" * 20_000}}})
            assert answer.status_code == 413
            assert (await http.get(url.replace("/mcp", "/healthz"))).status_code == 200


async def test_requests_beyond_those_served_at_once_are_put_off() -> None:
    let_go, served = anyio.Event(), []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        served.append(scope["user"].username)
        await let_go.wait()

    gate = Gate(slow, Settings(http_token=SecretStr(ALICE), http_parallel=2))
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    headers = [(b"authorization", f"Bearer {ALICE}".encode())]
    scope: Any = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers}
    receive: Any = None
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(gate, scope, receive, send)
        await anyio.wait_all_tasks_blocked()
        await gate(scope, receive, send)
        assert (said[0]["status"], len(served)) == (429, 2)
        let_go.set()
    await gate(scope, receive, send)
    assert len(served) == 3


async def test_tasks_are_found_by_their_owner_only(address: str) -> None:
    def follow(http: httpx2.AsyncClient) -> Any:
        return tasking(streamable_http_client(address, http_client=http))

    async with bearing(ALICE) as http, follow(http) as tasks:
        made = await tasks.call("create_structure", prototype=COPPER)
        handle = made["structuredContent"]["structure_id"]
        task = await tasks.start("calculate_energy", structure_id=handle, calculator="emt")
        assert (await tasks.until(task))["status"] == "completed"
    async with bearing(BOB) as http, follow(http) as tasks:
        for method in (tasks.get, tasks.cancel, tasks.update):
            with pytest.raises(MCPError, match="There is no job"):
                await method(task)


async def test_a_web_socket_is_closed_before_the_server_sees_it() -> None:
    async def unreachable(*_given: Any) -> None:
        raise AssertionError("nothing but HTTP gets through")

    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    receive: Any = None
    gate = Gate(unreachable, Settings(http_token=SecretStr(ALICE)))
    await gate({"type": "websocket", "path": "/mcp", "headers": []}, receive, send)
    assert [message["type"] for message in said] == ["websocket.close"]

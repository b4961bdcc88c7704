"""A real server process over Streamable HTTP on loopback, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr

from llamp_mcp.client import call
from llamp_mcp.errors import InvalidInput
from llamp_mcp.server.http import http_app, is_loopback, security
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llamp_mcp.settings import Settings

pytestmark = pytest.mark.anyio

TOKEN = "correct-horse-battery-staple"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("home")) as url:
        yield url


async def test_clients_of_both_eras_are_served_at_once(address: str) -> None:
    async def ask(mode: str) -> None:
        async with Client(address, mode=mode) as client:
            text, _ = await call(client, "search_materials", {"formula": "Si"})
            assert "mp-149" in text

    async with anyio.create_task_group() as group:
        for mode in ("legacy", "2026-07-28") * 2:
            group.start_soon(ask, mode)


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"host": "127.0.0.1:1"}],
)
async def test_a_foreign_host_or_origin_is_refused(address: str, headers: dict[str, str]) -> None:
    async with httpx2.AsyncClient() as client:
        response = await client.post(address, json=PING, headers={**ACCEPT, **headers})
    assert response.status_code in (403, 421)


async def test_a_token_is_asked_for_and_never_shown(tmp_path: Path) -> None:
    with serving(tmp_path, LLAMP_HTTP_TOKEN=TOKEN) as url:
        async with httpx2.AsyncClient() as client:
            for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
                response = await client.post(url, json=PING, headers={**ACCEPT, **headers})
                assert response.status_code == 401
                assert "www-authenticate" in response.headers
                assert TOKEN not in response.text
        allowed = httpx2.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"})
        async with allowed, Client(streamable_http_client(url, http_client=allowed)) as client:
            text, _ = await call(client, "search_materials", {"formula": "Si"})
    assert "mp-149" in text


def test_an_address_others_can_reach_needs_a_token_and_hosts(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="LLAMP_HTTP_TOKEN"):
        http_app(settings, "0.0.0.0", 8000)
    tokened = settings.model_copy(update={"http_token": SecretStr(TOKEN)})
    with pytest.raises(InvalidInput, match="LLAMP_HTTP_HOSTS") as caught:
        http_app(tokened, "0.0.0.0", 8000)
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(tokened)


def test_hosts_and_origins_are_exact(settings: Settings) -> None:
    made = security(settings, 8000)
    assert made.enable_dns_rebinding_protection
    assert all(entry.endswith(":8000") for entry in made.allowed_hosts + made.allowed_origins)
    assert not any("*" in entry for entry in made.allowed_hosts + made.allowed_origins)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("h", False)],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected

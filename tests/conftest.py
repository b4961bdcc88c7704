"""Fixtures: a server of its own per test, driven in memory through the SDK's client."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from llamp_mcp.client import text_of
from llamp_mcp.server.app import create_server
from llamp_mcp.server.services import Services
from llamp_mcp.settings import Settings
from tests.loopback.fixtures import project
from tests.node.fixtures import node, view_host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from mcp_types import CallToolResult

__all__ = ["node", "project", "view_host"]  # fixtures for every test


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's machine reaches a test."""
    for name in (
        "MP_API_KEY",
        "MP_API_ENDPOINT",
        "LLAMP_CONTACT",
        "LLAMP_SOURCE",
        "LLAMP_MODELS",
        "LLAMP_CALCULATOR",
        "LLAMP_TOOLSETS",
        "LLAMP_RECORD",
        "LLAMP_LLM_MODEL",
        "LLAMP_READ_ONLY",
        "LLAMP_HTTP_TOKEN",
        "LLAMP_HTTP_TOKENS",
        "LLAMP_HTTP_HOSTS",
        "LLAMP_TRACES",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLAMP_HOME", str(tmp_path / "home"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", source="sample", worker_idle_s=15)


class Driver:
    """A connected client, with the two views a host may show a model."""

    def __init__(self, client: Client, services: Services) -> None:
        self.client, self.services = client, services

    async def raw(self, tool: str, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Structured result of a call that must succeed."""
        result = await self.raw(tool, **arguments)
        assert not result.is_error, text_of(result)
        structured: dict[str, Any] = result.structured_content
        return structured

    async def text(self, tool: str, **arguments: Any) -> str:
        """Text of a call that must succeed."""
        result = await self.raw(tool, **arguments)
        assert not result.is_error, text_of(result)
        return text_of(result)

    async def error(self, tool: str, **arguments: Any) -> str:
        """Text of a call that must fail."""
        result = await self.raw(tool, **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    async def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A long-running call followed to its end; the whole answer."""
        answer: dict[str, Any] = await self.call(tool, **arguments)
        while answer["state"] in ("queued", "running", "interrupted"):
            answer = await self.call("get_job", job_id=answer["job_id"])
        return answer


@asynccontextmanager
async def driving(settings: Settings) -> AsyncIterator[Driver]:
    """A driver of a new server; its worker, if any, is stopped at the end."""
    services = Services(settings)
    try:
        async with Client(create_server(settings, services)) as client:
            yield Driver(client, services)
    finally:
        services.stop()


@pytest.fixture
def drive() -> Callable[[Settings], Any]:
    return driving


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Driver]:
    async with driving(settings) as driver:
        yield driver


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-schemas", action="store_true", help="rewrite the schema snapshot")

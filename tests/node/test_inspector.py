"""The official Inspector, as a command, in both eras of the protocol and over both transports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.node import tools
from tests.node.fixtures import SERVER
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Inspect = Callable[..., str]

pytestmark = pytest.mark.slow

INSPECTOR = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
TOKEN = "a-long-random-secret-for-this-test"
ERAS = ("legacy", "modern", "auto")


@pytest.fixture(scope="module")
def inspect(node: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspect]:
    """Runs one method of the Inspector and gives what it printed; fails unless it ends well."""
    folder: Path = tmp_path_factory.mktemp("inspector")
    with serving(folder / "http", LLAMP_HTTP_TOKEN=TOKEN) as url:
        command, *arguments = SERVER
        environment = {"LLAMP_HOME": str(folder / "stdio"), "LLAMP_SOURCE": "sample"}
        transports: dict[str, dict[str, Any]] = {
            "stdio": {"command": command, "args": arguments, "env": environment},
            "http": {
                "type": "streamable-http",
                "url": url,
                "headers": {"Authorization": f"Bearer {TOKEN}"},
            },
        }
        servers = {
            f"{name}-{era}": {**transport, "protocolEra": era}
            for name, transport in transports.items()
            for era in ERAS
        }
        config = folder / "mcp.json"
        config.write_text(json.dumps({"mcpServers": servers}))

        def run(server: str, method: str, *more: str) -> str:
            arguments = ("--config", str(config), "--server", server, "--method", method, *more)
            finished = tools.run(
                INSPECTOR,
                "--cli",
                *arguments,
                "--format",
                "json",
                environment={"MCP_INSPECTOR_SECRET_STORE": "memory", "HOME": str(folder)},
            )
            assert finished.code == 0, finished.err
            return finished.out

        yield run


def result(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)["result"]
    return found


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_the_inspector_lists_calls_reads_and_prompts(
    inspect: Inspect, transport: str, era: str
) -> None:
    server = f"{transport}-{era}"
    listed = result(inspect(server, "tools/list", "--strict"))
    assert "search_materials" in {tool["name"] for tool in listed["tools"]}
    query = ("--tool-name", "search_materials", "--tool-args-json", '{"formula": "Si"}')
    called = result(inspect(server, "tools/call", *query))
    assert "mp-149" in called["content"][0]["text"]
    read = result(inspect(server, "resources/read", "--uri", "llamp://source"))
    assert "CC BY 4.0" in read["contents"][0]["text"]
    question = ("--prompt-name", "materials_scientist", "--prompt-args", "question=gap of Si?")
    prompt = result(inspect(server, "prompts/get", *question))
    assert "gap of Si?" in json.dumps(prompt["messages"])


def test_the_inspector_finds_every_skill_as_its_digest_says(inspect: Inspect) -> None:
    out = inspect("http-modern", "skills/list", "--verify", "--require-digests")
    skills = [json.loads(line) for line in out.splitlines()]
    assert {"materials-scientist", "simulation"} <= {skill["name"] for skill in skills}
    assert {skill["outcome"] for skill in skills} == {"verified"}


def test_the_inspector_finds_the_views_of_the_tools(inspect: Inspect) -> None:
    out = inspect("http-modern", "tools/list", "--app-info", "--advertise-apps")
    tools_told = [json.loads(line) for line in out.splitlines()]
    views = {tool["toolName"]: tool["resourceUri"] for tool in tools_told if tool["hasApp"]}
    assert views["view_structure"] == "ui://llamp/structure"
    assert views["get_phase_diagram"] == "ui://llamp/plot"

"""The official TypeScript clients, old and new, against a real server over both transports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.node import tools
from tests.node.fixtures import SERVER
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

TOKEN = "a-long-random-secret-for-this-test"
CLIENTS = pytest.mark.parametrize(
    ("sdk", "mode"),
    [(1, ""), (2, "legacy"), (2, "auto")],
    ids=["sdk-1", "client-2-legacy", "client-2-auto"],
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("http") / "home", LLAMP_HTTP_TOKEN=TOKEN) as url:
        yield url


def drive(**request: Any) -> dict[str, Any]:
    finished = tools.run("clients.mjs", given=json.dumps(request))
    assert finished.out, finished.err
    report: dict[str, Any] = json.loads(finished.out)
    return report


def check(report: dict[str, Any]) -> None:
    assert "thrown" not in report, report
    assert report["server"]["name"] == "llamp-mcp"
    assert "Never answer a materials question from memory" in report["instructions"]
    assert {"search_materials", "get_job", "run_md"} <= set(report["tools"])
    assert {"llamp://source", "ui://llamp/structure"} <= set(report["resources"])
    assert report["templates"] > 0
    assert "materials_scientist" in report["prompts"]
    assert not report["called"].get("isError")
    assert "mp-149" in report["called"]["content"][0]["text"]
    assert report["called"]["structuredContent"]["total"] >= 1
    assert report["refused"]["isError"]
    assert "no_such_filter" in report["refused"]["content"][0]["text"]
    assert "no_such_tool" in json.dumps(report["unknown"])
    assert "CC BY 4.0" in report["read"]["contents"][0]["text"]
    assert "gap of Si?" in json.dumps(report["prompt"]["messages"])


@CLIENTS
def test_a_typescript_client_is_served_over_stdio(
    node: None, tmp_path: Path, sdk: int, mode: str
) -> None:
    environment = {"LLAMP_HOME": str(tmp_path), "LLAMP_SOURCE": "sample"}
    command, *arguments = SERVER
    stdio = {"command": command, "args": arguments, "env": environment}
    check(drive(sdk=sdk, mode=mode, stdio=stdio))


@CLIENTS
def test_a_typescript_client_is_served_over_http_with_its_token(
    node: None, address: str, sdk: int, mode: str
) -> None:
    check(drive(sdk=sdk, mode=mode, http={"url": address, "token": TOKEN}))


@CLIENTS
def test_a_typescript_client_without_the_token_is_told_so(
    node: None, address: str, sdk: int, mode: str
) -> None:
    report = drive(sdk=sdk, mode=mode, http={"url": address, "token": "another"})
    assert report.keys() == {"thrown"}
    assert TOKEN not in json.dumps(report)

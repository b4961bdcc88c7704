"""The schemas that clients see: a snapshot to read in review, shape rules, and the byte budget."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.server.app import ALL_OPERATIONS, create_server
from llamp_mcp.server.register import arguments
from llamp_mcp.server.schemas import STORED, input_schema

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SNAPSHOT = Path(__file__).parent / "schemas.json"
TOTAL_BYTES = 36_000
ALL_BYTES = 48_000
TOOL_BYTES = 2_000
LARGER = {
    "edit_structure": 7_000,
    "create_structure": 2_700,
    "run_md": 2_200,
    "search_materials": 2_900,
}


async def listed(settings: Settings) -> list[dict[str, Any]]:
    tools = await create_server(settings).list_tools()
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


def _wire(tool: dict[str, Any]) -> bytes:
    """The tool as it goes over the wire."""
    return json.dumps(tool, ensure_ascii=False, separators=(",", ":")).encode()


async def test_the_schemas_are_those_of_the_snapshot(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    arguments_of = {one.name: input_schema(arguments(one)) for one in ALL_OPERATIONS}
    rest = [
        {k: v for k, v in tool.items() if k != "inputSchema"} for tool in await listed(settings)
    ]
    for seen, where in ((arguments_of, STORED), (rest, SNAPSHOT)):
        text = json.dumps(seen, indent=1, ensure_ascii=False) + "\n"
        if request.config.getoption("--update-schemas"):
            where.write_text(text, encoding="utf-8")
        assert text == where.read_text(encoding="utf-8"), "use --update-schemas, read the diff"


async def test_tools_list_keeps_to_its_budget(settings: Settings) -> None:
    tools = await listed(settings)
    sizes = {tool["name"]: len(_wire(tool)) for tool in tools}
    assert len(tools) <= 30
    assert sum(sizes.values()) <= TOTAL_BYTES, sizes
    too_large = {name: size for name, size in sizes.items() if size > LARGER.get(name, TOOL_BYTES)}
    assert not too_large


async def test_all_toolsets_together_keep_to_theirs(settings: Settings) -> None:
    everything = settings.model_copy(update={"toolsets": ("all",)})
    sizes = {tool["name"]: len(_wire(tool)) for tool in await listed(everything)}
    assert sum(sizes.values()) <= ALL_BYTES, sizes


async def test_names_and_input_schemas_follow_the_rules(settings: Settings) -> None:
    for tool in await listed(settings):
        schema = tool["inputSchema"]
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", tool["name"]) or tool["name"] == "calculate"
        assert len(tool["name"]) <= 40
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert not {"anyOf", "oneOf", "allOf", "$defs"} & schema.keys()
        assert "$ref" not in json.dumps(tool)
        undescribed = [n for n, field in schema["properties"].items() if "description" not in field]
        assert not undescribed, tool["name"]
        assert tool["description"]
        assert tool["outputSchema"]["type"] == "object"
        assert {"readOnlyHint", "destructiveHint"} <= tool["annotations"].keys()


async def test_the_list_never_varies_within_a_process(settings: Settings) -> None:
    assert await listed(settings) == await listed(settings)

"""The tool that hands a brief to a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from llamp_mcp.experts.brief import NAMES, Expert
from llamp_mcp.experts.expert_brief import OPERATION, BriefParams, expert_brief

if TYPE_CHECKING:
    from tests.conftest import Driver

EVERYTHING = frozenset(("compute_phonons", "find_migration_barrier", "calculate_property"))


@pytest.mark.parametrize("name", NAMES)
def test_a_brief_comes_back_whole_in_both_channels(name: Expert) -> None:
    result = expert_brief(BriefParams(expert=name), served=EVERYTHING)
    assert "## When to stop" in result.brief
    assert result.brief in result.text()
    assert all(tool in result.text() for tool in result.tools)
    assert len(result.text()) / 4 < 6_000  # tokens, at four characters each


def test_tools_that_are_not_served_are_named() -> None:
    asked = BriefParams(expert="simulation")
    tools = frozenset(expert_brief(asked, served=frozenset()).tools)
    assert expert_brief(asked, served=tools).not_served == []
    result = expert_brief(asked, served=tools - {"compute_phonons"})
    assert result.not_served == ["compute_phonons"]
    assert "Not on this server" in result.text()
    assert "Not on this server" not in expert_brief(asked, served=tools).text()


def test_an_expert_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="thermo"):
        BriefParams.model_validate({"expert": "chemistry"})


@pytest.mark.anyio
async def test_the_tool_is_small_in_the_list(server: Driver) -> None:
    (tool,) = [t for t in (await server.client.list_tools()).tools if t.name == OPERATION.name]
    wire = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert len(json.dumps(wire, ensure_ascii=False, separators=(",", ":"))) < 700


@pytest.mark.anyio
async def test_a_server_says_which_tools_it_was_not_given(server: Driver) -> None:
    """`simulation_more` is not among the default toolsets."""
    told = await server.call("expert_brief", expert="simulation")
    more = ["compute_phonons", "find_migration_barrier", "calculate_property"]
    assert told["not_served"] == more
    assert "piezoelectric" in await server.error("expert_brief", expert="alchemy")

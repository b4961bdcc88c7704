"""The Skills extension, as a host uses it: list, verify, read."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Literal

import pytest
import yaml
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, Request, Result
from pydantic import ConfigDict

from llamp_mcp.experts.brief import EXPERTS
from llamp_mcp.server.skills import SKILLS, GetSkillParams

if TYPE_CHECKING:
    from tests.conftest import Driver

pytestmark = pytest.mark.anyio

SPECIFIED = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
"""Fields that the Agent Skills specification knows (agentskills.io/specification)."""


class Answer(Result):
    """Whatever a method of the extension answers."""

    model_config = ConfigDict(extra="allow")


class ListSkills(Request[PaginatedRequestParams, Literal["skills/list"]]):
    method: Literal["skills/list"] = "skills/list"
    params: PaginatedRequestParams


class GetSkill(Request[GetSkillParams, Literal["skills/get"]]):
    method: Literal["skills/get"] = "skills/get"
    params: GetSkillParams


async def listed(server: Driver, cursor: str | None = None) -> dict[str, Any]:
    request = ListSkills(params=PaginatedRequestParams(cursor=cursor))
    return (await server.client.session.send_request(request, Answer)).model_dump(by_alias=True)


async def got(server: Driver, uri: str) -> dict[str, Any]:
    request = GetSkill(params=GetSkillParams(uri=uri))
    return (await server.client.session.send_request(request, Answer)).model_dump(by_alias=True)


async def test_the_extension_is_declared_without_options(server: Driver) -> None:
    assert (server.client.server_capabilities.extensions or {})[SKILLS] == {}


async def test_every_expert_is_listed_once_and_may_be_cached(server: Driver) -> None:
    answer = await listed(server)
    names = [skill["frontmatter"]["name"] for skill in answer["skills"]]
    assert names == [expert.replace("_", "-") for expert in EXPERTS]
    assert answer["ttlMs"] > 0
    assert answer["cacheScope"] == "public"


async def test_each_file_is_what_its_entry_says(server: Driver) -> None:
    for skill in (await listed(server))["skills"]:
        (file,) = skill["resources"]
        (read,) = (await server.client.read_resource(file["uri"])).contents
        content = read.model_dump()["text"]
        assert file["uri"] == skill["uri"]
        assert file["size"] == len(content.encode())
        assert file["digest"] == "sha256:" + hashlib.sha256(content.encode()).hexdigest()
        _, head, text = content.split("---\n", 2)
        assert yaml.safe_load(head) == skill["frontmatter"]
        assert "## When to stop" in text


async def test_heads_follow_the_agent_skills_specification(server: Driver) -> None:
    for skill in (await listed(server))["skills"]:
        head = skill["frontmatter"]
        assert skill["uri"] == f"skill://{head['name']}/SKILL.md"
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", head["name"])
        assert 0 < len(head["description"]) <= 1024
        assert set(head) <= SPECIFIED
        assert all(isinstance(value, str) for value in head["metadata"].values())


async def test_resources_carry_the_name_and_description_of_their_head(server: Driver) -> None:
    heads = {skill["uri"]: skill["frontmatter"] for skill in (await listed(server))["skills"]}
    resources = (await server.client.list_resources()).resources
    found = {str(one.uri): one for one in resources if str(one.uri).startswith("skill://")}
    assert set(found) == set(heads)
    for uri, one in found.items():
        assert (one.name, one.description) == (heads[uri]["name"], heads[uri]["description"])
        assert one.mime_type == "text/markdown"


async def test_one_skill_is_the_entry_of_the_list(server: Driver) -> None:
    entry = (await listed(server))["skills"][3]
    answer = await got(server, entry["uri"])
    assert answer["skill"] == entry
    assert "nextCursor" not in answer


@pytest.mark.parametrize("uri", ["skill://alchemy/SKILL.md", "skill://thermo", "thermo", ""])
async def test_an_unknown_skill_is_an_invalid_parameter(server: Driver, uri: str) -> None:
    with pytest.raises(MCPError, match="No skill") as caught:
        await got(server, uri)
    assert caught.value.error.code == INVALID_PARAMS


async def test_a_cursor_that_nobody_gave_out_is_refused(server: Driver) -> None:
    with pytest.raises(MCPError) as caught:
        await listed(server, cursor="2")
    assert caught.value.error.code == INVALID_PARAMS

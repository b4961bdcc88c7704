"""The Skills extension of MCP (SEP-2640): each expert's brief as an Agent Skill, with its digest.

To a client that does not know the extension the files are ordinary resources. Nothing is read
until one is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, partial
from typing import Any, Final

import anyio.to_thread
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver.resources import FunctionResource
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, RequestParams

from llamp_mcp.experts.brief import EXPERTS, Expert, read_brief

SKILLS: Final = "io.modelcontextprotocol/skills"
FRESH_MS: Final = 300_000
"""How long a client may keep an entry. It changes only with the version of the server."""

_Context = ServerRequestContext[Any, Any]


class GetSkillParams(RequestParams):
    """Which skill: the address of its SKILL.md."""

    uri: str


class Skills(Extension):
    """Serves `skills/list`, `skills/get` and the files."""

    identifier = SKILLS

    def methods(self) -> Sequence[MethodBinding]:
        """Both methods, for every protocol version: no other has methods of these names."""
        return (
            MethodBinding("skills/list", PaginatedRequestParams, self._list),
            MethodBinding("skills/get", GetSkillParams, self._get),
        )

    def resources(self) -> Sequence[ResourceBinding]:
        """A file for each expert."""
        return [
            ResourceBinding(
                FunctionResource(
                    uri=skill_uri(name),
                    name=skill_name(name),
                    title=card.title,
                    description=card.description,
                    mime_type="text/markdown",
                    fn=partial(skill_file, name),
                )
            )
            for name, card in EXPERTS.items()
        ]

    async def _list(self, _ctx: _Context, params: PaginatedRequestParams) -> HandlerResult:
        if params.cursor:
            raise MCPError(INVALID_PARAMS, f"There is one page only, no cursor {params.cursor!r}")
        entries = await anyio.to_thread.run_sync(lambda: [skill_entry(name) for name in EXPERTS])
        return _result(skills=entries)

    async def _get(self, _ctx: _Context, params: GetSkillParams) -> HandlerResult:
        for name in EXPERTS:
            if params.uri == skill_uri(name):
                return _result(skill=await anyio.to_thread.run_sync(skill_entry, name))
        known = ", ".join(skill_uri(name) for name in EXPERTS)
        raise MCPError(INVALID_PARAMS, f"No skill has the uri {params.uri!r}. Allowed: {known}.")


def skill_name(expert: Expert) -> str:
    """The name as the Agent Skills specification wants it: hyphens only."""
    return expert.replace("_", "-")


def skill_uri(expert: Expert) -> str:
    """The address of its SKILL.md."""
    return f"skill://{skill_name(expert)}/SKILL.md"


@cache
def skill_file(expert: Expert) -> str:
    """The SKILL.md of an expert."""
    import yaml

    brief = read_brief(expert)
    head = yaml.safe_dump(_frontmatter(expert), sort_keys=False, allow_unicode=True, width=1000)
    asks = f"\nExperts to ask: {', '.join(brief.asks)}.\n" if brief.asks else ""
    tools = f"Tools of llamp-mcp to use: {', '.join(brief.tools)}.\n"
    return f"---\n{head}---\n\n# {brief.title}\n\n{tools}{asks}\n{brief.text}"


@cache
def skill_entry(expert: Expert) -> dict[str, Any]:
    """What the extension says of a skill: its head, and its one file with digest and size."""
    content = skill_file(expert).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    uri = skill_uri(expert)
    return {
        "uri": uri,
        "frontmatter": _frontmatter(expert),
        "resources": [{"uri": uri, "digest": digest, "size": len(content)}],
    }


def _frontmatter(expert: Expert) -> dict[str, Any]:
    brief = read_brief(expert)
    return {
        "name": skill_name(expert),
        "description": brief.description,
        "license": "BSD-3-Clause",
        "compatibility": "Needs the tools of an llamp-mcp server.",
        "metadata": {"title": brief.title, "tools": " ".join(brief.tools)},
    }


def _result(**content: Any) -> dict[str, Any]:
    return {"resultType": "complete", **content, "ttlMs": FRESH_MS, "cacheScope": "public"}

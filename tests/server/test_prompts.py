"""Prompts: complete lists, filled texts, and completions of their arguments."""

from __future__ import annotations

import string
import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from llamp_mcp.experts.brief import EXPERTS, SUPERVISOR, read_brief
from llamp_mcp.materials.groups import GroupName
from llamp_mcp.server.app import ALL_OPERATIONS
from llamp_mcp.server.prompts import MAX_COMPLETIONS, WORKFLOWS

if TYPE_CHECKING:
    from tests.conftest import Driver

pytestmark = pytest.mark.anyio

TOOLS = {operation.name for operation in ALL_OPERATIONS}


async def said(server: Driver, name: str, **arguments: str) -> str:
    (message,) = (await server.client.get_prompt(name, arguments)).messages
    text: str = message.content.model_dump()["text"]
    return text


async def completed(server: Driver, prompt: str, argument: str, typed: str = "") -> list[str]:
    reference = PromptReference(type="ref/prompt", name=prompt)
    asked = {"name": argument, "value": typed}
    return (await server.client.complete(reference, asked)).completion.values


async def test_experts_and_workflows_are_listed_with_what_they_are_for(server: Driver) -> None:
    prompts = (await server.client.list_prompts()).prompts
    assert [prompt.name for prompt in prompts] == [*EXPERTS, *WORKFLOWS]
    for prompt in prompts:
        assert prompt.title
        assert prompt.description
        assert all(argument.description for argument in prompt.arguments or ())


async def test_an_expert_is_its_brief_and_the_question(server: Driver) -> None:
    text = await said(server, "thermo", question="Is it stable?", material="mp-149")
    assert read_brief("thermo").text in text
    assert text.endswith("Material: mp-149\nQuestion: Is it stable?")
    assert "Material:" not in await said(server, "thermo", question="Is it stable?")


async def test_the_supervisor_nests_the_experts(server: Driver) -> None:
    text = await said(server, SUPERVISOR, question="gap of Si?")
    assert "gap of Si?" in text
    for word in ("expert_brief(expert)", "ask_expert", "sub-agent", "parallel", "check_grounding"):
        assert word in text
    assert all(expert in text for expert in EXPERTS if expert != SUPERVISOR)


async def test_a_workflow_fills_what_was_given_and_has_defaults_for_the_rest(
    server: Driver,
) -> None:
    text = await said(server, "anneal", material="LiTaO3", temperatures_k="300, 900")
    assert "Anneal LiTaO3" in text
    assert "300, 900 K over 2 ps" in text
    assert read_brief("simulation").text in text


@pytest.mark.parametrize("name", WORKFLOWS)
async def test_workflows_use_all_their_arguments_and_no_others(server: Driver, name: str) -> None:
    workflow = WORKFLOWS[name]
    fields = {field for _, field, _, _ in string.Formatter().parse(workflow.question) if field}
    assert fields == set(workflow.arguments)
    assert set(workflow.optional) < set(workflow.arguments)
    given = {key: f"<{key}>" for key in workflow.arguments}
    assert all(f"<{key}>" in text for text in [await said(server, name, **given)] for key in given)


async def test_a_missing_argument_is_refused(server: Driver) -> None:
    with pytest.raises(MCPError):
        await said(server, "anneal")


async def test_an_argument_that_does_not_exist_is_refused_with_those_that_do(
    server: Driver,
) -> None:
    with pytest.raises(MCPError, match=r"no argument colour. Allowed: question, material"):
        await said(server, "thermo", question="?", colour="red")


@pytest.mark.parametrize(
    ("prompt", "argument", "typed", "expected"),
    [
        ("compare_polymorphs", "group", "elas", ["elasticity"]),
        ("compare_polymorphs", "group", "", list(get_args(GroupName))),
        ("equation_of_state", "calculator", "E", ["emt"]),
        ("insert_interstitial", "site_kind", "tet", ["tetrahedral"]),
        ("electronic", "material", "Ba(Pd", ["Ba(PdS2)2"]),
        ("electronic", "question", "what", []),
    ],
)
async def test_arguments_of_closed_sets_are_completed(
    server: Driver, prompt: str, argument: str, typed: str, expected: list[str]
) -> None:
    assert await completed(server, prompt, argument, typed) == expected


async def test_long_completions_are_cut_and_counted(server: Driver) -> None:
    reference = PromptReference(type="ref/prompt", name="electronic")
    answer = await server.client.complete(reference, {"name": "material", "value": ""})
    assert len(answer.completion.values) == MAX_COMPLETIONS
    assert answer.completion.has_more
    assert (answer.completion.total or 0) > MAX_COMPLETIONS


async def test_resource_templates_are_completed_too(server: Driver) -> None:
    reference = ResourceTemplateReference(type="ref/resource", uri="llamp://properties/{group}")
    answer = await server.client.complete(reference, {"name": "group", "value": "piezo"})
    assert answer.completion.values == ["piezoelectric"]


def test_starting_a_server_reads_no_brief() -> None:
    program = (
        "import sys, anyio; from llamp_mcp.server.app import create_server; "
        "from llamp_mcp.settings import Settings; from llamp_mcp.experts.brief import read_brief; "
        "server = create_server(Settings()); "
        "assert len(anyio.run(server.list_prompts)) >= 12; "
        "assert read_brief.cache_info().misses == 0; assert 'yaml' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

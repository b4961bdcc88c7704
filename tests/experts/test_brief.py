"""Briefs: complete, short, truthful about tools, and said the same everywhere."""

from __future__ import annotations

import re

import pytest

from llamp_mcp.experts.brief import EXPERTS, FOLDER, NAMES, SUPERVISOR, Brief, Expert, read_brief
from llamp_mcp.server.app import ALL_OPERATIONS

MAX_BYTES = 6_400
SECTIONS = [
    "Purpose",
    "Procedure",
    "Choosing",
    "Units and traps",
    "What to return",
    "When to stop",
    "Worked calls",
]
TOOLS = {operation.name for operation in ALL_OPERATIONS}

every_expert = pytest.mark.parametrize("name", NAMES)


def test_each_expert_has_one_file_and_each_file_one_expert() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(NAMES) == set(EXPERTS)


@every_expert
def test_the_head_says_what_the_list_of_experts_says(name: Expert) -> None:
    brief = read_brief(name)
    assert (brief.name, brief.title, brief.description) == (name, *EXPERTS[name])


@every_expert
def test_a_brief_has_all_sections_in_order_and_is_short(name: Expert) -> None:
    headings = re.findall(r"^## ([^(\n]+?)(?: \(.*\))?$", read_brief(name).text, flags=re.M)
    assert [h for h in headings if not h.startswith("Handing")] == [
        "Choosing whom to ask" if (h, name) == ("Choosing", SUPERVISOR) else h for h in SECTIONS
    ]
    assert (FOLDER / f"{name}.md").stat().st_size <= MAX_BYTES


@every_expert
def test_a_brief_names_only_tools_that_exist_and_that_it_may_use(name: Expert) -> None:
    brief = read_brief(name)
    assert set(brief.tools) <= TOOLS
    assert set(re.findall(r"`(\w+)`", _prose(brief))) & TOOLS <= set(brief.tools)


@every_expert
def test_arguments_that_a_brief_names_belong_to_a_tool_it_may_use(name: Expert) -> None:
    """`name: value` in backticks is an argument; a name that no tool has would be refused."""
    brief = read_brief(name)
    fields = {
        field
        for operation in ALL_OPERATIONS
        if operation.name in brief.tools
        for field in operation.params.model_fields
    }
    results = {"mode", "born_stable", "centrosymmetric", "theoretical", "is_metal"}
    assert set(re.findall(r"`(\w+): [^`]+`", _prose(brief))) - results <= fields


def test_only_the_supervisor_asks_others_and_it_may_ask_all() -> None:
    asks = {name: read_brief(name).asks for name in NAMES}
    assert set(asks.pop(SUPERVISOR)) == set(NAMES) - {SUPERVISOR}
    assert not any(asks.values())


def _prose(brief: Brief) -> str:
    return brief.text.partition("## Worked calls")[0]

from __future__ import annotations

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.server.app import ALL_OPERATIONS, chosen, create_server
from llamp_mcp.settings import Settings

pytestmark = pytest.mark.anyio

MATERIALS = [
    "search_materials",
    "get_properties",
    "get_structure",
    "get_phase_diagram",
    "get_reaction_energy",
    "get_spectrum",
    "find_synthesis",
    "identify_structure",
]
DEFAULT_TOOLS = {
    *MATERIALS,
    "create_structure",
    "edit_structure",
    "analyze_structure",
    "compare_structures",
    "view_structure",
    "export_structure",
    "list_calculators",
    "calculate_energy",
    "relax_structure",
    "fit_eos",
    "compute_elastic_tensor",
    "run_md",
    "analyze_trajectory",
    "get_job",
    "cancel_job",
    "expert_brief",
    "ask_expert",
    "check_grounding",
    "calculate",
}


def test_the_default_toolsets_serve_the_tools_of_the_contract(settings: Settings) -> None:
    assert {operation.name for operation in chosen(settings)} == DEFAULT_TOOLS


def test_the_most_used_tools_come_first() -> None:
    assert [operation.name for operation in ALL_OPERATIONS[:3]] == MATERIALS[:3]


def test_toolsets_and_tools_choose(settings: Settings) -> None:
    def names(**update: object) -> list[str]:
        return [op.name for op in chosen(settings.model_copy(update=update))]

    assert names(toolsets=("materials",)) == MATERIALS
    assert names(toolsets=("literature",)) == ["search_literature"]
    assert names(tools=("get_job", "run_md")) == ["run_md", "get_job"]
    assert set(names(toolsets=("all",))) == {operation.name for operation in ALL_OPERATIONS}


def test_read_only_leaves_out_what_starts_writes_or_cancels(settings: Settings) -> None:
    left = {op.name for op in chosen(settings.model_copy(update={"read_only": True}))}
    calculations = {"calculate_energy", "relax_structure", "fit_eos", "compute_elastic_tensor"}
    others = {"export_structure", "run_md", "cancel_job", "ask_expert"}
    assert left == DEFAULT_TOOLS - calculations - others


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [("toolsets", "material", "materials"), ("tools", "run_mb", "run_md")],
)
def test_an_unknown_choice_is_refused_with_the_closest_name(
    settings: Settings, field: str, value: str, hint: str
) -> None:
    with pytest.raises(InvalidInput, match=f"Did you mean '{hint}'"):
        create_server(settings.model_copy(update={field: (value,)}))


def test_choices_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMP_TOOLSETS", "materials, structures")
    monkeypatch.setenv("LLAMP_READ_ONLY", "1")
    settings = Settings()
    assert settings.toolsets == ("materials", "structures")
    assert settings.read_only


def test_starting_touches_no_disk(settings: Settings) -> None:
    create_server(settings)
    assert not settings.home.exists()

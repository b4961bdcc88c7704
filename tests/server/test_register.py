from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from pydantic import Field

from llamp_mcp.client import text_of
from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.server.register import tool
from llamp_mcp.server.services import Services
from tests.conftest import Driver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.settings import Settings

pytestmark = pytest.mark.anyio


class WeighParams(Params):
    mass_g: float = Field(gt=0, description="Mass in g")
    tags: list[str] = Field(default_factory=list, description="Tags")


class WeighResult(Result):
    mass_kg: float | None
    spread: float | None = None

    def text(self) -> str:
        return f"mass_kg = {self.mass_kg} kg"


def weigh(params: WeighParams) -> WeighResult:
    """Convert a mass."""
    if params.mass_g == 13:
        raise InvalidInput("13 g is unlucky", next_step="Use 14.")
    if params.mass_g == 666:
        raise RuntimeError("secret detail")
    if params.mass_g == 28:
        raise OSError(28, "No space left on device")
    return WeighResult(mass_kg=params.mass_g / 1000, spread=float("nan"))


def weigh_facts(result: WeighResult) -> Iterable[Fact]:
    return [Fact("sack", "mass", result.mass_kg, "kg", "scales")]


WEIGH = Operation(
    name="weigh_sack",
    title="Weigh",
    params=WeighParams,
    result=WeighResult,
    run=weigh,
    toolset="materials",
    read_only=True,
    facts=weigh_facts,
)


async def ask(services: Services, **arguments: Any) -> tuple[bool, str, Any]:
    server: MCPServer[None] = MCPServer("t", tools=[tool(WEIGH, services)], log_level="CRITICAL")
    async with Client(server) as client:
        result = await client.call_tool("weigh_sack", arguments)
    return bool(result.is_error), text_of(result), result.structured_content


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services(settings)


async def test_both_channels_say_the_same_and_nan_becomes_null(services: Services) -> None:
    failed, text, structured = await ask(services, mass_g=250)
    assert not failed
    assert text == "mass_kg = 0.25 kg"
    assert structured == {"mass_kg": 0.25, "spread": None}


async def test_a_result_is_entered_in_the_ledger(services: Services) -> None:
    await ask(services, mass_g=250)
    assert list(services.ledger.facts("local")) == [Fact("sack", "mass", 0.25, "kg", "scales")]


async def test_an_unknown_argument_is_named_with_the_closest_allowed_one(
    services: Services,
) -> None:
    failed, text, _ = await ask(services, mass_g=1, mas_g=2)
    assert failed
    assert "Unknown argument 'mas_g'" in text
    assert "Did you mean 'mass_g'?" in text


async def test_a_wrong_and_a_missing_argument_are_explained(services: Services) -> None:
    failed, text, _ = await ask(services, mass_g=-1)
    assert failed
    assert "'mass_g'" in text
    assert "greater than 0" in text
    assert "-1" in text
    assert "'mass_g' is required" in (await ask(services))[1]


async def test_a_list_sent_as_json_text_is_understood(services: Services) -> None:
    assert not (await ask(services, mass_g=1, tags='["a", "b"]'))[0]


async def test_a_domain_error_keeps_its_text(services: Services) -> None:
    failed, text, _ = await ask(services, mass_g=13)
    assert failed
    assert "13 g is unlucky. Use 14." in text


async def test_a_bug_is_not_explained_to_the_model(services: Services) -> None:
    failed, text, _ = await ask(services, mass_g=666)
    assert failed
    assert "secret detail" not in text
    assert "Traceback" not in text


async def test_a_full_disk_is_explained(services: Services) -> None:
    failed, text, _ = await ask(services, mass_g=28)
    assert failed
    assert "no space is left" in text
    assert "LLAMP_HOME" in text


def test_an_operation_that_asks_for_an_unknown_service_is_refused(services: Services) -> None:
    def needs_magic(params: WeighParams, *, magic: object) -> WeighResult:
        return WeighResult(mass_kg=None)

    wrong = Operation(
        name="weigh_sack",
        title="Weigh",
        params=WeighParams,
        result=WeighResult,
        run=needs_magic,
        toolset="materials",
        read_only=True,
    )
    with pytest.raises(TypeError, match="magic"):
        tool(wrong, services)


async def test_an_unusable_home_is_a_clear_tool_error(settings: Settings, drive: Any) -> None:
    settings.home.parent.joinpath("file").write_text("")
    blocked = settings.model_copy(update={"home": settings.home.parent / "file" / "home"})
    async with drive(blocked) as server:
        assert isinstance(server, Driver)
        text = await server.error("get_structure", material="mp-149")
    assert "Set LLAMP_HOME" in text

"""Stand-ins for a model and for a server's tools, for the tests beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import ProviderError
from llamp_mcp.evaluation.benchmark.agents import Called
from llamp_mcp.evaluation.benchmark.runner import Toolbox
from llamp_mcp.providers.chat import Message, Reply, ToolCall, ToolSpec, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

GAPS = {"Si": ("mp-149", 0.6105), "Ge": ("mp-32", 0.0)}
SPEC = ToolSpec(name="get_properties", description="Values.", parameters={"type": "object"})
OTHER = ToolSpec(name="search_materials", description="Search.", parameters={"type": "object"})
USAGE = Usage(prompt_tokens=100, completion_tokens=10)


class Model:
    """A model that does what a function says, and keeps what it was told.

    The function gets the messages and whether there are tools; it may raise.
    """

    model = "stand-in"

    def __init__(self, does: Callable[[tuple[Message, ...], bool], Reply]) -> None:
        self._does = does
        self.told: list[tuple[Message, ...]] = []
        self.tools: list[tuple[ToolSpec, ...]] = []

    async def complete(
        self,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        *,
        max_tokens: int,
        must_answer: bool = False,
    ) -> Reply:
        assert max_tokens > 0
        self.told.append(messages)
        self.tools.append(tools)
        return self._does(messages, bool(tools) and not must_answer)


def says(text: str) -> Reply:
    return Reply(text=text, usage=USAGE)


def calls(name: str, **arguments: Any) -> Reply:
    return Reply(tool_calls=(ToolCall(call_id="1", name=name, arguments=arguments),), usage=USAGE)


def looks_up(messages: tuple[Message, ...], has_tools: bool) -> Reply:
    """An honest model: asks for the gap of the formula, says what came back, else nothing."""
    if messages[-1].role == "tool":
        material_id, _, value = messages[-1].text.partition(" ")
        return says(f"The gap of {material_id} is {value}.\nAnswer: {value}")
    if not has_tools:
        return says("Answer: unknown")
    asked = next(formula for formula in GAPS if formula in messages[-1].text)
    return calls("get_properties", materials=[asked], fields=["band_gap"])


def unavailable(_messages: tuple[Message, ...], _has_tools: bool) -> Reply:
    raise ProviderError("The endpoint answers 503")


async def gaps(_name: str, arguments: dict[str, Any], /) -> Called:
    """A tool that knows two gaps."""
    material_id, gap = GAPS[arguments["materials"][0]]
    return Called(f"{material_id} {gap} eV", structured={"gap": gap})


TOOLBOX = Toolbox((SPEC, OTHER), gaps, {"kind": "sample", "database_version": "none"})

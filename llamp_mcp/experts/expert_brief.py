"""An expert's brief as a tool, because models cannot call prompts."""

from __future__ import annotations

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.experts.brief import Expert, read_brief
from llamp_mcp.operation import Operation, Params, Result


class BriefParams(Params):
    """Arguments of `expert_brief`."""

    expert: Expert = Field(description="whose")


class BriefResult(Result):
    """What an expert goes by."""

    expert: str
    title: SkipJsonSchema[str]
    brief: str = Field(description="purpose, procedure, traps, when to stop")
    tools: list[str] = Field(description="it may use")
    not_served: list[str] = Field(description="tools of the brief that this server was not given")
    asks: SkipJsonSchema[list[str]] = Field(description="experts it may ask")

    def text(self) -> str:
        """The brief, and what of it cannot be followed here."""
        lines = [f"# {self.title}", f"Tools: {', '.join(self.tools)}."]
        if self.not_served:
            missing = ", ".join(self.not_served)
            lines.append(
                f"Not on this server (toolsets are chosen at its start): {missing}. Do without, or "
                "say that it was not done."
            )
        if self.asks:
            lines.append(f"Experts to ask: {', '.join(self.asks)}.")
        return "\n".join((*lines, "", self.brief))


def expert_brief(params: BriefParams, *, served: frozenset[str]) -> BriefResult:
    """Read how an expert works: tools in order, choices, traps, when to stop. Then do so."""
    brief = read_brief(params.expert)
    return BriefResult(
        expert=brief.name,
        title=brief.title,
        brief=brief.text,
        tools=list(brief.tools),
        not_served=[tool for tool in brief.tools if tool not in served],
        asks=list(brief.asks),
    )


OPERATION = Operation(
    name="expert_brief",
    title="Expert brief",
    params=BriefParams,
    result=BriefResult,
    run=expert_brief,
    toolset="experts",
    read_only=True,
)

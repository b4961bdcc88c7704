"""An agent without a model: it plans from the worked calls of the experts' briefs.

It is the same at every trial, so that what an evaluation finds is the tools and the briefs, not a
model. It knows nothing: every value in its answers was in a tool's result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import NotFound
from llamp_mcp.evaluation.benchmark.agents import Answer
from llamp_mcp.experts.planning import fill, match
from llamp_mcp.experts.react import Step

if TYPE_CHECKING:
    from llamp_mcp.evaluation.benchmark.agents import Called, Caller
    from llamp_mcp.providers.chat import ToolSpec

UNKNOWN: Final = "Answer: unknown"


@dataclass(frozen=True)
class ScriptedAgent:
    """Answers what a worked call answers."""

    name: str = "scripted"
    model: str = "worked calls of the briefs"

    async def answer(
        self, question: str, _tools: tuple[ToolSpec, ...], caller: Caller | None
    ) -> Answer:
        """Make the calls of the worked call that fits, and fill its answer. See `Agent.answer`."""
        if caller is None:
            return Answer(f"I do not know: without the tools there is nothing to say.\n{UNKNOWN}")
        found = match(question)
        if found is None:
            return Answer(f"No brief has a worked call for this question.\n{UNKNOWN}")
        steps: list[Step] = []
        results: list[dict[str, Any]] = []
        told = ""
        try:
            for planned in found.worked.calls:
                arguments = fill(planned.arguments, found.slots, results)
                called = await caller(planned.tool, arguments)
                told = called.text
                steps.append(_step(planned.tool, arguments, called))
                if called.failed:
                    return Answer(f"{planned.tool} gave no value: {told}\n{UNKNOWN}", tuple(steps))
                results.append(_result(called.structured))
            text = fill(found.worked.answer, found.slots, results)
        except NotFound as missing:
            text = f"There is no single value: {missing} The tool said:\n{told}\n{UNKNOWN}"
        return Answer(text, tuple(steps))


def _step(tool: str, arguments: dict[str, Any], called: Called) -> Step:
    return Step(tool=tool, arguments=arguments, observation=called.text, failed=called.failed)


def _result(structured: dict[str, Any]) -> dict[str, Any]:
    """What placeholders point into: of a job that has ended, its result."""
    result = structured.get("result")
    return result if "job_id" in structured and isinstance(result, dict) else structured

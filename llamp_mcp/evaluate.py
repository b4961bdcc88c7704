"""`llamp-mcp evaluate`: question sets put to an agent through a real client of a real server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.client import ToolFailed, connect, follow, read_text, run_client, tool_specs
from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.benchmark.agents import Called, ModelAgent
from llamp_mcp.evaluation.benchmark.questions import select
from llamp_mcp.evaluation.benchmark.report import write_report
from llamp_mcp.evaluation.benchmark.runner import ARMS, Plan, Prices, Toolbox, evaluate
from llamp_mcp.evaluation.benchmark.scripted import ScriptedAgent
from llamp_mcp.experts.react import Limits
from llamp_mcp.provenance import SourceMeta
from llamp_mcp.providers.open_provider import open_provider
from llamp_mcp.providers.openai_compatible import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mcp import Client
    from rich.table import Table

    from llamp_mcp.evaluation.benchmark.agents import Agent, Caller
    from llamp_mcp.evaluation.benchmark.record import Record, Scores
    from llamp_mcp.providers.chat import ToolSpec
    from llamp_mcp.settings import Settings

GRACE_S: Final = 30.0
"""Beyond a model's own limit of seconds, for its last words."""
COLUMNS: Final = {
    "accuracy": "acc.",
    "confidence": "conf.",
    "scor": "SCoR",
    "mae": "MAE",
    "f1": "F1",
}
"""What a terminal has room for; the report has all."""


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        out: Folder of the trials, the record and the report.
        questions: Sets by name, story or path; none: all that fit the source.
        trials: How often each question is put.
        only: With the tools or without; None: both.
        scripted: Whether the scripted agent answers in place of a model.
        tools: Tools a model is given in place of those that the sets name.
        concurrency: Answers at a time.
        seconds: An answer of a model may take.
        temperature: Of a model; None leaves it to the endpoint.
        prices: Of a model, in USD per million tokens read and written.
        fresh: Whether to begin anew, over what the folder holds.
    """

    out: Path
    questions: Sequence[str] = ()
    trials: int = 5
    only: Literal["with", "without"] | None = None
    scripted: bool = False
    tools: Sequence[str] = ()
    concurrency: int = 1
    seconds: float = 150.0
    temperature: float | None = None
    prices: tuple[float, float] | None = None
    fresh: bool = False


def run(
    options: Options,
    settings: Settings,
    report: Callable[[int, int, str], None],
    environment: Mapping[str, str] | None = None,
) -> Record:
    """Evaluate, and write the record and the report.

    Args:
        options: What the command line says.
        settings: Which model answers, where and how.
        report: Told how many trials are done, of how many, and of what.
        environment: Settings of the server, over those of this process.

    Raises:
        InvalidInput: No model is set, a question set or tool is unknown, or the folder holds
            another evaluation.
        ProviderError: The client library of the model is not installed.
    """
    agent = choose(options, settings)
    return run_client(partial(_run, options, agent, report, environment or {}))


def choose(options: Options, settings: Settings) -> Agent:
    """Who answers: the scripted agent, or the model of the settings.

    Raises:
        InvalidInput: No model is set.
        ProviderError: The client library of the model is not installed.
    """
    if options.scripted:
        return ScriptedAgent()
    provider = open_provider(settings, Sampling(temperature=options.temperature))
    if provider is None:
        raise InvalidInput(
            "No model is set to be evaluated",
            next_step="Set LLAMP_LLM_MODEL and LLAMP_LLM_URL (--model, --url), or give --scripted.",
        )
    name = "constrained" if settings.llm_constrained else "tool calls"
    return ModelAgent(provider, Limits(seconds=options.seconds), name)


async def _run(
    options: Options,
    agent: Agent,
    report: Callable[[int, int, str], None],
    environment: Mapping[str, str],
) -> Record:
    async with connect(environment) as client:
        toolbox = await open_toolbox(client)
        plan = Plan(
            sets=select(options.questions, toolbox.source["kind"]),
            trials=options.trials,
            arms=tuple(arm for arm in ARMS if arm == f"{options.only or arm.split()[0]} tools"),
            tools=tuple(options.tools),
            concurrency=options.concurrency,
            seconds=options.seconds + GRACE_S,
            prices=Prices(*options.prices) if options.prices else None,
        )
        record = await evaluate(plan, agent, toolbox, options.out, report, fresh=options.fresh)
    write_report(record, options.out, plan.sets)
    return record


async def open_toolbox(client: Client) -> Toolbox:
    """The tools of a connected server, and the database behind them."""
    specs = await tool_specs(client)
    meta = SourceMeta.model_validate(json.loads(await read_text(client, "llamp://source")))
    return Toolbox(specs, caller(client, specs), meta.summary())


def caller(client: Client, specs: tuple[ToolSpec, ...]) -> Caller:
    """Calls a tool of the server; jobs are followed to their end, failures are answers."""
    served = {tool.name for tool in specs}

    async def call_tool(name: str, arguments: dict[str, Any], /) -> Called:
        if name not in served:
            told = f"There is no tool {name!r}. Allowed: {', '.join(sorted(served))}."
            return Called(told, failed=True)
        try:
            text, structured = await follow(client, name, arguments)
        except ToolFailed as failed:
            return Called(str(failed), failed=True)
        lost = structured.get("state") in ("failed", "cancelled")
        return Called(text, failed=lost, structured=structured)

    return call_tool


def table(record: Record) -> Table:
    """The scores of each set and arm, for a terminal."""
    from rich.table import Column, Table

    first = Column("questions", no_wrap=True)
    drawn = Table(first, *COLUMNS.values(), "new ids", "s")
    for arm in record.arms:
        drawn.add_section()
        drawn.add_row(f"[bold]{arm.name}")
        for score in arm.scores:
            drawn.add_row(*_row(score))
    return drawn


def _row(score: Scores) -> tuple[str, ...]:
    figures = (getattr(score, name) for name in COLUMNS)
    told = ("n/a" if figure is None else f"{figure:.3g}" for figure in figures)
    return (score.set_name, *told, str(score.invented_ids), f"{score.seconds:.1f}")

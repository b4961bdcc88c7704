"""Puts question sets to an agent, several times, with and without the tools, and scores it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

import anyio

from llamp_mcp import __version__
from llamp_mcp.errors import InvalidInput, ProviderError
from llamp_mcp.evaluation.benchmark.agents import Answer
from llamp_mcp.evaluation.benchmark.extraction import extract, ids_in
from llamp_mcp.evaluation.benchmark.journal import Head, Journal, Key, digest
from llamp_mcp.evaluation.benchmark.record import Arm, Record, Trial
from llamp_mcp.evaluation.benchmark.scoring import is_correct, scores
from llamp_mcp.providers.chat import Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llamp_mcp.evaluation.benchmark.agents import Agent, Caller
    from llamp_mcp.evaluation.benchmark.questions import Item, QuestionSet
    from llamp_mcp.providers.chat import ToolSpec

ArmName = Literal["with tools", "without tools"]
ARMS: Final[tuple[ArmName, ...]] = get_args(ArmName)


class Prices(NamedTuple):
    """Of a model, per million tokens."""

    read: float
    written: float
    currency: str = "USD"

    def of(self, usage: Usage) -> float:
        """What so many tokens cost."""
        return (usage.prompt_tokens * self.read + usage.completion_tokens * self.written) / 1e6


@dataclass(frozen=True)
class Toolbox:
    """A server's tools as an agent uses them.

    Attributes:
        specs: What a model is told of each.
        caller: Calls one.
        source: The database behind them.
    """

    specs: tuple[ToolSpec, ...]
    caller: Caller
    source: dict[str, str]


@dataclass(frozen=True)
class Plan:
    """What is evaluated, and within which bounds.

    Attributes:
        sets: The questions.
        trials: How often each is put.
        arms: With the tools, without, or both.
        tools: Tools a model is given in place of those that the sets name.
        concurrency: Trials at a time.
        seconds: An answer may take.
        repeats: Of a trial whose provider failed, before that is written down.
        pause_s: Before the first repeat; doubled before each next.
        prices: Of the model.
    """

    sets: tuple[QuestionSet, ...]
    trials: int = 5
    arms: tuple[ArmName, ...] = ARMS
    tools: tuple[str, ...] = ()
    concurrency: int = 1
    seconds: float = 180.0
    repeats: int = 2
    pause_s: float = 2.0
    prices: Prices | None = None


@dataclass(frozen=True)
class _Task:
    arm: ArmName
    questions: QuestionSet
    item: Item
    trial: int
    tools: tuple[ToolSpec, ...] = field(repr=False)

    @property
    def key(self) -> Key:
        return Key(self.arm, self.questions.name, self.item.key, self.trial)


async def evaluate(
    plan: Plan,
    agent: Agent,
    toolbox: Toolbox,
    folder: Path,
    report: Callable[[int, int, str], None],
    *,
    fresh: bool = False,
) -> Record:
    """Put every question to the agent, each trial a conversation of its own.

    Trials are written to the folder as they end; one that is there already is not made again,
    unless the provider had failed.

    Args:
        plan: What, how often, within which bounds.
        agent: Who answers.
        toolbox: The tools, for the arm that has them.
        folder: Where trials are kept.
        report: Told how many trials are done, of how many, and of what.
        fresh: Whether to begin anew, over what the folder holds.

    Raises:
        InvalidInput: The folder holds another evaluation, or a tool that is wanted is not served.
    """
    head = Head(
        model=agent.model,
        agent=agent.name,
        version=__version__,
        source=toolbox.source,
        questions={one.name: digest(one) for one in plan.sets},
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    tasks = _tasks(plan, toolbox)
    journal = Journal.open(folder, head, fresh=fresh)
    left = [task for task in tasks if not _is_done(journal, task)]
    done = len(tasks) - len(left)
    limiter = anyio.CapacityLimiter(plan.concurrency)

    async def make(task: _Task) -> None:
        nonlocal done
        async with limiter:
            report(done, len(tasks), f"{task.arm}: {task.questions.name} {task.item.key}")
            caller = toolbox.caller if task.tools else None
            journal.add(task.arm, await _trial(plan, agent, task, caller))
            done += 1
            report(done, len(tasks), "")

    async with anyio.create_task_group() as group:
        for task in left:
            group.start_soon(make, task)
    return _record(plan, journal, tasks)


def _tasks(plan: Plan, toolbox: Toolbox) -> list[_Task]:
    """All trials, the first of every question before the second of any."""
    return [
        _Task(
            arm, questions, item, trial, _given(plan, questions, toolbox) if arm == ARMS[0] else ()
        )
        for arm in plan.arms
        for trial in range(plan.trials)
        for questions in plan.sets
        for item in questions.items
    ]


def _given(plan: Plan, questions: QuestionSet, toolbox: Toolbox) -> tuple[ToolSpec, ...]:
    """The tools a model is given for a set, in the server's order."""
    wanted = plan.tools or questions.tools
    served = {tool.name for tool in toolbox.specs}
    if missing := sorted(set(wanted) - served):
        raise InvalidInput(
            f"{questions.name!r} needs tools that the server does not serve: {', '.join(missing)}",
            allowed=", ".join(sorted(served)),
            next_step="Check LLAMP_TOOLSETS and LLAMP_READ_ONLY.",
        )
    return tuple(tool for tool in toolbox.specs if not wanted or tool.name in wanted)


def _is_done(journal: Journal, task: _Task) -> bool:
    kept = journal.done.get(task.key)
    return kept is not None and kept.error is None


async def _trial(plan: Plan, agent: Agent, task: _Task, caller: Caller | None) -> Trial:
    question = task.questions.asked(task.item)
    began = time.monotonic()
    error: str | None = None
    answer = Answer("")
    with anyio.move_on_after(plan.seconds) as scope:
        answer, error = await _answer(plan, agent, question, task.tools, caller)
    if scope.cancelled_caught:
        error = f"no answer within {plan.seconds:g} s"
    elif not error and not answer.text:
        error = f"no answer: stopped by its limit of {answer.stopped}"
    extracted = extract(task.questions, task.item, answer.text)
    named = ids_in(answer.text)
    read = ids_in("\n".join((question, *(step.observation for step in answer.steps))))
    return Trial(
        set_name=task.questions.name,
        key=task.item.key,
        trial=task.trial,
        question=question,
        answer=answer.text,
        extracted=extracted,
        correct=not error and _is_right(task, extracted, named),
        ids=named,
        ungrounded_ids=tuple(one for one in named if one not in read),
        steps=answer.steps,
        usage=answer.usage,
        seconds=round(time.monotonic() - began, 3),
        error=error,
    )


def _is_right(task: _Task, extracted: float | str | None, named: tuple[str, ...]) -> bool:
    """Whether an answer has the value and names the ids that the question asks for."""
    wanted = set(ids_in(" ".join(task.item.ids)))
    return wanted <= set(named) and is_correct(task.questions, task.item, extracted, named)


async def _answer(
    plan: Plan, agent: Agent, question: str, tools: tuple[ToolSpec, ...], caller: Caller | None
) -> tuple[Answer, str | None]:
    """An answer, or why the provider gave none after all repeats."""
    for attempt in range(plan.repeats + 1):
        if attempt:
            await anyio.sleep(plan.pause_s * 2 ** (attempt - 1))
        try:
            return await agent.answer(question, tools, caller), None
        except ProviderError as failed:
            error = str(failed)
    return Answer(""), error


def _record(plan: Plan, journal: Journal, tasks: list[_Task]) -> Record:
    arms = tuple(_arm(name, plan, journal, tasks) for name in plan.arms)
    trials = [trial for arm in arms for trial in arm.trials]
    usage = sum((trial.usage for trial in trials), Usage())
    head = journal.head
    return Record(
        model=head.model,
        agent=head.agent,
        version=head.version,
        source=head.source,
        started=head.started,
        seconds=round(math.fsum(trial.seconds for trial in trials), 3),
        cost=plan.prices.of(usage) if plan.prices else None,
        currency=plan.prices.currency if plan.prices else "",
        arms=arms,
    )


def _arm(name: ArmName, plan: Plan, journal: Journal, tasks: list[_Task]) -> Arm:
    trials = tuple(journal.done[task.key] for task in tasks if task.arm == name)
    return Arm(
        name=name,
        scores=tuple(
            scores(one, [trial for trial in trials if trial.set_name == one.name])
            for one in plan.sets
        ),
        trials=trials,
    )

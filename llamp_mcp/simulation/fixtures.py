"""Jobs without physics, by the names the official MCP conformance suite calls.

They exist only where `LLAMP_TEST_FIXTURES` is set, and run as any job does: in the store, in a
worker, cancelled and resumed alike.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from llamp_mcp.errors import SimulationError
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.simulation.questions import Questions

if TYPE_CHECKING:
    from llamp_mcp.simulation.workers.monitor import Monitor

STEP_S: Final = 0.05
PATIENCE_S: Final = 60.0
"""Time a person has to answer a fixture's question, which holds a worker meanwhile."""


class Said(Result):
    """What a fixture has to say."""

    said: str

    def text(self) -> str:
        """It."""
        return self.said


class NoParams(Params):
    """Of fixtures that take no arguments."""


class SlowComputeParams(Params):
    """How long to compute."""

    seconds: float = Field(ge=0, le=3600, description="Seconds")
    label: str = Field(default="", description="Echoed")


class ConfirmDeleteParams(Params):
    """What to ask about."""

    filename: str = Field(description="Echoed; no file is touched")


class NameParams(Params):
    """Whom to greet."""

    user_name: str


def slow_compute(params: SlowComputeParams, *, monitor: Monitor) -> Said:
    """Conformance fixture: wait some seconds, then complete."""
    _sleep(params.seconds, monitor)
    return Said(said=f"Computed {params.label!r} for {params.seconds:g} s")


def failing_job(_params: NoParams, *, monitor: Monitor) -> Said:
    """Conformance fixture: fail after 1 s as a calculation does that cannot be finished."""
    _sleep(1.0, monitor)
    raise SimulationError("This fixture always fails")


def protocol_error_job(_params: NoParams) -> Said:
    """Conformance fixture: end by a bug."""
    raise RuntimeError("this fixture has a bug, on purpose")


def confirm_delete(params: ConfirmDeleteParams, *, monitor: Monitor) -> Said:
    """Conformance fixture: ask one question, then complete."""
    question = form(f"Delete {params.filename!r}?", confirm="boolean")
    (answer,) = _ask({"confirm": question}, monitor)
    return Said(said=f"{params.filename}: {answer['action']} {answer.get('content')}")


def multi_input(_params: NoParams, *, monitor: Monitor) -> Said:
    """Conformance fixture: ask two questions at once, then complete."""
    questions = {
        "name": form("What is your name?", name="string"),
        "sure": form("Are you sure?", confirm="boolean"),
    }
    answers = _ask(questions, monitor)
    return Said(said=f"Answered: {[answer.get('content') for answer in answers]}")


def test_tool_with_task(params: NameParams) -> Said:
    """Conformance fixture: the part that runs as a job, once the name is known."""
    return Said(said=f"Hello, {params.user_name}!")


def _sleep(seconds: float, monitor: Monitor) -> None:
    steps = max(1, round(seconds / STEP_S))
    for step in range(steps):
        monitor.check()
        if monitor.due():
            monitor.progress(step, steps, "computing")
        time.sleep(seconds / steps)


def _ask(questions: dict[str, dict[str, Any]], monitor: Monitor) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_S

    def check() -> None:
        monitor.check()
        if time.monotonic() > deadline:
            raise SimulationError(f"Nobody answered within {PATIENCE_S:g} s")

    answers = Questions(monitor.directory).ask(questions, check)
    return list(answers.values())


def form(message: str, **fields: str) -> dict[str, Any]:
    """A question in MCP's words: a form of these fields, each with its JSON type."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in fields.items()},
        "required": list(fields),
    }
    params = {"mode": "form", "message": message, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


def _fixture(run: Any, params: type[Params]) -> Operation[Any, Any]:
    return Operation(
        name=run.__name__,
        title="Conformance fixture",
        params=params,
        result=Said,
        run=run,
        toolset="simulation",
        read_only=True,
        long_running=True,
    )


SLOW_COMPUTE = _fixture(slow_compute, SlowComputeParams)
FAILING_JOB = _fixture(failing_job, NoParams)
PROTOCOL_ERROR_JOB = _fixture(protocol_error_job, NoParams)
CONFIRM_DELETE = _fixture(confirm_delete, ConfirmDeleteParams)
MULTI_INPUT = _fixture(multi_input, NoParams)
TOOL_WITH_TASK = _fixture(test_tool_with_task, NameParams)
FIXTURES = (
    SLOW_COMPUTE,
    FAILING_JOB,
    PROTOCOL_ERROR_JOB,
    CONFIRM_DELETE,
    MULTI_INPUT,
    TOOL_WITH_TASK,
)

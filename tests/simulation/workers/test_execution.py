from __future__ import annotations

import errno
import logging
import sqlite3
import sys
from dataclasses import replace

import pytest

from llamp_mcp.errors import Cancelled, InvalidInput, SimulationError
from llamp_mcp.operation import Result
from llamp_mcp.simulation.jobs import JobStore
from llamp_mcp.simulation.workers import execution
from llamp_mcp.simulation.workers.execution import (
    Outcome,
    calculators_for,
    execute,
    logging_to,
    run_job,
)
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.counting import OPERATION, expected, only_count


class Number(Result):
    """What need not be one."""

    value: float

    def text(self) -> str:
        return str(self.value)


@pytest.fixture
def services(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "kinds", only_count)
    return {"settings": settings, "monitor": Monitor("j-1", tmp_path), "unwanted": None}


def test_job_runs_from_json_to_json_with_the_services_it_asks_for(services):
    result = run_job("count", {"count": 3}, services=services)
    assert result == {"total": sum(expected(3)), "numbers": expected(3)}


def test_result_that_no_store_takes_fails_here_and_not_the_worker(services, monkeypatch):
    def nan(_params):
        return Number(value=float("nan"))

    monkeypatch.setattr(
        execution, "kinds", lambda _settings: {"count": replace(OPERATION, run=nan)}
    )
    outcome = execute("j-1", "count", {}, services=services)
    assert outcome == Outcome("failed", error="Internal error; the traceback is in job://j-1/log")


def test_unknown_kind_is_told_with_those_there_are(services):
    with pytest.raises(InvalidInput, match=r"kind of job 'cuont'.*Did you mean 'count'"):
        run_job("cuont", {}, services=services)


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (Cancelled("stop"), Outcome("cancelled")),
        (SimulationError("it exploded"), Outcome("failed", error="it exploded.")),
        (OSError(errno.ENOSPC, "full"), Outcome("failed", error=execution.NO_SPACE)),
        (
            sqlite3.OperationalError("database or disk is full"),
            Outcome("failed", error=execution.NO_SPACE),
        ),
        (MemoryError(), Outcome("failed", error=execution.NO_MEMORY)),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
            Outcome("failed", error=execution.NO_MEMORY),
        ),
        (RuntimeError("CUDA out of memory."), Outcome("failed", error=execution.NO_MEMORY)),
        (
            KeyError("a bug"),
            Outcome("failed", error="Internal error; the traceback is in job://j-1/log"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_end_has_one_state_and_a_text_that_says_what_to_do(
    services, monkeypatch, raised, outcome
):
    def fail(*_arguments, **_services):
        raise raised

    monkeypatch.setattr(execution, "run_job", fail)
    assert execute("j-1", "count", {}, services=services) == outcome


def test_completed_job_has_its_result(services):
    ended = execute("j-1", "count", {"count": 2}, services=services)
    assert (ended.state, ended.error) == ("completed", None)
    assert ended.result == run_job("count", {"count": 2}, services=services)


def test_calculators_are_those_of_the_server_that_took_the_job(settings):
    store = JobStore.of(settings.model_copy(update={"calculator": "emt"}))
    job = store.submit("x", {})
    store.close()
    elsewhere = settings.model_copy(update={"models": {}, "calculator": "lj"})
    calculators = calculators_for(job.settings, elsewhere)

    assert calculators.default == "emt"
    assert "si-mace" in [entry.name for entry in calculators.entries()]


def test_whatever_is_said_during_a_job_is_in_its_log(tmp_path, monkeypatch):
    # Under pytest the captured streams are in place of the process' own.
    with logging_to(tmp_path / "log.txt"):
        logging.getLogger("ase").warning("strange forces")
        sys.stdout.write("a library prints\n")
        sys.stderr.write("and complains\n")
    logging.getLogger("ase").warning("after it")
    text = (tmp_path / "log.txt").read_text()

    assert "WARNING ase strange forces" in text
    assert "a library prints\nand complains\n" in text
    assert "after it" not in text

"""How a job stands, or a batch of them: what every tool and resource that speaks of jobs tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import PrivateAttr

from llamp_mcp.errors import JobError
from llamp_mcp.operation import Operation, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.server.services import Services
from llamp_mcp.simulation import OPERATIONS
from llamp_mcp.simulation.calculators.catalogue import calculator_text
from llamp_mcp.simulation.jobs import Job, JobAnswer, Progress, State, answer
from llamp_mcp.simulation.workers.kinds import kinds

AnyOperation = Operation[Any, Any]
LONG_RUNNING: dict[str, AnyOperation] = {
    operation.name: operation for operation in OPERATIONS if operation.long_running
}
BATCH_PREFIX = "b-"


class BatchResult(Result):
    """One row for each structure of a batch."""

    kind: str
    rows: list[dict[str, Any]]
    caution: str
    calculator: dict[str, Any] | None
    _facts: tuple[Fact, ...] = PrivateAttr(default=())

    def text(self) -> str:
        """A line for each structure; the calculator, which is that of all, once."""
        lines = [
            " ".join(f"{key} = {_short(value)}" for key, value in r.items()) for r in self.rows
        ]
        told = [calculator_text(self.calculator)] if self.calculator else []
        head = f"{self.kind} of {len(self.rows)} structures ({self.caution}):"
        return "\n".join([head, *lines, *told])


@dataclass(frozen=True)
class Standing:
    """A job, or the jobs of a batch, at one moment.

    Attributes:
        job_id: Of the job, or of the batch.
        operation: What computes.
        jobs: The one job, or the members of the batch in the order they were given.
    """

    job_id: str
    operation: AnyOperation
    jobs: tuple[Job, ...]

    @property
    def is_batch(self) -> bool:
        """Whether this is a batch of jobs."""
        return self.job_id.startswith(BATCH_PREFIX)

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return all(job.finished for job in self.jobs)

    @cached_property
    def state(self) -> State:
        """That of the job; of a batch: running while one does, completed when any has."""
        states = {job.state for job in self.jobs}
        order: tuple[State, ...] = (
            ("completed", "failed", "cancelled")
            if self.finished
            else ("running", "interrupted", "queued")
        )
        return next((state for state in order if state in states), "running")

    @cached_property
    def progress(self) -> Progress:
        """Steps of the job; of a batch: the jobs that have ended."""
        if not self.is_batch:
            (job,) = self.jobs
            return Progress(done=job.done, total=job.total, message=job.message)
        ended = sum(job.finished for job in self.jobs)
        now = [f"{job.job_id}: {job.message}" for job in self.jobs if job.state == "running"]
        message = "; ".join(now) or f"{ended} of {len(self.jobs)} jobs have ended"
        return Progress(done=ended, total=len(self.jobs), message=message)

    def answer(self) -> JobAnswer[Any]:
        """In the one shape of all long-running tools."""
        if not self.is_batch:
            return answer(self.jobs[0], self.operation.result)
        return JobAnswer[BatchResult](
            job_id=self.job_id,
            state=self.state,
            progress=self.progress,
            result=self._table() if self.state == "completed" else None,
            error=self._error(),
        )

    def facts(self) -> Iterator[Fact]:
        """What the completed jobs found."""
        for job in self.jobs:
            if job.result is not None:
                yield from self.operation.facts(self.operation.result.model_validate(job.result))

    def _table(self) -> BatchResult:
        rows, calculator = [], None
        for job in self.jobs:
            row = {"requested": job.params["structure_id"], "job_id": job.job_id}
            if job.result is None:
                row |= {"state": job.state, "error": job.error or job.message}
            else:
                row |= {name: job.result[name] for name in self.operation.columns}
                row |= {"warnings": job.result["warnings"]} if job.result.get("warnings") else {}
                calculator = job.result.get("calculator", calculator)
            rows.append(row)
        table = BatchResult(
            kind=self.operation.name,
            rows=rows,
            caution=self.operation.caution,
            calculator=calculator,
        )
        table._facts = tuple(self.facts())
        return table

    def _error(self) -> str | None:
        if self.state != "failed":
            return None
        texts = dict.fromkeys(job.error for job in self.jobs if job.error)
        return f"None of {len(self.jobs)} jobs completed. " + " ".join(filter(None, texts))


def look(services: Services, job_id: str) -> Standing:
    """How a job or batch stands, after the health of the workers was checked.

    Raises:
        NotFound: There is none of that id.
        JobError: It was made by a version of this server that knew another calculation.
    """
    services.engine.recover()
    if job_id.startswith(BATCH_PREFIX):
        jobs = tuple(services.jobs.members(job_id))
    else:
        jobs = (services.jobs.get(job_id),)
    operation = kinds(services.settings).get(jobs[0].kind)
    if operation is None:
        raise JobError(
            f"Job {job_id} is of a kind {jobs[0].kind!r} that this version does not know",
            next_step="Read it with the version of llamp-mcp that made it.",
        )
    return Standing(job_id, operation, jobs)


def facts_of(operation: AnyOperation, result: Result) -> Iterable[Fact]:
    """What a result of an operation, or of a batch of it, says about materials."""
    return result._facts if isinstance(result, BatchResult) else operation.facts(result)


def _short(value: object) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)

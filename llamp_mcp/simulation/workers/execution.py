"""What running a job is, apart from where: a worker process here, or a task on another machine.

The caller supplies services by name, as `needs(operation.run)` asks for them: `settings`,
`structures`, `calculators`, `monitor`, and `jobs` where there is a store.
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.errors import INTERNAL, Cancelled, LlampError, is_disk_full, one_of
from llamp_mcp.operation import needs
from llamp_mcp.settings import ModelFile, Settings
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.workers.kinds import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ase.calculators.calculator import Calculator

NO_SPACE: Final = "No space is left on the disk of LLAMP_HOME. Free some and submit the job again."
NO_MEMORY: Final = (
    "The machine has not enough memory for this job. Use a smaller cell or a smaller model, or "
    "fewer workers at once (LLAMP_WORKERS), and submit it again."
)
_NO_MEMORY_SAYS: Final = ("can't allocate memory", "out of memory", "Cannot allocate memory")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended by itself; a worker that is gone leaves none.

    Attributes:
        state: `completed` with `result`, `failed` with `error`, or `cancelled`.
        result: JSON values of the operation's result.
        error: What a caller can act on, or where to look when it was a bug.
    """

    state: Literal["completed", "failed", "cancelled"]
    result: dict[str, Any] | None = None
    error: str | None = None


def run_job(kind: str, params: Mapping[str, Any], *, services: Mapping[str, Any]) -> dict[str, Any]:
    """Run the operation of that name, and return the JSON values of its result.

    Run again with the same parameters in the same directory, it goes on from what the monitor kept.

    Args:
        kind: Name of a long-running operation.
        params: Its arguments, as JSON values.
        services: What its `run` may ask for by name.

    Raises:
        LlampError: Anything a caller can act on; `Cancelled` when the monitor said so.
    """
    operations = kinds(services["settings"])
    operation = operations.get(kind)
    if operation is None:
        raise one_of("kind of job", kind, operations)
    supplied = {name: services[name] for name in needs(operation.run)}
    result = operation.run(operation.params.model_validate(params), **supplied)
    values: dict[str, Any] = result.model_dump(mode="json")
    json.dumps(values, allow_nan=False)  # what no store takes must fail here, not its worker
    return values


def execute(
    job_id: str, kind: str, params: Mapping[str, Any], *, services: Mapping[str, Any]
) -> Outcome:
    """Run a job to its end, whichever it is: the one boundary where a bug becomes a job's end."""
    try:
        return Outcome("completed", result=run_job(kind, params, services=services))
    except Cancelled:
        return Outcome("cancelled")
    except LlampError as error:
        return Outcome("failed", error=str(error))
    except Exception as error:
        _logger.exception("job %s failed", job_id)
        return Outcome("failed", error=_told(error, job_id))


def calculators_for(
    job_settings: Mapping[str, Any],
    settings: Settings,
    loaded: dict[tuple[str, ...], Calculator] | None = None,
) -> Calculators:
    """The calculators of the server that took the job; those already loaded stay warm.

    Args:
        job_settings: `Job.settings`.
        settings: Of this process.
        loaded: Calculators kept between jobs.
    """
    update = dict(job_settings)
    models = update.get("models", {})
    update["models"] = {name: ModelFile.model_validate(file) for name, file in models.items()}
    return Calculators(settings.model_copy(update=update), loaded)


@contextlib.contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Log records, warnings and whatever libraries print, into the log of the job."""
    root = logging.getLogger()
    with path.open("a", encoding="utf-8", buffering=1) as stream:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(handler)
        try:
            with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                yield
        finally:
            root.removeHandler(handler)


def _told(error: Exception, job_id: str) -> str:
    if is_disk_full(error):
        return NO_SPACE
    if isinstance(error, MemoryError) or any(text in str(error) for text in _NO_MEMORY_SAYS):
        return NO_MEMORY
    return f"{INTERNAL}; the traceback is in job://{job_id}/log"

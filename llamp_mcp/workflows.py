"""Every calculation as a jobflow job, for workflows that exist already (atomate2's, one's own).

    from jobflow import Flow, run_locally
    from llamp_mcp.workflows import fit_eos, relax_structure

    relax = relax_structure(structure, calculator="emt")
    eos = fit_eos(relax.output["structure"], calculator="emt")
    results = run_locally(Flow([relax, eos]))

The jobs are those of the server, made from `simulation.OPERATIONS`: same arguments, same numbers,
same text. Only structures go by value: where a tool takes a handle in `structure_id`,
`reference_ids` and so on, a job takes the pymatgen structures, as `structure`, `references`. The
output of a job is a dictionary:

* `result`: what the tool returns, as JSON values, units in the names;
* `text`: the same in words, with method, calculator and warnings;
* `structure`: the pymatgen structure that `result["structure_id"]` is about, if there is one;
* `directory`: where its files are (pictures, trajectory, checkpoints, log).

A job works in a directory of its own below the current one, and goes on from what it finds there
when it is run again. Settings come by the environment (`LLAMP_MODELS`, `LLAMP_DEVICE`, …).
"""

from __future__ import annotations

import tempfile
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, needs
from llamp_mcp.simulation import OPERATIONS
from llamp_mcp.simulation.subject import OneOrMany

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobflow import Job

    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

AnyOperation = Operation[Any, Any]

_OPERATIONS = {operation.name: operation for operation in OPERATIONS if operation.long_running}


def __getattr__(name: str) -> Callable[..., Job]:
    """The job of that name, made at first use: jobflow is an optional extra."""
    if name not in _OPERATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made: Callable[..., Job] = globals().setdefault(name, _job_of(_OPERATIONS[name]))
    return made


def __dir__() -> list[str]:
    """The names of all jobs."""
    return sorted(_OPERATIONS)


def _job_of(operation: AnyOperation) -> Callable[..., Job]:
    """What makes a jobflow job of an operation."""
    try:
        from jobflow import job
    except ImportError as error:
        raise ImportError("jobflow is not installed: pip install 'llamp-mcp[workflows]'") from error

    signature = _signature(operation)

    def compute(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return _run(operation, dict(signature.bind(*args, **kwargs).arguments))

    # jobflow stores a function by module and name, and finds it again by importing them.
    compute.__name__ = compute.__qualname__ = operation.name
    compute.__module__, compute.__doc__ = __name__, operation.description
    compute.__signature__ = signature  # type: ignore[attr-defined]
    make = job(compute)

    @wraps(make)
    def checked(*args: Any, **kwargs: Any) -> Job:
        signature.bind(*args, **kwargs)  # a misspelt argument is an error now, not when it runs
        return make(*args, **kwargs)

    return checked


def _signature(operation: AnyOperation) -> Signature:
    """The arguments of the tool, structures in place of their handles."""
    parameters = [
        Parameter(
            _by_value(name),
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if field.is_required() else field.get_default(),
        )
        for name, field in operation.params.model_fields.items()
        if not (name == "structure_ids" and issubclass(operation.params, OneOrMany))
    ]
    first = [p.replace(default=Parameter.empty) for p in parameters if p.name == "structure"]
    required = [p for p in parameters if p.default is Parameter.empty and p.name != "structure"]
    rest = [p for p in parameters if p.default is not Parameter.empty and p.name != "structure"]
    return Signature([*first, *required, *rest])


def _by_value(name: str) -> str:
    """`structure_id` is `structure`, `reference_ids` is `references`."""
    if name.endswith("_ids"):
        return f"{name.removesuffix('_ids')}s"
    return name.removesuffix("_id")


def _run(operation: AnyOperation, arguments: dict[str, Any]) -> dict[str, Any]:
    """The job itself, wherever jobflow runs it."""
    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.jobs import LOG
    from llamp_mcp.simulation.workers.execution import logging_to
    from llamp_mcp.structures.store import StructureStore

    settings = Settings()
    monitor = _monitor(operation.name, settings.checkpoint_s)
    with tempfile.TemporaryDirectory(prefix="llamp-") as private:
        structures = StructureStore(Path(private))
        services = {
            "settings": settings,
            "structures": structures,
            "calculators": Calculators(settings),
            "monitor": monitor,
        }
        params = operation.params.model_validate(
            dict(_handles(operation, arguments, structures)),
        )
        if operation.check is not None:
            operation.check(params, **{name: services[name] for name in needs(operation.check)})
        with logging_to(monitor.directory / LOG):
            result = operation.run(
                params, **{name: services[name] for name in needs(operation.run)}
            )
        handle = getattr(result, "structure_id", None)
        return {
            "result": result.model_dump(mode="json"),
            "text": result.text(),
            "structure": structures.get(handle) if handle else None,
            "directory": str(monitor.directory),
        }


def _handles(
    operation: AnyOperation, arguments: dict[str, Any], structures: StructureStore
) -> Iterator[tuple[str, Any]]:
    """The arguments as the operation takes them: structures put into a store of this job."""
    from pymatgen.core import Structure

    from llamp_mcp.provenance import LineageStep

    step = LineageStep(action="workflow", origin=f"given to {operation.name}")

    def put(name: str, value: object) -> str:
        if not isinstance(value, Structure):
            raise InvalidInput(f"{name} {value!r} is not a structure", allowed="pymatgen Structure")
        return structures.put(value, step)

    for name in operation.params.model_fields:
        given = _by_value(name)
        if given not in arguments:
            continue
        value = arguments[given]
        if name.endswith("_ids") and value:
            yield name, [put(given, one) for one in value]
        elif name.endswith("_id") and value:
            yield name, put(given, value)
        else:
            yield name, value


def _monitor(name: str, checkpoint_s: float) -> Monitor:
    """Keeps its files apart from those of other jobs run in the same directory."""
    from uuid import uuid4

    from jobflow import CURRENT_JOB

    from llamp_mcp.simulation.workers.monitor import Monitor

    uuid = str(CURRENT_JOB.job.uuid if CURRENT_JOB.job is not None else uuid4())
    directory = Path.cwd() / f"{name}-{uuid[:8]}"
    directory.mkdir(exist_ok=True)
    return Monitor(directory.name, directory, checkpoint_s=checkpoint_s)

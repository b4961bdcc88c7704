"""What travels between the server and a Dask worker: a job by value, and the structures it made.

JSON values only, so that the two need not have the same Python, and nothing in it is code. No
secret is among them: a worker has the settings of its own machine.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypedDict

from llamp_mcp import __version__
from llamp_mcp.provenance import LineageStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymatgen.core import Structure

    from llamp_mcp.simulation.jobs import Job
    from llamp_mcp.structures.store import StructureStore

_STRUCTURE_ID: Final = re.compile(r"s-[0-9a-f]{16}")
_OF_THE_MACHINE: Final = frozenset({"device"})
"""Settings that the machine which computes has of its own."""


class Parcel(TypedDict):
    """A job by value.

    Attributes:
        version: Of the server that sent it.
        key: Of the Dask task.
        token: Of the attempt; the machine that computes fills it in.
        home: Path of the home directory, the same on all machines.
        settings: As `Job.settings`, without what each machine has of its own.
        environment: As `Job.environment`.
        structures: Those the arguments name, with their histories.
    """

    version: str
    key: str
    token: str
    home: str
    job_id: str
    kind: str
    params: dict[str, Any]
    settings: dict[str, Any]
    environment: str
    structures: list[dict[str, Any]]


def pack(job: Job, key: str, home: str, structures: StructureStore) -> Parcel:
    """A job with all the structures its arguments name.

    Raises:
        NotFound: One of them does not exist.
    """
    named = dict.fromkeys(_STRUCTURE_ID.findall(json.dumps(job.params)))
    return Parcel(
        version=__version__,
        key=key,
        token="",
        home=home,
        job_id=job.job_id,
        kind=job.kind,
        params=job.params,
        settings={k: v for k, v in job.settings.items() if k not in _OF_THE_MACHINE},
        environment=job.environment,
        structures=[one for handle in named for one in _with_history(handle, structures)],
    )


def unpack(packed: Iterable[dict[str, Any]]) -> Iterator[tuple[Structure, LineageStep]]:
    """The structures in a parcel or an outcome, with how each came about."""
    from pymatgen.core import Structure

    for one in packed:
        yield Structure.from_dict(one["structure"]), LineageStep.model_validate(one["step"])


def pack_made(made: Iterable[tuple[Structure, LineageStep]]) -> list[dict[str, Any]]:
    """Structures that a calculation made, for the way back."""
    return [_packed(structure, step) for structure, step in made]


def _with_history(handle: str, structures: StructureStore) -> Iterator[dict[str, Any]]:
    """A structure after all those it came from, whose steps a calculation may look at."""
    for step in structures.history(handle):
        yield _packed(structures.get(step.structure_id or handle), step)


def _packed(structure: Structure, step: LineageStep) -> dict[str, Any]:
    from monty.json import MontyEncoder

    plain = json.loads(json.dumps(structure.as_dict(), cls=MontyEncoder))
    return {"structure": plain, "step": step.model_dump(mode="json")}

"""A capability, said in one object.

A domain module ends with `OPERATION = Operation(...)`. Nothing here knows of MCP:
`server/register.py` turns an operation into a tool, and a script may call `OPERATION.run` like any
function.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llamp_mcp.provenance import Fact

Toolset = Literal[
    "materials",
    "structures",
    "simulation",
    "simulation_more",
    "experts",
    "evaluation",
    "literature",
]


class Params(BaseModel):
    """Arguments of an operation: flat, bounded, described; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Result(BaseModel, ABC):
    """What an operation returns. `text` and the fields must each say everything."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @abstractmethod
    def text(self) -> str:
        """Every number with its unit, and every id, in as few words as a model needs."""

    def links(self) -> Iterable[ResourceLink]:
        """Resources that hold what is too large for the result."""
        return ()

    def images(self) -> Iterable[bytes]:
        """PNG pictures that belong to the result."""
        return ()


class ResourceLink(BaseModel):
    """A pointer to a resource of this server."""

    uri: str
    name: str
    mime_type: str
    description: str = ""


P = TypeVar("P", bound=Params)
R = TypeVar("R", bound=Result)


def no_facts(_result: Result) -> Iterable[Fact]:
    """For operations that state no value about a material."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[P, R]):
    """All there is to say about a capability.

    Attributes:
        name: Tool name, snake_case verb_noun.
        title: What a person reads in a client's tool list.
        params: Model of the arguments.
        result: Model of the structured result.
        run: `run(params, *, service, ...) -> result`. Its docstring is the model's manual.
            Keyword-only arguments name the services it needs; the caller supplies them by name.
        toolset: The set it is switched on and off with.
        read_only: True when it changes nothing a user would miss, and starts nothing.
        long_running: True when it runs in a worker process as a job.
        check: For long-running operations: `check(params, *, service, ...)` raises for bad input
            before a job is made.
        facts: Values of the result worth remembering for the check of answers.
        columns: For operations that take a batch of structures: the result keys of its table.
        caution: What must be said beside that table.
        destructive: Whether it may undo or stop something.
        idempotent: Whether the same call again changes nothing more.
        open_world: Whether it reaches beyond this machine.
        view: The interactive view that clients with MCP Apps show beside its result.
        quotes: Whether its text repeats what a caller or a model wrote, so that an id in it is not
            one that this server returned.
    """

    name: str
    title: str
    params: type[P]
    result: type[R]
    run: Callable[..., R]
    toolset: Toolset
    read_only: bool
    long_running: bool = False
    check: Callable[..., None] | None = None
    facts: Callable[[R], Iterable[Fact]] = no_facts
    columns: tuple[str, ...] = ()
    caution: str = ""
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = False
    view: Literal["", "structure", "plot"] = ""
    quotes: bool = False

    @property
    def description(self) -> str:
        """The docstring of `run`: when to use it, when not, what comes back."""
        return inspect.getdoc(self.run) or ""


def needs(function: Callable[..., object]) -> tuple[str, ...]:
    """Names of the services a `run` or `check` asks for: its keyword-only arguments."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)

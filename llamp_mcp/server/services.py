"""What operations may ask for by name, each made at first use so that starting costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from llamp_mcp.operation import needs
from llamp_mcp.provenance import Ledger
from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from llamp_mcp.materials.source import MaterialsSource
    from llamp_mcp.recording import Recorder
    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.engines.engine import Engine
    from llamp_mcp.simulation.jobs import JobStore
    from llamp_mcp.structures.store import StructureStore

_CALLER: ContextVar[str] = ContextVar("caller", default="")


@contextmanager
def serving(caller: str) -> Iterator[None]:
    """Within it, `Services` gives what belongs to this caller; "" is who has the server's home."""
    token = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(token)


class Home:
    """What belongs to the callers of one home. An unusable one is reported by who needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger()

    @cached_property
    def recorder(self) -> Recorder | None:
        """What keeps tool traffic, if the user asked for it."""
        if not self.settings.record:
            return None
        from llamp_mcp.recording import Recorder

        return Recorder.of(self.settings)

    @cached_property
    def structures(self) -> StructureStore:
        """The store behind structure handles."""
        from llamp_mcp.structures.store import StructureStore

        return StructureStore(self.settings.open_home(), self.settings.structures_mb)

    @cached_property
    def jobs(self) -> JobStore:
        """The durable list of jobs."""
        from llamp_mcp.simulation.jobs import JobStore

        return JobStore.of(self.settings)

    @cached_property
    def engine(self) -> Engine:
        """What sees to it that jobs run."""
        from llamp_mcp.simulation.engines.open_engine import open_engine

        return open_engine(self.settings, self.jobs)


class Services:
    """The services of one process: those that all callers share, and those of each one's home.

    Structures, jobs, facts, recordings and the workspace are those of the caller whose message is
    being served, wherever the code that asks for them stands: what nobody has to pass on, nobody
    can forget to pass on.
    """

    NAMES: ClassVar = frozenset(
        {
            *("settings", "source", "structures", "calculators", "jobs", "engine"),
            *("told", "seen", "served"),
        }
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._homes = {"": Home(settings)}
        self._lock = Lock()
        self.served: frozenset[str] = frozenset()
        """Names of the tools of the server; it says so itself."""

    @cached_property
    def source(self) -> MaterialsSource:
        """The materials database that answers."""
        from llamp_mcp.materials.open_source import open_source

        return open_source(self._settings)

    @cached_property
    def calculators(self) -> Calculators:
        """The force fields known here."""
        from llamp_mcp.simulation.calculators import Calculators

        return Calculators(self._settings)

    @property
    def home(self) -> Home:
        """That of the caller who is being served."""
        name = _CALLER.get()
        with self._lock:
            if name not in self._homes:
                self._homes[name] = Home(self._settings.of_caller(name))
            return self._homes[name]

    @property
    def settings(self) -> Settings:
        """Those of the server, with the caller's home and workspace."""
        return self.home.settings

    @property
    def ledger(self) -> Ledger:
        """What the caller was told."""
        return self.home.ledger

    @property
    def recorder(self) -> Recorder | None:
        """What keeps the caller's tool traffic, if the host asked for it."""
        return self.home.recorder

    @property
    def structures(self) -> StructureStore:
        """The caller's structures."""
        return self.home.structures

    @property
    def jobs(self) -> JobStore:
        """The caller's jobs."""
        return self.home.jobs

    @property
    def engine(self) -> Engine:
        """What runs the caller's jobs."""
        return self.home.engine

    def callers(self) -> tuple[str, ...]:
        """Everyone who may have a home here."""
        return "", *self._settings.http_tokens

    def stop(self) -> None:
        """End the workers that were started. For tests."""
        for home in self._homes.values():
            if "engine" in home.__dict__:
                home.engine.stop()

    def supply(self, function: Callable[..., Any], whom: str = "") -> dict[str, Any]:
        """The services a `run` or `check` names as keyword-only arguments.

        Args:
            function: Names them.
            whom: The conversation they are for: `told` and `seen` are what it was told.
        """
        own: dict[str, Callable[[str], Any]] = {
            "told": lambda whom: tuple(self.ledger.facts(whom)),
            "seen": self.ledger.seen,
        }
        return {
            name: own[name](whom) if name in own else getattr(self, name)
            for name in needs(function)
        }

"""What operations may ask for by name, each made at first use so that starting costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
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


class Services:
    """The services of one process. An unusable home is reported by the call that needs it."""

    NAMES: ClassVar = frozenset(
        {
            *("settings", "source", "structures", "calculators", "jobs", "engine"),
            *("told", "seen", "served"),
        }
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger()
        self.served: frozenset[str] = frozenset()
        """Names of the tools of the server; it says so itself."""

    @cached_property
    def recorder(self) -> Recorder | None:
        """What keeps tool traffic, if the user asked for it."""
        if not self.settings.record:
            return None
        from llamp_mcp.recording import Recorder

        return Recorder.of(self.settings)

    @cached_property
    def source(self) -> MaterialsSource:
        """The materials database that answers."""
        from llamp_mcp.materials.open_source import open_source

        return open_source(self.settings)

    @cached_property
    def structures(self) -> StructureStore:
        """The store behind structure handles."""
        from llamp_mcp.structures.store import StructureStore

        return StructureStore(self.settings.open_home())

    @cached_property
    def calculators(self) -> Calculators:
        """The force fields known here."""
        from llamp_mcp.simulation.calculators import Calculators

        return Calculators(self.settings)

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

    def supply(self, function: Callable[..., Any], whom: str = "") -> dict[str, Any]:
        """The services a `run` or `check` names as keyword-only arguments.

        Args:
            function: Names them.
            whom: The caller they are for: `told` and `seen` are what this one was told.
        """
        own: dict[str, Callable[[str], Any]] = {
            "told": lambda whom: tuple(self.ledger.facts(whom)),
            "seen": self.ledger.seen,
        }
        return {
            name: own[name](whom) if name in own else getattr(self, name)
            for name in needs(function)
        }

"""The engine that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.engines.engine import Engine
    from llamp_mcp.simulation.jobs import JobStore


def open_engine(settings: Settings, jobs: JobStore) -> Engine:
    """What runs the jobs of this store: workers of this machine, or a Dask cluster.

    Raises:
        JobError: A cluster is asked for, and distributed is not installed.
    """
    if settings.engine == "local":
        from llamp_mcp.simulation.engines.local import LocalEngine

        return LocalEngine(settings, jobs)
    from llamp_mcp.simulation.engines.dask import DaskEngine

    return DaskEngine(settings, jobs)

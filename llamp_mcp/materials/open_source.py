"""The choice of a source by the settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llamp_mcp.materials.source import MaterialsSource
    from llamp_mcp.settings import Settings


def open_source(settings: Settings) -> MaterialsSource:
    """The source the settings name: `live`, `sample`, or the path of a snapshot.

    It reads, imports and asks nothing before the first question. What is missing (a key, a file)
    is the answer to every question then, so that a server starts and lists its tools without.
    """
    kind = settings.source_kind
    if kind == "sample":
        from llamp_mcp.materials.files.sample import SampleSource

        return SampleSource(settings)
    if kind == "live":
        from llamp_mcp.materials.live.source import LiveSource

        return LiveSource(settings)
    from llamp_mcp.materials.files.source import SqliteSource

    return SqliteSource(Path(kind).expanduser())

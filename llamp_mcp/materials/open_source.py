"""The choice of a source by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from llamp_mcp.errors import SourceError, clip

if TYPE_CHECKING:
    from llamp_mcp.materials.source import MaterialsSource
    from llamp_mcp.settings import Settings


class UnavailableSource:
    """Stands in for a source this version does not have: every question gets the reason."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def meta(self, *_: object, **__: object) -> NoReturn:
        """Say what is missing and what to do, whatever was asked."""
        wanted = "live Materials Project source" if self._kind == "live" else "snapshot source"
        raise SourceError(
            f"LLAMP_SOURCE={clip(self._kind)} is set, but this version has no {wanted}",
            next_step="Set LLAMP_SOURCE=sample (or unset it) and restart the server to use the "
            "embedded offline extract.",
        )

    citations = search = documents = structure = meta


def open_source(settings: Settings) -> MaterialsSource:
    """The source the settings name; it reads and builds nothing before the first question."""
    if settings.source_kind != "sample":
        return UnavailableSource(settings.source_kind)
    from llamp_mcp.materials.sample import SampleSource

    return SampleSource(settings)

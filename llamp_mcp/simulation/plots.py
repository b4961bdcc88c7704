"""Pictures of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from llamp_mcp.operation import Result
from llamp_mcp.plots import png
from llamp_mcp.simulation.jobs import PLOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.figure import Figure

    from llamp_mcp.simulation.workers.monitor import Monitor


class PlottedResult(Result):
    """A result with a picture, which its job keeps."""

    plot: dict[str, str] = Field(description="uri path")

    def images(self) -> Iterable[bytes]:
        """The picture, while its file is there."""
        path = Path(self.plot["path"])
        if path.is_file():
            yield path.read_bytes()

    def plot_line(self) -> str:
        """Where the picture is, for the text."""
        return f"plot {self.plot['uri']}: {self.plot['path']}"


def keep_plot(monitor: Monitor, drawn: Figure) -> dict[str, str]:
    """Write the picture of a result into the directory of its job; what its `plot` says."""
    path = monitor.directory / PLOT
    path.write_bytes(png(drawn))
    return {"uri": f"job://{monitor.job_id}/plot", "path": str(path)}

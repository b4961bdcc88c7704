"""A figure as plain data: panels, series, labels, for whoever draws it again.

Only what this package draws with is known: lines, points, sticks, areas, bars, spans and texts.
What is none of these is named in the document's `omitted`, so that nothing is missing unnoticed.
"""

from __future__ import annotations

from llamp_mcp.plot_data.panels import read

__all__ = ["read"]

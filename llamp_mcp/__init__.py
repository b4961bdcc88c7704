"""llamp-mcp: Materials Project retrieval, structure editing and simulation as an MCP server."""

from importlib.metadata import version

__version__ = version("llamp-mcp")

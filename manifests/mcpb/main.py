"""Where a host starts the bundle: `uv run main.py` in its folder."""

from llamp_mcp.cli import app

app()

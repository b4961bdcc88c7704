"""`python -m llamp_mcp` is `llamp-mcp`."""

from llamp_mcp.cli import app

app()

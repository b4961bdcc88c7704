"""The MCP surface: the only package, with `client.py`, that imports `mcp`."""

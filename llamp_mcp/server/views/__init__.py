"""MCP Apps (`io.modelcontextprotocol/ui`): pages that a client shows beside a tool's result.

Each is one self-contained HTML document, written for the specification's default content policy: no
network, no `eval`. It gets its data from the result of the tool, and by `resources/read` through
its host; a client without the extension loses nothing, for the text and the picture say it all.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver.resources import FunctionResource

from llamp_mcp.operation import Operation

TITLES = {"structure": "Structure and trajectory viewer", "plot": "Interactive plot"}
_LINK = re.compile(r'<link rel="stylesheet" href="(\w+\.css)">')
_SCRIPT = re.compile(r'<script src="(\w+\.js)"></script>')


def uri(view: str) -> str:
    """The address of a view."""
    return f"ui://llamp/{view}"


def view_of(operation: Operation[Any, Any]) -> dict[str, Any] | None:
    """What `tools/list` says of an operation's view."""
    return {"ui": {"resourceUri": uri(operation.view)}} if operation.view else None


def views() -> Apps:
    """The extension, with every view."""
    apps = Apps()
    for name, title in TITLES.items():
        apps.add_resource(
            FunctionResource(
                uri=uri(name),
                name=f"view-{name}",
                title=title,
                mime_type=APP_MIME_TYPE,
                fn=lambda name=name: page(name),
            )
        )
    return apps


def page(name: str) -> str:
    """A view as one document, its style sheets and scripts written into it."""
    folder = files(__name__)

    def read(file: str) -> str:
        return (folder / file).read_text(encoding="utf-8")

    html = _LINK.sub(lambda found: f"<style>\n{read(found[1])}</style>", read(f"{name}.html"))
    return _SCRIPT.sub(lambda found: f"<script>\n{read(found[1])}</script>", html)

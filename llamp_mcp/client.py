"""The other importer of `mcp`: a client for this server, for the demo and for scripts."""

from __future__ import annotations

import base64
import os
import sys
from typing import TYPE_CHECKING, Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import BlobResourceContents, CallToolResult, TextContent

from llamp_mcp.errors import LlampError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.shared.dispatcher import ProgressFnT


class ToolFailed(LlampError):
    """A tool answered with an error."""


def connect(environment: Mapping[str, str]) -> Client:
    """A client of a server of its own, started as a subprocess that speaks over stdio.

    Args:
        environment: Settings of the server, over those of this process.
    """
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONSTARTUP"}
    return Client(
        StdioServerParameters(
            command=sys.executable,
            args=["-m", "llamp_mcp"],
            env={**inherited, **environment},
        )
    )


async def call(
    client: Client, tool: str, arguments: dict[str, Any], progress: ProgressFnT | None = None
) -> tuple[str, dict[str, Any]]:
    """Call a tool; its text and its structured result.

    Raises:
        ToolFailed: The tool answered with an error.
    """
    result = await client.call_tool(tool, arguments, progress_callback=progress)
    text = text_of(result)
    if result.is_error:
        raise ToolFailed(text)
    return text, result.structured_content or {}


async def read_bytes(client: Client, uri: str) -> bytes:
    """What a binary resource holds."""
    read = await client.read_resource(uri)
    blobs = [part.blob for part in read.contents if isinstance(part, BlobResourceContents)]
    return b"".join(base64.b64decode(blob) for blob in blobs)


def text_of(result: CallToolResult) -> str:
    """What a model reads of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))

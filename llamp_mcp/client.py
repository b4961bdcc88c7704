"""The other importer of `mcp`: a client for this server, for the demo and for scripts."""

from __future__ import annotations

import base64
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import BlobResourceContents, CallToolResult, TextContent, TextResourceContents

from llamp_mcp.errors import LlampError
from llamp_mcp.providers.chat import ToolSpec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp.shared.dispatcher import ProgressFnT

T = TypeVar("T")
ONGOING: Final = ("queued", "running", "interrupted")
"""States of a job that has not ended."""
LET_GO_S: Final = 5.0
"""Seconds for the word to a server that a job is no longer wanted."""


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


def run_client(function: Callable[[], Awaitable[T]]) -> T:
    """Run what uses a client, and raise what ended it.

    Each task group on the way out of a connection wraps an error once more.
    """
    try:
        return anyio.run(function)
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from group


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


async def follow(
    client: Client, tool: str, arguments: dict[str, Any], progress: ProgressFnT | None = None
) -> tuple[str, dict[str, Any]]:
    """Call a tool, and wait until the job of a long-running one has ended.

    When the caller is cancelled meanwhile, so is the job, once its id is known.

    Raises:
        ToolFailed: The tool answered with an error.
    """
    text, answer = await call(client, tool, arguments, progress)
    if (job_id := answer.get("job_id")) is None:
        return text, answer
    try:
        while answer["state"] in ONGOING:
            text, answer = await call(client, "get_job", {"job_id": job_id}, progress)
    except anyio.get_cancelled_exc_class():
        with anyio.move_on_after(LET_GO_S, shield=True), suppress(ToolFailed):
            await call(client, "cancel_job", {"job_id": job_id})
        raise
    return text, answer


async def tool_specs(client: Client) -> tuple[ToolSpec, ...]:
    """What a model is told of the tools, in the server's order."""
    listed: list[ToolSpec] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        listed += [
            ToolSpec(name=t.name, description=t.description or "", parameters=t.input_schema)
            for t in page.tools
        ]
        cursor = page.next_cursor
        if cursor is None:
            return tuple(listed)


async def read_text(client: Client, uri: str) -> str:
    """What a textual resource holds."""
    read = await client.read_resource(uri)
    return "".join(part.text for part in read.contents if isinstance(part, TextResourceContents))


async def read_bytes(client: Client, uri: str) -> bytes:
    """What a binary resource holds."""
    read = await client.read_resource(uri)
    blobs = [part.blob for part in read.contents if isinstance(part, BlobResourceContents)]
    return b"".join(base64.b64decode(blob) for blob in blobs)


def text_of(result: CallToolResult) -> str:
    """What a model reads of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))

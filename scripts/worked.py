"""Calls of a real server, kept as a page can print them.

A call may take parts of earlier results: `{2.structure_id}` is that key of the second call. What
differs from run to run is made the same: job ids are numbered, and the home's path is its name.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mcp_types import ImageContent

from llamp_mcp.client import ONGOING, connect, text_of
from llamp_mcp.experts.planning import fill
from llamp_mcp.simulation.jobs.leases import lease

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp import Client

LINES = 40
"""Lines of an answer a page shows; the rest is counted."""
WIDTH = 1000
WORKER_END_S = 60.0
_JOB = re.compile(r"\bj-[0-9a-f]{8,}\b")


@dataclass(frozen=True)
class Done:
    """A call and what came back.

    Attributes:
        tool: Its name.
        arguments: As they were sent.
        text: As a model reads it.
        result: The structured answer; of a job with the keys of its `result` beside its own.
            `text` is in it, too.
        pictures: PNG files that came with it.
        failed: Whether the tool answered with an error.
    """

    tool: str
    arguments: dict[str, Any]
    text: str
    result: dict[str, Any]
    pictures: tuple[bytes, ...] = ()
    failed: bool = False

    def markdown(self) -> str:
        """The call and its text."""
        lines = self.text.splitlines()
        shown = [line if len(line) <= WIDTH else f"{line[:WIDTH]} …" for line in lines[:LINES]]
        if len(lines) > LINES:
            shown.append(f"… ({len(lines) - LINES} more lines)")
        given = json.dumps(self.arguments, ensure_ascii=False)
        return f"```\n{self.tool} {given}\n```\n\n```text\n" + "\n".join(shown) + "\n```"


class Session:
    """A connected server; its calls in order."""

    def __init__(self, client: Client, home: str) -> None:
        self.client, self._home = client, home
        self.done: list[Done] = []
        self._jobs: dict[str, str] = {}

    def begin(self) -> None:
        """Count calls from 1 again."""
        self.done = []

    async def call(self, tool: str, arguments: dict[str, Any]) -> Done:
        """Make a call; follow a job to its end."""
        given = self.fill(arguments)
        answer = await self.client.call_tool(tool, given)
        structured = answer.structured_content or {}
        while structured.get("job_id") and structured["state"] in ONGOING:
            answer = await self.client.call_tool("get_job", {"job_id": structured["job_id"]})
            structured = answer.structured_content or {}
        pictures = [
            base64.b64decode(part.data) for part in answer.content if isinstance(part, ImageContent)
        ]
        text = self.plain(text_of(answer))
        result = {**structured, **(structured.get("result") or {}), "text": text}
        made = Done(
            tool=tool,
            arguments=json.loads(self.plain(json.dumps(given))),
            text=text,
            result=result,
            pictures=tuple(pictures),
            failed=bool(answer.is_error),
        )
        self.done.append(made)
        return made

    def fill(self, template: Any) -> Any:
        """A template with the parts of earlier results it names."""
        return fill(template, {}, [one.result for one in self.done])

    def plain(self, text: str) -> str:
        """The text without what differs from run to run."""

        def numbered(found: re.Match[str]) -> str:
            return self._jobs.setdefault(found[0], f"j-{len(self._jobs) + 1:016x}")

        return _JOB.sub(numbered, text.replace(self._home, "$LLAMP_HOME"))


@asynccontextmanager
async def session(**environment: str) -> AsyncIterator[Session]:
    """A session with a server of its own, on the embedded sample, with every tool."""
    with TemporaryDirectory(prefix="llamp-docs-") as home:
        settings = {
            "LLAMP_HOME": home,
            "LLAMP_SOURCE": "sample",
            "LLAMP_TOOLSETS": "all",
            "LLAMP_THREADS": "1",
            "LLAMP_WORKER_IDLE_S": "5",
            "MP_API_KEY": "",
            **environment,
        }
        try:
            async with connect(settings) as client:
                yield Session(client, home)
        finally:  # a worker outlives its server, and would write into the home once it is gone
            with lease(Path(home), "0").acquire(timeout=WORKER_END_S):
                pass

"""Fixtures of the official tools: `node`, and `view_host` for the views in a browser."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.node import tools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SERVER = (sys.executable, "-m", "llamp_mcp")
STEP_S = 15


@pytest.fixture(scope="session")
def node() -> None:
    """Node and its packages are there; without the registry, outside CI, the test is skipped."""
    try:
        tools.install()
    except tools.RegistryUnreachable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the npm registry cannot be reached: {error}")


@dataclass(frozen=True)
class Viewed:
    """What a view did in its host, and what it looked like at the end.

    Attributes:
        uri: Of the view.
        page_bytes: Size of the document that the server gave.
        result: Of the tool, as the view got it.
        text: What the view says (`document.body.innerText`).
        log: What went between view and host, in order: "initialized", "input sent", "result sent",
            "size {...}", "call NAME", "read URI", "download-file", "open-link", ...
        asked: `{"kind", "params"}` of each "download-file", "open-link", "message" and
            "update-model-context".
        errors: Of the browser's console: scripts that failed, and what the policy refused.
        warnings: Of the browser's console.
        outside: Addresses that were asked for outside the host and the view.
        evaluated: Values of the steps "evaluate".
        paint: Milliseconds from the start of the document to "first-paint" and
            "first-contentful-paint", as the browser has them.
        picture: The PNG taken at the end.
    """

    uri: str
    page_bytes: int
    result: dict[str, Any]
    text: str
    log: list[str]
    asked: list[dict[str, Any]]
    errors: list[str]
    warnings: list[str]
    outside: list[str]
    evaluated: list[Any]
    paint: dict[str, float]
    picture: Path

    @property
    def drawn(self) -> int:
        """Pixels of the picture that are not of its most common colour."""
        return drawn_pixels(self.picture)


def drawn_pixels(picture: Path) -> int:
    """Pixels of a picture that are not of its most common colour: 0 where nothing is drawn."""
    with Image.open(picture) as opened:
        _, counts = np.unique(
            np.asarray(opened.convert("RGB")).reshape(-1, 3), axis=0, return_counts=True
        )
    return int(counts.sum() - counts.max())


@dataclass(frozen=True)
class ViewHost:
    """Shows views of a real server as a chat client would; see `__call__`."""

    folder: Path
    command: tuple[str, ...] = SERVER

    def __call__(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        before: Sequence[tuple[str, Mapping[str, Any]]] = (),
        steps: Sequence[Mapping[str, Any]] = (),
        theme: str = "light",
        size: tuple[int, int] = (720, 520),
        scale: float = 1,
        context: Mapping[str, Any] | None = None,
        capabilities: Mapping[str, Any] | None = None,
        deliver: bool = True,
        environment: Mapping[str, str] | None = None,
        within_s: float = 90,
    ) -> Viewed:
        """Call a tool that has a view, and show the view; raises AssertionError where it cannot.

        The server runs over stdio behind the official TypeScript client; its page is in an iframe
        with `sandbox="allow-scripts"`, on another origin than the host and under the default
        content policy of the specification; the official AppBridge is between them; headless
        Chromium (software WebGL2; LLAMP_CHROMIUM names another) is around it all.

        Args:
            tool: Whose view it is.
            arguments: Of the tool. A string "$1.structure_id" stands for that value of the result
                of the first call in `before`, "$2.result.frames.0" for one deeper in the second.
            before: Calls of tools that come first, followed to the end of their job.
            steps: What to do once the result has been sent, in order; each a dict of one entry:

                - `{"wait": TEXT}` until the view says it; `{"until": JS}` until that is true
                - `{"click": SELECTOR}` or `{"click": [x, y]}` (of the view), `{"hover": [x, y]}`
                - `{"drag": [x, y, x2, y2]}`, `{"wheel": [x, y, delta]}`
                - `{"focus": SELECTOR}`, `{"key": "ArrowRight"}`, `{"type": TEXT}`
                - `{"select": [SELECTOR, VALUE]}`
                - `{"evaluate": JS}` an expression or a promise; its value goes to `evaluated`
                - `{"screenshot": {"path": STR, "selector": SELECTOR or absent}}`
                - `{"context": {"theme": "dark"}}` a change of the host's context
                - `{"resize": [width, height]}`, `{"pause": MILLISECONDS}`, `{"close": True}`
            theme: "light" or "dark", what the host says at the start.
            size: Width and height of the view, in pixels.
            scale: Device pixels for each.
            context: More of the host's context (`styles`, `locale`, `safeAreaInsets`, ...).
            capabilities: Of the host, over what it has; `{"downloadFile": None}` takes one away.
            deliver: Send the result; else tell the view that the call was cancelled.
            environment: Settings of the server over those here: the sample, a home of its own.
            within_s: Seconds for all of it; then everything is killed.
        """
        picture = self.folder / f"view-{len(list(self.folder.glob('view-*.png')))}.png"
        script = {
            "command": self.command,
            "environment": {
                "LLAMP_HOME": str(self.folder / "home"),
                "LLAMP_SOURCE": "sample",
                "LLAMP_WORKER_IDLE_S": "3",
                **(environment or {}),
            },
            "tool": tool,
            "arguments": arguments,
            "before": before,
            "steps": [*steps, {"screenshot": {"path": str(picture)}}],
            "context": {"theme": theme, **(context or {})},
            "capabilities": capabilities or {},
            "size": size,
            "scale": scale,
            "deliver": deliver,
            "step_ms": STEP_S * 1000,
        }
        finished = tools.run("view_host.mjs", given=json.dumps(script), within_s=within_s)
        assert finished.out, finished.err
        report = json.loads(finished.out)
        assert "failure" not in report, (report["failure"], report["errors"], finished.err)
        kept = {name: report[name] for name in Viewed.__dataclass_fields__ if name in report}
        return Viewed(**kept, picture=picture)


@pytest.fixture
def view_host(node: None, tmp_path: Path) -> ViewHost:
    """Hosts the views of a server in headless Chromium; `ViewHost.__call__` says how."""
    return ViewHost(tmp_path)

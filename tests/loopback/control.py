"""Counting, keys and faults in front of the Project's API, as ASGI middleware.

Everything is kept per API key, so that tests that run at once do not see each other. The key of a
test is `loopback` and 24 more characters; any other is refused as the Project refuses it.

`GET /_rig/requests` lists the data requests (all but the heartbeat), `POST /_rig/reset` forgets
them and the faults, `POST /_rig/fail?kind=503&times=2&path=/thermo/&after=0` makes the next two
requests of the thermo endpoint fail, after letting `after` of them pass.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY_PREFIX = "loopback"
KEY_LENGTH = 32

ANSWERS: dict[str, tuple[int, dict[str, str], str]] = {
    "401": (401, {}, '{"message":"No API key found in request"}'),
    "403": (403, {}, '{"message":"Invalid authentication credentials"}'),
    "429": (429, {"retry-after": "1"}, '{"message":"API rate limit exceeded"}'),
    "429-long": (429, {"retry-after": "3600"}, '{"message":"API rate limit exceeded"}'),
    "500": (500, {}, "Internal Server Error"),
    "503": (503, {}, "<html><body>503 Service Temporarily Unavailable</body></html>"),
    "garbage": (200, {}, "<html><body>a page of a proxy</body></html>"),
}
"""Faults that are whole answers; `half` and `silent` are not."""


@dataclass
class Fault:
    kind: str
    times: int
    path: str = ""
    after: int = 0


@dataclass
class Visitor:
    """What one key asked, and what is to go wrong for it."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault_of(self, path: str) -> str:
        """The kind of fault that is due, counted down; empty: none."""
        for fault in self.faults:
            if fault.times > 0 and fault.path in path:
                if fault.after > 0:
                    fault.after -= 1
                    return ""
                fault.times -= 1
                return fault.kind
        return ""


class Control:
    """Stands in front of an ASGI application."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._visitors: dict[str, Visitor] = defaultdict(Visitor)
        self.last_use = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.last_use = time.monotonic()
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        key, path = headers.get("x-api-key", ""), scope["path"]
        if path.startswith("/_rig/"):
            await self._command(path, key, scope, send)
        elif path.startswith("/heartbeat"):
            await self._app(scope, receive, send)
        elif not key:
            await _answer(send, *ANSWERS["401"])
        elif not (key.startswith(KEY_PREFIX) and len(key) == KEY_LENGTH):
            await _answer(send, *ANSWERS["403"])
        else:
            await self._serve(self._visitors[key], scope, receive, send)

    async def _serve(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        visitor.requests.append(
            {"method": scope["method"], "path": scope["path"], "query": parse_qs(query)}
        )
        kind = visitor.fault_of(scope["path"])
        if not kind:
            await self._app(scope, receive, send)
        elif kind == "silent":
            await _hung_up(receive)
        elif kind == "half":
            await _half(send)
        else:
            await _answer(send, *ANSWERS[kind])

    async def _command(self, path: str, key: str, scope: Scope, send: Send) -> None:
        query = {name: found[0] for name, found in parse_qs(scope["query_string"].decode()).items()}
        visitor = self._visitors[key]
        if path == "/_rig/reset":
            visitor.requests.clear()
            visitor.faults.clear()
        elif path == "/_rig/fail":
            visitor.faults.append(
                Fault(
                    query["kind"],
                    int(query.get("times", "1")),
                    query.get("path", ""),
                    int(query.get("after", "0")),
                )
            )
        await _answer(send, 200, {}, json.dumps(visitor.requests))


async def _answer(send: Send, status: int, headers: dict[str, str], body: str) -> None:
    payload = body.encode()
    kind = "application/json" if body.startswith(("{", "[")) else "text/html"
    named = {"content-type": kind, "content-length": str(len(payload)), **headers}
    pairs = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": payload})


async def _hung_up(receive: Receive) -> None:
    """Wait until the client has gone."""
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


async def _half(send: Send) -> None:
    """Promise 1000 bytes, give 25 and stop: the server then closes the connection."""
    pairs = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": pairs})
    await send({"type": "http.response.body", "body": b'{"data":[{"material_id":'})

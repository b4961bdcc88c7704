"""A server on loopback that answers as it is told: for what goes wrong between us and the Project.

What the Project itself answers is tested against its own code (`tests/loopback`).
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "stub" + "0" * 28
VERSION = "2026.01.01-synthetic"

Reply = tuple[int, dict[str, str], bytes]


def page(*documents: dict[str, Any], total: int | None = None) -> Reply:
    """An answer of the API."""
    body = {
        "data": list(documents),
        "meta": {"total_doc": len(documents) if total is None else total},
    }
    return 200, {"content-type": "application/json"}, json.dumps(body).encode()


def status(code: int, body: bytes = b"", **headers: str) -> Reply:
    return code, {name.replace("_", "-"): value for name, value in headers.items()}, body


class Stub:
    """Replies in the order they were queued; the last one stays."""

    def __init__(self) -> None:
        self.version = VERSION
        self.heartbeats = 0
        self.requests: list[tuple[str, dict[str, list[str]], str]] = []
        self.replies: list[Reply | str | Callable[[dict[str, list[str]]], Reply]] = [page()]
        self.heartbeat: Reply | str | None = None
        self.address = ""
        self.free = threading.Event()

    def answers(self, *replies: Reply | str | Callable[[dict[str, list[str]]], Reply]) -> None:
        """Queue replies; `half`, `reset` and `silent` are faults, a function gets the query."""
        self.replies = list(replies)
        self.requests.clear()

    def _next(self, path: str, query: dict[str, list[str]], key: str) -> Reply | str:
        if path.startswith("/heartbeat"):
            self.heartbeats += 1
            said = json.dumps({"status": "OK", "db_version": self.version}).encode()
            return self.heartbeat or (200, {}, said)
        self.requests.append((path, query, key))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply(query) if callable(reply) else reply

    def handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                key = self.headers.get("x-api-key", "")
                reply = stub._next(parts.path, parse_qs(parts.query), key)
                if reply == "silent":
                    stub.free.wait(30)
                elif reply == "half":
                    self.send_response(200)
                    self.send_header("content-length", "1000")
                    self.end_headers()
                    self.wfile.write(b'{"data": [')
                elif not isinstance(reply, str):
                    code, headers, body = reply
                    self.send_response(code)
                    for name, value in {**headers, "content-length": str(len(body))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                self.close_connection = True  # `reset`: without a word

            def log_message(self, *_: Any) -> None:
                """Nothing on stderr."""

        return Handler

    def settings(self, home: Path, **changes: Any) -> Settings:
        """Settings that lead here."""
        given = {
            "home": home,
            "source": "live",
            "mp_api_key": KEY,
            "mp_api_endpoint": self.address,
            "request_timeout_s": 5.0,
            **changes,
        }
        return Settings(**given)


@contextmanager
def serving() -> Iterator[Stub]:
    """A stub that is up."""
    stub = Stub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), stub.handler())
    server.daemon_threads = True
    stub.address = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        stub.free.set()
        with suppress(OSError):
            server.shutdown()
        server.server_close()
        thread.join()

"""An endpoint like OpenAI's on loopback: it answers from a script and keeps its questions."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = dict[str, Any] | int | str


def said(text: str = "", *calls: tuple[str, Any]) -> dict[str, Any]:
    """A completion with a text and calls (name, arguments as an object or as raw text)."""
    made = [
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for number, (name, given) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": text or None, "tool_calls": made or None}
    return {
        "id": "completion",
        "object": "chat.completion",
        "created": 0,
        "model": "loopback-1",
        "choices": [
            {"index": 0, "finish_reason": "tool_calls" if made else "stop", "message": message}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


class Endpoint:
    """Where it listens, and the requests so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []


@contextmanager
def answering(reply: Callable[[dict[str, Any], int], Answer]) -> Iterator[Endpoint]:
    """An endpoint that answers the n-th request (from 0) with a completion, status or raw text."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            endpoint.asked.append(body)
            endpoint.keys.append(self.headers["authorization"])
            made = reply(body, len(endpoint.asked) - 1)
            status, text = 200, made
            if isinstance(made, int):
                key = self.headers["authorization"].removeprefix("Bearer ")
                status, text = made, {"error": {"message": f"Incorrect API key: {key}"}}
            data = (text if isinstance(text, str) else json.dumps(text)).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)

"""Spans of a real server process, as a collector on loopback receives them."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import StatusCode

from llamp_mcp import __version__
from llamp_mcp.client import call, connect
from llamp_mcp.errors import InvalidInput
from llamp_mcp.recording import Redaction
from llamp_mcp.server import tracing
from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

CANARY = "canary-key-0123456789abcdefghijk"


class Collector(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()
        super().__init__(("127.0.0.1", 0), Receive)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self) -> dict[str, Any]:
        """Name and span of all that was received."""
        return {
            span.name: span
            for body in self.bodies
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        }

    def resource(self) -> dict[str, str]:
        first = ExportTraceServiceRequest.FromString(self.bodies[0]).resource_spans[0]
        return {one.key: one.value.string_value for one in first.resource.attributes}


class Receive(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.add(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()


def environment(home: Path, **more: str) -> dict[str, str]:
    return {"LLAMP_HOME": str(home), "LLAMP_SOURCE": "sample", "MP_API_KEY": CANARY, **more}


async def test_spans_name_the_tool_and_hold_no_argument_and_no_secret(tmp_path: Path) -> None:
    with collecting() as collector:
        async with connect(environment(tmp_path, LLAMP_TRACES=collector.address)) as client:
            await call(client, "search_materials", {"formula": "NaCl"})
            refused = await client.call_tool("search_materials", {"formula": f"Na{CANARY}"})
            assert refused.is_error
            for name in (CANARY, "x" * 5000):
                with pytest.raises(Exception, match=r"(?i)unknown|not found"):
                    await call(client, name, {"text": CANARY})
        spans = collector.spans()
        received = b"".join(collector.bodies)
    assert collector.paths == {"/v1/traces"}
    assert collector.resource()["service.name"] == "llamp-mcp"
    assert collector.resource()["service.version"] == __version__
    span = spans["tools/call search_materials"]
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert {one.key for one in span.attributes} <= tracing.ATTRIBUTES
    assert any(one.status.code == 2 for one in spans.values()), "failed calls are told as such"
    assert not any(one.events or one.status.message for one in spans.values())
    assert max(map(len, spans)) <= 80
    for secret in (CANARY, "NaCl"):
        assert secret.encode() not in received


async def test_a_collector_that_is_away_harms_nobody(tmp_path: Path) -> None:
    away = environment(tmp_path, LLAMP_TRACES="http://127.0.0.1:9")
    async with connect(away) as client:
        text, _ = await call(client, "search_materials", {"formula": "Si"})
    assert "mp-149" in text
    assert not [p for p in psutil.Process().children() if "llamp_mcp" in " ".join(p.cmdline())]


def test_error_texts_and_foreign_attributes_stay_here() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(tracing.bare(kept, Redaction([CANARY]))))
    told = {"argument": CANARY, "gen_ai.tool.name": CANARY, "error.type": "x"}
    span = provider.get_tracer("t").start_span(f"tools/call {CANARY}", attributes=told)
    span.record_exception(ValueError(CANARY))
    span.set_status(StatusCode.ERROR, CANARY)
    span.end()
    (exported,) = kept.get_finished_spans()
    assert CANARY not in exported.to_json()
    assert set(exported.attributes or {}) == {"gen_ai.tool.name", "error.type"}
    assert not exported.status.is_ok


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("https://c/", "https://c/v1/traces"),
        ("http://c:4318/own/path", "http://c:4318/own/path"),
    ],
)
def test_the_address_of_a_collector_is_enough(address: str, expected: str) -> None:
    assert tracing._endpoint(address) == expected


@pytest.mark.parametrize("address", ["4318", "grpc://c:4317", "http://", f"x {CANARY}"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="LLAMP_TRACES") as caught:
        tracing.start(Settings(traces=address))
    assert CANARY not in str(caught.value)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(InvalidInput, match=r"llamp-mcp\[otel\]"):
        tracing.start(Settings(traces="http://127.0.0.1:4318"))


def test_nothing_of_it_is_imported_or_sent_when_it_is_off(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from llamp_mcp.cli import app\n"
        "from mcp.server.mcpserver import MCPServer\n"
        "MCPServer.run = lambda self, transport: None\n"
        "assert CliRunner().invoke(app, []).exit_code == 0\n"
        "from opentelemetry import trace\n"
        "print(type(trace.get_tracer_provider()).__name__)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')\n"
        "       or name.startswith('opentelemetry.exporter') or name.endswith('.tracing')])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split("\n")[:2] == ["ProxyTracerProvider", "[]"]

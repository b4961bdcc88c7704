"""OpenTelemetry spans of what the server is asked, off unless the host names a collector.

The MCP SDK makes a span of every request. It exports nothing by itself; this sends its spans to
`LLAMP_TRACES`, an OTLP/HTTP endpoint. A span says which method and tool was called, when, for how
long, and whether it failed. It never says with which arguments, nor what came back: error texts
may quote both, so only the kind of an error is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llamp_mcp import __version__
from llamp_mcp.errors import InvalidInput
from llamp_mcp.recording import Redaction
from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

ATTRIBUTES = frozenset(
    {
        "mcp.method.name",
        "mcp.protocol.version",
        "gen_ai.operation.name",
        "gen_ai.tool.name",
        "gen_ai.prompt.name",
        "error.type",
        "rpc.response.status_code",
    }
)
"""What a span may carry; anything else an SDK may come to add stays here."""
_LONGEST = 80
"""Characters of a name: a caller may send any text in the place of a tool's name."""
_READ = 1000
_TIMEOUT_S = 5.0


def start(settings: Settings) -> None:
    """Export the spans of this process until it ends; what is left goes out at its exit.

    Raises:
        InvalidInput: The endpoint is no address, or OpenTelemetry's SDK is not installed.
    """
    endpoint = _endpoint(settings.traces)
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InvalidInput(
            f"LLAMP_TRACES is set, but {error.name} is not installed",
            next_step="Run `pip install 'llamp-mcp[otel]'`, or unset LLAMP_TRACES.",
        ) from error
    about = {"service.name": "llamp-mcp", "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(about))
    exporter = bare(OTLPSpanExporter(endpoint, timeout=_TIMEOUT_S), Redaction.of(settings))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def bare(exporter: SpanExporter, redaction: Redaction) -> SpanExporter:
    """An exporter that hands spans on without texts that callers or errors put into them."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Status

    def told(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return redaction.text(value[:_READ])[:_LONGEST]  # redacted before a secret is cut in two

    def stripped(span: ReadableSpan) -> ReadableSpan:
        held = span.attributes or {}
        return ReadableSpan(
            name=told(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes={name: told(held[name]) for name in ATTRIBUTES & held.keys()},
            kind=span.kind,
            instrumentation_scope=span.instrumentation_scope,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
        )

    class Bare(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return exporter.export([stripped(span) for span in spans])

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    return Bare()


def _endpoint(address: str) -> str:
    """The address for traces: that of a collector gets the path that OTLP/HTTP prescribes."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(
            "LLAMP_TRACES is no address of an OTLP/HTTP collector",
            allowed="such as http://127.0.0.1:4318",
        )
    path = parts.path if parts.path.strip("/") else "/v1/traces"
    return parts._replace(path=path).geturl()

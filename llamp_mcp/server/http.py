"""Streamable HTTP: loopback by default; anything wider needs a token and a list of hosts."""

from __future__ import annotations

import ctypes
import ipaddress
from contextlib import suppress

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from llamp_mcp.errors import InvalidInput
from llamp_mcp.server.app import create_server
from llamp_mcp.server.gate import Gate
from llamp_mcp.settings import Settings

PATH = "/mcp"
_M_ARENA_MAX = -8


def http_app(settings: Settings, host: str, port: int) -> ASGIApp:
    """The ASGI application, refusing what a host should not expose.

    Raises:
        InvalidInput: The address is not loopback, and token or hosts are missing.
    """
    loopback = is_loopback(host)
    if not loopback and settings.http_token is None and not settings.http_tokens:
        raise InvalidInput(
            f"Refusing to serve on {host!r}, which others can reach, without a token",
            next_step="Set LLAMP_HTTP_TOKEN to a long random secret, or LLAMP_HTTP_TOKENS to one "
            "for each caller, or bind to 127.0.0.1.",
        )
    if not loopback and not settings.http_hosts:
        raise InvalidInput(
            f"Refusing to serve on {host!r} without a list of host names",
            next_step="Set LLAMP_HTTP_HOSTS to the exact host:port entries clients will use.",
        )
    server = create_server(settings)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        host=host,
        transport_security=security(settings, port),
        max_request_body_size=settings.http_body_kb * 1024,
    )
    return Gate(AuthContextMiddleware(app), settings)


def security(settings: Settings, port: int) -> TransportSecuritySettings:
    """Exact Host and Origin entries: what the settings say, else loopback on this port."""
    names = ("127.0.0.1", "localhost", "[::1]")
    hosts = settings.http_hosts or tuple(f"{name}:{port}" for name in names)
    origins = settings.http_origins or tuple(f"http://{entry}" for entry in hosts)
    return TransportSecuritySettings(allowed_hosts=list(hosts), allowed_origins=list(origins))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until told to stop."""
    import uvicorn

    _keep_memory_together()
    uvicorn.run(http_app(settings, host, port), host=host, port=port, log_level="warning")


def _keep_memory_together() -> None:
    """Let threads share two heaps, where the C library is glibc.

    Else each of some twenty threads keeps a heap of its own, at its largest: after thousands of
    calls twice the memory, and growing.
    """
    with suppress(OSError, AttributeError, TypeError):  # macOS and Windows have none
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)

"""Streamable HTTP: loopback by default; anything wider needs a token and a list of hosts."""

from __future__ import annotations

import hmac
import ipaddress

from mcp.server.transport_security import TransportSecuritySettings
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from llamp_mcp.errors import InvalidInput
from llamp_mcp.server.app import create_server
from llamp_mcp.settings import Settings

PATH = "/mcp"


class BearerToken:
    """Lets in only requests that carry the one token of this host; compared in constant time."""

    def __init__(self, app: ASGIApp, token: SecretStr) -> None:
        self._app = app
        self._expected = f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to what is not let in; pass everything else on."""
        app = self._app
        if scope["type"] == "http":
            given = Headers(scope=scope).get("authorization", "").encode()
            if not hmac.compare_digest(given, self._expected):
                app = JSONResponse(
                    {"error": "invalid_token", "error_description": "A bearer token is required"},
                    status_code=401,
                    headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
                )
        await app(scope, receive, send)


def http_app(settings: Settings, host: str, port: int) -> ASGIApp:
    """The ASGI application, refusing what a host should not expose.

    Raises:
        InvalidInput: The address is not loopback, and token or hosts are missing.
    """
    loopback = is_loopback(host)
    if not loopback and settings.http_token is None:
        raise InvalidInput(
            f"Refusing to serve on {host!r}, which others can reach, without a token",
            next_step="Set LLAMP_HTTP_TOKEN to a long random secret, or bind to 127.0.0.1.",
        )
    if not loopback and not settings.http_hosts:
        raise InvalidInput(
            f"Refusing to serve on {host!r} without a list of host names",
            next_step="Set LLAMP_HTTP_HOSTS to the exact host:port entries clients will use.",
        )
    server = create_server(settings)
    app = server.streamable_http_app(
        streamable_http_path=PATH, host=host, transport_security=security(settings, port)
    )
    return app if settings.http_token is None else BearerToken(app, settings.http_token)


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

    uvicorn.run(http_app(settings, host, port), host=host, port=port, log_level="warning")

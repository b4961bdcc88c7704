"""What a request over HTTP passes before the server sees it: token, rate, number at once."""

from __future__ import annotations

import hmac
from collections import Counter
from time import time
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from llamp_mcp.server.services import serving
from llamp_mcp.settings import Settings

HEALTH = "/healthz"
_CALLER = "llamp_mcp.caller"
_SHARED = "the server's home"


class Gate:
    """Lets requests in, and writes down whose they are.

    A token names a caller; that of `http_token` names whoever shares the server's home. Health is
    told to anyone, and is nothing but a word. Where there is no token, on loopback, there is one
    user and nothing to hold him to.

    Args:
        app: What is behind the gate.
        settings: Tokens and limits.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._app = app
        shared = {"": settings.http_token} if settings.http_token is not None else {}
        tokens = settings.http_tokens | shared
        self._expected = [
            (name, f"Bearer {token.get_secret_value()}".encode()) for name, token in tokens.items()
        ]
        self._rate = RateLimitItemPerMinute(settings.http_rate) if settings.http_rate else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._parallel = settings.http_parallel
        self._served: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer health, 401 and 429 here; pass everything else on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":  # a web socket, which this server has none of
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"] == HEALTH:
            await JSONResponse({"status": "ok"})(scope, receive, send)
        elif not self._expected:
            await self._app(scope, receive, send)
        elif (caller := self._caller(scope)) is None:
            address = (scope.get("client") or ("unknown",))[0]
            refused = self._too_many(f"refused {address}") or _refusal()
            await refused(scope, receive, send)
        else:
            await self._limited(caller, scope, receive, send)

    def _caller(self, scope: Scope) -> str | None:
        """The name that the token stands for; every one is compared, in constant time."""
        given = Headers(scope=scope).get("authorization", "").encode()
        found = [name for name, token in self._expected if hmac.compare_digest(given, token)]
        return found[0] if found else None

    async def _limited(self, caller: str, scope: Scope, receive: Receive, send: Send) -> None:
        key = caller or _SHARED
        if refused := self._too_many(key):
            await refused(scope, receive, send)
            return
        posts = scope["method"] == "POST"  # a GET is the open stream of a session
        if posts and self._served[key] >= self._parallel:
            await _too_many(f"{self._parallel} of your requests are being served", 1)(
                scope, receive, send
            )
            return
        # The SDK binds sessions and request state to the user it finds here; it needs no token.
        user = AuthenticatedUser(AccessToken(token="", client_id=key, scopes=[]))
        self._served[key] += posts
        try:
            await self._app({**scope, "user": user, _CALLER: caller}, receive, send)
        finally:
            self._served[key] -= posts

    def _too_many(self, key: str) -> JSONResponse | None:
        if self._rate is None or self._limiter.hit(self._rate, key):
            return None
        wait = self._limiter.get_window_stats(self._rate, key).reset_time - time()
        return _too_many(f"more than {self._rate.amount} requests in a minute", max(1, int(wait)))


async def identify(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the server: everything a message leads to is done for its caller."""
    scope = getattr(ctx.request, "scope", None) or {}
    with serving(scope.get(_CALLER, "")):
        return await call_next(ctx)


def _refusal() -> JSONResponse:
    return JSONResponse(
        {"error": "invalid_token", "error_description": "A bearer token is required"},
        status_code=401,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def _too_many(why: str, wait_s: int) -> JSONResponse:
    return JSONResponse(
        {"error": "too_many_requests", "error_description": f"{why}; try again in {wait_s} s"},
        status_code=429,
        headers={"Retry-After": str(wait_s)},
    )

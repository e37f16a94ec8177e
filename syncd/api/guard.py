"""The wall around every route: what is refused before it is looked at, and what every answer carries.

A request has no body here, and no token in its address: addresses are kept in histories, logs and proxies. An answer
comes within `limits.HTTP_REQUEST_TIMEOUT_S`, forbids what it does not need, and shows no traceback.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.api.answers import RETRY_AFTER_S, refusal, refusal_of
from syncd.api.policies import BASE_POLICY
from syncd.clock import Clock
from syncd.errors import SyncdError
from syncd.limits import HTTP_REQUEST_TIMEOUT_S
from syncd.logs import get_logger
from syncd.metrics import Metrics

_HEADERS: Final = {
    "content-security-policy": BASE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_TOKEN_NAMES: Final = frozenset({"token", "access_token"})

log = get_logger("api")


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = self._clock.monotonic_s()
        answered = False

        async def send_dressed(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                self._metrics.http_responses.add(str(message["status"]))
                self._metrics.http_seconds.observe(self._clock.monotonic_s() - started_s)
            await send(message)

        refused = _refused(scope)
        if refused is None:
            try:
                async with asyncio.timeout(HTTP_REQUEST_TIMEOUT_S):
                    await self._app(scope, receive, send_dressed)
                return
            except Exception as error:
                if answered:  # Too late for words: the server cuts the connection, and the peer sees it is incomplete.
                    raise
                refused = _told(scope["path"], error)
        await refused(scope, receive, send_dressed)


def _refused(scope: Scope) -> Response | None:
    """The answer to a request that no route should see; None when there is nothing against it."""
    path = scope["path"]
    names = {name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)}
    if names & _TOKEN_NAMES:
        message = (
            "a token in the address is refused, because addresses are kept in histories and logs: send it as "
            "`Authorization: Bearer`, or after a # in a link. Consider this one known, and revoke its device."
        )
        return refusal(path, 400, code="token_in_url", message=message)
    headers = Headers(scope=scope)
    announced = headers.get("transfer-encoding") or f"{headers.get('content-length', '0')[:20]} bytes"
    if announced != "0 bytes":
        message = f"no request here has a body; this one announces one ({announced[:20]})"
        return refusal(path, 413, code="limit", message=message, headers={"connection": "close"})
    return None


def _told(path: str, error: Exception) -> Response:
    """What the caller is told of an error that came out of a route."""
    if isinstance(error, TimeoutError):
        message = f"no answer within {HTTP_REQUEST_TIMEOUT_S:g} s"
        return refusal(path, 503, code="unavailable", message=message, headers={"retry-after": str(RETRY_AFTER_S)})
    told = refusal_of(path, error) if isinstance(error, SyncdError) else None
    if told is None:
        log.error("bug", path=path, exc_info=error)
        told = refusal(path, 500, code="bug", message="something failed here; what it was stands in the server's log")
    return told

"""Who may come to the console: programs on this machine, with an operator's token, and not too often.

A token in a header is nothing that a browser sends by itself, so no other page can act in an operator's name; there are
no cookies. Which machine asks is told by the socket. A proxy beside us would make everybody look near, so what came
through one is refused as well: it says so in a header, or it passes on a Host that is none of this machine. The Host is
also what tells a page of another name that was made to resolve to this machine.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from syncd.api.answers import bearer_token, refusal
from syncd.api.console_services import ConsoleServices
from syncd.api.gateway_url import hostname
from syncd.clock import Clock
from syncd.errors import Forbidden, LoginExpired, Unauthenticated, Unavailable
from syncd.limits import CONSOLE_LOGINS, CONSOLE_LOGINS_PER_S, CONSOLE_REQUESTS, CONSOLE_REQUESTS_PER_S

TOKEN_CHARS_MAX: Final = 512
"""Of an operator's token; ours have 58. A longer one is not looked up."""
CALLERS_MAX: Final = 1_000
"""Addresses, or operators, whose pace is remembered; beyond it all of them begin anew."""
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_ELSEWHERE: Final = (
    "the console is for programs on its own machine: come through a tunnel, as `ssh -L 8080:127.0.0.1:8080 host`, "
    "or set SYNCD_CONSOLE to `open`"
)


class ConsoleGate:
    """Lets operators in, and says to everybody else why not."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._strangers = Paces(services.clock, burst=CONSOLE_LOGINS, per_s=CONSOLE_LOGINS_PER_S)
        self._operators = Paces(services.clock, burst=CONSOLE_REQUESTS, per_s=CONSOLE_REQUESTS_PER_S)

    def require_near(self, request: Request) -> None:
        """Raises `Forbidden` when the console is not open, and this comes from another machine."""
        if self._services.is_open:
            return
        if request.client is None or not _is_loopback(request.client.host):
            raise Forbidden(_ELSEWHERE)
        if any(name in request.headers for name in _FORWARDED):
            raise Forbidden(f"this came through a proxy; {_ELSEWHERE}")
        host = hostname(request.headers.get("host", ""))
        if host != "localhost" and not _is_loopback(host.strip("[]")):
            raise Forbidden(f"this was sent to {host!r}; {_ELSEWHERE}")

    async def admit(self, request: Request) -> str | Response:
        """The operator who asks, or the refusal of somebody who asks too often.

        Raises:
            Forbidden: from another machine, or from another site's page.
            Unauthenticated: no operator's token.
            StoreUnavailable: no answer.
        """
        self.require_near(request)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden("pages of other sites may not ask the console")
        address = request.client.host if request.client is not None else ""
        if not self._strangers.may(address):
            return _too_often(request)
        try:
            operator = await self._login(bearer_token(request.headers))
        except Unauthenticated:
            self._strangers.take(address)
            raise
        if not self._operators.may(operator):
            return _too_often(request)
        self._operators.take(operator)
        return operator

    async def still_stands(self, request: Request) -> bool:
        """Whether an operator who was admitted was not revoked since. While the store is away nobody knows; then yes,
        since figures are what operators need then."""
        try:
            await self._login(bearer_token(request.headers))
        except Unauthenticated:
            return False
        except Unavailable:
            return True
        return True

    async def _login(self, token: str | None) -> str:
        if token is None:
            raise Unauthenticated(
                "send an operator's token as `Authorization: Bearer ...`; `syncd operator create NAME` makes one"
            )
        if len(token) > TOKEN_CHARS_MAX:
            raise LoginExpired(f"unknown token; this one has {len(token)} characters, tokens at most {TOKEN_CHARS_MAX}")
        return await self._services.operators.login(token)


class Paces:
    """How often each caller may come: `burst` times in a row, then `per_s` times a second."""

    def __init__(self, clock: Clock, *, burst: int, per_s: float) -> None:
        self._clock = clock
        self._burst = burst
        self._per_s = per_s
        self._left: dict[str, tuple[float, float]] = {}

    def may(self, caller: str) -> bool:
        """Whether the caller may come now."""
        return self._now(caller)[0] >= 1

    def take(self, caller: str) -> None:
        """The caller came."""
        left, now_s = self._now(caller)
        if len(self._left) >= CALLERS_MAX and caller not in self._left:
            self._left.clear()
        self._left[caller] = (left - 1, now_s)

    def _now(self, caller: str) -> tuple[float, float]:
        now_s = self._clock.monotonic_s()
        left, at_s = self._left.get(caller, (float(self._burst), now_s))
        return min(float(self._burst), left + (now_s - at_s) * self._per_s), now_s


def _too_often(request: Request) -> Response:
    message = "too many requests; wait some seconds"
    return refusal(request.url.path, 429, code="overloaded", message=message, headers={"retry-after": "5"})


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback

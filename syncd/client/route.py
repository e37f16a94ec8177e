"""Where a device connects next.

It is given one address: of websockets (`ws://`, `wss://`), or of a server (`http://`, `https://`) that knows which
gateway is best for its account, and is asked before every connection. A gateway that goes down may name another one for
the next attempt. Those that gave no welcome are passed over until one does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

from syncd.errors import ConfigError, Unavailable

ASK_TIMEOUT_S: Final = 5.0
"""For one look at `/v1/connect`; it takes a few ms, or no time at all where nobody listens."""
ANSWER_BYTES_MAX: Final = 16 * 1024
TRIED_MAX: Final = 16
"""Addresses that are passed over; with so many gone, the first may be back."""


class Ask(Protocol):
    """How to ask a server."""

    def __call__(self, address: str, token: str, *, avoid: Collection[str]) -> str:
        """The websocket's address of the gateway to use, none of `avoid` if there is another. Blocks, in a thread.

        Raises:
            Unavailable: no answer, or none that names a gateway; the text says which.
        """


class Route:
    """See the module's first lines.

    Raises:
        ConfigError: the address is of neither kind.
    """

    def __init__(self, address: str, ask: Ask | None = None) -> None:
        """`ask`: over HTTP when None."""
        scheme = urlsplit(address).scheme
        if scheme not in ("ws", "wss", "http", "https"):
            raise ConfigError(f"{address} is not an address like ws://host:port/v1/sync or http://host:port")
        self._address = address
        self._asks = scheme in ("http", "https")
        self._ask = ask or ask_over_http
        self._advised: str | None = None
        self._last: str | None = None
        self._tried: dict[str, None] = {}
        """Since the last welcome, the newest last."""

    async def next(self, token: str) -> str:
        """The address of the websocket to try now.

        Raises:
            Unavailable: nobody knows one.
        """
        advised, self._advised = self._advised, None
        if advised is not None:
            self._last = advised
        elif self._asks:
            self._last = await self._asked(token)
        else:
            self._last = self._address
        self._tried.pop(self._last, None)
        self._tried[self._last] = None
        if len(self._tried) > TRIED_MAX:
            del self._tried[next(iter(self._tried))]
        return self._last

    def advise(self, url: str | None) -> None:
        """The gateway that we are leaving names the next one; None: it knows no better."""
        self._advised = url

    def worked(self) -> None:
        """There was a welcome: nothing is passed over any more."""
        self._tried.clear()

    async def _asked(self, token: str) -> str:
        try:
            return await asyncio.to_thread(self._ask, self._address, token, avoid=tuple(self._tried))
        except Unavailable:
            # Whoever knows the way is away; the gateway that we know may not be.
            if self._last is None or self._last in self._tried:
                raise
            return self._last


def ask_over_http(address: str, token: str, *, avoid: Collection[str]) -> str:
    """As `Ask`. Blocks for `ASK_TIMEOUT_S` at most between two bytes."""
    parts = urlsplit(address)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    query = urlencode([("avoid", url) for url in avoid])
    path = f"{parts.path.rstrip('/')}/v1/connect" + (f"?{query}" if query else "")
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=ASK_TIMEOUT_S)
        try:
            connection.request("GET", path, headers={"authorization": f"Bearer {token}", "accept": "application/json"})
            answer = connection.getresponse()
            body = answer.read(ANSWER_BYTES_MAX)
        finally:
            connection.close()
        if answer.status != 200:
            raise Unavailable(f"{address}: /v1/connect answered {answer.status}")
        url = json.loads(body)["url"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{address}: {error or 'no answer'}") from error
    if not isinstance(url, str) or urlsplit(url).scheme not in ("ws", "wss"):
        raise Unavailable(f"{address}: /v1/connect names no websocket: {str(url)[:200]}")
    return url

"""The link over a real websocket."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from syncd.client.link import CONNECT_TIMEOUT_S, SEND_TIMEOUT_S, LinkClosed
from syncd.errors import ConfigError, Unavailable
from syncd.limits import FRAME_BYTES_MAX, PING_INTERVAL_S, PING_TIMEOUT_S
from syncd.protocol.close_codes import ABNORMAL
from syncd.protocol.codec import Codec

MESSAGE_BYTES_MAX = 4 * FRAME_BYTES_MAX
"""The largest message taken from a server; its own stay below `FRAME_BYTES_MAX`, a later version's may be larger."""
CLOSE_TIMEOUT_S = 1.0
"""How long to wait for the other side's goodbye."""


async def connect_websocket(url: str, codec: Codec) -> WebsocketLink:
    """Open a websocket; see `Connect`. Compression is off: messages are small, and it costs more than it saves.

    Raises:
        ConfigError: `url` is no address of a websocket.
        Unavailable: as `Connect` says.
    """
    try:
        socket = await connect(
            url,
            subprotocols=[Subprotocol(codec.subprotocol)],
            compression=None,
            max_size=MESSAGE_BYTES_MAX,
            open_timeout=CONNECT_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
        )
    except InvalidURI as error:
        raise ConfigError(f"{url} is not an address like ws://host:port/v1/sync") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise Unavailable(f"{url}: {error or 'no answer'}") from error
    if socket.subprotocol != codec.subprotocol:
        await socket.close()
        raise Unavailable(f"{url} does not speak {codec.subprotocol}")
    return WebsocketLink(socket, text=codec.text)


class WebsocketLink:
    """See `Link`."""

    def __init__(self, socket: ClientConnection, *, text: bool) -> None:
        self._socket = socket
        self._text = text

    async def send(self, payload: bytes) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._socket.send(payload, text=self._text)
        except ConnectionClosed as error:
            raise _closed(error) from error
        except TimeoutError as error:
            self._socket.transport.abort()
            raise LinkClosed(ABNORMAL.code, f"the server read nothing for {SEND_TIMEOUT_S:.0f} s") from error

    async def receive(self) -> bytes:
        try:
            return await self._socket.recv(decode=False)
        except ConnectionClosed as error:
            raise _closed(error) from error

    async def close(self) -> None:
        await self._socket.close()


def _closed(error: ConnectionClosed) -> LinkClosed:
    """What the server's close frame said; 1006 without one."""
    if error.rcvd is None:
        return LinkClosed(ABNORMAL.code, ABNORMAL.reason)
    return LinkClosed(error.rcvd.code, error.rcvd.reason)

"""The port to the network: one connection that carries whole messages.

Adapters: `syncd.client.websocket_link`, and the lossy one of `syncd.testing`.
"""

from __future__ import annotations

from typing import Protocol

from syncd.errors import Unavailable
from syncd.protocol.codec import Codec

CONNECT_TIMEOUT_S = 10.0
"""From the first packet to the open socket."""
SEND_TIMEOUT_S = 10.0
"""How long the server may leave our writes unread; then the connection counts as broken."""


class LinkClosed(Unavailable):
    """The connection is closed.

    Attributes:
        close: the code of the closing, see `protocol.close_codes`; 1006 when it just broke.
    """

    code = "link_closed"

    def __init__(self, close: int, reason: str) -> None:
        super().__init__(reason or f"closed with code {close}")
        self.close = close


class Link(Protocol):
    """An open connection."""

    async def send(self, payload: bytes) -> None:
        """Send one message; returns when the operating system has it. Whether it arrives, only its answer tells.

        Raises:
            LinkClosed: also after `SEND_TIMEOUT_S`.
        """

    async def receive(self) -> bytes:
        """The next message. May return without letting other tasks run.

        Raises:
            LinkClosed: and nothing more will come.
        """

    async def close(self) -> None:
        """Close, politely, within a second or so. Never raises; twice is harmless."""


class Connect(Protocol):
    """How to open a connection."""

    async def __call__(self, url: str, codec: Codec) -> Link:
        """Open one, within `CONNECT_TIMEOUT_S`.

        Raises:
            Unavailable: nobody answers, or not in this protocol. The text names the address and the reason.
        """

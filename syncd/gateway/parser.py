"""`websockets`' Sans-I/O parser with our settings: of a whole connection, or of its frames once the handshake is over.

This is not compiled: the library makes a function of ours its own method, and compiled functions cannot become one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from websockets.exceptions import InvalidHandshake
from websockets.protocol import Protocol, Side
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from syncd.limits import FRAME_BYTES_MAX
from syncd.protocol.codec import CODECS

_SUBPROTOCOLS = [Subprotocol(name) for name in CODECS]


def frame_parser(logger: logging.Logger) -> Protocol:
    """For a connection whose handshake was answered without it."""
    return Protocol(Side.SERVER, max_size=FRAME_BYTES_MAX, logger=logger)


def connection_parser(logger: logging.Logger) -> ServerProtocol:
    """For a connection from its first byte on."""
    return ServerProtocol(
        subprotocols=_SUBPROTOCOLS, select_subprotocol=_select_subprotocol, max_size=FRAME_BYTES_MAX, logger=logger
    )


def _select_subprotocol(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The first that we speak; none offered means JSON, and only unknown ones are refused."""
    if not offered:
        return None
    for name in offered:
        if name in CODECS:
            return name
    raise InvalidHandshake(f"no subprotocol in common; this server speaks {', '.join(CODECS)}")

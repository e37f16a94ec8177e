"""What push knows of a connection: where its bytes go.

What a connection is owed in one turn of the event loop waits for the turn's end and leaves as one write, in its order,
where acks that follow each other are one message. Nearly always that is a single message: it waits as `first`, without
a list, and whoever publishes puts it there (`Hub.publish`). Only what comes behind it goes through a method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from syncd.protocol.codec import Codec
from syncd.protocol.messages import Ack, AckItem, LoneAck
from syncd.push.turn import Turn

JOINED_BYTES_MAX = 64 * 1024
"""What waits behind a first message is written when it is more: joining saves nothing then, and a slow reader is
noticed."""
ACK_BYTES = 200
"""What an ack counts there: about its size, which is not known before it is framed."""

Piece: TypeAlias = bytes | LoneAck
"""A framed message, or an ack that has to be framed yet."""


class Sink:
    """The sending side of one connection.

    Args:
        put: hands bytes to the transport, at once.

    Attributes:
        congested: whether the reader is behind; then nothing but acks may wait for it.
        first: what waits for the turn's end. Who sets it adds the sink to the turn.
        rest: what waits behind it; None is nothing.
    """

    __slots__ = ("_rest_bytes", "codec", "congested", "first", "put", "rest", "turn")

    def __init__(self, codec: Codec, put: Callable[[bytes], None], turn: Turn) -> None:
        self.codec = codec
        self.put = put
        self.turn = turn
        self.congested = False
        self.first: Piece | None = None
        self.rest: list[Piece] | None = None
        self._rest_bytes = 0

    def write(self, framed: bytes) -> None:
        """Hand framed messages to the transport, after all that came before. Never blocks; may turn `congested`."""
        if self.first is not None:
            self.turn.end()
        self.put(framed)

    def join(self, framed: bytes) -> None:
        """As `write`, when the loop's turn ends: in one write with what else comes until then."""
        if self.first is None:
            self.first = framed
            self.turn.deltas.append(self)
            self.turn.arm()
        else:
            self.add(framed)

    def join_ack(self, ack: LoneAck) -> None:
        """Let an ack leave when the loop's turn ends."""
        if self.first is None:
            self.first = ack
            self.turn.acks.append(self)
            self.turn.arm()
        else:
            self.add(ack)

    def add(self, piece: Piece) -> None:
        """Let something leave behind what waits already."""
        if self.rest is None:
            self.rest = [piece]
        else:
            self.rest.append(piece)
        self._rest_bytes += len(piece) if isinstance(piece, bytes) else ACK_BYTES
        if self._rest_bytes > JOINED_BYTES_MAX:
            self.turn.end()

    def put_all(self, first: Piece) -> None:
        """Write the rest behind what came first."""
        assert self.rest is not None
        pieces, self.rest, self._rest_bytes = [first, *self.rest], None, 0
        framed: list[bytes] = []
        acks: list[LoneAck] = []
        for piece in pieces:
            if isinstance(piece, bytes):
                if acks:
                    framed.append(self._framed_acks(acks))
                    acks = []
                framed.append(piece)
            else:
                acks.append(piece)
        if acks:
            framed.append(self._framed_acks(acks))
        self.put(b"".join(framed))

    def _framed_acks(self, acks: list[LoneAck]) -> bytes:
        if len(acks) == 1:
            return self.codec.framed(acks[0])
        return self.codec.framed(Ack(acks=[AckItem(a.stream, a.writer, a.seq, a.t, a.seen, a.cursor) for a in acks]))

    async def drained(self) -> None:
        """Return when not congested. Raises `ConnectionError` once the connection is gone."""
        raise AssertionError("abstract")

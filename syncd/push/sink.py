"""What push knows of a connection: where its bytes go.

What a connection is owed in one turn of the event loop waits for the turn's end and leaves as one write, in its order,
where acks that follow each other are one message. Nearly always that is a single message, and `Hub.publish` knows: then
it needs no list of the sink's own, but stands among what is `ready` in the turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from syncd.protocol.codec import Codec
from syncd.protocol.messages import Ack, AckItem, LoneAck
from syncd.push.turn import Turn

JOINED_BYTES_MAX = 64 * 1024
"""What waits to be joined is written when it is more: joining saves nothing then, and a slow reader is noticed."""

Piece: TypeAlias = bytes | LoneAck
"""Framed messages, or an ack that has to be framed yet."""


class Sink:
    """The sending side of one connection.

    Args:
        put: hands bytes to the transport, at once.

    Attributes:
        congested: whether the reader is behind; then nothing but acks may wait for it.
        pieces: what waits for the turn's end; None is nothing. Who begins it adds the sink to the turn.
    """

    __slots__ = ("_joined_bytes", "codec", "congested", "pieces", "put", "turn")

    def __init__(self, codec: Codec, put: Callable[[bytes], None], turn: Turn) -> None:
        self.codec = codec
        self.put = put
        self.turn = turn
        self.congested = False
        self.pieces: list[Piece] | None = None
        self._joined_bytes = 0

    def write(self, framed: bytes) -> None:
        """Hand framed messages to the transport, after all that came before. Never blocks; may turn `congested`."""
        self.flush()
        self.put(framed)

    def join(self, framed: bytes) -> None:
        """As `write`, when the loop's turn ends: in one write with what else comes until then."""
        if self.pieces is None:
            self.pieces = [framed]
            self._joined_bytes = 0
            self.turn.waiting.append(self)
            self.turn.arm()
        else:
            self.pieces.append(framed)
        self._joined_bytes += len(framed)
        if self._joined_bytes > JOINED_BYTES_MAX:
            self.flush()

    def add_ack(self, ack: LoneAck) -> None:
        """Let an ack leave when the turn ends, which is the caller's."""
        if self.pieces is None:
            self.pieces = [ack]
            self._joined_bytes = 0
        else:
            self.pieces.append(ack)
        self.turn.acking.append(self)

    def flush(self) -> None:
        """Write what waits, and all that is ready."""
        if self.turn.ready:
            self.turn.end()
        if self.pieces is not None:
            self.put_pieces()

    def put_pieces(self) -> None:
        """Write what waits here."""
        pieces, self.pieces = self.pieces, None
        assert pieces is not None
        framed: list[bytes] = []
        acks: list[LoneAck] = []
        for piece in pieces:
            if isinstance(piece, LoneAck):
                acks.append(piece)
                continue
            if acks:
                framed.append(self._framed_acks(acks))
                acks = []
            framed.append(piece)
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

"""What waits to be read by one client, and the bound on it.

Up to the high mark framed bytes go straight to the transport. Beyond it the outbox is *congested*: push keeps nothing
for it but an offset, the outbox keeps at most `limits.SLOW_ACKS_MAX` answers, and nothing more is read from the client,
so that it cannot ask for more answers. A transport that stays congested past the send deadline is aborted: keep-alive
does not evict a client that stops reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from syncd.limits import OUTBOX_BYTES_HIGH, OUTBOX_BYTES_LOW, SEND_TIMEOUT_S, SLOW_ACKS_MAX
from syncd.protocol.codec import Codec
from syncd.protocol.messages import AckItem, LoneAck, Nack
from syncd.push.sink import Sink
from syncd.push.turn import Turn


class Outbox(Sink):
    """The sending side of a connection.

    Args:
        turn: in which what waits to be joined leaves.
        on_drained: called when a congested outbox has drained, after the kept answers were written.
        on_overflow: called when more answers than `SLOW_ACKS_MAX` would have to be kept.
    """

    __slots__ = ("_deadline", "_is_closed", "_kept", "_on_drained", "_on_overflow", "_transport", "_waiters")

    def __init__(
        self, codec: Codec, transport: asyncio.Transport, turn: Turn, *, on_drained: Callable[[], None],
        on_overflow: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(codec, transport.write, turn)
        transport.set_write_buffer_limits(high=OUTBOX_BYTES_HIGH, low=OUTBOX_BYTES_LOW)
        self._transport = transport
        self._on_drained = on_drained
        self._on_overflow = on_overflow
        # None is none: nearly all connections live without, and what does not exist fills no cache.
        self._kept: list[AckItem | Nack] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def waiting_bytes(self) -> int:
        """Framed bytes in the transport."""
        return self._transport.get_write_buffer_size()

    def send(self, message: Any) -> None:
        """Encode and write one message."""
        self.write(self.codec.framed(message))

    def ack(self, item: AckItem) -> None:
        """Answer an event, at the end of the loop's turn; acks that follow each other become one message."""
        if self.congested:
            # No cursor: deltas before it may have been left out.
            self._keep(AckItem(item.stream, item.writer, item.seq, item.t, item.seen))
            return
        self.add_ack(LoneAck.of(item))
        self.turn.arm()

    def nack(self, nack: Nack) -> None:
        """Refuse an event."""
        if self.congested:
            self._keep(nack)
        else:
            self.send(nack)

    def pause(self) -> None:
        """The transport's buffer went over the high mark."""
        self.congested = True
        if not self._transport.is_closing():
            self._transport.pause_reading()
        self._deadline = asyncio.get_running_loop().call_later(SEND_TIMEOUT_S, self._transport.abort)

    def resume(self) -> None:
        """The transport's buffer fell below the low mark."""
        self.congested = False
        self._disarm()
        kept, self._kept = self._kept, None
        for answer in kept or ():
            if isinstance(answer, AckItem):
                self.add_ack(LoneAck.of(answer))
            else:
                self.send(answer)
        self.flush()
        if not self._transport.is_closing():
            self._transport.resume_reading()
        self._release(None)
        self._on_drained()

    def close(self) -> None:
        """Take nothing more: the close frame was sent, or the connection is gone. Twice is harmless."""
        self._is_closed = True
        self.put = _nowhere
        self._disarm()
        self._release(ConnectionResetError("the connection is gone"))

    async def drained(self) -> None:
        """See `Sink.drained`. Bounded by the send deadline, which ends in `close`."""
        while self.congested and not self._is_closed:
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await waiter
        if self._is_closed or self._transport.is_closing():
            raise ConnectionResetError("the connection is gone")

    def _keep(self, answer: AckItem | Nack) -> None:
        if self._kept is None:
            self._kept = [answer]
        elif len(self._kept) >= SLOW_ACKS_MAX:
            self._on_overflow()
        else:
            self._kept.append(answer)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _release(self, error: Exception | None) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)


def _nowhere(framed: bytes) -> None:
    """Where bytes go after a close."""

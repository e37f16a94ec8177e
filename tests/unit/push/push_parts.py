"""Entries and sinks for the tests of push."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from syncd.log.record import Body, LoggedRecord, Record, encode_record
from syncd.model.cells import Cell
from syncd.model.events import EVENTS, VOID
from syncd.protocol.codec import JSON, Codec
from syncd.protocol.framing import payload_of
from syncd.protocol.messages import ServerMessage
from syncd.push.entry import Entry, VoidAnswer
from syncd.push.sink import Sink
from syncd.push.turn import Turn

WRITER = "k3v9q2m4ta"


def entry(offset: int, *, stream: str = "a:alice", void: bool = False, size: int = 1, writer: str = WRITER) -> Entry:
    """A record at an offset, as push holds it."""
    kind, answer = (VOID, VoidAnswer("invalid", "why")) if void else ("settings.changed", None)
    cells = {} if void else {"settings/k": Cell(f"{offset:021}", offset)}
    seq = t = offset + 1
    return Entry(stream, writer, seq, t, kind, "alice", "d1", cells, offset=offset, size=size, void=answer)


def record(seq: int, *, stream: str = "a:alice", writer: str = WRITER) -> Record:
    """A record as a gateway appends it."""
    data = EVENTS["progress.marked"](episode="e", played=True)
    return encode_record(stream, writer, seq, "progress.marked", Body(seq, data, "alice", "d1", 1))


def unreadable(record_: LoggedRecord) -> LoggedRecord:
    """The same record with a body that nobody can read."""
    return replace(record_, body=b"{")


class ListSink(Sink):
    """A `Sink` that keeps messages; it is congested when a test says so, and drains when a test says so."""

    def __init__(self, codec: Codec = JSON, *, turn: Turn | None = None) -> None:
        self.framed: list[bytes] = []
        super().__init__(codec, self.framed.append, turn or Turn())
        self._drained = asyncio.Event()
        self._gone = False

    async def drained(self) -> None:
        while self.congested and not self._gone:
            await self._drained.wait()
        if self._gone:
            raise ConnectionResetError("gone")

    def drain(self) -> None:
        self.congested = False
        self._drained.set()
        self._drained.clear()

    def go(self) -> None:
        self._gone = True
        self._drained.set()

    @property
    def messages(self) -> Sequence[ServerMessage]:
        read = [self.codec.decode_server(payload_of(framed)) for framed in self.framed]
        return [message for message in read if message is not None]


class ListOrigin:
    """An `Origin` that keeps what it had to answer itself."""

    def __init__(self, outbox: ListSink) -> None:
        self.outbox = outbox
        self.answered: list[tuple[int, str | None]] = []

    def settled(self, entry: Entry, cursor: str | None) -> None:
        self.answered.append((entry.seq, cursor))

"""A device without an SDK: says what a test wants, keeps everything it hears, and judges the order of it.

    async with RawDevice(url, phone.token) as device:
        await device.hello("a:me")
        ack = await device.emit_acked("settings.changed", {"theme": "dark"})
        await other.knows(ack)

It keeps its confirmed cells as a device must: snapshots replace, deltas join, an ack moves the event as admitted there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from syncd.errors import Poison
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord, decode_record
from syncd.model.cells import Cell, Cells, digest, fold
from syncd.model.events import EVENTS, VOID, Event
from syncd.model.lowering import lower
from syncd.model.stamp import pack
from syncd.protocol.codec import JSON, Codec
from syncd.protocol.messages import (
    Ack,
    AckItem,
    Delta,
    Digest,
    DigestRequest,
    Error,
    Hello,
    Nack,
    Ping,
    Pong,
    ServerMessage,
    Snapshot,
    StreamClaim,
    Subscribed,
    View,
    Welcome,
)

DEADLINE_S = 60.0
"""For anything a test waits for; a busy machine needs a hundredth of it."""
MESSAGE_BYTES_MAX = 2**22

M = TypeVar("M")
Written = dict[str, tuple[str, int, str, dict[str, Any]]]


def offset_in(cursor: str) -> int:
    """The offset that a cursor of ours ends with: opaque to devices, not to those who test the gateway."""
    return int(cursor.rpartition(".")[2])


class RawDevice:
    """See the module.

    Attributes:
        heard: every message, in order.
        seqs: the last seq used, per stream.
        cells, cursors: what the device holds, per stream.
        held: the last seqs used before this connection.
        close: (code, reason) once the server has closed.
    """

    def __init__(self, url: str, token: str, *, codec: Codec = JSON, nonce: str = "nonce-of-a-store") -> None:
        self.url = url
        self.token = token
        self.codec = codec
        self.nonce = nonce
        self.writer: str | None = None
        self.heard: list[ServerMessage] = []
        self.seqs: dict[str, int] = {}
        self.held: dict[str, int] = {}
        self.cells: dict[str, Cells] = {}
        self.cursors: dict[str, str] = {}
        self.close: tuple[int, str] | None = None
        self._t = 0
        self._aside: dict[str, Cells] = {}
        self._sent: dict[tuple[str, int], dict[str, Any]] = {}
        self._read: dict[type, int] = {}
        self._news = asyncio.Condition()
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    # --- its life ---

    async def connect(self, **more: Any) -> Self:
        """Open the socket; what was heard before is forgotten, what is held stays."""
        assert self._socket is None, "it is connected"
        self.close = None
        self.heard = []
        self.held = dict(self.seqs)
        self._read = {}
        self._aside = {}
        self._socket = await connect(
            self.url, subprotocols=[Subprotocol(self.codec.subprotocol)], compression=None,
            max_size=MESSAGE_BYTES_MAX, ping_interval=None, close_timeout=1.0, **more,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._listen(self._socket))
        return self

    async def disconnect(self) -> None:
        """Close politely; twice is harmless."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()
        await self._end_reader()

    async def cut(self) -> None:
        """Lose the connection, as in a tunnel: no close frame, nothing more is read."""
        socket, self._socket = self._socket, None
        assert socket is not None
        socket.transport.abort()
        await self._end_reader()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Self]:
        """Connected again for a while, with what is held."""
        async with await self.connect():
            yield self

    def pause(self) -> None:
        """Read nothing more: what the server says from now on is lost with the connection."""
        assert self._socket is not None
        self._socket.transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        assert self._socket is not None
        self._socket.transport.resume_reading()

    async def __aenter__(self) -> Self:
        return self if self._socket is not None else await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.disconnect()

    # --- saying ---

    async def say(self, message: Any) -> None:
        """One message: a struct of the protocol, or plain data."""
        await self.say_raw(self.codec.encode(message))

    async def say_raw(self, payload: bytes, *, text: bool | None = None) -> None:
        """Bytes as they are, in the frame type of the codec unless told otherwise."""
        assert self._socket is not None
        await self._socket.send(payload, text=self.codec.text if text is None else text)

    async def say_fragments(self, parts: Sequence[str]) -> None:
        """One text message in several frames."""
        assert self._socket is not None
        await self._socket.send(iter(parts))

    async def hello(self, *streams: str, view: Any = "cells", **more: Any) -> Welcome:
        """Say hello with what is held, and wait for the welcome."""
        claims = [StreamClaim(stream, self._cursor(stream), self.seqs.get(self._full(stream)) or None)
                  for stream in streams]  # fmt: skip
        fields = {"writer": self.writer, "nonce": self.nonce, "now_ms": 0, "client": "raw", **more}
        await self.say(Hello(token=self.token, streams=claims, view=view, **fields))
        welcome = await self.expect(Welcome)
        if welcome.writer != self.writer:
            self.writer = welcome.writer
            self.seqs = {}
        self.account = welcome.account
        return welcome

    async def arrive(self, *streams: str, **more: Any) -> Welcome:
        """Say hello, and wait until what the streams hold is here: from then on deltas come live."""
        welcome = await self.hello(*streams, **more)
        waiting = {each.stream for each in welcome.streams if each.resume != "tail"}
        await self.until(
            lambda: waiting <= {m.stream for m in self.heard if isinstance(m, Snapshot | Delta) and m.cursor}
        )
        return welcome

    async def emit(self, kind: str, data: Any, *, stream: str = "a:me", **more: Any) -> int:
        """Emit one event with the next seq; the seq."""
        (seq,) = await self.emit_all((kind, data), stream=stream, **more)
        return seq

    async def emit_all(self, *events: tuple[str, Any], stream: str = "a:me", **more: Any) -> list[int]:
        """Emit events in one message; their seqs."""
        made = [self.event(kind, data, stream=stream, **more) for kind, data in events]
        await self.say({"type": "emit", "events": made})
        return [event["seq"] for event in made]

    def event(self, kind: str, data: Any, *, stream: str = "a:me", seq: int | None = None, t: int | None = None,
              **more: Any) -> dict[str, Any]:  # fmt: skip
        """An event as the wire has it. Given neither seq nor t, the next ones."""
        full = self._full(stream)
        if seq is None:
            seq = self.seqs[full] = self.seqs.get(full, 0) + 1
        if t is None:
            self._t = t = self._t + 1 if self._t else pack(1_000)
        event = {"stream": stream, "seq": seq, "t": t, "kind": kind, "data": data, **more}
        self._sent[full, seq] = event
        return event

    async def emit_acked(self, kind: str, data: Any, **more: Any) -> AckItem:
        """Emit one event and wait for its ack."""
        seq = await self.emit(kind, data, **more)
        return await self.acked(seq, stream=more.get("stream", "a:me"))

    # --- hearing ---

    async def until(self, what: Callable[[], M | None], *, timeout_s: float = DEADLINE_S) -> M:
        """Wait until something is true of what was heard; the true value."""
        async with self._news:
            try:
                async with asyncio.timeout(timeout_s):
                    while not (found := what()):
                        if self.close is not None:
                            raise AssertionError(f"closed {self.close} before it came; heard {self.heard[-5:]}")
                        await self._news.wait()
            except TimeoutError:
                raise AssertionError(f"it did not come in {timeout_s} s; heard {self.heard[-5:]}") from None
        return found

    async def expect(self, type_: type[M], match: Callable[[M], bool] = lambda _: True) -> M:
        """The next message of a type that matches; each is returned once."""

        def found() -> tuple[int, M] | None:
            for index in range(self._read.get(type_, 0), len(self.heard)):
                message = self.heard[index]
                if isinstance(message, type_) and match(message):
                    return index, message
            return None

        at = await self.until(found)
        self._read[type_] = at[0] + 1
        return at[1]

    def acks(self) -> Iterator[AckItem]:
        """Every ack heard on this connection, one by one."""
        for message in self.heard:
            if isinstance(message, Ack):
                yield from message.items()

    def emitted(self, stream: str = "a:me") -> list[dict[str, Any]]:
        """Every event made for a stream so far, as it was sent."""
        return [event for (of_stream, _), event in self._sent.items() if of_stream == self._full(stream)]

    def settled_seq(self, stream: str) -> int:
        """The largest seq of a stream that was acked on this connection; what it held before counts as acked."""
        return max((ack.seq for ack in self.acks() if ack.stream == stream), default=self.held.get(stream, 0))

    def is_answered(self, seq: int) -> bool:
        """Whether any event of that seq was acked or nacked on this connection."""
        return seq in {ack.seq for ack in self.acks()} | {m.seq for m in self.heard if isinstance(m, Nack)}

    async def settled(self, stream: str) -> None:
        """Wait until the last event of a stream is acked."""
        await self.until(lambda: self.settled_seq(stream) >= self.seqs.get(stream, 0))

    async def acked(self, seq: int, *, stream: str = "a:me") -> AckItem:
        """The ack of a seq."""
        full = self._full(stream)
        return await self.until(lambda: next((a for a in self.acks() if (a.stream, a.seq) == (full, seq)), None))

    async def nacked(self, seq: int) -> Nack:
        """The next nack of a seq."""
        return await self.expect(Nack, lambda nack: nack.seq == seq)

    async def refused(self) -> Error:
        """The next error."""
        return await self.expect(Error)

    async def closed(self) -> tuple[int, str]:
        """How the server closed; 1006 when the connection broke."""
        async with self._news, asyncio.timeout(DEADLINE_S):
            await self._news.wait_for(lambda: self.close is not None)
        assert self.close is not None
        return self.close

    async def round_trip(self) -> None:
        """When this returns, everything that the server said before is here."""
        mark = len(self.heard)
        await self.say(Ping(mark))
        await self.expect(Pong, lambda pong: pong.sent_ms == mark)

    async def subscribed(self, stream: str, **more: Any) -> Subscribed:
        """Subscribe, and wait for the answer."""
        claim = {"cursor": self._cursor(stream), "last_seq": self.seqs.get(self._full(stream)) or None, **more}
        given = {name: value for name, value in claim.items() if value is not None}
        await self.say({"type": "subscribe", "stream": stream, **given})
        return await self.expect(Subscribed, lambda message: message.stream == self._full(stream))

    async def until_subscribed(self, stream: str) -> Subscribed:
        """Subscribe again and again, as somebody who has been told of a role that this gateway does not know yet."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                mark = len(self.heard)
                await self.say({"type": "subscribe", "stream": stream})
                await self.round_trip()
                await self.until(lambda: any(isinstance(m, Subscribed | Error) for m in self.heard[mark:]))  # noqa: B023
                for message in self.heard[mark:]:
                    if isinstance(message, Subscribed):
                        return message

    async def knows(self, ack: AckItem) -> Delta:
        """Wait for the delta of somebody's event."""
        name = f"{ack.writer}.{ack.seq}"
        return await self.expect(Delta, lambda delta: delta.by is not None and delta.by.event == name)

    async def expect_event(self, kind: str) -> Delta:
        """Wait for the next delta of an event of a kind."""
        return await self.expect(Delta, lambda delta: delta.by is not None and delta.by.kind == kind)

    async def caught_up(self, stream: str = "a:me") -> str:
        """Wait until there is a cursor; that one."""
        return await self.until(lambda: self.cursors.get(self._full(stream)))

    async def at(self, offset: int, stream: str = "a:me") -> None:
        """Wait until the cursor is at an offset, or beyond."""
        await self.until(lambda: offset_in(self.cursors.get(self._full(stream), ".0")) >= offset)

    async def agrees(self, digest: str, stream: str = "a:me") -> None:
        """Wait until this device holds what has that digest."""
        await self.until(lambda: self.digest(stream) == digest)

    async def server_digest(self, stream: str = "a:me") -> Digest:
        """What the server says it holds."""
        await self.say(DigestRequest(stream))
        return await self.expect(Digest)

    def digest(self, stream: str = "a:me") -> str:
        """Of what this device holds."""
        return digest(self.cells.get(self._full(stream), {}))

    def views(self) -> list[View]:
        """Every view heard on this connection."""
        return [message for message in self.heard if isinstance(message, View)]

    # --- inside ---

    def _full(self, stream: str) -> str:
        return f"a:{self.account}" if stream == "a:me" and hasattr(self, "account") else stream

    def _cursor(self, stream: str) -> str | None:
        return self.cursors.get(self._full(stream))

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            while True:
                message = self.codec.decode_server(await socket.recv(decode=False))
                assert message is not None, "the server says what this version of its protocol does not know"
                async with self._news:
                    self._take(message)
                    self.heard.append(message)
                    self._news.notify_all()
        except ConnectionClosed as error:
            async with self._news:
                self.close = (error.rcvd.code, error.rcvd.reason) if error.rcvd is not None else (1006, "")
                self._news.notify_all()

    async def _end_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def _take(self, message: ServerMessage) -> None:
        """Do with a message what a device does."""
        if isinstance(message, Snapshot):
            if message.part == 0:
                self._aside[message.stream] = {}
            fold(self._aside[message.stream], _cells(message.cells))
            if message.last:
                assert message.cursor is not None
                self.cells[message.stream] = self._aside.pop(message.stream)
                self.cursors[message.stream] = message.cursor
        elif isinstance(message, Delta):
            into = self._aside.get(message.stream, self.cells.setdefault(message.stream, {}))
            fold(into, _cells(message.cells))
            if message.cursor is not None:
                self.cursors[message.stream] = message.cursor
        elif isinstance(message, Ack):
            for item in message.items():
                self._take_ack(item)

    def _take_ack(self, ack: AckItem) -> None:
        if not ack.seen:
            sent = self._sent[ack.stream, ack.seq]
            typed = msgspec.convert(sent["data"], EVENTS[sent["kind"]])
            event = Event(ack.stream, ack.writer, ack.seq, ack.t, sent["kind"], typed)
            fold(self.cells.setdefault(ack.stream, {}), lower(event))
        if ack.cursor is not None:
            self.cursors[ack.stream] = ack.cursor


def _cells(wire: Sequence[tuple[str, str, Any]]) -> Cells:
    return {key: Cell(rank, value) for key, rank, value in wire}


def some_event(rng: Random) -> tuple[str, Any]:
    """An event of an account's stream that anybody may emit at any time."""
    n = rng.randrange(8)
    kinds: list[tuple[str, Any]] = [
        ("settings.changed", {f"k{n}": rng.randrange(100), "nested": {"é": [n, None, True, "𝄞"]}}),
        ("library.changed", {"set": "tracks", "ids": [f"t{n}", f"t{n + 1}"], "value": bool(n % 2)}),
        ("library.changed", {"set": "ratings", "ids": [f"t {n}/ü"], "value": n}),
        ("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"track": f"t{n}"}] * (n + 1)}),
        ("list.cleared", {"list": "queue", "seen": {"abcdefghij": n}}),
        ("progress.listened", {"episode": f"e{n}", "position_ms": rng.randrange(10**6), "through": "0" * 21}),
        ("progress.marked", {"episode": f"e{n}", "played": bool(n % 2)}),
        ("history.played", {"play": f"p{n}", "track": "t", "started_ms": 1, "listened_ms": rng.randrange(10**5)}),
        ("device.volume_changed", {"device": f"d{n}", "volume_permille": rng.randrange(1_001)}),
        ("playback.mode_changed", {"repeat": rng.choice(["off", "one", "all"])}),
    ]
    return rng.choice(kinds)


# --- judging what was heard ---


async def all_records(log: EventLog) -> list[LoggedRecord]:
    """The whole log."""
    records: list[LoggedRecord] = []
    for partition in range(log.partitions):
        end, offset = await log.end(partition), await log.start(partition)
        while offset < end:
            page = await log.read(partition, offset, limit=2_000)
            records += page
            offset = page[-1].offset + 1
    return records


async def refolded(log: EventLog, stream: str) -> str:
    """The digest of everything that the log holds of a stream now and this version can read."""
    cells: Cells = {}
    for record in await all_records(log):
        if record.stream == stream:
            with suppress(Poison):
                fold(cells, lower(decode_record(record).event))
    return digest(cells)


def assert_in_order(device: RawDevice, stream: str, records: Sequence[LoggedRecord], *, start: int) -> None:
    """What one connection heard of a stream: cursors only rise, nothing below a cursor is missing, no ack comes late.

    Args:
        records: the whole log.
        start: where the connection's own cursor stood at hello, or the offset of the first snapshot's.
    """
    ours = [record for record in records if record.stream == stream and record.kind != VOID]
    here: set[str] = set()
    at = start
    for message in device.heard:
        if isinstance(message, Delta) and message.stream == stream:
            if message.by is not None:
                assert message.by.event not in here, f"{message.by.event} came twice"
                here.add(message.by.event)
            cursors = [message.cursor]
        elif isinstance(message, Snapshot) and message.stream == stream:
            assert message.cursor is None or offset_in(message.cursor) == start, "a snapshot nobody named"
            continue
        elif isinstance(message, Ack):
            items = [item for item in message.items() if item.stream == stream]
            cursors = []
            for item in items:
                here.add(f"{item.writer}.{item.seq}")
                cursors.append(item.cursor)
        else:
            continue
        for cursor in cursors:
            if cursor is None:
                continue
            offset = offset_in(cursor)
            assert offset >= at, f"the cursor fell from {at} to {offset}"
            missing = [r for r in ours if at <= r.offset < offset and f"{r.writer}.{r.seq}" not in here]
            assert not missing, f"cursor {offset} came before {missing}"
            at = offset

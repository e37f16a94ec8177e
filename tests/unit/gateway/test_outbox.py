"""What waits for a client, on a real transport: a socket pair whose other end reads when a test says so."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from syncd.gateway import outbox as outboxes
from syncd.gateway.outbox import Outbox
from syncd.limits import OUTBOX_BYTES_HIGH, OUTBOX_BYTES_LOW, SLOW_ACKS_MAX
from syncd.protocol.codec import JSON
from syncd.protocol.framing import frame
from syncd.protocol.messages import Ack, AckItem, LoneAck, Nack, Pong, ServerMessage
from syncd.push.sink import JOINED_BYTES_MAX
from syncd.push.turn import Turn

BIG = frame(b'{"type":"pong","sent_ms":1,"now_ms":1,"filler":"' + b"x" * 60_000 + b'"}', text=True)
DEADLINE_S = 30.0


class _Protocol(asyncio.Protocol):
    """Hands the transport's marks to the outbox, as a connection does."""

    outbox: Outbox

    def __init__(self) -> None:
        self.lost = asyncio.get_running_loop().create_future()

    def pause_writing(self) -> None:
        self.outbox.pause()

    def resume_writing(self) -> None:
        self.outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self.outbox.close()
        self.lost.set_result(None)


@dataclass
class Pair:
    """An outbox, and the far end of its socket."""

    outbox: Outbox
    transport: asyncio.Transport
    protocol: _Protocol
    far: socket.socket
    calls: list[str]
    parsed: _Parsed = field(default_factory=lambda: _Parsed())

    def fill(self) -> None:
        """Write until the transport says that it is too much."""
        while not self.outbox.congested:
            self.outbox.write(BIG)

    async def read(self, until: Callable[[list[ServerMessage]], bool]) -> list[ServerMessage]:
        """Every message of the far end, up to a moment."""
        loop, parsed = asyncio.get_running_loop(), self.parsed
        async with asyncio.timeout(DEADLINE_S):
            while not until(parsed.messages):
                parsed.feed(await loop.sock_recv(self.far, 262_144))
        return parsed.messages


class _Parsed:
    """Bytes of a server, as `websockets` reads them."""

    def __init__(self) -> None:
        self.messages: list[ServerMessage] = []
        self._reader = StreamReader()
        self._frames = self._parse()
        next(self._frames)

    def feed(self, data: bytes) -> None:
        self._reader.feed_data(data)
        next(self._frames)

    def _parse(self) -> Any:
        while True:
            found = yield from Frame.parse(self._reader.read_exact, mask=False)
            assert found.opcode is Opcode.TEXT
            message = JSON.decode_server(bytes(found.data))
            assert message is not None
            self.messages.append(message)


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    near, far = socket.socketpair()
    far.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(_Protocol, sock=near)
    calls: list[str] = []
    outbox = Outbox(
        JSON, transport, Turn(), on_drained=lambda: calls.append("drained"),
        on_overflow=lambda: calls.append("overflow"),
    )  # fmt: skip
    protocol.outbox = outbox
    try:
        yield Pair(outbox, transport, protocol, far, calls)
    finally:
        transport.abort()
        await protocol.lost
        far.close()


def told(story: Callable[[Pair], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test told as a coroutine, with a pair."""

    def test() -> None:
        async def tell() -> None:
            async with pair() as at:
                await story(at)

        asyncio.run(tell())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


def ack(seq: int, cursor: str | None = None) -> AckItem:
    return AckItem("a:alice", "k3v9q2m4ta", seq, seq * 10, False, cursor)


def nack(seq: int) -> Nack:
    return Nack("a:alice", seq, "invalid", "why")


def pong(n: int) -> Pong:
    return Pong(n, n)


def count(number: int) -> Callable[[list[ServerMessage]], bool]:
    return lambda messages: len(messages) >= number


@told
async def test_acks_are_joined_until_flushed_and_go_before_whatever_follows(at: Pair) -> None:
    at.outbox.ack(ack(1, "c1"))
    at.outbox.ack(ack(2, "c2"))
    at.outbox.send(pong(1))
    at.outbox.ack(ack(3))
    at.outbox.nack(nack(4))
    at.outbox.ack(ack(5))
    at.outbox.flush()
    at.outbox.flush()
    joined, first, single, refused, last = await at.read(count(5))
    assert joined == Ack(acks=[ack(1, "c1"), ack(2, "c2")])
    assert (first, refused) == (pong(1), nack(4))
    assert isinstance(single, Ack)
    assert isinstance(last, Ack)
    assert (single.items(), last.items()) == ([ack(3)], [ack(5)])


@told
async def test_what_one_turn_of_the_loop_has_for_a_connection_leaves_as_one_write_in_its_order(at: Pair) -> None:
    at.outbox.ack(ack(1))
    at.outbox.ack(ack(2))
    at.outbox.join(JSON.framed(pong(1)))
    at.outbox.join(JSON.framed(pong(2)))
    at.outbox.ack(ack(3))
    assert not _is_readable(at.far)
    await asyncio.sleep(0)
    whole = [Ack(acks=[ack(1), ack(2)]), pong(1), pong(2), LoneAck.of(ack(3))]
    assert at.far.recv(65_536) == b"".join(map(JSON.framed, whole))
    assert not _is_readable(at.far)


@told
async def test_what_waits_to_be_joined_is_bounded_and_goes_before_what_is_written_at_once(at: Pair) -> None:
    at.outbox.join(JSON.framed(pong(1)))
    at.outbox.send(pong(2))
    assert at.far.recv(65_536) == JSON.framed(pong(1)) + JSON.framed(pong(2))
    for _ in range(JOINED_BYTES_MAX // len(BIG)):
        at.outbox.join(BIG)
        assert not _is_readable(at.far)
    at.outbox.join(BIG)
    assert _is_readable(at.far)


@told
async def test_nothing_that_waits_to_be_joined_follows_a_close(at: Pair) -> None:
    at.outbox.ack(ack(1))
    at.outbox.join(JSON.framed(pong(1)))
    at.outbox.close()
    await asyncio.sleep(0)
    assert not _is_readable(at.far)


def _is_readable(far: socket.socket) -> bool:
    return bool(select.select([far], [], [], 0)[0])


@told
async def test_up_to_the_high_mark_it_is_not_congested(at: Pair) -> None:
    at.fill()
    assert OUTBOX_BYTES_HIGH < at.outbox.waiting_bytes <= OUTBOX_BYTES_HIGH + len(BIG)
    assert at.calls == []


@told
async def test_congested_it_keeps_answers_in_order_and_without_cursors(at: Pair) -> None:
    at.outbox.ack(ack(1, "before"))
    at.fill()
    for seq in range(2, 2 + SLOW_ACKS_MAX, 2):
        at.outbox.ack(ack(seq, "a cursor that would lie"))
        at.outbox.nack(nack(seq + 1))
    waiting = at.outbox.waiting_bytes
    assert at.outbox.waiting_bytes == waiting, "nothing was written"
    answers = [
        message
        for message in await at.read(lambda messages: nack(SLOW_ACKS_MAX + 1) in messages)
        if not isinstance(message, Pong)
    ]
    assert isinstance(answers[0], Ack)
    assert answers[0].items() == [ack(1, "before")]
    flat: list[object] = []
    for answer in answers[1:]:
        flat += answer.items() if isinstance(answer, Ack) else [answer]
    expected: list[object] = []
    for seq in range(2, 2 + SLOW_ACKS_MAX, 2):
        expected += [ack(seq), nack(seq + 1)]
    assert flat == expected
    assert at.calls == ["drained"]


@told
async def test_one_answer_too_many_is_an_overflow(at: Pair) -> None:
    at.fill()
    for seq in range(1, SLOW_ACKS_MAX + 1):
        at.outbox.ack(ack(seq))
    assert at.calls == []
    at.outbox.nack(nack(SLOW_ACKS_MAX + 1))
    assert at.calls == ["overflow"]


@told
async def test_drained_waits_for_the_low_mark(at: Pair) -> None:
    await at.outbox.drained()
    at.fill()
    waiting = asyncio.create_task(at.outbox.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    reading = asyncio.create_task(at.read(lambda _: waiting.done()))
    await waiting
    assert at.outbox.waiting_bytes <= OUTBOX_BYTES_LOW
    assert not at.outbox.congested
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@told
async def test_who_waits_is_told_when_the_connection_goes(at: Pair) -> None:
    at.fill()
    waiting = [asyncio.create_task(at.outbox.drained()) for _ in range(2)]
    await asyncio.sleep(0)
    at.transport.abort()
    for each in waiting:
        with pytest.raises(ConnectionResetError):
            await each
    with pytest.raises(ConnectionResetError):
        await at.outbox.drained()


@told
async def test_after_close_nothing_is_written_and_twice_is_harmless(at: Pair) -> None:
    at.outbox.ack(ack(1))
    at.outbox.send(pong(1))
    at.outbox.close()
    at.outbox.ack(ack(2))
    at.outbox.flush()
    at.outbox.send(pong(2))
    at.outbox.close()
    at.transport.close()
    await at.protocol.lost
    heard = await at.read(count(2))
    assert isinstance(heard[0], Ack)
    assert heard[1] == pong(1)
    assert await asyncio.get_running_loop().sock_recv(at.far, 1_000) == b""


def test_who_does_not_read_is_aborted_after_the_send_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "SEND_TIMEOUT_S", 0.05)

    async def story() -> None:
        async with pair() as at:
            at.fill()
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.shield(at.protocol.lost)

    asyncio.run(story())


def test_who_reads_in_time_is_not_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "SEND_TIMEOUT_S", 1.0)

    async def story() -> None:
        async with pair() as at:
            for _ in range(2):
                at.fill()
                await at.read(lambda _: not at.outbox.congested)
            await asyncio.sleep(1.1)  # longer than the deadline, in which nothing must happen
            assert not at.transport.is_closing()

    asyncio.run(story())

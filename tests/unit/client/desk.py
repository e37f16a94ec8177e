"""What tests of the SDK lean on: a device without a server, and a server's end of a connection, played by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import msgspec

from syncd.client import Device
from syncd.client.clocks import DeviceClock
from syncd.client.face import Face
from syncd.client.link import LinkClosed
from syncd.client.local_state import LocalState
from syncd.client.renaming import Login
from syncd.client.store import LocalStore
from syncd.errors import Unavailable
from syncd.limits import EMIT_EVENTS_MAX, EVENT_BYTES_MAX, FRAME_BYTES_MAX, SUBSCRIPTIONS_MAX
from syncd.model.cells import Cells
from syncd.protocol.codec import Codec
from syncd.protocol.messages import (
    Ack,
    ClientMessage,
    Emit,
    EmittedEvent,
    Hello,
    Limits,
    Ping,
    Pong,
    Resume,
    ServerMessage,
    Snapshot,
    StreamWelcome,
    Subscribe,
    Subscribed,
    Welcome,
)
from syncd.testing.device_clock import START_MS, ManualDeviceClock

ACCOUNT = "9f3c"
OWN = f"a:{ACCOUNT}"
WRITER = "writer0001"
DEVICE = "d1"
URL = "ws://nowhere/v1/sync"
TIMEOUT_S = 30.0
"""No step of a test takes longer."""


def login(writer: str = WRITER, *, device: str = DEVICE, account: str = ACCOUNT) -> Login:
    """Who a server would say we are."""
    return Login(writer, device, account)


def state_of(path: Any = None, clock: DeviceClock | None = None) -> LocalState:
    """The state of a device, on a store in a file or in memory."""
    return LocalState(LocalStore(None if path is None else str(path)), clock or ManualDeviceClock())


def face_of(state: LocalState | None = None, *, connected: bool = True, identified: bool = True, **more: Any) -> Face:
    """A device that never connects, and believes that it is connected, or not."""
    state = state or state_of()
    if identified:
        state.identify(login())
    return Face(state, contexts=more.get("contexts"), radio=more.get("radio"), is_connected=lambda: connected)


class Wire:
    """A network with one server, which the test plays."""

    def __init__(self) -> None:
        self.is_down = False
        self._links: asyncio.Queue[ServerEnd] = asyncio.Queue()

    async def connect(self, url: str, codec: Codec) -> ServerEnd:
        """The port of a device."""
        if self.is_down:
            raise Unavailable("the network is down")
        link = ServerEnd(codec)
        self._links.put_nowait(link)
        return link

    async def accepted(self) -> ServerEnd:
        """The next connection."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._links.get()


class ServerEnd:
    """One connection: `send`, `receive`, `close` are the device's end, the rest is the test's."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._to_server: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._to_client: asyncio.Queue[bytes | LinkClosed] = asyncio.Queue()

    async def send(self, payload: bytes) -> None:
        self._to_server.put_nowait(payload)

    async def receive(self) -> bytes:
        payload = await self._to_client.get()
        if isinstance(payload, LinkClosed):
            raise payload
        return payload

    async def close(self) -> None:
        self._to_server.put_nowait(None)

    async def heard(self, *, answering_pings: bool = True) -> ClientMessage | None:
        """What the device says next; None once it has closed."""
        async with asyncio.timeout(TIMEOUT_S):
            payload = await self._to_server.get()
        if payload is None:
            return None
        message = self.codec.decode_client(payload)
        assert isinstance(message, ClientMessage), message
        if answering_pings and isinstance(message, Ping):
            self.say(Pong(message.sent_ms, START_MS))
            return await self.heard()
        return message

    async def heard_ping(self) -> Ping:
        """The next message, which must be a ping."""
        message = await self.heard(answering_pings=False)
        assert isinstance(message, Ping), message
        return message

    async def heard_hello(self) -> Hello:
        """The next message, which must be a hello."""
        message = await self.heard()
        assert isinstance(message, Hello), message
        return message

    async def heard_events(self, count: int = 1) -> list[EmittedEvent]:
        """The next events, `count` of them, in as many emits as it takes."""
        events: list[EmittedEvent] = []
        while len(events) < count:
            message = await self.heard()
            assert isinstance(message, Emit), message
            events += message.events
        assert len(events) == count
        return events

    def is_quiet(self) -> bool:
        """Whether the device has said nothing that the test has not heard."""
        return self._to_server.empty()

    def say(self, *messages: ServerMessage) -> None:
        """Say something to the device."""
        for message in messages:
            self._to_client.put_nowait(self.codec.encode(message))

    def hang_up(self, code: int = 1006, reason: str = "") -> None:
        """End the connection."""
        self._to_client.put_nowait(LinkClosed(code, reason))

    # --- what a server commonly says ---

    def welcome(
        self,
        hello: Hello,
        *,
        writer: str | None = WRITER,
        next_seq: int = 1,
        resume: Resume = "snapshot",
        now_ms: int = START_MS,
        cells: Cells | None = None,
    ) -> None:
        """Take a device in, and bring every stream that it asked for in step."""
        streams = [OWN if claim.stream == "a:me" else claim.stream for claim in hello.streams]
        limits = Limits(FRAME_BYTES_MAX, EVENT_BYTES_MAX, EMIT_EVENTS_MAX, SUBSCRIPTIONS_MAX)
        welcomes = [StreamWelcome(stream, next_seq, resume) for stream in streams]
        self.say(Welcome(writer or WRITER, ACCOUNT, DEVICE, now_ms, welcomes, limits))
        if resume == "snapshot":
            for stream in streams:
                self.say(snapshot(stream, cells or {}))

    async def take_in(self, **how: Any) -> Hello:
        """Hear the hello, and welcome its device."""
        hello = await self.heard_hello()
        self.welcome(hello, **how)
        return hello

    def ack(self, *events: EmittedEvent, writer: str = WRITER, seen: bool = False, t: int | None = None) -> None:
        """Say that events are durable."""
        for event in events:
            stream = OWN if event.stream == "a:me" else event.stream
            self.say(Ack(stream, writer, event.seq, event.t if t is None else t, seen, None if seen else "after-ack"))

    async def take_subscription(self) -> Subscribe:
        """Hear a subscribe, and bring the stream in step: it is empty."""
        message = await self.heard()
        assert isinstance(message, Subscribe), message
        self.say(Subscribed(message.stream, 1, "snapshot"), snapshot(message.stream, {}))
        return message


def snapshot(stream: str, cells: Cells, *, cursor: str = "c1") -> Snapshot:
    """A whole stream in one part."""
    return Snapshot(stream, [(key, cell.rank, cell.value) for key, cell in cells.items()], 0, True, cursor)


def device_on(wire: Wire, *, token: str = "token", **more: Any) -> Device:
    """A device whose network is the test's."""
    more.setdefault("clock", ManualDeviceClock())
    return Device(URL, token, connect=wire.connect, format="json", **more)


@asynccontextmanager
async def taken_in(wire: Wire, **more: Any) -> AsyncIterator[tuple[Device, ServerEnd]]:
    """Such a device, `more` as `device_on` takes it, and the server that has just welcomed it."""
    async with device_on(wire, **more) as device:
        server = await wire.accepted()
        await server.take_in()
        yield device, server


def data_of(event: EmittedEvent) -> Any:
    """The data of an event, as plain JSON."""
    return msgspec.json.decode(bytes(event.data))


def tracks(events: Iterable[EmittedEvent]) -> list[str]:
    """The tracks that these insertions bring."""
    return [item["track"] for event in events for item in data_of(event)["items"]]


def played(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test told as a coroutine, whose `wire` is the fixture of that name."""

    @wraps(story)
    def test(**fixtures: Any) -> None:
        asyncio.run(asyncio.wait_for(story(**fixtures), 4 * TIMEOUT_S))

    return test


def like(device: Device, track: str) -> Any:
    """An event, and nothing more."""
    return device.library.add("tracks", track).events[0]


async def tell(device: Device, server: ServerEnd, message: ServerMessage) -> None:
    """Say something to the device, and wait until it has taken it in."""
    heard: list[object] = []
    unsubscribe = device.on_message(heard.append)
    server.say(message)
    await device.until(lambda: bool(heard), timeout_s=TIMEOUT_S)
    unsubscribe()

"""Who came and who went is told once to everybody, and in one write to each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from syncd.gateway.announcements import GATHER_S, Announcements
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import Presence
from syncd.push.hub import Hub
from syncd.push.recent import Recent
from syncd.push.subscription import Sink, Subscription

STREAM = "a:ann"


class Screen:
    """A sink of one device that keeps what is written."""

    def __init__(self, device: str, codec: Codec = JSON) -> None:
        self.device = device
        self.codec = codec
        self.congested = False
        self.writes: list[bytes] = []

    def write(self, framed: bytes) -> None:
        self.writes.append(framed)

    def join(self, framed: bytes) -> None:
        raise NotImplementedError("announcements are gathered already")

    async def drained(self) -> None:
        raise NotImplementedError("nobody waits here")

    def shows(self) -> list[list[tuple[str, bool]]]:
        """(device, online) of each message, by write."""
        return [[_read(self.codec, message) for message in _messages(write)] for write in self.writes]


def _messages(framed: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(framed):
        start = at + 2
        at = start + framed[at + 1]
        found.append(framed[start:at])
    return found


def _read(codec: Codec, message: bytes) -> tuple[str, bool]:
    presence = codec.decode_server(message)
    assert isinstance(presence, Presence)
    return presence.device, presence.online


class Room:
    """A stream with screens that listen to it."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.hub.recent[0] = Recent(position=0, bytes_max=1)
        self.announcements = Announcements(self.hub, device_of=self._device_of)
        self.gone: set[Sink] = set()

    def _device_of(self, sink: Sink) -> str | None:
        assert isinstance(sink, Screen)
        return None if sink in self.gone else sink.device

    def screen(self, device: str, codec: Codec = JSON) -> tuple[Screen, Subscription]:
        screen = Screen(device, codec)
        channel = self.hub.open(STREAM, partition=0, epoch="e", generation=0)
        return screen, self.hub.subscribe(channel, screen)

    def listener(self, device: str, codec: Codec = JSON) -> Screen:
        """A screen that was told already who is there."""
        screen, subscription = self.screen(device, codec)
        self.announcements.greet(subscription, ())
        return screen

    def tell(self, device: str, *, online: bool = True) -> Presence:
        presence = Presence(STREAM, device, online, 1)
        self.announcements.tell(presence)
        return presence


def in_a_room(story: Callable[[Room], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def test() -> None:
        asyncio.run(story(Room()))

    test.__name__ = story.__name__
    return test


async def told() -> None:
    await asyncio.sleep(GATHER_S * 1.5)


@in_a_room
async def test_those_who_come_together_are_told_in_one_write_but_not_of_themselves(room: Room) -> None:
    home, phone = room.listener("home"), room.listener("phone", MSGPACK)
    for device in ("phone", "car"):
        room.tell(device)
    assert not home.writes
    await told()
    assert home.shows() == [[("phone", True), ("car", True)]]
    assert phone.shows() == [[("car", True)]]
    room.tell("car", online=False)
    await told()
    assert home.shows()[1:] == [[("car", False)]]


@in_a_room
async def test_of_one_who_comes_and_goes_only_the_end_is_told(room: Room) -> None:
    home = room.listener("home")
    room.tell("car")
    room.tell("car", online=False)
    await told()
    assert home.shows() == [[("car", False)]]


@in_a_room
async def test_a_newcomer_is_told_at_once_and_of_nobody_twice(room: Room) -> None:
    known = room.tell("car")
    phone, subscription = room.screen("phone")
    myself = room.tell("phone")
    room.announcements.greet(subscription, [known, myself])
    assert phone.shows() == [[("car", True)]]
    room.tell("tv")
    await told()
    assert phone.shows() == [[("car", True)], [("tv", True)]]
    room.tell("car", online=False)
    await told()
    assert phone.shows()[2:] == [[("car", False)]]


@in_a_room
async def test_who_still_catches_up_is_told_when_that_is_done(room: Room) -> None:
    phone, subscription = room.screen("phone")
    known = room.tell("car")
    await told()
    assert not phone.writes
    room.announcements.greet(subscription, [known])
    await told()
    assert phone.shows() == [[("car", True)]]


@in_a_room
async def test_a_slow_reader_and_one_who_is_gone_are_told_nothing(room: Room) -> None:
    slow, subscription = room.screen("slow")
    gone = room.listener("gone")
    slow.congested = True
    room.gone.add(gone)
    room.announcements.greet(subscription, [room.tell("car")])
    await told()
    assert slow.writes == gone.writes == []

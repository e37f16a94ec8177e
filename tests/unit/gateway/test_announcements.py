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
from syncd.push.sink import Sink
from syncd.push.subscription import Subscription
from syncd.push.turn import Turn

STREAM = "a:ann"


class Screen(Sink):
    """A sink of one device that keeps what is written."""

    def __init__(self, turn: Turn, codec: Codec = JSON) -> None:
        self.writes: list[bytes] = []
        super().__init__(codec, self.writes.append, turn)

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
    """A stream with screens that listen to it, and the devices that are online."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.turn = Turn()
        self.hub.recent[0] = Recent(position=0, bytes_max=1)
        self.online: dict[str, Presence] = {}
        self.announcements = Announcements(self.hub, self.turn, online=lambda _: self.online.values())

    def screen(self, device: str, codec: Codec = JSON) -> tuple[Screen, Subscription]:
        screen = Screen(self.turn, codec)
        channel = self.hub.open(STREAM, partition=0, epoch="e", generation=0)
        return screen, self.hub.subscribe(channel, screen, device)

    def listener(self, device: str, codec: Codec = JSON) -> Screen:
        """A screen that was told already who is there."""
        screen, subscription = self.screen(device, codec)
        self.announcements.knows(subscription)
        return screen

    def tell(self, device: str, *, online: bool = True) -> None:
        presence = Presence(STREAM, device, online, 1)
        if online:
            self.online[device] = presence
        else:
            self.online.pop(device)
        self.announcements.tell(presence)


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
async def test_a_newcomer_is_told_who_is_there_when_the_turn_ends_and_of_nobody_twice(room: Room) -> None:
    room.tell("car")
    phone, subscription = room.screen("phone")
    room.tell("phone")
    room.announcements.greet(subscription)
    assert not phone.writes
    await asyncio.sleep(0)
    assert phone.shows() == [[("car", True)]]
    room.tell("tv")
    await told()
    assert phone.shows() == [[("car", True)], [("tv", True)]]
    room.tell("car", online=False)
    await told()
    assert phone.shows()[2:] == [[("car", False)]]


@in_a_room
async def test_those_who_come_in_one_turn_hear_of_each_other_in_the_write_that_brings_what_they_missed(
    room: Room,
) -> None:
    phone, car = room.screen("phone"), room.screen("car", MSGPACK)
    for device, (screen, subscription) in (("phone", phone), ("car", car)):
        screen.join(b"what it missed")
        room.tell(device)
        room.announcements.greet(subscription)
    await asyncio.sleep(0)
    for (screen, _), other in ((phone, "car"), (car, "phone")):
        assert screen.writes == [b"what it missed" + screen.codec.framed(Presence(STREAM, other, True, 1))]
    await told()
    assert len(phone[0].writes) == len(car[0].writes) == 1, "who came along is no news"


@in_a_room
async def test_who_still_catches_up_is_told_when_that_is_done(room: Room) -> None:
    phone, subscription = room.screen("phone")
    room.tell("car")
    await told()
    assert not phone.writes
    room.announcements.greet(subscription)
    await told()
    assert phone.shows() == [[("car", True)]]


@in_a_room
async def test_a_slow_reader_and_one_who_is_gone_are_told_nothing(room: Room) -> None:
    slow, slow_subscription = room.screen("slow")
    gone, gone_subscription = room.screen("gone")
    slow.congested = True
    for subscription in (slow_subscription, gone_subscription):
        room.announcements.greet(subscription)
    room.hub.unsubscribe(gone_subscription)
    room.tell("car")
    await told()
    assert slow.writes == gone.writes == []

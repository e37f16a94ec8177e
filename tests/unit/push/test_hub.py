"""The fan-out of one record: to whom, in which order, with which cursor."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from push_parts import ListSink, entry

from syncd.protocol.codec import MSGPACK
from syncd.protocol.messages import Delta
from syncd.push import joined
from syncd.push.catch_up import CatchUp, Plan, plan
from syncd.push.entry import Entry
from syncd.push.hub import Channel, Hub
from syncd.push.recent import Recent
from syncd.push.subscription import LIVE, Subscription, SubscriptionState

STREAM = "a:alice"


class Place:
    """A hub over one partition, with a channel and its subscribers."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.recent = self.hub.recent[0] = Recent(position=0, bytes_max=1_000)
        self.channel = self.open()

    def open(self, stream: str = STREAM) -> Channel:
        return self.hub.open(stream, partition=0, epoch="e1", generation=0)

    def listener(self, sink: ListSink | None = None, *, live: bool = True) -> tuple[Subscription, ListSink]:
        sink = sink or ListSink()
        subscription = self.hub.subscribe(self.channel, sink, "d1")
        if live:
            subscription.state = LIVE
        return subscription, sink

    def publish(self, offset: int, *, origin: ListSink | None = None, **more: Any) -> str | None:
        return self.hub.publish(0, entry(offset, **more), origin)


def test_everyone_but_the_origin_gets_the_same_bytes_encoded_once() -> None:
    place = Place()
    sinks = [place.listener()[1] for _ in range(3)]
    packed = [place.listener(ListSink(MSGPACK))[1] for _ in range(2)]
    cursor = place.publish(0, origin=sinks[0])
    assert cursor == place.channel.cursor(1)
    assert sinks[0].framed == []
    assert sinks[1].framed[0] is sinks[2].framed[0]
    assert packed[0].framed[0] is packed[1].framed[0]
    (message,) = sinks[1].messages
    assert message == packed[0].messages[0]
    assert isinstance(message, Delta)
    assert message.cursor == cursor
    assert message.by is not None
    assert message.by.event == "k3v9q2m4ta.1"


def test_the_origin_gets_a_cursor_only_where_it_listens_and_is_up_to_date() -> None:
    place = Place()
    stranger = ListSink()
    assert place.publish(0, origin=stranger) is None
    subscription, sink = place.listener(live=False)
    assert place.publish(1, origin=sink) is None
    subscription.state = LIVE
    assert place.publish(2, origin=sink) == place.channel.cursor(3)
    sink.congested = True
    assert place.publish(3, origin=sink) is None
    assert (subscription.state, subscription.offset) == (SubscriptionState.BEHIND, 3)
    sink.congested = False
    assert place.publish(4, origin=sink) is None
    assert subscription.offset == 3


def test_who_is_behind_keeps_nothing_but_where_it_stopped() -> None:
    place = Place()
    subscription, sink = place.listener()
    place.publish(0)
    sink.congested = True
    for offset in range(1, 5):
        place.publish(offset)
    assert len(sink.framed) == 1
    assert (subscription.state, subscription.offset) == (SubscriptionState.BEHIND, 1)


def test_a_void_is_sent_to_nobody_and_moves_the_cursor() -> None:
    place = Place()
    _, sink = place.listener()
    assert place.publish(0, void=True) is None
    assert sink.framed == []
    assert place.channel.cursor_offset == 1


def test_watchers_come_before_subscribers_and_may_end_them() -> None:
    place = Place()
    subscription, sink = place.listener()
    seen: list[Entry] = []

    def role_is_lost(each: Entry) -> None:
        seen.append(each)
        place.hub.unsubscribe(subscription)
        place.channel.watchers.remove(role_is_lost)

    place.channel.watchers += [role_is_lost, seen.append]
    place.publish(0)
    assert [each.offset for each in seen] == [0, 0]
    assert sink.framed == []
    assert subscription.state is SubscriptionState.ENDED


def test_a_channel_goes_with_its_last_subscriber_and_watcher() -> None:
    place = Place()
    subscription, _ = place.listener()
    seen: list[Entry] = []
    place.channel.watchers.append(seen.append)
    place.hub.unsubscribe(subscription)
    place.hub.unsubscribe(subscription)
    assert place.hub.channels == {STREAM: place.channel}
    place.channel.watchers.clear()
    place.hub.close_if_idle(place.channel)
    place.hub.close_if_idle(place.channel)
    assert place.hub.channels == {}
    assert place.publish(0) is None


def test_an_idle_stream_gets_a_cursor_once_its_partition_has_moved() -> None:
    place = Place()
    _, sink = place.listener()
    _, slow = place.listener()
    _, arriving = place.listener(live=False)
    assert place.hub.refresh_cursors([place.channel]) == 0
    place.publish(0, stream="a:bob")
    slow.congested = True
    assert place.hub.refresh_cursors([place.channel]) == 1
    assert place.hub.refresh_cursors([place.channel]) == 0
    assert sink.messages == [Delta(STREAM, [], place.channel.cursor(1))]
    assert slow.framed == arriving.framed == []


# --- plans and catching up from memory ---


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (None, Plan("snapshot", 0)),
        ("garbage", Plan("snapshot", 0)),
        (4, Plan("snapshot", 0)),  # from the future
        (3, Plan("tail", 3)),
        (1, Plan("tail", 1)),
        (0, Plan("cells", 0)),
    ],
)
def test_the_cheapest_road_without_a_gap_is_chosen(cursor: str | int | None, expected: Plan) -> None:
    place = Place()
    place.recent = place.hub.recent[0] = Recent(position=0, bytes_max=2)
    for offset in range(3):
        place.publish(offset)
    text = place.channel.cursor(cursor) if isinstance(cursor, int) else cursor
    assert plan(place.hub, place.channel, text) == expected


def test_a_tail_stops_where_the_sink_is_full_and_resumes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "WRITE_BYTES", 1)

    class SmallSink(ListSink):
        def write(self, framed: bytes) -> None:
            super().write(framed)
            self.congested = len(self.framed) % 2 == 0

    async def story() -> None:
        place = Place()
        subscription, sink = place.listener(SmallSink(), live=False)
        for offset in range(5):
            place.publish(offset)
        catch_up = CatchUp(None, None, place.hub, wake=print)  # type: ignore[arg-type]  # memory alone is asked
        catch_up.serve_tail(subscription, 0)
        for written, state, offset in ((2, "behind", 2), (4, "behind", 4), (5, "live", 4)):
            assert (len(sink.framed), subscription.state.value, subscription.offset) == (written, state, offset)
            sink.congested = False
            await catch_up.resume(subscription)
        assert len(sink.framed) == 5, "resuming what is live does nothing"

    asyncio.run(story())


def test_what_ended_meanwhile_is_not_resumed() -> None:
    """A role that is lost while the outbox is full: nothing more may be sent when it drains."""

    async def story() -> None:
        place = Place()
        subscription, sink = place.listener()
        sink.congested = True
        place.publish(0)
        place.hub.unsubscribe(subscription)
        sink.congested = False
        await CatchUp(None, None, place.hub, wake=print).resume(subscription)  # type: ignore[arg-type]
        assert sink.framed == []
        assert subscription.state is SubscriptionState.ENDED

    asyncio.run(story())

"""The fan-out of one record: to whom, in which order, with which cursor."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from push_parts import ListOrigin, ListSink, entry

from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import Ack, AckItem, Delta, LoneAck
from syncd.push import joined
from syncd.push.catch_up import CatchUp, Plan, plan
from syncd.push.delta import framed_delta
from syncd.push.entry import Entry
from syncd.push.hub import Channel, Hub
from syncd.push.recent import Recent
from syncd.push.sink import JOINED_BYTES_MAX
from syncd.push.subscription import LIVE, Subscription, SubscriptionState

STREAM, WRITER = "a:alice", "k3v9q2m4ta"


class Place:
    """A hub over one partition, with a channel and its subscribers."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.recent = self.hub.recent[0] = Recent(position=0, bytes_max=1_000)
        self.channel = self.open()

    def open(self, stream: str = STREAM) -> Channel:
        return self.hub.open(stream, partition=0, epoch="e1", generation=0)

    def sink(self, codec: Codec = JSON) -> ListSink:
        return ListSink(codec, turn=self.hub.turn)

    def listener(self, sink: ListSink | None = None, *, live: bool = True) -> tuple[Subscription, ListSink]:
        sink = sink or self.sink()
        subscription = self.hub.subscribe(self.channel, sink, "d1")
        if live:
            subscription.state = LIVE
        return subscription, sink

    def publish(self, *offsets: int, origin: ListSink | None = None, **more: Any) -> list[Entry]:
        """Publish records as one group, and end the turn."""
        entries = [entry(offset, **more) for offset in offsets]
        self.hub.publish(0, entries, [None if origin is None else ListOrigin(origin)] * len(entries))
        self.hub.turn.end()
        return entries

    def acked(self, offset: int, cursor: int | None) -> Ack:
        """The ack of the record at an offset."""
        text = None if cursor is None else self.channel.cursor(cursor)
        return Ack(STREAM, WRITER, offset + 1, offset + 1, False, text)

    def lone_ack(self, offset: int, cursor: int) -> LoneAck:
        """The same, as a server says it."""
        return LoneAck(STREAM, WRITER, offset + 1, offset + 1, False, self.channel.cursor(cursor))


def test_everyone_but_the_origin_gets_the_same_bytes_encoded_once() -> None:
    place = Place()
    sinks = [place.listener()[1] for _ in range(3)]
    packed = [place.listener(place.sink(MSGPACK))[1] for _ in range(2)]
    place.publish(0, origin=sinks[0])
    assert sinks[0].messages == [place.acked(0, 1)]
    assert sinks[1].framed[0] is sinks[2].framed[0]
    assert packed[0].framed[0] is packed[1].framed[0]
    (message,) = sinks[1].messages
    assert message == packed[0].messages[0]
    assert isinstance(message, Delta)
    assert message.cursor == place.channel.cursor(1)
    assert message.by is not None
    assert message.by.event == "k3v9q2m4ta.1"


def test_the_origins_ack_has_a_cursor_only_where_it_listens_and_is_up_to_date() -> None:
    place = Place()
    stranger = place.sink()
    place.publish(0, origin=stranger)
    subscription, sink = place.listener(live=False)
    place.publish(1, origin=sink)
    subscription.state = LIVE
    place.publish(2, origin=sink)
    assert stranger.messages == [place.acked(0, None)]
    assert sink.messages == [place.acked(1, None), place.acked(2, 3)]


def test_an_origin_that_is_congested_or_whose_record_is_a_void_answers_itself() -> None:
    place = Place()
    subscription, sink = place.listener()
    origin = ListOrigin(sink)
    sink.congested = True
    place.hub.publish(0, [entry(0)], [origin])
    assert (subscription.state, subscription.offset) == (SubscriptionState.BEHIND, 0)
    sink.congested = False
    place.hub.publish(0, [entry(1, void=True)], [origin])
    place.hub.turn.end()
    assert origin.answered == [(1, None), (2, None)]
    assert sink.framed == []
    place.publish(2, origin=sink)
    assert sink.messages == [place.acked(2, None)], "it is behind still"
    assert subscription.offset == 0


def test_a_group_leaves_as_one_write_for_each_with_acks_and_deltas_in_the_logs_order() -> None:
    place = Place()
    (_, ours), (_, theirs) = place.listener(), place.listener()
    writers = [ListOrigin(sink) for sink in (ours, ours, theirs, ours)]
    entries = [entry(offset) for offset in range(4)]
    place.hub.publish(0, entries, writers)
    place.hub.turn.end()
    deltas = [framed_delta(each, JSON, place.channel.cursor(each.offset + 1)) for each in entries]
    acks = [AckItem(STREAM, WRITER, seq, seq, False, place.channel.cursor(seq)) for seq in range(1, 5)]
    lone = [JSON.framed(LoneAck.of(ack)) for ack in acks]
    assert ours.framed == [JSON.framed(Ack(acks=acks[:2])) + deltas[2] + lone[3]]
    assert theirs.framed == [deltas[0] + deltas[1] + lone[2] + deltas[3]]
    place.hub.turn.end()
    assert (len(ours.framed), len(theirs.framed)) == (1, 1)


def test_what_was_published_goes_before_what_is_written_meanwhile() -> None:
    place = Place()
    (_, ours), (_, theirs) = place.listener(), place.listener()
    place.hub.publish(0, [entry(0), entry(1, stream="a:bob"), entry(2)], [ListOrigin(ours), None, None])
    assert ours.framed == theirs.framed == []
    ours.write(b"a word")
    place.publish(3)
    assert [len(ours.framed), len(theirs.framed)] == [3, 1]
    assert ours.framed[1] == b"a word"
    # Of a stream with one record alone there is nothing to join.
    place.hub.publish(0, [entry(4)], [ListOrigin(theirs)])
    assert ours.pieces is theirs.pieces is None
    theirs.write(b"a word")
    assert theirs.framed[1:] == [JSON.framed(place.lone_ack(4, 5)), b"a word"]
    assert len(ours.framed) == 4


def test_what_waits_in_a_held_turn_is_bounded_and_else_leaves_at_its_end() -> None:
    place = Place()
    _, sink = place.listener()
    with place.hub.turn.held():
        place.hub.publish(0, [entry(0)], [None])
        assert sink.framed == []
        whole = 1
        while not sink.framed:
            place.hub.publish(0, [entry(whole)], [None])
            whole += 1
        place.hub.publish(0, [entry(whole)], [None])
        assert len(sink.framed) == 1
        assert JOINED_BYTES_MAX < len(sink.framed[0]) < JOINED_BYTES_MAX + 1_000
    assert len(sink.framed) == 2


def test_who_is_behind_keeps_nothing_but_where_it_stopped() -> None:
    place = Place()
    subscription, sink = place.listener()
    place.publish(0)
    sink.congested = True
    place.publish(1, 2, 3, 4)
    assert len(sink.framed) == 1
    assert (subscription.state, subscription.offset) == (SubscriptionState.BEHIND, 1)


def test_a_void_is_sent_to_nobody_and_moves_the_cursor() -> None:
    place = Place()
    _, sink = place.listener()
    place.publish(0, void=True)
    assert sink.framed == []
    assert place.channel.cursor_offset == 1


def test_watchers_come_before_subscribers_and_may_end_them() -> None:
    place = Place()
    subscription, sink = place.listener()
    seen: list[Entry] = []

    def role_is_lost(each: Entry) -> None:
        seen.append(each)
        place.hub.unsubscribe(subscription)
        place.channel.unwatch(role_is_lost)

    place.channel.watch(role_is_lost)
    place.channel.watch(seen.append)
    place.publish(0, 1)
    assert [each.offset for each in seen] == [0, 0, 1]
    assert sink.framed == []
    assert subscription.state is SubscriptionState.ENDED


def test_a_channel_goes_with_its_last_subscriber_and_watcher() -> None:
    place = Place()
    subscription, _ = place.listener()
    seen: list[Entry] = []
    place.channel.watch(watcher := seen.append)
    place.hub.unsubscribe(subscription)
    place.hub.unsubscribe(subscription)
    assert place.hub.channels == {STREAM: place.channel}
    place.channel.unwatch(watcher)
    place.hub.close_if_idle(place.channel)
    place.hub.close_if_idle(place.channel)
    assert place.hub.channels == {}
    place.publish(0)
    assert seen == []


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
        def join(self, framed: bytes) -> None:
            self.put(framed)
            self.congested = len(self.framed) % 2 == 0

    async def story() -> None:
        place = Place()
        subscription, sink = place.listener(SmallSink(turn=place.hub.turn), live=False)
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

"""Who listens to what, and the fan-out of each durable record.

The hub is fed in log order, one partition at a time (`Tail`), and does everything for a record without an await: so a
cursor that leaves here has every earlier delta of its stream before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from syncd.protocol.messages import Delta, LoneAck
from syncd.push.cursor import cursor_prefix
from syncd.push.delta import framed_delta
from syncd.push.entry import Entry
from syncd.push.recent import Recent
from syncd.push.sink import JOINED_BYTES_MAX, Sink
from syncd.push.subscription import LIVE, Subscription, SubscriptionState
from syncd.push.turn import Turn

OnEntry = Callable[[Entry], None]


class Origin(Protocol):
    """The connection that emitted a record."""

    @property
    def outbox(self) -> Sink:
        """Where its answers go."""

    def settled(self, entry: Entry, cursor: str | None) -> None:
        """Answer a durable record, where that is not simply an ack: it is a void, or the outbox is congested."""


class Channel:
    """One stream with at least one subscription here.

    Attributes:
        cursor_offset: of the newest cursor that its live subscribers were sent.
        listeners: the sinks of those subscriptions that are LIVE, which keep it up to date.
        prefix: of its cursors.
        watchers: called with every entry of the stream before its fan-out (access rules, views of small devices).
    """

    __slots__ = (
        "_epoch", "cursor_offset", "generation", "listeners", "partition", "prefix", "stream", "subscriptions",
        "watchers",
    )  # fmt: skip

    def __init__(self, stream: str, *, partition: int, epoch: str, generation: int, position: int) -> None:
        self.stream = stream
        self.partition = partition
        self._epoch = epoch
        self.begin_generation(generation)
        self.cursor_offset = position
        self.subscriptions: dict[Subscription, None] = {}
        # Tuples: an entry's fan-out may end subscriptions, and goes on with those that there were.
        self.listeners: tuple[Sink, ...] = ()
        self.watchers: tuple[OnEntry, ...] = ()

    def watch(self, watcher: OnEntry) -> None:
        """Call it with every entry from now on."""
        self.watchers += (watcher,)

    def unwatch(self, watcher: OnEntry) -> None:
        """The end of `watch`. Twice is harmless."""
        self.watchers = tuple(each for each in self.watchers if each != watcher)

    def begin_generation(self, generation: int) -> None:
        """From now on cursors are of this generation; those of an older one lead to a snapshot."""
        self.generation = generation
        self.prefix = cursor_prefix(
            self.stream, generation=generation, epoch=self._epoch, partition=self.partition
        )  # fmt: skip

    def cursor(self, offset: int) -> str:
        """The cursor at an offset of this stream's partition."""
        return f"{self.prefix}{offset}"


class Hub:
    """Channels of the gateway, and the rings behind them.

    Attributes:
        turn: in which what is published leaves.
    """

    def __init__(self) -> None:
        self.turn = Turn()
        self.channels: dict[str, Channel] = {}
        self.recent: dict[int, Recent] = {}
        self.deltas_sent = 0

    def open(self, stream: str, *, partition: int, epoch: str, generation: int) -> Channel:
        """The channel of a stream, made when it is the first interest in it."""
        channel = self.channels.get(stream)
        if channel is None:
            position = self.recent[partition].position
            channel = Channel(stream, partition=partition, epoch=epoch, generation=generation, position=position)
            self.channels[stream] = channel
        return channel

    def subscribe(self, channel: Channel, sink: Sink, device: str) -> Subscription:
        """A new subscription, CATCHING_UP until it was served."""
        assert self.channels.get(channel.stream) is channel
        subscription = Subscription(channel, sink, device)
        channel.subscriptions[subscription] = None
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; the channel goes with its last one. Twice is harmless."""
        subscription.state = SubscriptionState.ENDED
        channel = subscription.channel
        channel.subscriptions.pop(subscription, None)
        self.close_if_idle(channel)

    def close_if_idle(self, channel: Channel) -> None:
        """Forget a channel that nobody needs."""
        if not channel.subscriptions and not channel.watchers and self.channels.get(channel.stream) is channel:
            del self.channels[channel.stream]

    def forget(self, partition: int) -> None:
        """Let go of a partition's ring, if it has one. No stream of it has a channel any more."""
        assert all(channel.partition != partition for channel in self.channels.values()), f"partition {partition}"
        self.recent.pop(partition, None)

    def publish(self, partition: int, entries: Sequence[Entry], origins: Sequence[Origin | None]) -> None:
        """Send durable records, in log order, to every live subscriber but the origin, and the origin its ack.

        All of it leaves when the turn ends, which is the caller's. An ack carries a cursor only when the origin listens
        to the stream itself and has been sent everything before.

        This is the hot path: a record costs what stands in this loop, and the encoding of its delta. What is not as
        usual (a void, a slow reader, several messages for one connection) leaves it by a call.

        Args:
            origins: of each entry; None where it is not connected here.
        """
        self.recent[partition].extend(entries)
        turn, ready = self.turn, self.turn.ready
        streams = [entry.stream for entry in entries]
        last_of: dict[str, Entry] = {} if turn.is_held else dict(zip(streams, entries, strict=True))
        sent = 0
        for entry, origin, channel, last in zip(
            entries, origins, map(self.channels.get, streams), map(last_of.get, streams), strict=True
        ):
            own = None if origin is None else origin.outbox
            own_cursor = None
            if channel is not None:
                for watcher in channel.watchers:
                    watcher(entry)
                channel.cursor_offset = offset_next = entry.offset + 1
                if entry.void is None:
                    cursor = f"{channel.prefix}{offset_next}"
                    codec = None
                    for sink in channel.listeners:  # asked after the watchers, who may have ended some
                        if sink.congested:
                            self._leave_behind(channel, sink, entry.offset)
                        elif sink is own:
                            own_cursor = cursor
                        else:
                            if codec is not sink.codec:  # devices of one stream mostly speak the same format
                                codec = sink.codec
                                framed = framed_delta(entry, codec, cursor)
                            sent += 1
                            if sink.pieces is not None:
                                sink.pieces.append(framed)
                            elif entry is last:
                                ready.append((sink, framed))
                            else:
                                sink.pieces = [framed]
                                turn.waiting.append(sink)
                    if codec is not None:
                        entry.lowered = None
                        if entry is not last:
                            turn.waiting_bytes += len(framed)
                            if turn.waiting_bytes > JOINED_BYTES_MAX:
                                turn.end()
            if own is not None:
                if own.congested or entry.void is not None:
                    assert origin is not None
                    origin.settled(entry, own_cursor)
                else:
                    ack = LoneAck(entry.stream, entry.writer, entry.seq, entry.t, False, own_cursor)
                    if entry is last and own.pieces is None:
                        ready.append((own, own.codec.framed(ack)))
                    else:
                        own.add_ack(ack)
        self.deltas_sent += sent

    def _leave_behind(self, channel: Channel, sink: Sink, offset: int) -> None:
        """A live subscriber's reader is slow: it gets no delta until it has caught up."""
        for subscription in channel.subscriptions:
            if subscription.sink is sink:
                subscription.state = SubscriptionState.BEHIND
                subscription.offset = offset

    def publish_rebuilt(self, partition: int, entry: Entry) -> None:
        """The store's cells of a stream are being swapped. Nobody passes this record but by reading them: its offset
        is that of all that changes."""
        recent = self.recent[partition]
        recent.extend([entry])
        recent.rebuilt(entry)
        channel = self.channels.get(entry.stream)
        for subscription in channel.subscriptions if channel is not None else ():
            if subscription.state is LIVE:
                subscription.state = SubscriptionState.BEHIND
                subscription.offset = entry.offset

    def refresh_cursors(self, channels: Iterable[Channel]) -> int:
        """Send an empty delta with a fresh cursor to the live subscribers of channels whose partition has moved on.

        Returns:
            How many were sent.
        """
        sent = 0
        for channel in channels:
            position = self.recent[channel.partition].position
            if channel.cursor_offset >= position:
                continue
            channel.cursor_offset = position
            for sink in channel.listeners:
                if not sink.congested:
                    sink.write(sink.codec.framed(Delta(channel.stream, [], channel.cursor(position))))
                    sent += 1
        return sent

"""Who listens to what, and the fan-out of each durable record.

The hub is fed in log order, one partition at a time (`Tail`), and does everything for a record without an await: so a
cursor that leaves here has every earlier delta of its stream before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from syncd.model.events import REBUILT
from syncd.protocol.messages import Delta
from syncd.push.cursor import cursor_prefix
from syncd.push.entry import Entry
from syncd.push.recent import Recent
from syncd.push.subscription import LIVE, Sink, Subscription, SubscriptionState

OnEntry = Callable[[Entry], None]


class Channel:
    """One stream with at least one subscription here.

    Attributes:
        cursor_offset: of the newest cursor that its live subscribers were sent.
        prefix: of its cursors.
        watchers: called with every entry of the stream before its fan-out (access rules, views of small devices).
    """

    __slots__ = ("_epoch", "cursor_offset", "generation", "partition", "prefix", "stream", "subscriptions", "watchers")

    def __init__(self, stream: str, *, partition: int, epoch: str, generation: int, position: int) -> None:
        self.stream = stream
        self.partition = partition
        self._epoch = epoch
        self.begin_generation(generation)
        self.cursor_offset = position
        self.subscriptions: dict[Subscription, None] = {}
        self.watchers: list[OnEntry] = []

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
    """Channels of the gateway, and the rings behind them."""

    def __init__(self) -> None:
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

    def publish(self, partition: int, entry: Entry, origin: Sink | None) -> str | None:
        """Send one durable record to every live subscriber but its origin.

        Returns:
            The cursor that the origin's ack may carry: only when the origin listens to the stream itself and has been
            sent everything before.
        """
        self.recent[partition].add(entry)
        if entry.kind == REBUILT:
            self._rebuilt(partition, entry)
            return None
        channel = self.channels.get(entry.stream)
        if channel is None:
            return None
        for watcher in tuple(channel.watchers):  # a lost role ends subscriptions, and with them their watchers
            watcher(entry)
        channel.cursor_offset = offset_next = entry.offset + 1
        cursor = f"{channel.prefix}{offset_next}"
        origin_cursor = codec = None
        framed, sent = b"", 0
        for subscription in channel.subscriptions:
            if subscription.state is not LIVE:
                continue
            sink = subscription.sink
            if sink.congested:
                subscription.state = SubscriptionState.BEHIND
                subscription.offset = entry.offset
            elif sink is origin:
                origin_cursor = cursor
            elif entry.void is None:
                if codec is not sink.codec:  # devices of one stream mostly speak the same format
                    codec = sink.codec
                    framed = entry.framed(codec, cursor)
                sink.join(framed)
                sent += 1
        self.deltas_sent += sent
        entry.slim()
        return origin_cursor

    def _rebuilt(self, partition: int, entry: Entry) -> None:
        """The store's cells of a stream are being swapped. Nobody passes this record but by reading them: its offset
        is that of all that changes."""
        self.recent[partition].rebuilt(entry)
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
            for subscription in channel.subscriptions:
                if subscription.state is LIVE and not subscription.sink.congested:
                    codec = subscription.sink.codec
                    delta = Delta(channel.stream, [], channel.cursor(position))
                    subscription.sink.write(codec.framed(delta))
                    sent += 1
        return sent

"""Views for small devices (`view: "now"`): what plays where and what comes next, computed here instead of there.

One replica of a stream's cells serves all small devices on it. A change marks the view as stale; it is computed once,
at the end of the loop turn, however many events came in that turn.
"""

from __future__ import annotations

import asyncio

from syncd.clock import Clock
from syncd.log.port import EventLog
from syncd.model.canonical import from_canonical
from syncd.model.cells import Cell, Cells, fold
from syncd.model.views.lists import list_view
from syncd.model.views.playback import PlaybackView, playback_view
from syncd.model.views.plays import consumed
from syncd.protocol.messages import PlaybackNow, QueueEntry, View, ViewItem
from syncd.push.entry import Entry
from syncd.push.hub import Channel, Hub
from syncd.push.settled import settled_cells
from syncd.push.subscription import Subscription, SubscriptionState
from syncd.store.port import StateReader

QUEUE_ENTRIES = 20
"""Unconsumed queue entries in a view (design.md section 6)."""


class NowViews:
    """The replicas of the streams that small devices here watch."""

    def __init__(self, log: EventLog, store: StateReader, hub: Hub, clock: Clock) -> None:
        self._log = log
        self._store = store
        self._hub = hub
        self._clock = clock
        self._replicas: dict[str, _Replica] = {}

    async def show(self, subscription: Subscription) -> None:
        """Send the view now, and after every change."""
        channel = subscription.channel
        replica = self._replicas.get(channel.stream)
        if replica is None:
            cells, _ = await self.cells_now(channel)
            # Another small device may have loaded the stream meanwhile; both states are whole, the first one watches.
            replica = self._replicas.get(channel.stream)
            if replica is None:
                replica = self._replicas[channel.stream] = _Replica(channel, cells, self._clock, self._hub)
        if subscription.state is SubscriptionState.ENDED:
            self._drop_if_unwatched(replica)
            return
        subscription.state = SubscriptionState.VIEWING
        replica.watchers.add(subscription)
        replica.send_to(subscription)

    def hide(self, subscription: Subscription) -> None:
        """Stop; the replica goes with its last watcher."""
        replica = self._replicas.get(subscription.channel.stream)
        if replica is not None:
            replica.watchers.discard(subscription)
            self._drop_if_unwatched(replica)

    async def reload(self, stream: str) -> None:
        """The stream's cells were rebuilt: look at them again, if a small device here watches them."""
        replica = self._replicas.get(stream)
        if replica is not None:
            cells, _ = await self.cells_now(replica.channel)
            replica.replace(cells)

    def refresh(self, subscription: Subscription) -> None:
        """A small device has drained its outbox and may have missed views."""
        replica = self._replicas.get(subscription.channel.stream)
        if replica is not None and subscription in replica.watchers:
            replica.send_to(subscription)

    async def cells_now(self, channel: Channel) -> tuple[Cells, int]:
        """The stream's cells as of the tail's position, and that position.

        Nothing is published between the last step and the return.
        """
        state, entries, position = await settled_cells(
            self._log, self._store, self._hub.recent[channel.partition], channel,
            lambda: self._store.cells(channel.stream, channel.partition),
        )  # fmt: skip
        cells = {row.key: Cell(row.rank, from_canonical(row.value)) for row in state.cells}
        for entry in entries:
            fold(cells, entry.cells)
        return cells, position

    def _drop_if_unwatched(self, replica: _Replica) -> None:
        if not replica.watchers:
            replica.close()
            self._replicas.pop(replica.channel.stream, None)


class _Replica:
    """One stream's cells, and who sees a view of them."""

    def __init__(self, channel: Channel, cells: Cells, clock: Clock, hub: Hub) -> None:
        self.channel = channel
        self.watchers: set[Subscription] = set()
        self._cells = cells
        self._clock = clock
        self._recent = hub.recent[channel.partition]
        self._stale = False
        channel.watch(self._changed)

    def close(self) -> None:
        self.channel.unwatch(self._changed)

    def replace(self, cells: Cells) -> None:
        """Show these from now on."""
        self._cells = cells
        self._send()

    def send_to(self, subscription: Subscription) -> None:
        """The view as it is now, to one device."""
        codec = subscription.sink.codec
        subscription.sink.write(codec.framed(self._view()))

    def _changed(self, entry: Entry) -> None:
        if fold(self._cells, entry.cells) and not self._stale:
            self._stale = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._stale = False
        view = self._view()
        for subscription in self.watchers:
            if not subscription.sink.congested:
                codec = subscription.sink.codec
                subscription.sink.write(codec.framed(view))

    def _view(self) -> View:
        playback = playback_view(self._cells, self._clock.now_ms())
        entries = list_view(self._cells, "queue", consumed=consumed(self._cells))[:QUEUE_ENTRIES]
        queue = [QueueEntry(entry.id, str(entry.item.get("track", ""))) for entry in entries]
        cursor = self.channel.cursor(self._recent.position)
        return View(self.channel.stream, None if playback is None else _now(playback), queue, cursor)


def _now(view: PlaybackView) -> PlaybackNow:
    return PlaybackNow(
        device=view.device,
        play=view.play,
        epoch=view.epoch,
        generation=view.generation,
        item=ViewItem(view.item.id, view.item.track, view.item.from_),
        position_ms=view.position_ms,
        as_of_ms=view.as_of_ms,
        playing=view.playing,
        speed_permille=view.speed_permille,
    )

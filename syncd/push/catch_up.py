"""Bringing a subscription from its cursor to live.

Three ways, chosen before the welcome is sent: `tail` from the recent ring, without touching the database; `cells` that
changed since the cursor, from the store; a `snapshot` of everything. Both of the latter end by joining what the log
holds beyond the store's checkpoint. Overlap is harmless, a gap is not possible: the last step, from the ring to LIVE,
has no await in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from msgspec import Raw, Struct

from syncd.limits import FRAME_BYTES_MAX, SNAPSHOT_CELLS_MAX
from syncd.log.port import EventLog
from syncd.model.canonical import canonical, from_canonical
from syncd.model.cells import Cell, Cells, fold, wins
from syncd.protocol.codec import Codec
from syncd.protocol.messages import Delta, Resume, Snapshot, WireCell
from syncd.push.cursor import offset_of
from syncd.push.delta import wire_cells
from syncd.push.history import recent_entries
from syncd.push.hub import Channel, Hub
from syncd.push.joined import JoinedTails
from syncd.push.settled import newest_rebuilt
from syncd.push.state import check_epoch
from syncd.push.subscription import Subscription, SubscriptionState
from syncd.store.port import CellRow, StateReader

PART_BYTES_MAX = FRAME_BYTES_MAX // 2
"""Keys, ranks and values of one part; envelope, escapes and MessagePack's overhead fit in the other half."""


class Plan(Struct, frozen=True, gc=False):
    """How a subscription will be served; `offset` is where its cursor stands (0 for a snapshot)."""

    resume: Resume
    offset: int


def plan(hub: Hub, channel: Channel, cursor: str | None) -> Plan:
    """The cheapest way that leaves no gap. A cursor that is not of this log, or from the future, gets a snapshot."""
    recent = hub.recent[channel.partition]
    offset = offset_of(cursor, channel.prefix)
    if offset is None or offset > recent.position:
        return Plan("snapshot", 0)
    return Plan("tail" if recent.covers(channel.stream, offset) else "cells", offset)


class CatchUp:
    """Serves subscriptions of one gateway.

    Args:
        wake: called with a channel that has subscriptions BEHIND; each is to be resumed that can be.
    """

    def __init__(
        self, log: EventLog, store: StateReader, hub: Hub, *, wake: Callable[[Channel], None]
    ) -> None:  # fmt: skip
        self._log = log
        self._store = store
        self._hub = hub
        self._wake = wake
        self._joined = JoinedTails()

    async def serve(self, subscription: Subscription, how: Plan) -> None:
        """Send what is missing; the subscription is LIVE, or BEHIND a full outbox, when this returns.

        Raises:
            StoreUnavailable, LogUnavailable: the connection should come back later.
            ConnectionError: it is gone.
        """
        if how.resume == "tail":
            self.serve_tail(subscription, how.offset)
        else:
            await self._serve_cells(subscription, how)

    async def resume(self, subscription: Subscription) -> None:
        """Go on where a slow reader stopped, unless it ended meanwhile or goes on already. Raises as `serve`."""
        if subscription.state is not SubscriptionState.BEHIND:
            return
        offset = subscription.offset
        subscription.state = SubscriptionState.CATCHING_UP
        await self.serve(subscription, Plan("tail" if self._covers(subscription, offset) else "cells", offset))

    def _covers(self, subscription: Subscription, offset: int) -> bool:
        """Whether the ring has all that a reader lacks who has everything below `offset`."""
        channel = subscription.channel
        recent = self._hub.recent[channel.partition]
        return subscription.generation == channel.generation and recent.covers(channel.stream, offset)

    def serve_tail(self, subscription: Subscription, offset: int) -> None:
        """The original deltas, from memory, all at once."""
        channel, sink = subscription.channel, subscription.sink
        if not self._covers(subscription, offset):  # the cells were rebuilt since that was decided
            subscription.state = SubscriptionState.BEHIND
            subscription.offset = offset
            self._wake(channel)
            return
        for first, framed in self._joined.pieces(channel, sink.codec, self._hub.recent[channel.partition], offset):
            if sink.congested:
                subscription.state = SubscriptionState.BEHIND
                subscription.offset = first
                return
            sink.join(framed)
        if subscription.state is SubscriptionState.CATCHING_UP:
            subscription.state = SubscriptionState.LIVE

    async def _serve_cells(self, subscription: Subscription, how: Plan) -> None:
        """Send the store's cells and what came since; all of it again when they were rebuilt meanwhile."""
        channel = subscription.channel
        recent = self._hub.recent[channel.partition]
        rebuilt = recent.rebuilt_at(channel.stream)
        while True:
            if rebuilt >= 0:
                await self._store.swap_ended(channel.partition)
            newest = await self._serve_once(subscription, how, rebuilt)
            if subscription.state is not SubscriptionState.CATCHING_UP:
                return
            rebuilt = max(newest, recent.rebuilt_at(channel.stream))

    async def _serve_once(self, subscription: Subscription, how: Plan, rebuilt: int) -> int:
        """One try; the subscription stays CATCHING_UP when it must be made again.

        Args:
            rebuilt: offset of a `projection.rebuilt` record whose swap has ended.

        Returns:
            The offset of the newest such record that was met.
        """
        channel, sink = subscription.channel, subscription.sink
        stream, recent = channel.stream, self._hub.recent[channel.partition]
        state = await self._store.cells(stream, channel.partition, from_offset=how.offset)
        check_epoch(state.checkpoint, self._log.epoch(channel.partition))
        if state.generation > channel.generation:
            self._begin_generation(channel, state.generation)
        generation = channel.generation
        snapshot = how.resume == "snapshot" or subscription.generation != generation
        if snapshot and how.offset > 0:
            state = await self._store.cells(stream, channel.partition)
        parts = _Parts(channel, sink.codec, snapshot=snapshot)
        *early, final = list(_chunks(state.cells)) or [()]
        for chunk in early:
            await sink.drained()
            if subscription.state is not SubscriptionState.CATCHING_UP:
                return rebuilt  # unsubscribed, or its role was lost: it gets nothing more
            sink.write(parts.framed(_wire_rows(chunk, sink.codec)))
            await asyncio.sleep(0)  # a large stream must not hold up the deltas of others
        late: Cells = {}
        newest = rebuilt
        offset = min(state.checkpoint.offset_next, recent.position)
        while True:
            entries, offset = await recent_entries(self._log, recent, stream, offset)
            newest = max(newest, newest_rebuilt(entries))
            for entry in entries:
                fold(late, entry.cells)
            if not sink.congested:
                break
            await sink.drained()
        if subscription.state is not SubscriptionState.CATCHING_UP:
            return newest
        if newest > rebuilt or channel.generation != generation:
            return newest
        _drop_losers(late, state.cells)
        *before, last = [_wire_rows(final, sink.codec), *map(wire_cells, _chunks_of_cells(late))]
        for cells in before:
            sink.write(parts.framed(cells))
        sink.write(parts.framed(last, cursor=channel.cursor(offset)))
        subscription.generation = generation
        subscription.state = SubscriptionState.LIVE
        return newest

    def _begin_generation(self, channel: Channel, generation: int) -> None:
        """Cells were replaced by smaller ranks. A cursor of the new generation must never reach who holds older cells:
        they are served a snapshot, too."""
        channel.begin_generation(generation)
        for subscription in channel.subscriptions:
            if subscription.state is SubscriptionState.LIVE:
                subscription.state = SubscriptionState.BEHIND
                subscription.offset = 0
        self._wake(channel)


class _Parts:
    """The messages of one catch-up: parts of a snapshot, or deltas without `by`."""

    def __init__(self, channel: Channel, codec: Codec, *, snapshot: bool) -> None:
        self._channel = channel
        self._codec = codec
        self._snapshot = snapshot
        self._part = 0

    def framed(self, cells: list[WireCell], cursor: str | None = None) -> bytes:
        """The next part; the last one is that which carries the cursor."""
        message: Snapshot | Delta
        if self._snapshot:
            message = Snapshot(self._channel.stream, cells, self._part, cursor is not None, cursor)
        else:
            message = Delta(self._channel.stream, cells, cursor)
        self._part += 1
        return self._codec.framed(message)


def _wire_rows(rows: Sequence[CellRow], codec: Codec) -> list[WireCell]:
    """Rows as the wire has them; canonical bytes are JSON already."""
    if codec.text:
        return [(row.key, row.rank, Raw(row.value)) for row in rows]
    return [(row.key, row.rank, from_canonical(row.value)) for row in rows]


def _chunks(rows: Sequence[CellRow]) -> Iterator[Sequence[CellRow]]:
    """Rows cut by count and by bytes."""
    start, size = 0, 0
    for index, row in enumerate(rows):
        row_bytes = len(row.key) + len(row.rank) + len(row.value)
        if index > start and (index - start == SNAPSHOT_CELLS_MAX or size + row_bytes > PART_BYTES_MAX):
            yield rows[start:index]
            start, size = index, 0
        size += row_bytes
    if start < len(rows):
        yield rows[start:]


def _chunks_of_cells(cells: Cells) -> Iterator[Cells]:
    """The cells beyond the checkpoint, cut as rows are."""
    chunk: Cells = {}
    size = 0
    for key, cell in cells.items():
        cell_bytes = len(key) + len(cell.rank) + _size_bound(cell)
        if chunk and (len(chunk) == SNAPSHOT_CELLS_MAX or size + cell_bytes > PART_BYTES_MAX):
            yield chunk
            chunk, size = {}, 0
        chunk[key] = cell
        size += cell_bytes
    if chunk:
        yield chunk


def _size_bound(cell: Cell) -> int:
    """Bytes of a cell's value: exact where it may be large, 16 for a plain number, flag or null."""
    value = cell.value
    if isinstance(value, dict | list | str):
        return len(canonical(value))
    return 16


def _drop_losers(late: Cells, rows: Sequence[CellRow]) -> None:
    """Leave out late cells that lose against a row already sent, so that even a client that only replaces is right."""
    if not late:
        return
    for row in rows:
        cell = late.get(row.key)
        if cell is not None and not wins(cell, Cell(row.rank, from_canonical(row.value))):
            del late[row.key]

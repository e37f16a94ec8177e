"""Reading a stream's cells while they may be rebuilt.

A rebuild appends a `projection.rebuilt` record, then commits the cells that it swaps. Who meets the record, in the ring
or in the log, may be early: they wait for the swap's end, and read again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from syncd.log.port import EventLog
from syncd.model.events import REBUILT
from syncd.push.entry import Entry
from syncd.push.history import recent_entries
from syncd.push.hub import Channel
from syncd.push.recent import Recent
from syncd.store.port import StateReader, StreamState


def newest_rebuilt(entries: Iterable[Entry]) -> int:
    """The offset of the last `projection.rebuilt` among entries in order; -1 when there is none."""
    return max((entry.offset for entry in entries if entry.kind == REBUILT), default=-1)


async def settled_cells(
    log: EventLog, store: StateReader, recent: Recent, channel: Channel, read: Callable[[], Awaitable[StreamState]]
) -> tuple[StreamState, list[Entry], int]:
    """What `read` finds in the store, every entry from its checkpoint to the tail's position, and that position.

    All swaps have ended that were known of when the call returns, and nothing is published in between.

    Raises:
        StoreUnavailable, LogUnavailable: no answer.
    """
    seen = recent.rebuilt_at(channel.stream)
    while True:
        if seen >= 0:
            await store.swap_ended(channel.partition)
        state = await read()
        offset = min(state.checkpoint.offset_next, recent.position)
        entries, position = await recent_entries(log, recent, channel.stream, offset)
        newest = newest_rebuilt(entries)
        if newest <= seen:
            return state, entries, position
        seen = newest

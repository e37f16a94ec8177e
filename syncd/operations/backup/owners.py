"""Who owns the playlists that were made after a backup of the store: a log that is no part of the backup knows.

A playlist belongs to whoever was the first to be admitted to it. The store's row of that is as old as the backup; a log
in Kafka goes on behind it. Without its row such a playlist would belong to the next one who writes to it.
"""

from __future__ import annotations

from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog
from syncd.model.ids import is_playlist
from syncd.operations.advance import Advance, quiet
from syncd.operations.refold import admitted_of
from syncd.store.port import Store


async def claim_owners(log: EventLog, store: Store, *, progress: Advance = quiet) -> int:
    """Give every playlist in the log, from the store's checkpoints on, its owner unless it has one.

    Args:
        progress: (records looked at, of all).

    Returns:
        How many got one.

    Raises:
        LogUnavailable, StoreUnavailable: no answer; do it again.
    """
    claimed, known = 0, set[str]()
    for partition in range(log.partitions):
        end = await log.end(partition)
        start = offset = max(await log.start(partition), (await store.checkpoint(partition)).offset_next)
        while offset < end:
            for record in await log.read(partition, offset, limit=READ_RECORDS_MAX):
                offset = record.offset + 1
                if not is_playlist(record.stream) or record.stream in known:
                    continue
                admitted = admitted_of(record)
                if admitted is None or not admitted.account:
                    continue
                known.add(record.stream)
                before = (await store.streams([record.stream]))[record.stream].owner
                owner = (await store.claim_stream(record.stream, owner=admitted.account)).owner
                claimed += before is None and owner == admitted.account
            progress(offset - start, end - start)
    return claimed

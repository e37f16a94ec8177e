"""The events behind one cell: who wrote it, which write stands, and why the others do not.

Every record of the stream is lowered again, so the answer is made of the log alone and proves what the store holds.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, cast

from syncd.errors import NotFound
from syncd.log.port import EventLog
from syncd.log.record import Admitted
from syncd.model.canonical import Json
from syncd.model.cells import Cell, Cells, fold
from syncd.model.ids import event_id, from_key_part
from syncd.operations.advance import Advance, quiet
from syncd.operations.rank_difference import rank_difference
from syncd.operations.refold import admitted_of, first_offset, group_pages, written_by
from syncd.push.state import current_state
from syncd.store.port import StateReader

NEAREST_OF_KEYS_MAX: Final = 5_000
"""Keys among which a mistyped one's neighbours are looked for; comparing each takes some microseconds."""


@dataclass(frozen=True, slots=True)
class Write:
    """One event that wrote the cell.

    Attributes:
        offset: of its record in the partition.
        t: packed time after admission; what ranks are made of.
        device_name: as the stream last called the device; None in playlists, and where it has no name.
        stands: whether this is the write that the cell shows; one of them does.
        because: why it lost; empty for the one that stands.
    """

    offset: int
    event: str
    kind: str
    t: int
    admitted_ms: int
    account: str
    device: str
    device_name: str | None
    rank: str
    value: Json
    stands: bool
    because: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All writes of one cell, in the log's order.

    Attributes:
        agrees: whether the store, with the log's tail, holds the write that stands. False calls for `syncd verify`.
        unreadable: records of the stream that could not be read, and may have written the cell.
    """

    stream: str
    key: str
    writes: list[Write]
    agrees: bool
    unreadable: int


async def why(
    log: EventLog, store: StateReader, stream: str, key: str, *, since_ms: int | None = None, progress: Advance = quiet
) -> Explanation:
    """Explain one cell.

    Args:
        since_ms: nothing of the stream was admitted before, where that is known.
        progress: (records looked at, of all).

    Raises:
        NotFound: no event wrote it; the text names the nearest keys that were written.
        OffsetExpired: the log does not reach back to its beginning.
        EpochChanged, LogUnavailable, StoreUnavailable: as the log and the store say.
    """
    found: list[tuple[int, Admitted, Cell]] = []
    names: Cells = {}
    keys: dict[str, None] = {}
    unreadable = 0
    partition = log.partition_of(stream)
    start, end = await first_offset(log, partition, since_ms), await log.end(partition)
    async for page in group_pages(log, [stream], start, end):
        progress(page.offset_next - start, end - start)
        for record in page.records:
            admitted = admitted_of(record)
            if admitted is None:
                unreadable += 1
                continue
            writes = written_by(admitted)
            keys.update(dict.fromkeys(writes))
            fold(names, {name: cell for name, cell in writes.items() if _is_device_name(name)})
            if key in writes:
                found.append((record.offset, admitted, writes[key]))
    if not found:
        raise NotFound(f"no event of {stream} wrote the cell {key!r}{_nearest(key, list(keys))}")

    standing: Cells = {}
    for _, _, cell in found:
        fold(standing, {key: cell})
    winner = next(n for n, (_, _, cell) in enumerate(found) if cell == standing[key])
    called = {from_key_part(name.split("/")[1]): cast("str | None", cell.value) for name, cell in names.items()}
    writes_ = [
        _write(offset, admitted, cell, called, because="" if n == winner else rank_difference(key, cell, standing[key]))
        for n, (offset, admitted, cell) in enumerate(found)
    ]
    held = (await current_state(log, store, stream)).cells.get(key)
    # Somebody may have written the cell since the log was read; a larger rank is no disagreement.
    agrees = held is not None and (held == standing[key] or held.rank > standing[key].rank)
    return Explanation(stream, key, writes_, agrees, unreadable)


def _write(offset: int, admitted: Admitted, cell: Cell, called: dict[str, str | None], *, because: str) -> Write:
    event = admitted.event
    return Write(
        offset=offset,
        event=event_id(event.writer, event.seq),
        kind=event.kind,
        t=event.t,
        admitted_ms=admitted.admitted_ms,
        account=admitted.account,
        device=admitted.device,
        device_name=called.get(admitted.device),
        rank=cell.rank,
        value=cell.value,
        stands=not because,
        because=because,
    )


def _is_device_name(key: str) -> bool:
    return key.startswith("device/") and key.endswith("/name")


def _nearest(key: str, keys: list[str]) -> str:
    """Keys that look like a mistyped one: of the same sort first, else of any."""
    prefix = key.partition("/")[0]
    same_sort = [known for known in keys if known.startswith(prefix)] or keys
    near = difflib.get_close_matches(key, same_sort[:NEAREST_OF_KEYS_MAX], n=3, cutoff=0.5)
    return f"; near it are {', '.join(repr(known) for known in near)}" if near else ""

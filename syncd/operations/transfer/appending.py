"""Appending records that a log may hold already: those it does are recognised, and left out.

Events keep their ids, and an id that the log holds is not appended again; so doing it twice changes nothing, and what
was interrupted goes on by doing it again. (An event may have been admitted twice, with two times. Then both records
count, and are told apart by their bodies.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec import field as default

from syncd.errors import AppendUnknown, LogUnavailable
from syncd.limits import APPEND_BYTES_MAX
from syncd.log.port import EventLog
from syncd.log.record import Record
from syncd.operations.advance import Advance, quiet
from syncd.operations.transfer.reading import records
from syncd.operations.transfer.seqs import Seqs
from syncd.operations.transfer.spilled import Key, Spilled

GROUP_RECORDS: Final = 500
"""Records in one append: large enough to be quick, small enough that live appends need not wait for it."""
APPEND_ATTEMPTS: Final = 5
"""An append whose outcome is unknown is made again: joining a record twice changes nothing."""


class Last(NamedTuple):
    """The largest seq of a writer on a stream, and a hash of that record's body."""

    seq: int
    hashed: bytes


class _Known(Struct):
    """What is known of a writer on a stream.

    Attributes:
        seen: seqs that the log held when this was prepared; `last`: the largest of them.
        taken: seqs of the records that were given since.
    """

    seen: Seqs = default(default_factory=Seqs)
    taken: Seqs = default(default_factory=Seqs)
    last: Last | None = None


def hash_of(body: bytes) -> bytes:
    """What tells two bodies apart: 8 bytes, since nobody here wants to deceive us."""
    return sha256(body).digest()[:8]


@dataclass(slots=True)
class Appending:
    """`prepare`, then `append` one by one, then `flush`; `close` it in the end.

    What it knows of writers is in a file beyond a bound: their number is that of all devices there ever were.

    Attributes:
        appended, known: how many records were written, and how many were there.
    """

    log: EventLog
    appended: int = 0
    known: int = 0
    _writers: Spilled[_Known] = field(default_factory=lambda: Spilled(_Known))
    """(stream, writer) -> what is known of it."""
    _again: set[tuple[Key, int, bytes]] = field(default_factory=set)
    """Records of the log under an id that it held already; a gateway that lost an answer leaves one at most."""
    _group: list[Record] = field(default_factory=list)
    _group_bytes: int = 0

    async def prepare(self, streams: set[str] | None, *, progress: Advance = quiet) -> None:
        """Learn what the log holds of these streams; of all when None.

        Raises:
            LogUnavailable: no answer.
        """
        log = self.log
        touched: Iterable[int] = range(log.partitions)
        if streams is not None:
            touched = {log.partition_of(stream) for stream in streams}
        ends = {partition: await log.end(partition) for partition in touched}
        starts = {partition: await log.start(partition) for partition in ends}
        async for record in records(log, streams, starts, ends, progress=progress):
            self._learn((record.stream, record.writer), record.seq, hash_of(record.body))

    async def append(self, record: Record) -> None:
        """Append a record unless it is there; they gather until a group of them is written. Raises as `flush`."""
        if self._is_known((record.stream, record.writer), record.seq, record.body):
            self.known += 1
            return
        is_full = len(self._group) == GROUP_RECORDS or self._group_bytes + len(record.body) > APPEND_BYTES_MAX
        if self._group and is_full:
            await self.flush()
        self._group.append(record)
        self._group_bytes += len(record.body)

    async def flush(self) -> None:
        """Write what is gathered.

        Raises:
            LogUnavailable: it was refused, all or in part; do it all again later.
            AppendUnknown: nobody knows; do it all again later.
        """
        rest = self._group
        for _ in range(APPEND_ATTEMPTS):
            if not rest:
                break
            outcomes = await self.log.append(rest)
            refused = next((one.reason for one in outcomes if one.outcome == "refused"), None)
            if refused is not None:
                raise LogUnavailable(f"the log refuses records: {refused}; what is there stays, do it again later")
            rest = [record for one in outcomes if one.outcome == "unknown" for record in one.records]
        if rest:
            raise AppendUnknown(f"nobody knows whether {len(rest)} records were written; do it again later")
        self.appended += len(self._group)
        self._group, self._group_bytes = [], 0

    def last(self, key: Key) -> Last | None:
        """What the log held of a writer on a stream when this was prepared."""
        known = self._writers.get(key)
        return None if known is None else known.last

    def close(self) -> None:
        """Let go of the file."""
        self._writers.close()

    def _learn(self, key: Key, seq: int, hashed: bytes) -> None:
        known = self._known(key)
        if not known.seen.add(seq):
            self._again.add((key, seq, hashed))
        elif known.last is None or seq > known.last.seq:
            known.last = Last(seq, hashed)

    def _is_known(self, key: Key, seq: int, body: bytes) -> bool:
        known = self._known(key)
        if known.taken.add(seq):
            return seq in known.seen
        return (key, seq, hash_of(body)) in self._again

    def _known(self, key: Key) -> _Known:
        known = self._writers.get(key)
        if known is None:
            known = self._writers[key] = _Known()
        return known

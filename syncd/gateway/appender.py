"""The grouped append: what all connections have waiting goes into one append while the previous one commits."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from syncd.errors import LogUnavailable
from syncd.gateway.ledger import StreamLedger
from syncd.gateway.spans import AppendSpans
from syncd.limits import (
    APPEND_BYTES_MAX,
    APPEND_RECORDS_MAX,
    APPEND_TIMEOUT_S,
    APPEND_WAITING_BYTES_MAX,
    APPEND_WAITING_MAX,
)
from syncd.log.port import Appended, EventLog
from syncd.log.record import Record
from syncd.metrics import Metrics
from syncd.push.entry import Entry

if TYPE_CHECKING:
    from syncd.gateway.conversation import Conversation


Key: TypeAlias = tuple[str, str, int]
"""(writer, stream, seq) of an event."""


class Pending(Struct, eq=False):
    """An admitted event on its way to the log, and where its answer goes."""

    record: Record
    entry: Entry
    origin: Conversation
    ledger: StreamLedger

    @property
    def key(self) -> Key:
        record = self.record
        return record.writer, record.stream, record.seq


class Appender:
    """One append at a time; what arrives meanwhile forms the next group.

    Args:
        on_written: (partition, offset of the first, pendings in log order).
        on_refused: nothing of these was written; `reason` is public text.
        on_unknown: nobody knows about these.
        spans: told of every step, where events are traced.

    Attributes:
        under_way: every pending that has no outcome yet, so that the tail recognises a record of ours that it reads
            before the append answers.
    """

    def __init__(
        self, log: EventLog, metrics: Metrics, *, on_written: Callable[[int, int, Sequence[Pending]], None],
        on_refused: Callable[[Sequence[Pending], str], None], on_unknown: Callable[[Sequence[Pending]], None],
        spans: AppendSpans | None = None,
    ) -> None:  # fmt: skip
        self._log = log
        self._metrics = metrics
        self._on_written = on_written
        self._on_refused = on_refused
        self._on_unknown = on_unknown
        self._spans = spans
        self._waiting: deque[Pending] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._settled = asyncio.Event()
        self.under_way: dict[Key, Pending] = {}

    @property
    def waiting(self) -> int:
        """Records that wait for the next append."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no more may wait; events are then nacked `unavailable`."""
        return len(self._waiting) >= APPEND_WAITING_MAX or self._waiting_bytes >= APPEND_WAITING_BYTES_MAX

    def submit(self, pending: Pending) -> None:
        """Take an admitted event."""
        self.under_way[pending.key] = pending
        self._waiting.append(pending)
        self._waiting_bytes += len(pending.record.body)
        if self._spans is not None:
            self._spans.waits(pending)
        self._arrived.set()

    def withdraw(self, origin: Conversation) -> list[Pending]:
        """Take back what an origin has waiting and the log was not given yet."""
        mine = [pending for pending in self._waiting if pending.origin is origin]
        if mine:
            self._waiting = deque(pending for pending in self._waiting if pending.origin is not origin)
            for pending in mine:
                self.under_way.pop(pending.key, None)
                self._waiting_bytes -= len(pending.record.body)
            self._settled.set()
            if self._spans is not None:
                self._spans.withdrawn(mine)
        return mine

    async def run(self) -> None:
        """Append groups until cancelled. A cancelled append's outcome is unknown, and said so."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._append(self._next_group())

    def take(self, entry: Entry) -> Pending | None:
        """The pending of a record that is durable now, once; None when it is nobody's here."""
        pending = self.under_way.pop((entry.writer, entry.stream, entry.seq), None)
        if pending is not None:
            self._settled.set()
        return pending

    async def settled(self, writer: str, *, timeout_s: float) -> None:
        """Wait until nothing of a writer is under way.

        Raises:
            LogUnavailable: not within `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while any(key[0] == writer for key in self.under_way):
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError as error:
            raise LogUnavailable(f"events of {writer} are under way to the log for over {timeout_s} s") from error

    def under_way_t(self, writer: str) -> int:
        """The largest time of what a writer has under way; 0 when that is nothing."""
        times = (pending.entry.t for key, pending in self.under_way.items() if key[0] == writer)
        return max(times, default=0)

    def has_under_way(self, partition: int) -> bool:
        """Whether something of a partition waits for the log, or for its answer."""
        return any(self._log.partition_of(stream) == partition for _, stream, _ in self.under_way)

    async def idle(self) -> None:
        """Wait until everything submitted has an outcome."""
        while self.under_way:
            self._settled.clear()
            await self._settled.wait()

    def _next_group(self) -> list[Pending]:
        """The longest waiting, at least one, within the bounds of one append."""
        if len(self._waiting) <= APPEND_RECORDS_MAX and self._waiting_bytes <= APPEND_BYTES_MAX:
            everything = list(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            return everything
        group: list[Pending] = []
        group_bytes = 0
        while self._waiting and len(group) < APPEND_RECORDS_MAX:
            group_bytes += len(self._waiting[0].record.body)
            if group and group_bytes > APPEND_BYTES_MAX:
                break
            pending = self._waiting.popleft()
            self._waiting_bytes -= len(pending.record.body)
            group.append(pending)
        return group

    async def _append(self, group: list[Pending]) -> None:
        metrics = self._metrics
        metrics.append_group_records.observe(len(group))
        started_s = time.monotonic()
        started_ns = 0 if self._spans is None else self._spans.handed(group)
        records = [pending.record for pending in group]
        try:
            # The log has the same deadline and knows better what became of the records: it speaks first.
            async with asyncio.timeout(APPEND_TIMEOUT_S + 1.0):
                outcomes = await self._log.append(records)
        except TimeoutError:
            self._settle(group)
            self._on_unknown(group)
            return
        except BaseException:  # cancelled, or a bug of the log, which ends this task and so the process
            self._settle(group)
            self._on_unknown(group)
            raise
        metrics.append_seconds.observe(time.monotonic() - started_s)
        for outcome, pendings in _by_outcome(outcomes, group):
            metrics.appends.add(outcome.outcome)
            if self._spans is not None:
                self._spans.answered(pendings, outcome.outcome, started_ns=started_ns)
            self._outcome(outcome, pendings)

    def _outcome(self, outcome: Appended, pendings: Sequence[Pending]) -> None:
        if outcome.outcome == "written":
            self._metrics.events_admitted += len(pendings)
            self._on_written(outcome.partition, outcome.offset_start, pendings)
            return
        self._settle(pendings)
        if outcome.outcome == "refused":
            self._on_refused(pendings, outcome.reason)
        else:
            self._on_unknown(pendings)

    def _settle(self, pendings: Sequence[Pending]) -> None:
        for pending in pendings:
            self.under_way.pop(pending.key, None)
        self._settled.set()


def _by_outcome(
    outcomes: Sequence[Appended], group: Sequence[Pending]
) -> Iterator[tuple[Appended, Sequence[Pending]]]:  # fmt: skip
    """The outcomes, each with the pendings of its records, in its order."""
    if len(outcomes) == 1:
        yield outcomes[0], group
        return
    of_record = {id(pending.record): pending for pending in group}
    for outcome in outcomes:
        yield outcome, [of_record[id(record)] for record in outcome.records]

"""The grouped append: what all connections have waiting goes into one append while the previous one commits."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain, takewhile
from typing import TYPE_CHECKING

from syncd.errors import LogUnavailable
from syncd.gateway.pending import Key, Pending
from syncd.gateway.spans import AppendSpans
from syncd.limits import (
    APPEND_BYTES_MAX,
    APPEND_RECORDS_MAX,
    APPEND_TIMEOUT_S,
    APPEND_WAITING_BYTES_MAX,
    APPEND_WAITING_MAX,
)
from syncd.log.port import Appended, EventLog, PacedLog
from syncd.metrics import Metrics
from syncd.push.entry import Entry

if TYPE_CHECKING:
    from syncd.gateway.conversation import Conversation


class Appender:
    """One append at a time; what arrives meanwhile, and while a `PacedLog` rests, forms the next group.

    Args:
        on_written: (partition, offset of the first, pendings in log order); whether they were published. If not, the
            tail will meet them.
        on_refused: nothing of these was written; `reason` is public text.
        on_unknown: nobody knows about these.
        spans: told of every step, where events are traced.

    Attributes:
        full: whether no more may wait; events are then nacked `unavailable`.
    """

    def __init__(
        self, log: EventLog, metrics: Metrics, *, on_written: Callable[[int, int, Sequence[Pending]], bool],
        on_refused: Callable[[Sequence[Pending], str], None], on_unknown: Callable[[Sequence[Pending]], None],
        spans: AppendSpans | None = None,
    ) -> None:  # fmt: skip
        self._log = log
        self._pace_s = log.pace_s if isinstance(log, PacedLog) else 0.0
        self._metrics = metrics
        self._on_written = on_written
        self._on_refused = on_refused
        self._on_unknown = on_unknown
        self._spans = spans
        self._waiting: list[Pending] = []
        self._waiting_bytes = 0
        self._handed: deque[Sequence[Pending]] = deque()
        """Given to the log, and not answered: the group, or what is left of it."""
        self._to_be_met: dict[Key, Pending] = {}
        """Those among what was handed, or left to the tail, that it will meet; filled when it is first needed."""
        self._arrived = asyncio.Event()
        self._settled = asyncio.Event()
        self.full = False

    @property
    def waiting(self) -> int:
        """Records that wait for the next append."""
        return len(self._waiting)

    def submit(self, pending: Pending) -> None:
        """Take an admitted event."""
        waiting = self._waiting
        if not waiting:
            self._arrived.set()
        waiting.append(pending)
        self._waiting_bytes += len(pending.record.body)
        if len(waiting) >= APPEND_WAITING_MAX or self._waiting_bytes >= APPEND_WAITING_BYTES_MAX:
            self.full = True
        if self._spans is not None:
            self._spans.waits(pending)

    def withdraw(self, origin: Conversation) -> list[Pending]:
        """Take back what an origin has waiting and the log was not given yet."""
        mine = [pending for pending in self._waiting if pending.origin is origin]
        if mine:
            self._wait([pending for pending in self._waiting if pending.origin is not origin])
            self._settled.set()
            if self._spans is not None:
                self._spans.withdrawn(mine)
        return mine

    def _wait(self, waiting: list[Pending]) -> None:
        """From now on these wait, and no others."""
        self._waiting = waiting
        self._waiting_bytes = sum(len(pending.record.body) for pending in waiting)
        self.full = len(waiting) >= APPEND_WAITING_MAX or self._waiting_bytes >= APPEND_WAITING_BYTES_MAX

    async def run(self) -> None:
        """Append groups until cancelled. A cancelled append's outcome is unknown, and said so."""
        begun_s = float("-inf")
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                if (rest_s := begun_s + self._pace_s - time.monotonic()) > 0:
                    await asyncio.sleep(rest_s)
                    if not self._waiting:
                        break  # all was withdrawn
                begun_s = time.monotonic()
                await self._append(self._next_group())

    def take(self, entry: Entry) -> Pending | None:
        """The pending of a record that the tail met, once; None when it is nobody's here."""
        while self._handed:
            self._leave_to_tail(self._handed.popleft())
        pending = self._to_be_met.pop((entry.writer, entry.stream, entry.seq), None)
        if pending is not None:
            self._settled.set()
        return pending

    def _leave_to_tail(self, pendings: Sequence[Pending]) -> None:
        self._to_be_met.update((pending.key, pending) for pending in pendings)

    def _under_way(self) -> Iterator[Pending]:
        """Every pending that has no outcome yet, or whose outcome is not published."""
        return chain(self._waiting, *self._handed, self._to_be_met.values())

    async def settled(self, writer: str, *, timeout_s: float) -> None:
        """Wait until nothing of a writer is under way.

        Raises:
            LogUnavailable: not within `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while any(pending.record.writer == writer for pending in self._under_way()):
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError as error:
            raise LogUnavailable(f"events of {writer} are under way to the log for over {timeout_s} s") from error

    def under_way_t(self, writer: str) -> int:
        """The largest time of what a writer has under way; 0 when that is nothing."""
        times = (pending.entry.t for pending in self._under_way() if pending.record.writer == writer)
        return max(times, default=0)

    def has_under_way(self, partition: int) -> bool:
        """Whether something of a partition waits for the log, or for its answer."""
        return any(self._log.partition_of(pending.record.stream) == partition for pending in self._under_way())

    async def idle(self) -> None:
        """Wait until everything submitted has an outcome."""
        while any(True for _ in self._under_way()):
            self._settled.clear()
            await self._settled.wait()

    def _next_group(self) -> list[Pending]:
        """The longest waiting, at least one, within the bounds of one append."""
        group = self._waiting
        if len(group) <= APPEND_RECORDS_MAX and self._waiting_bytes <= APPEND_BYTES_MAX:
            self._waiting, self._waiting_bytes, self.full = [], 0, False
            return group
        group_bytes = accumulate(len(pending.record.body) for pending in group)
        fitting = sum(1 for total in takewhile(APPEND_BYTES_MAX.__ge__, group_bytes))
        count = min(max(fitting, 1), APPEND_RECORDS_MAX)
        self._wait(group[count:])
        return group[:count]

    async def _append(self, group: list[Pending]) -> None:
        metrics = self._metrics
        metrics.append_group_records.observe(len(group))
        started_s = time.monotonic()
        started_ns = 0 if self._spans is None else self._spans.handed(group)
        self._handed.append(group)
        try:
            # The log has the same deadline and knows better what became of the records: it speaks first.
            async with asyncio.timeout(APPEND_TIMEOUT_S + 1.0):
                outcomes = await self._log.append([pending.record for pending in group])
        except TimeoutError:
            self._unknown(group)
            return
        except BaseException:  # cancelled, or a bug of the log, which ends this task and so the process
            self._unknown(group)
            raise
        metrics.append_seconds.observe(time.monotonic() - started_s)
        answered = list(_by_outcome(outcomes, group))
        is_indexed = self._take_back()
        if not is_indexed:
            self._handed.extend(pendings for _, pendings in answered)
        for outcome, pendings in answered:
            metrics.appends.add(outcome.outcome)
            if self._spans is not None:
                self._spans.answered(pendings, outcome.outcome, started_ns=started_ns)
            if not is_indexed:
                self._handed.popleft()
            self._outcome(outcome, pendings, is_indexed=is_indexed)
            self._settled.set()

    def _outcome(self, outcome: Appended, pendings: Sequence[Pending], *, is_indexed: bool) -> None:
        if outcome.outcome == "written":
            self._metrics.events_admitted += len(pendings)
            is_published = self._on_written(outcome.partition, outcome.offset_start, pendings)
            if is_indexed and is_published:
                self._forget(pendings)
            elif not is_indexed and not is_published:
                self._leave_to_tail(pendings)
            return
        if is_indexed:
            self._forget(pendings)
        if outcome.outcome == "refused":
            self._on_refused(pendings, outcome.reason)
        else:
            self._on_unknown(pendings)

    def _unknown(self, group: Sequence[Pending]) -> None:
        if self._take_back():
            self._forget(group)
        self._settled.set()
        self._on_unknown(group)

    def _take_back(self) -> bool:
        """Nothing is handed any more; whether the tail had reason to look at it meanwhile."""
        is_indexed = not self._handed
        self._handed.clear()
        return is_indexed

    def _forget(self, pendings: Sequence[Pending]) -> None:
        for pending in pendings:
            self._to_be_met.pop(pending.key, None)


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

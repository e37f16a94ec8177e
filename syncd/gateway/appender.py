"""The grouped append: what all connections have waiting goes into one append while the previous one commits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncd.gateway.admission import Admission
from syncd.gateway.ledger import StreamLedger, WriterLedger
from syncd.limits import APPEND_RECORDS_MAX, APPEND_TIMEOUT_S, APPEND_WAITING_MAX
from syncd.log.port import Appended, EventLog

if TYPE_CHECKING:
    from syncd.gateway.conversation import Conversation


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """An admitted event on its way to the log, and where its answer goes."""

    admission: Admission
    origin: Conversation
    writer: WriterLedger
    ledger: StreamLedger

    @property
    def key(self) -> tuple[str, str, int]:
        """(writer, stream, seq)."""
        record = self.admission.record
        return record.writer, record.stream, record.seq


class Appender:
    """One append at a time; what arrives meanwhile forms the next group.

    Args:
        on_written: (partition, offset of the first, pendings in log order).
        on_refused: nothing of these was written; `reason` is public text.
        on_unknown: nobody knows about these.

    Attributes:
        under_way: every pending that has no outcome yet, by (writer, stream, seq), so that the tail recognises a record
            of ours that it reads before the append answers.
    """

    def __init__(
        self, log: EventLog, *, on_written: Callable[[int, int, Sequence[Pending]], None],
        on_refused: Callable[[Sequence[Pending], str], None], on_unknown: Callable[[Sequence[Pending]], None],
    ) -> None:  # fmt: skip
        self._log = log
        self._on_written = on_written
        self._on_refused = on_refused
        self._on_unknown = on_unknown
        self._waiting: deque[Pending] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.under_way: dict[tuple[str, str, int], Pending] = {}
        self.groups = 0
        self.records = 0

    @property
    def full(self) -> bool:
        """Whether no more may wait; events are then nacked `unavailable`."""
        return len(self._waiting) >= APPEND_WAITING_MAX

    def submit(self, pending: Pending) -> None:
        """Take an admitted event."""
        self.under_way[pending.key] = pending
        self._waiting.append(pending)
        self._idle.clear()
        self._arrived.set()

    def withdraw(self, origin: Conversation) -> list[Pending]:
        """Take back what an origin has waiting and the log was not given yet."""
        mine = [pending for pending in self._waiting if pending.origin is origin]
        if mine:
            self._waiting = deque(pending for pending in self._waiting if pending.origin is not origin)
            for pending in mine:
                self.under_way.pop(pending.key, None)
        return mine

    async def run(self) -> None:
        """Append groups until cancelled. A cancelled append's outcome is unknown, and said so."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                count = min(len(self._waiting), APPEND_RECORDS_MAX)
                await self._append([self._waiting.popleft() for _ in range(count)])
            self._idle.set()

    async def idle(self) -> None:
        """Wait until everything submitted has an outcome."""
        await self._idle.wait()

    async def _append(self, group: list[Pending]) -> None:
        self.groups += 1
        self.records += len(group)
        of_record = {id(pending.admission.record): pending for pending in group}
        records = [pending.admission.record for pending in group]
        try:
            async with asyncio.timeout(APPEND_TIMEOUT_S):
                outcomes = await self._log.append(records)
        except TimeoutError:
            self._settle(group)
            self._on_unknown(group)
            return
        except asyncio.CancelledError:
            self._settle(group)
            self._on_unknown(group)
            raise
        for outcome in outcomes:
            self._outcome(outcome, [of_record[id(record)] for record in outcome.records])

    def _outcome(self, outcome: Appended, pendings: list[Pending]) -> None:
        if outcome.outcome == "written":
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



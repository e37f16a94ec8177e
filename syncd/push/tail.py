"""The tail of one partition: hands every durable record to the hub, once, in log order.

What this gateway appended itself is published at the append's answer, without reading it back, as long as nobody else
wrote in between. Where somebody did, the log is read from the tail's position; records of ours that are met there are
recognised by their ids. Both ways meet in `_publish`, so order and "once" are kept in one place: `position`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from syncd.clock import Clock
from syncd.errors import LogUnavailable, Poison
from syncd.limits import LOG_POLL_S, READ_RECORDS_MAX
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord, decode_record
from syncd.logs import get_logger
from syncd.metrics import Metrics
from syncd.push.entry import Entry
from syncd.push.entry_of import entry_of
from syncd.push.hub import Hub, Origin
from syncd.push.recent import Recent

log = get_logger("push")

Publish: TypeAlias = Callable[[int, Sequence[Entry], Sequence[Origin | None]], None]

TAIL_WAIT_S = 30.0
"""One wait for news; the log polls by itself within it, so this only bounds how long a wait can hang."""

OWN_PAUSE_S = 0.005
"""After a wake for nothing, before the next wait. Our own append did it, and a busy gateway makes hundreds a second,
each of which would wake the tails of all its partitions. Others' records wait so much longer, at most; those that lie
before our own, which must not wait, end the pause."""


class Tail:
    """Follows one partition from `start` on.

    Each record goes to one of these, in order, exactly once.

    Args:
        publish: called with (partition, entries, their origins), where we appended them ourselves.
        read: called with (partition, entry), where the record was met in the log.
        skipped: called with a record that cannot be read, in its turn.
    """

    def __init__(
        self, event_log: EventLog, hub: Hub, partition: int, *, start: int, ring_bytes_max: int,
        publish: Publish, read: Callable[[int, Entry], None], skipped: Callable[[LoggedRecord], None],
        metrics: Metrics, clock: Clock,
    ) -> None:  # fmt: skip
        self._log = event_log
        self._hub = hub
        self._metrics = metrics
        self._clock = clock
        self.partition = partition
        self.recent = hub.recent[partition] = Recent(position=start, bytes_max=ring_bytes_max)
        self._publish = publish
        self._read = read
        self._skipped = skipped
        self._moved = asyncio.Event()
        self._behind = asyncio.Event()

    @property
    def position(self) -> int:
        """Offset of the next record to publish."""
        return self.recent.position

    def appended(self, offset_start: int, entries: Sequence[Entry], origins: Sequence[Origin | None]) -> bool:
        """Publish records of our own whose append was answered, if nothing lies between them and the position.

        Returns:
            Whether they were published here; else the reader meets them in their turn.
        """
        if offset_start != self.recent.position:
            self._behind.set()
            return False
        for offset, entry in enumerate(entries, offset_start):
            entry.offset = offset
        self._publish(self.partition, entries, origins)
        self._signal()
        return True

    async def reached(self, offset: int, *, timeout_s: float) -> None:
        """Wait until everything below `offset` was published.

        Raises:
            LogUnavailable: not within `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while self.position < offset:
                    await self._moved.wait()
        except TimeoutError as error:
            raise LogUnavailable(
                f"the tail is at {self.position} and did not reach {offset} in {timeout_s} s"
            ) from error

    async def run(self) -> None:
        """Read what others wrote, until cancelled. Troubles of the log are told when they begin and end."""
        waits = False
        while True:
            try:
                end = await self._log.wait_beyond(self.partition, self.position, timeout_s=TAIL_WAIT_S)
                if self.position >= end:
                    await self._rest()
                while self.position < end:
                    await self._read_on()
                if waits:
                    waits = False
                    log.info("tail_goes_on", partition=self.partition, offset_next=self.position)
            except LogUnavailable as error:
                if not waits:
                    waits = True
                    log.warning("tail_waits", partition=self.partition, offset_next=self.position, code=error.code)
                await asyncio.sleep(LOG_POLL_S)

    async def _rest(self) -> None:
        self._behind.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(OWN_PAUSE_S):
                await self._behind.wait()

    async def _read_on(self) -> None:
        records = await self._log.read(self.partition, self.position, limit=READ_RECORDS_MAX)
        with self._hub.turn.held():
            for record in records:
                # Our own append may have been answered and published while the read was under way.
                if record.offset >= self.position:
                    self._publish_record(record)
        self._signal()

    def _publish_record(self, record: LoggedRecord) -> None:
        try:
            admitted = decode_record(record)
            entry = entry_of(record, admitted)
        except Poison as error:
            # The projector sets it aside as a dead letter; nobody can be pushed what nobody can read.
            log.error("record_skipped", partition=record.partition, offset=record.offset, code=error.code)
            self.recent.skip(record.offset)
            self._skipped(record)
            return
        sent = self._hub.deltas_sent
        self._read(self.partition, entry)
        if self._hub.deltas_sent > sent:
            passed_ms = self._clock.now_ms() - admitted.admitted_ms
            self._metrics.admit_to_delta_seconds.observe(max(0, passed_ms) / 1000)

    def _signal(self) -> None:
        self._moved.set()
        self._moved.clear()

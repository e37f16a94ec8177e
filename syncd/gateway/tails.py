"""The tails of the partitions that somebody here needs, and no others.

    (absent) --first hold--> OPENING --at the log's end--> OPEN --last release--> LINGERING --30 s--> (absent)
                                |                            ^---------hold-----------'
                                '--log or store do not answer--> (absent); its holders get the error

Who holds a partition: a connection that of its own account, and a stream's guard that of the stream. All that append or
look into a ring have one of the two, but for appends whose connection has gone meanwhile: `in_use` speaks for those.
With a tail its ring goes; who comes later is served from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncd.clock import Clock
from syncd.errors import LogUnavailable, Unavailable
from syncd.limits import TAIL_LINGER_S, TAIL_OPEN_TIMEOUT_S
from syncd.log.bounds import check_folded
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord
from syncd.logs import get_logger
from syncd.metrics import Metrics
from syncd.push.entry import Entry
from syncd.push.hub import Hub
from syncd.push.state import check_epoch
from syncd.push.tail import Publish, Tail
from syncd.store.port import Checkpoint, StateReader

log = get_logger("gateway")

RING_RECORDS_AT_START = 50_000
"""How many records before the log's end a ring begins with, at most: a second or two of reading."""
NEW_EPOCH_TIMEOUT_S = 10.0
"""How long to wait for a projector to begin the log's epoch: two leases and a bit."""
NEW_EPOCH_POLL_S = 0.05
REACH_TIMEOUT_S = 60.0
"""For a new tail to read up to the log's end. Whoever waits for it gives up earlier, and finds it when they return."""


class _Held:
    """One partition that is needed, or was a moment ago."""

    __slots__ = ("ending", "opening", "partition", "reading", "tail", "users")

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.users = 0
        self.opening: asyncio.Task[None]
        self.reading: asyncio.Task[None] | None = None
        self.tail: Tail | None = None
        """None until it has come to the log's end."""
        self.ending: asyncio.TimerHandle | None = None


class Tails:
    """See the module's picture.

    Args:
        ring_bytes_max: of all rings together.
        publish, read, skipped: as `Tail`'s.
        in_use: whether something of a partition is under way to the log.
    """

    def __init__(
        self, event_log: EventLog, store: StateReader, hub: Hub, metrics: Metrics, clock: Clock, *,
        ring_bytes_max: int, publish: Publish, read: Callable[[int, Entry], None],
        skipped: Callable[[LoggedRecord], None], in_use: Callable[[int], bool],
    ) -> None:  # fmt: skip
        self._log = event_log
        self._store = store
        self._hub = hub
        self._metrics = metrics
        self._clock = clock
        self._ring_bytes_max = ring_bytes_max // event_log.partitions
        self._publish = publish
        self._read = read
        self._skipped = skipped
        self._in_use = in_use
        self._held: dict[int, _Held] = {}
        self._broken = asyncio.Event()
        self._error: BaseException | None = None
        self._closed = False

    def of(self, partition: int) -> Tail:
        """The tail of a partition that somebody holds."""
        tail = self._held[partition].tail
        assert tail is not None, f"nobody who uses partition {partition} has waited for its tail"
        return tail

    async def hold(self, partition: int) -> None:
        """Keep a partition's tail until `release`, and wait until it has come to where the log ended.

        If cancelled, or when it raises, nothing is held.

        Raises:
            LogUnavailable, StoreUnavailable: it has not, within `TAIL_OPEN_TIMEOUT_S`.
        """
        held = self._held.get(partition)
        if held is None:
            held = self._held[partition] = _Held(partition)
            held.opening = asyncio.create_task(self._open(held), name=f"tail-{partition}")
            held.opening.add_done_callback(lambda opening: self._opened(held, opening))
            self._count()
        held.users += 1
        if held.ending is not None:
            held.ending.cancel()
            held.ending = None
        if held.tail is not None:
            return
        try:
            async with asyncio.timeout(TAIL_OPEN_TIMEOUT_S):
                await asyncio.shield(held.opening)
        except TimeoutError as error:
            self._let_go(held)
            raise LogUnavailable(
                f"the tail of partition {partition} has not come to the log's end in {TAIL_OPEN_TIMEOUT_S} s"
            ) from error
        except BaseException:
            self._let_go(held)
            raise

    def release(self, partition: int) -> None:
        """The end of one `hold`. The tail goes on for `TAIL_LINGER_S`: most of those who leave come back."""
        self._let_go(self._held[partition])

    async def check_epochs(self) -> None:
        """Wait until the store was folded from the log's present life, in all partitions.

        Raises:
            EpochChanged: it was folded from another one, and no projector begins this one.
            PositionLost: the log does not hold what would have to be joined with the store.
            StoreUnavailable, LogUnavailable: no answer.
        """
        for partition in range(self._log.partitions):
            await self._joined(partition)

    async def watch(self) -> None:
        """Return never; raise what ended a tail: it is not of the log any more that this process opened."""
        await self._broken.wait()
        assert self._error is not None
        raise self._error

    async def close(self) -> None:
        """Stop all of them. Releases may still come."""
        self._closed = True
        tasks = []
        for held in self._held.values():
            tasks += [task for task in (held.opening, held.reading) if task is not None]
            if held.ending is not None:
                held.ending.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- inside ---

    async def _open(self, held: _Held) -> None:
        partition = held.partition
        folded, end = await self._joined(partition)
        tail = Tail(
            self._log, self._hub, partition, start=max(folded, end - RING_RECORDS_AT_START),
            ring_bytes_max=self._ring_bytes_max, publish=self._publish, read=self._read, skipped=self._skipped,
            metrics=self._metrics, clock=self._clock,
        )  # fmt: skip
        held.reading = asyncio.create_task(tail.run(), name=f"tail-{partition}")
        held.reading.add_done_callback(self._stopped)
        await tail.reached(end, timeout_s=REACH_TIMEOUT_S)
        held.tail = tail

    async def _joined(self, partition: int) -> tuple[int, int]:
        """Up to where a partition is folded, and the log's end, which is not before."""
        checkpoint = await self._checkpoint(partition)
        start, end = await self._log.start(partition), await self._log.end(partition)
        if checkpoint.epoch:  # else nobody has folded anything, and will begin at the start
            check_folded(partition, checkpoint.offset_next, start=start, end=end)
        return max(start, checkpoint.offset_next), end

    async def _checkpoint(self, partition: int) -> Checkpoint:
        """The partition's checkpoint. In a new life of the log it is a projector that begins the new epoch: wait."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + NEW_EPOCH_TIMEOUT_S
        while True:
            checkpoint = await self._store.checkpoint(partition)
            if loop.time() >= deadline_s:
                check_epoch(checkpoint, self._log.epoch(partition))
            if checkpoint.epoch in ("", self._log.epoch(partition)):
                return checkpoint
            await asyncio.sleep(NEW_EPOCH_POLL_S)

    def _opened(self, held: _Held, opening: asyncio.Task[None]) -> None:
        """Runs before those who wait for it: whoever comes next starts anew."""
        if opening.cancelled() or (error := opening.exception()) is None:
            return
        log.warning("tail_not_opened", partition=held.partition, error=str(error))
        self._end(held)
        if not isinstance(error, Unavailable):
            self._break(error)

    def _stopped(self, reading: asyncio.Task[None]) -> None:
        if not reading.cancelled() and (error := reading.exception()) is not None:
            self._break(error)

    def _break(self, error: BaseException) -> None:
        self._error = self._error or error
        self._broken.set()

    def _let_go(self, held: _Held) -> None:
        assert held.users > 0, f"partition {held.partition} was released more often than held"
        held.users -= 1
        if held.users == 0 and self._held.get(held.partition) is held:
            self._linger(held)

    def _linger(self, held: _Held) -> None:
        if not self._closed:
            held.ending = asyncio.get_running_loop().call_later(TAIL_LINGER_S, self._end_unused, held)

    def _end_unused(self, held: _Held) -> None:
        if self._in_use(held.partition):
            self._linger(held)
        else:
            self._end(held)

    def _end(self, held: _Held) -> None:
        del self._held[held.partition]
        held.opening.cancel()
        if held.reading is not None:
            held.reading.cancel()
        self._hub.forget(held.partition)
        self._count()

    def _count(self) -> None:
        self._metrics.tailed_partitions = len(self._held)

"""Hears when partitions move: one request per watched partition that the broker answers when there is something.

Only speed depends on it. A watch that stands still, because a broker froze or a connection died unnoticed, is covered
by `EventLog.wait_beyond` asking for the end twice a second, and begins anew after its own deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from syncd.errors import LogUnavailable
from syncd.limits import LOG_POLL_S
from syncd.log.ends import KnownEnds
from syncd.log.kafka.brokers import Brokers
from syncd.log.kafka.wire import Fetch
from syncd.logs import get_logger

WATCH_S = 10 * LOG_POLL_S
"""How long a broker may hold one answer back."""

IDLE_S = 5.0
"""How long a partition that nobody waits for is still watched: a tail is back in a moment."""

OWN_PAUSE_S = 0.002
"""Before we believe news of a partition that this process appends to: most likely they are of our own batch, whose
answer will be here in a moment, and whoever waits would read it back. Others' records are heard of so much later, at
most."""

log = get_logger("log")


class Watches:
    """One watch for each partition that somebody waits for.

    Args:
        appending: how many appends of this process to a partition are under way.
    """

    def __init__(self, brokers: Brokers, topic_id: bytes, ends: KnownEnds, appending: Mapping[int, int]) -> None:
        self._brokers = brokers
        self._topic_id = topic_id
        self._ends = ends
        self._appending = appending
        self._waiting: Counter[int] = Counter()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    @contextmanager
    def watching(self, partition: int) -> Iterator[None]:
        """Keep the known end of a partition fresh meanwhile."""
        self._waiting[partition] += 1
        if partition not in self._tasks:
            self._tasks[partition] = asyncio.create_task(self._watch(partition), name=f"syncd-kafka-watch-{partition}")
        try:
            yield
        finally:
            self._waiting[partition] -= 1

    async def close(self) -> None:
        """Stop all watches."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self, partition: int) -> None:
        loop = asyncio.get_running_loop()
        wanted_until = loop.time() + IDLE_S
        try:
            while loop.time() < wanted_until:
                await self._look(partition)
                if self._waiting[partition]:
                    wanted_until = loop.time() + IDLE_S
        finally:
            del self._tasks[partition]

    async def _look(self, partition: int) -> None:
        request = Fetch(self._topic_id, partition, self._ends[partition], bytes_max=1, wait_ms=int(WATCH_S * 1000))
        try:
            fetched = Fetch.answer(
                await self._brokers.ask_leader(partition, request, lane=("watch", partition), wait_s=WATCH_S)
            )
        except LogUnavailable as error:
            # Polling covers it; whoever waits meets the same trouble, and tells of it once.
            log.debug("watch_lost", partition=partition, code=error.code, error=str(error))
            await asyncio.sleep(LOG_POLL_S)
            return
        if fetched.error:
            # Whoever waits asks for the end himself, and is told what this means.
            self._brokers.forget_leader(partition)
            await asyncio.sleep(LOG_POLL_S)
            return
        if self._appending[partition] or fetched.stable <= self._ends[partition]:
            await asyncio.sleep(OWN_PAUSE_S)
        self._ends.rise(partition, fetched.stable)

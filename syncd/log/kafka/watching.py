"""Hears when partitions move: one request at each broker that it answers when one of its partitions has something.

Only speed depends on it. A watch that stands still, because a broker froze or a connection died unnoticed, is covered
by `EventLog.wait_beyond` asking for the end twice a second, and begins anew after its own deadline.

Each answer costs us and the broker as much as an append does, and on a busy partition the next one is there at once. So
a broker is not asked again before our readers can use what it says, and not at all while we append to all that is
watched there: each answer of an append says where its partition ends, too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from syncd.errors import LogUnavailable
from syncd.limits import LOG_POLL_S
from syncd.log.ends import KnownEnds
from syncd.log.kafka.brokers import Brokers, Target
from syncd.log.kafka.own_appends import OwnAppends
from syncd.log.kafka.wire import Fetch
from syncd.logs import get_logger

WATCH_S = 10 * LOG_POLL_S
"""How long a broker may hold one answer back."""

IDLE_S = 5.0
"""How long a partition that nobody waits for is still watched: a tail is back in a moment."""

TOGETHER_S = 0.005
"""Who begins to wait for one partition mostly begins to wait for others: they are watched by one request."""

LATER_MS: Final = 50
"""Between news for those for whom no device waits: a projector gathers a batch anyhow."""

OWN_PAUSE_S = 0.005
"""Before we believe news of a partition that this process appends to, and ask again after no other news: most likely
they are of our own batch, whose answer will be here in a moment, and whoever waits would read it back. Also after our
last append to a partition, before anybody is asked about it. Others' records are heard of so much later, at most; at
once where our next append finds them before its own."""

log = get_logger("log")


class Watches:
    """Watches the partitions that somebody waits for.

    Args:
        own: what this process appends.
        news_within_ms: how soon news should be told; the first after a silence always are at once.
    """

    def __init__(
        self, brokers: Brokers, topic_id: bytes, ends: KnownEnds, own: OwnAppends, *, news_within_ms: int
    ) -> None:
        self._brokers = brokers
        self._topic_id = topic_id
        self._ends = ends
        self._own = own
        self._pause_s = news_within_ms / 1000
        self._waiting: Counter[int] = Counter()
        self._wanted_until: dict[int, float] = {}
        """By partition; while somebody waits it does not count."""
        self._more = asyncio.get_running_loop().create_future()
        """Done when a partition came that no request asks for yet."""
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, partition: int) -> Iterator[None]:
        """Keep the known end of a partition fresh meanwhile."""
        self._waiting[partition] += 1
        if partition not in self._wanted_until:
            self._wanted_until[partition] = 0.0
            if not self._more.done():
                self._more.set_result(None)
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="syncd-kafka-watch")
        try:
            yield
        finally:
            self._waiting[partition] -= 1
            self._wanted_until[partition] = asyncio.get_running_loop().time() + IDLE_S

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        looks: dict[Target, _Look] = {}
        try:
            while True:
                if self._more.done():
                    self._more = asyncio.get_running_loop().create_future()
                    await asyncio.sleep(TOGETHER_S)
                await self._begin(self._wanted(), looks)
                tasks = [look.task for look in looks.values()]
                await asyncio.wait({self._more, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for look in looks.values():
                await _end(look)

    def _wanted(self) -> list[int]:
        """The partitions to watch; forgets the others."""
        now_s = asyncio.get_running_loop().time()
        for partition, until_s in list(self._wanted_until.items()):
            if not self._waiting[partition] and until_s < now_s:
                del self._wanted_until[partition]
        return list(self._wanted_until)

    async def _begin(self, wanted: Sequence[int], looks: dict[Target, _Look]) -> None:
        """See to it that each wanted partition's leader is being asked."""
        homes = await self._homes(wanted)
        for target, look in list(looks.items()):
            if look.task.done():
                look.task.result()  # what it raises is a bug
                del looks[target]
            elif not look.partitions.issuperset(homes.get(target, ())):
                # The broker answers it first, so what is asked next needs another connection.
                await _end(look)
                self._brokers.hang_up(target, "watch")
                del looks[target]
        for target, partitions in homes.items():
            if target not in looks:
                task = asyncio.create_task(self._look(target, partitions), name="syncd-kafka-look")
                looks[target] = _Look(frozenset(partitions), task)

    async def _homes(self, wanted: Sequence[int]) -> dict[Target, list[int]]:
        while True:
            try:
                homes = await self._brokers.homes(wanted)
            except LogUnavailable as error:
                # Polling covers it; whoever waits meets the same trouble, and tells of it once.
                log.debug("watch_lost", code=error.code, error=str(error))
            else:
                if homes or not wanted:
                    return homes
            await asyncio.sleep(LOG_POLL_S)

    async def _look(self, target: Target, partitions: Sequence[int]) -> None:
        """Ask once, tell, and rest for as long as need be."""
        await self._own_told(partitions)
        places = {partition: self._ends[partition] for partition in partitions}
        request = Fetch(self._topic_id, places, bytes_max=1, wait_ms=int(WATCH_S * 1000))
        try:
            response = await self._brokers.ask(target, partitions, request, lane="watch", wait_s=WATCH_S)
        except LogUnavailable as error:
            log.debug("watch_lost", code=error.code, error=str(error))
            await asyncio.sleep(LOG_POLL_S)
            return
        failed, found = Fetch.answers(response)
        ends = {partition: fetched.stable for partition, fetched in found.items() if not fetched.error}
        await self._tell(ends)
        if failed or len(ends) < len(partitions):
            # Whoever waits asks for the end himself, and is told what this means.
            for partition in set(partitions) - ends.keys():
                self._brokers.forget_leader(partition)
            await asyncio.sleep(LOG_POLL_S)

    async def _own_told(self, partitions: Sequence[int]) -> None:
        """Wait until our own appends do not tell of all of these any more."""
        while True:
            if not all(self._own.tell_of(partition, within_s=OWN_PAUSE_S) for partition in partitions):
                return
            await asyncio.sleep(OWN_PAUSE_S)

    async def _tell(self, ends: Mapping[int, int]) -> None:
        news = {partition: end for partition, end in ends.items() if end > self._ends[partition]}
        others = {partition: end for partition, end in news.items() if not self._own.is_under_way(partition)}
        for partition, end in others.items():
            self._ends.rise(partition, end)
        await asyncio.sleep(self._pause_s if others else max(self._pause_s, OWN_PAUSE_S))
        for partition, end in news.items():
            self._ends.rise(partition, end)


class _Look(NamedTuple):
    """One request under way."""

    partitions: frozenset[int]
    task: asyncio.Task[None]


async def _end(look: _Look) -> None:
    look.task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await look.task

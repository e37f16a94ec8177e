"""Reads records and bounds of partitions.

Each read says where it begins and is answered whole: there is no consumer whose position could stand still, be reset to
the latest record, or belong to a reader at another place of the same partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from aiokafka.errors import CorruptRecordException

from syncd import limits
from syncd.errors import EpochChanged, LogUnavailable
from syncd.log.bounds import check_kept
from syncd.log.ends import KnownEnds
from syncd.log.kafka.brokers import NO_SUCH_TOPIC, PASSING, Brokers, NoLeader, error_name
from syncd.log.kafka.encoding import decode_batches
from syncd.log.kafka.wire import EARLIEST, LATEST, Fetch, Fetched, ListOffset, TopicMetadata
from syncd.log.record import LoggedRecord

READ_BYTES = 2 * 1024 * 1024
"""Of one answer, but for a first batch that is larger; some thousand records."""

RETRY_S = 0.1
"""Between attempts, while leaders change."""

CERTAIN_TIMES = 3
"""How often a topic must be found absent before it counts as deleted: a broker that just started may not know yet."""

BROKEN_TIMES = 2
"""How often a connection may fail under one request."""

OUT_OF_RANGE = 1
"""Kafka's code for an offset before the oldest or beyond the newest record."""

Answer = TypeVar("Answer", bound=tuple[Any, ...])


class Bounds(NamedTuple):
    """Of one partition: the oldest offset kept, and the next one."""

    start: int
    end: int


class Reader:
    """Reads one life of a topic."""

    def __init__(self, brokers: Brokers, topic_id: bytes, ends: KnownEnds) -> None:
        self._brokers = brokers
        self._topic_id = topic_id
        self._ends = ends

    async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
        """As `EventLog.read`."""
        limit = min(limit, limits.READ_RECORDS_MAX)
        while True:
            fetched = await self._fetch(partition, max(from_, 0), bytes_max=READ_BYTES)
            if from_ < 0 or fetched.error == OUT_OF_RANGE or from_ > fetched.stable:
                start, end = await self._bounds_listed(partition)
                check_kept(from_, start=start, end=end)
                continue  # what was not there a moment ago is there now
            records = self._records(partition, from_, fetched.records, limit=limit)
            if not records and from_ < fetched.stable:
                raise LogUnavailable(f"partition {partition} ends at {fetched.stable}, and has nothing at {from_}")
            return records

    async def bounds(self, partition: int) -> Bounds:
        """The bounds as they are now.

        Raises:
            LogUnavailable: no answer in time.
            EpochChanged: the topic was deleted, made again, or has lost records that we have seen.
        """
        known = self._ends[partition]
        # One answer holds both bounds and proves the life; it carries one batch when the end has moved.
        fetched = await self._fetch(partition, known, bytes_max=1)
        if fetched.error == OUT_OF_RANGE or fetched.end < known:
            return await self._bounds_listed(partition)
        self._ends.rise(partition, fetched.stable)
        return Bounds(fetched.start, fetched.stable)

    async def offset_at(self, partition: int, time_ms: int) -> int:
        """As `TimedLog.offset_at`."""
        offset = await self._list_offset(partition, max(time_ms, 0))
        await self.check_life()
        return offset if offset >= 0 else (await self.bounds(partition)).end

    async def check_life(self) -> TopicMetadata:
        """What the cluster says of the topic. Raises `EpochChanged` when it is another one, or gone."""
        attempt = 1
        while (found := await self._brokers.describe()).error in NO_SUCH_TOPIC:
            if attempt == CERTAIN_TIMES:
                raise EpochChanged(f"topic {self._brokers.address.topic} was deleted")
            attempt += 1
            await asyncio.sleep(RETRY_S)
        if found.error == 0 and found.topic_id != self._topic_id:
            raise EpochChanged(f"topic {self._brokers.address.topic} was deleted and made again: open it anew")
        return found

    async def _bounds_listed(self, partition: int) -> Bounds:
        """The bounds by a request that never answers with an old end, as a fetch may just after a new leader came."""
        known = self._ends[partition]
        start, end = [await self._list_offset(partition, which) for which in (EARLIEST, LATEST)]
        await self.check_life()
        if end < known:
            raise EpochChanged(
                f"partition {partition} ends at {end}, {known} were seen: records are lost,"
                " run `syncd migrate --new-epoch`"
            )
        self._ends.rise(partition, end)
        return Bounds(start, end)

    async def _list_offset(self, partition: int, which: int) -> int:
        async def ask() -> tuple[int, int]:
            request = ListOffset(self._brokers.address.topic, partition, which)
            return ListOffset.answer(await self._brokers.ask_leader(partition, request))

        return (await self.settled(partition, ask))[1]

    async def _fetch(self, partition: int, offset: int, *, bytes_max: int) -> Fetched:
        """An answer that is good, or says `OUT_OF_RANGE`."""

        async def ask() -> Fetched:
            request = Fetch(self._topic_id, {partition: offset}, bytes_max=bytes_max)
            return Fetch.answer(await self._brokers.ask_leader(partition, request))

        return await self.settled(partition, ask)

    async def settled(self, partition: int, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask a partition's leader until it answers, or clearly will not.

        Args:
            ask: an answer begins with Kafka's error code.

        Returns:
            An answer whose code is 0 or `OUT_OF_RANGE`.

        Raises:
            LogUnavailable: no answer in time.
            EpochChanged: the topic is another one, or gone.
        """
        broken = 0
        try:
            async with asyncio.timeout(limits.STATEMENT_TIMEOUT_S):
                while True:
                    try:
                        answer = await ask()
                    except NoLeader:
                        await self.check_life()
                    except LogUnavailable:
                        # Once is no news: brokers hang up on idle connections.
                        broken += 1
                        if broken == BROKEN_TIMES:
                            raise
                    else:
                        error: int = answer[0]
                        if error in (0, OUT_OF_RANGE):
                            return answer
                        if error in NO_SUCH_TOPIC:
                            await self.check_life()
                        elif error not in PASSING:
                            raise LogUnavailable(f"partition {partition}: Kafka answers {error_name(error)}")
                        self._brokers.forget_leader(partition)
                    await asyncio.sleep(RETRY_S)
        except TimeoutError as error:
            raise LogUnavailable(
                f"partition {partition}: no leader answers within {limits.STATEMENT_TIMEOUT_S:g} s"
            ) from error

    def _records(self, partition: int, from_: int, batches: bytes, *, limit: int) -> list[LoggedRecord]:
        """Those from `from_` on; the first batch may begin before it."""
        records: list[LoggedRecord] = []
        offset = from_
        try:
            for record in decode_batches(partition, batches):
                if record.offset < from_:
                    continue
                if record.offset != offset:
                    raise LogUnavailable(
                        f"partition {partition} has no offsets {offset} to {record.offset - 1}: was it compacted?"
                    )
                records.append(record)
                offset += 1
                if len(records) == limit:
                    break
        except CorruptRecordException as error:
            raise LogUnavailable(f"partition {partition}: what Kafka sends for offset {offset} is damaged") from error
        return records

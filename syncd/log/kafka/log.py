"""The log as a Kafka topic."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from aiokafka.protocol.admin import DeleteRecordsRequest

from syncd import limits
from syncd.errors import EpochChanged, OffsetInFuture
from syncd.log.bounds import check_kept
from syncd.log.ends import KnownEnds
from syncd.log.kafka.address import PLAINTEXT, KafkaAddress, KafkaSecurity
from syncd.log.kafka.brokers import Brokers
from syncd.log.kafka.life import epoch_name
from syncd.log.kafka.own_appends import OwnAppends
from syncd.log.kafka.producing import Producing
from syncd.log.kafka.reading import Bounds, Reader
from syncd.log.kafka.topic import fit_topic, other_partitions
from syncd.log.kafka.watching import LATER_MS, Watches
from syncd.log.kafka.wire import TopicMetadata
from syncd.log.partition import by_partition, partition_of
from syncd.log.port import Appended, Page
from syncd.log.record import LoggedRecord, Record

PACE_S: Final = 0.002
"""A request to the broker and its answer take some 0.6 ms of processor time, here and there together. Without a rest a
gateway with 2,000 events a second sends 600 of them, three events each: more than the events cost themselves. An event
waits 1 ms longer on average where there is a core to spare, and where there is none not even that."""


class KafkaLog:
    """An `EventLog`, a `TrimmableLog`, a `TimedLog` and a `PacedLog`. No `SearchableLog`: to read one stream it reads
    its partition.

    Attributes:
        topic_id: drawn by the cluster when it made the topic; hexadecimal.

    It keeps a producer, one connection per broker to read, and one per partition that somebody waits for.

    An append cannot name the life of the log that it means, as a read does. When the topic is deleted and made again,
    records may go to the new one, and are reported as written, until the next read, or half a second of waiting,
    notices; from then on appends are refused.
    """

    def __init__(
        self, brokers: Brokers, topic: TopicMetadata, *, epoch: str, append_timeout_s: float,
        news_within_ms: int,
    ) -> None:  # fmt: skip
        """Use `open`."""
        self._epoch = epoch
        self._partitions = len(topic.leaders)
        self.topic_id = topic.topic_id.hex()
        self._brokers = brokers
        self._ends = KnownEnds(self._partitions)
        self._producing = Producing(brokers, timeout_s=append_timeout_s)
        self._reader = Reader(brokers, topic.topic_id, self._ends)
        self._own = OwnAppends()
        self._watches = Watches(brokers, topic.topic_id, self._ends, self._own, news_within_ms=news_within_ms)
        self._life_over: EpochChanged | None = None

    @classmethod
    async def open(
        cls, servers: str | Sequence[str], topic: str, *, partitions: int | None = None,
        security: KafkaSecurity = PLAINTEXT, marker: str = "", append_timeout_s: float = limits.APPEND_TIMEOUT_S,
        making: bool = True, epoch: str | None = None, news_within_ms: int = LATER_MS,
    ) -> KafkaLog:  # fmt: skip
        """Open the log in a topic.

        Args:
            servers: some brokers, `host:port`; several in one text are separated by commas.
            partitions: how many the deployment has written down, and a new topic gets. None takes those of the topic,
                or `PARTITIONS_NEW`.
            marker: of the deployment; part of the epoch, so that `syncd migrate --new-epoch` begins one.
            append_timeout_s: after this long an append's outcome is unknown.
            making: create the topic when there is none.
            epoch: the name of its life, where it has another than the topic's id and the marker give it.
            news_within_ms: how soon `wait_beyond` should hear of what other processes append. The sooner, the more it
                costs brokers and us.

        Raises:
            ConfigError: the topic is absent, has another number of partitions, or settings that lose records;
                `security` is not complete.
            LogUnavailable: no broker answers.
        """
        names = tuple(servers.split(",")) if isinstance(servers, str) else tuple(servers)
        brokers = Brokers(KafkaAddress(names, topic), security)
        try:
            found = await fit_topic(brokers, partitions, making=making)
        except BaseException:
            await brokers.close()
            raise
        epoch = epoch or epoch_name(found.topic_id, marker)
        return cls(brokers, found, epoch=epoch, append_timeout_s=append_timeout_s, news_within_ms=news_within_ms)

    @property
    def address(self) -> KafkaAddress:
        """Its cluster and name."""
        return self._brokers.address

    @property
    def topic(self) -> str:
        """Its name in the cluster."""
        return self._brokers.address.topic

    @property
    def pace_s(self) -> float:
        return PACE_S

    @property
    def partitions(self) -> int:
        return self._partitions

    def partition_of(self, stream: str) -> int:
        return partition_of(stream, self._partitions)

    def epoch(self, partition: int) -> str:
        return self._epoch

    async def append(self, records: Sequence[Record]) -> list[Appended]:
        groups = by_partition(records, self._partitions)
        if self._life_over is not None:
            reason = str(self._life_over)
            return [Appended(partition, "refused", group, reason=reason) for partition, group in groups.items()]
        # Now, and not when the answer is here: whoever watches may have heard of these records sooner.
        ends_before = {partition: self._ends[partition] for partition in groups}
        with self._own.under_way(groups.keys()):
            outcomes = await self._producing.append(groups)
        return [self._of_this_life(appended, ends_before[appended.partition]) for appended in outcomes]

    def _of_this_life(self, appended: Appended, end_before: int) -> Appended:
        """The outcome, unless it shows that the log is another one; its end is known from now on."""
        if appended.outcome != "written":
            return appended
        partition, offset_start = appended.partition, appended.offset_start
        if offset_start < end_before:
            self._life_over = EpochChanged(
                f"partition {partition} went back from {end_before} to {offset_start}: open the log anew"
            )
            return Appended(partition, "unknown", appended.records, reason=str(self._life_over))
        self._own.written(partition)
        self._ends.rise(partition, offset_start + len(appended.records))
        return appended

    async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
        with self._one_life():
            return await self._reader.read(partition, from_, limit=limit)

    async def read_stream(self, stream: str, from_: int, *, until: int, limit: int) -> Page:
        records: list[LoggedRecord] = []
        passed = await self.read(self.partition_of(stream), from_, limit=limits.READ_RECORDS_MAX)
        if not passed and from_ < until:
            raise OffsetInFuture(f"offset {until} is beyond {from_}, the end of the log")
        for record in passed:
            if record.offset >= until or len(records) == limit:
                break
            from_ = record.offset + 1
            if record.stream == stream:
                records.append(record)
        return Page(records, min(from_, until))

    async def start(self, partition: int) -> int:
        return (await self._bounds(partition)).start

    async def end(self, partition: int) -> int:
        return (await self._bounds(partition)).end

    async def wait_beyond(self, partition: int, offset: int, *, timeout_s: float) -> int:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        with self._watches.watching(partition):
            while True:
                wait_s = min(deadline - loop.time(), limits.LOG_POLL_S)
                if (end := await self._ends.wait_beyond(partition, offset, timeout_s=wait_s)) > offset:
                    return end
                # Nothing was heard. Also the watchdog: a watch may stand still, and the topic may be another one.
                if (end := await self.end(partition)) > offset or loop.time() >= deadline:
                    return end

    async def offset_at(self, partition: int, time_ms: int) -> int:
        with self._one_life():
            return await self._reader.offset_at(partition, time_ms)

    async def trim(self, partition: int, before: int) -> None:
        start, end = await self._bounds(partition)
        check_kept(before, start=min(start, before), end=end)
        if before > start:
            with self._one_life():
                await self._reader.settled(partition, lambda: self._delete_records(partition, before))

    async def check(self) -> None:
        with self._one_life():
            found = await self._reader.check_life()
        if found.error == 0 and len(found.leaders) != self._partitions:
            raise other_partitions(self.topic, len(found.leaders), self._partitions)

    async def close(self) -> None:
        self._producing.close()
        await self._watches.close()
        await self._brokers.close()

    async def _bounds(self, partition: int) -> Bounds:
        with self._one_life():
            return await self._reader.bounds(partition)

    async def _delete_records(self, partition: int, before: int) -> tuple[int, int]:
        timeout_ms = int(limits.STATEMENT_TIMEOUT_S * 1000)
        request = DeleteRecordsRequest([(self._brokers.address.topic, [(partition, before)])], timeout_ms)
        response = await self._brokers.ask_leader(partition, request)
        ((_, ((_, start, error, *_),), *_),) = response.topics
        return error, start

    @contextmanager
    def _one_life(self) -> Iterator[None]:
        """Let nothing happen in another life than the one that was opened."""
        if self._life_over is not None:
            raise EpochChanged(str(self._life_over))
        try:
            yield
        except EpochChanged as error:
            self._life_over = error
            raise


async def open_kafka_log(
    url: str, *, partitions: int | None = None, security: KafkaSecurity = PLAINTEXT, marker: str = "",
    making: bool = True, epoch: str | None = None, news_within_ms: int = LATER_MS,
) -> KafkaLog:  # fmt: skip
    """`KafkaLog.open` of what `SYNCD_LOG` names: `kafka://host:port[,host:port]/topic`."""
    address = KafkaAddress.of_url(url)
    return await KafkaLog.open(
        address.servers, address.topic, partitions=partitions, security=security, marker=marker, making=making,
        epoch=epoch, news_within_ms=news_within_ms,
    )  # fmt: skip

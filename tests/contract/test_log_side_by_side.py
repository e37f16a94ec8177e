"""All adapters of the log, driven side by side by hypothesis: every answer must be the same everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import asyncpg
import pytest
from adapters_under_test import databases
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from logs_under_test import KafkaUnderTest, Log, stream_records

from syncd.errors import PositionLost
from syncd.log.memory import MemoryLog
from syncd.log.postgres import PostgresLog
from syncd.log.record import Record
from syncd.testing.postgres import Version, installed_versions

STREAMS: Final = [f"a:{number}" for number in range(4)] + ["p:x"]
WRITERS: Final = ["wwwwwwwwww", "xxxxxxxxxx"]

records = st.builds(
    Record,
    stream=st.sampled_from(STREAMS),
    writer=st.sampled_from(WRITERS),
    seq=st.integers(1, 5) | st.just(2**53 - 1),
    kind=st.sampled_from(["list.inserted", "playback.paused"]),
    version=st.integers(1, 3),
    body=st.binary(max_size=40),
    trace=st.sampled_from(["", f"00-{'4b' * 16}-{'f0' * 8}-01"]),
)
bad_records = st.just(Record("a:\x1f", "w", 1, "k", 1, b""))

Answer = object
Ask = Callable[[Log], Coroutine[Any, Any, Answer]]


class SideBySide(RuleBasedStateMachine):
    """One log in memory, one in each Postgres and one in Kafka; the test that runs it says where these are."""

    dsns: Mapping[str, str] = {}
    kafka_address: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = AsyncExitStack()
        self.logs: dict[str, Log] = {}
        self.ends: dict[int, int] = {}

    @initialize(partitions=st.integers(1, 3))
    def open(self, partitions: int) -> None:
        async def opened() -> None:
            self.logs["memory"] = MemoryLog(partitions)
            for name, dsn in self.dsns.items():
                await _empty(dsn)
                self.logs[name] = await PostgresLog.open(dsn, partitions=partitions)
            if self.kafka_address is not None:
                topic = KafkaUnderTest(self.kafka_address)
                self.logs["kafka"] = await self.opened.enter_async_context(topic.open(partitions=partitions))

        self.runner.run(opened())
        self.ends = dict.fromkeys(range(partitions), 0)

    def teardown(self) -> None:
        async def closed() -> None:
            for log in self.logs.values():
                await log.close()
            await self.opened.aclose()

        self.runner.run(closed())
        self.runner.close()

    def ask(self, ask: Ask, *, searching: bool = False) -> Any:
        """The answer of all, or of all that can be searched; an error that the port promises is an answer too."""
        logs = {name: log for name, log in self.logs.items() if not (searching and name == "kafka")}

        async def asked() -> dict[str, Answer]:
            return dict(zip(logs, await asyncio.gather(*map(answer, logs.values())), strict=True))

        async def answer(log: Log) -> Answer:
            try:
                return await ask(log)
            except PositionLost as error:
                return type(error), str(error)

        answers = self.runner.run(asked())
        first, *others = answers.values()
        assert all(other == first for other in others), answers
        return first

    @rule(group=st.lists(records, min_size=1, max_size=12))
    def append(self, group: list[Record]) -> None:
        for appended in self.ask(lambda log: log.append(group)):
            assert appended.outcome == "written"
            assert appended.offset_start == self.ends[appended.partition]
            self.ends[appended.partition] += len(appended.records)

    @rule(group=st.lists(records, min_size=1, max_size=3), bad=bad_records)
    def append_what_cannot_be_kept(self, group: list[Record], bad: Record) -> None:
        """Memory refuses the partition, Postgres the whole transaction; so only one partition is asked."""

        async def outcomes(log: Log) -> Answer:
            alone = [bad, *(one for one in group if log.partition_of(one.stream) == log.partition_of(bad.stream))]
            return [appended.outcome for appended in await log.append(alone)]

        assert self.ask(outcomes) == ["refused"]

    @rule(partition=st.integers(0, 2), offset=st.integers(-1, 60), limit=st.integers(1, 20))
    def read(self, partition: int, offset: int, limit: int) -> None:
        if partition in self.ends:
            self.ask(lambda log: log.read(partition, offset, limit=limit))

    @rule(
        stream=st.sampled_from(STREAMS), offset=st.integers(-1, 60), until=st.integers(0, 60), limit=st.integers(1, 20)
    )
    def read_stream(self, stream: str, offset: int, until: int, limit: int) -> None:
        self.ask(lambda log: stream_records(log, stream, offset, until=until, limit=limit))

    @rule(stream=st.sampled_from(STREAMS), writer=st.sampled_from(WRITERS), seq=st.integers(1, 5))
    def find(self, stream: str, writer: str, seq: int) -> None:
        self.ask(lambda log: log.find(stream, writer, seq), searching=True)

    @rule(partition=st.integers(0, 2))
    def bounds(self, partition: int) -> None:
        if partition in self.ends:
            assert self.ask(lambda log: log.end(partition)) == self.ends[partition]
            self.ask(lambda log: log.start(partition))

    @rule(partition=st.integers(0, 2), behind=st.integers(-2, 3))
    def wait_beyond(self, partition: int, behind: int) -> None:
        if partition in self.ends:
            offset = self.ends[partition] - behind
            self.ask(lambda log: log.wait_beyond(partition, offset, timeout_s=0))

    @rule(group=st.lists(records, min_size=1, max_size=3))
    def append_while_somebody_waits(self, group: list[Record]) -> None:
        async def both(log: Log) -> Answer:
            partition = log.partition_of(group[0].stream)
            wait = asyncio.create_task(log.wait_beyond(partition, self.ends[partition], timeout_s=30))
            await asyncio.sleep(0)
            return await log.append(group), await wait

        outcomes, _ = self.ask(both)
        for appended in outcomes:
            self.ends[appended.partition] += len(appended.records)

    @precondition(lambda self: any(self.ends.values()))
    @rule(partition=st.integers(0, 2), before=st.integers(0, 30))
    def trim(self, partition: int, before: int) -> None:
        if partition in self.ends:
            self.ask(lambda log: log.trim(partition, before))

    @rule(stream=st.text(min_size=1, max_size=5))
    def partition_of(self, stream: str) -> None:
        async def partition(log: Log) -> int:
            return log.partition_of(stream)

        assert self.ask(partition) in self.ends


async def _empty(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("truncate events; delete from log_partitions; update deployment set partitions = null")
    finally:
        await connection.close()


@pytest.mark.timeout(600)
def test_all_adapters_answer_alike(postgres_servers: Callable[[Version], str]) -> None:
    with databases(postgres_servers, installed_versions()) as dsns:
        run_state_machine_as_test(type("Machine", (SideBySide,), {"dsns": dsns}))


@pytest.mark.timeout(600)
def test_kafka_answers_like_memory(kafka_address: str) -> None:
    """Each example has a topic of its own, which takes as long as some ten examples of the others."""
    few = settings(max_examples=max(10, settings().max_examples // 5), stateful_step_count=30)
    run_state_machine_as_test(type("KafkaMachine", (SideBySide,), {"kafka_address": kafka_address}), settings=few)

"""The exam of the log port: every adapter sits it. Source: syncd/log/port.py."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator

import pytest
from adapters_under_test import databases
from logs_under_test import (
    KafkaUnderTest,
    Log,
    LogUnderTest,
    MemoryUnderTest,
    PostgresUnderTest,
    record,
    records,
    stream_records,
)

from syncd.errors import OffsetExpired, OffsetInFuture
from syncd.log.partition import partition_of
from syncd.log.port import SearchableLog, TimedLog
from syncd.testing.patience import PATIENCE_S
from syncd.testing.postgres import Version

Story = Callable[[Log], Coroutine[object, object, None]]

ADAPTERS = {"memory": "memory", "postgres-15": "15", "postgres-18": "18", "kafka": "kafka"}

SEARCHABLE = {name: adapter for name, adapter in ADAPTERS.items() if name != "kafka"}
searching = pytest.mark.parametrize("log_under_test", list(SEARCHABLE.values()), ids=list(SEARCHABLE), indirect=True)
"""For tests of what only a `SearchableLog` promises; that Kafka's is none, it says itself."""


@pytest.fixture(params=list(ADAPTERS.values()), ids=list(ADAPTERS))
def log_under_test(request: pytest.FixtureRequest) -> Iterator[LogUnderTest]:
    """Each adapter in turn; Postgres in both versions."""
    if request.param == "memory":
        yield MemoryUnderTest()
        return
    if request.param == "kafka":
        yield KafkaUnderTest(request.getfixturevalue("kafka_address"))
        return
    version: Version = request.param
    # Asked for here and not in the signature, so that memory is examined where no Postgres is.
    with databases(request.getfixturevalue("postgres_servers"), [version]) as dsns:
        yield PostgresUnderTest(dsns[version])


def tell(log_under_test: LogUnderTest, story: Story, *, partitions: int = 1) -> None:
    """Run a story with the log open."""

    async def opened() -> None:
        async with log_under_test.open(partitions=partitions) as log:
            await story(log)

    asyncio.run(opened())


def test_records_come_back_whole_and_in_order(log_under_test: LogUnderTest) -> None:
    given = [
        record("a:1", seq=1, body=b""),
        record("p:abc", writer="zzzzzzzzzz", seq=2**53 - 1, body=b"\x00\xff" * 40_000),
        record("a:1", seq=2, body='{"name":"Für Elise \U0001f3b9"}'.encode()),
    ]

    async def story(log: Log) -> None:
        (appended,) = await log.append(given)
        assert (appended.partition, appended.outcome, appended.offset_start) == (0, "written", 0)
        assert list(appended.records) == given
        read = await log.read(0, 0, limit=10)
        assert [found.record() for found in read] == [tuple(one) for one in given]
        assert [(found.partition, found.offset) for found in read] == [(0, 0), (0, 1), (0, 2)]

    tell(log_under_test, story)


def test_offsets_go_on_without_a_gap(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        assert await log.end(0) == 0
        starts = [(await log.append(records(count)))[0].offset_start for count in (1, 3, 2)]
        assert starts == [0, 1, 4]
        assert await log.end(0) == 6
        assert [found.offset for found in await log.read(0, 0, limit=100)] == [0, 1, 2, 3, 4, 5]

    tell(log_under_test, story)


def test_an_append_to_several_partitions_has_an_outcome_for_each(log_under_test: LogUnderTest) -> None:
    given = [record(f"a:{number % 7}", seq=number + 1) for number in range(40)]

    async def story(log: Log) -> None:
        await log.append(given)
        outcomes = await log.append(given)
        assert [appended.partition for appended in outcomes] == sorted({partition_of(r.stream, 3) for r in given})
        for appended in outcomes:
            mine = [one for one in given if log.partition_of(one.stream) == appended.partition]
            assert appended.outcome == "written"
            assert appended.offset_start == len(mine)
            assert list(appended.records) == mine
            found = await log.read(appended.partition, appended.offset_start, limit=100)
            assert [one.record() for one in found] == [tuple(one) for one in mine]

    tell(log_under_test, story, partitions=3)


def test_a_record_appended_twice_is_there_twice(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append([record()])
        await log.append([record()])
        assert [found.record() for found in await log.read(0, 0, limit=10)] == [tuple(record())] * 2

    tell(log_under_test, story)


def test_reading_stops_at_the_limit_and_goes_on_behind_it(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(7))
        assert [found.offset for found in await log.read(0, 2, limit=3)] == [2, 3, 4]
        assert [found.offset for found in await log.read(0, 5, limit=3)] == [5, 6]
        assert await log.read(0, 7, limit=3) == []

    tell(log_under_test, story)


def test_reading_beyond_the_end_says_where_the_end_is(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(2))
        with pytest.raises(OffsetInFuture, match="3 is beyond 2"):
            await log.read(0, 3, limit=1)

    tell(log_under_test, story)


def test_reading_a_stream_beyond_the_end_says_where_the_end_is(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(2))
        for from_, until in ((3, 4), (2, 3), (0, 3)):
            with pytest.raises(OffsetInFuture, match="3 is beyond 2"):
                await stream_records(log, "a:1", from_, until=until)

    tell(log_under_test, story)


def test_what_was_trimmed_cannot_be_read(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(5))
        await log.trim(0, 3)
        await log.trim(0, 1)
        assert (await log.start(0), await log.end(0)) == (3, 5)
        for offset in (-1, 0, 2):
            with pytest.raises(OffsetExpired, match=f"{offset} is before 3"):
                await log.read(0, offset, limit=10)
        assert [found.offset for found in await log.read(0, 3, limit=10)] == [3, 4]

    tell(log_under_test, story)


def test_a_stream_cannot_be_read_where_it_was_trimmed(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(5))
        await log.trim(0, 3)
        for offset in (-1, 0, 2):
            with pytest.raises(OffsetExpired, match=f"{offset} is before 3"):
                await log.read_stream("a:1", offset, until=5, limit=10)

    tell(log_under_test, story)


def test_a_log_says_whether_it_can_search(log_under_test: LogUnderTest) -> None:
    """Kafka finds records by their offset and by their time. Who looks for one event there has a bound of his own."""

    async def story(log: Log) -> None:
        is_kafka = isinstance(log_under_test, KafkaUnderTest)
        assert isinstance(log, SearchableLog) is not is_kafka
        assert isinstance(log, TimedLog) is is_kafka

    tell(log_under_test, story)


@searching
def test_what_was_trimmed_cannot_be_found(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(5))
        await log.trim(0, 3)
        assert await log.find("a:1", "wwwwwwwwww", 1) is None

    tell(log_under_test, story)


def test_a_log_trimmed_to_its_end_goes_on_from_there(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(5))
        await log.trim(0, 5)
        assert await log.read(0, 5, limit=1) == []
        with pytest.raises(OffsetExpired):
            await log.read(0, 4, limit=1)
        with pytest.raises(OffsetInFuture, match="6 is beyond 5"):
            await log.trim(0, 6)
        (appended,) = await log.append(records(1))
        assert appended.offset_start == 5

    tell(log_under_test, story)


def test_a_stream_can_be_read_alone(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append([record("a:1", seq=1), record("a:2"), record("a:1", seq=2), record("a:1", seq=3)])
        first = await log.read_stream("a:1", 0, until=4, limit=2)
        assert [(found.offset, found.seq) for found in first.records] == [(0, 1), (2, 2)]
        assert first.offset_next == 3
        assert await log.read_stream("a:1", 4, until=4, limit=2) == ([], 4)

        async def offsets(stream: str, from_: int, until: int) -> list[int]:
            return [found.offset for found in await stream_records(log, stream, from_, until=until)]

        assert await offsets("a:1", 0, 4) == [0, 2, 3]
        assert await offsets("a:1", 1, 3) == [2]
        assert await offsets("a:2", 0, 4) == [1]
        assert await offsets("a:3", 0, 4) == []

    tell(log_under_test, story)


@searching
def test_an_event_is_found_by_its_id_and_stream(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append([record("a:1", seq=4), record("a:2", seq=4), record("a:1", seq=4, body=b"again")])
        found = await log.find("a:2", "wwwwwwwwww", 4)
        assert found is not None
        assert (found.stream, found.offset) == ("a:2", 1)
        first = await log.find("a:1", "wwwwwwwwww", 4)
        assert first is not None
        assert (first.offset, first.body) == (0, b"{}")
        assert await log.find("a:1", "wwwwwwwwww", 5) is None
        assert await log.find("a:1", "xxxxxxxxxx", 4) is None

    tell(log_under_test, story)


def test_a_group_with_text_that_cannot_be_kept_is_refused_whole(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        for group in ([record("")], [record("a:1"), record("a:\x1f1")], [record("a:\x00"), record("a:1")]):
            (appended,) = await log.append(group)
            assert appended.outcome == "refused"
            assert appended.reason
        assert await log.end(0) == 0
        (appended,) = await log.append([record("a:2")])
        assert (appended.outcome, appended.offset_start) == ("written", 0)

    tell(log_under_test, story)


def test_waiting_ends_at_once_when_there_is_something(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(2))
        async with asyncio.timeout(PATIENCE_S):
            assert await log.wait_beyond(0, 1, timeout_s=600) == 2 == 2

    tell(log_under_test, story)


def test_waiting_ends_without_success_when_nothing_comes(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.append(records(2))
        assert await log.wait_beyond(0, 2, timeout_s=0) == 2
        assert await log.wait_beyond(0, 2, timeout_s=0.02) == 2

    tell(log_under_test, story)


def test_everybody_who_waits_is_woken_by_another_process(log_under_test: LogUnderTest) -> None:
    """Each by what he waits for: those who wait for later offsets and other partitions go on waiting."""

    async def story(log: Log) -> None:
        async with log_under_test.open(partitions=2) as other:
            stream = next(name for name in ("a:0", "a:1", "a:2", "a:3") if log.partition_of(name) == 1)
            waits = [asyncio.create_task(log.wait_beyond(1, offset, timeout_s=600)) for offset in (0, 1, 0)]
            others = [asyncio.create_task(log.wait_beyond(*place, timeout_s=600)) for place in ((1, 2), (0, 0))]
            await asyncio.sleep(0)
            await other.append(records(2, stream))
            async with asyncio.timeout(PATIENCE_S):
                assert await asyncio.gather(*waits) == [2, 2, 2]
            assert not any(task.done() for task in others)
            await other.append(records(1, stream))
            async with asyncio.timeout(PATIENCE_S):
                assert await others.pop(0) == 3
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    tell(log_under_test, story, partitions=2)


def test_a_cancelled_wait_is_forgotten(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        wait = asyncio.create_task(log.wait_beyond(0, 0, timeout_s=600))
        await asyncio.sleep(0)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        await log.append(records(1))
        assert await log.wait_beyond(0, 0, timeout_s=0) > 0

    tell(log_under_test, story)


def test_appends_of_many_processes_never_mix_nor_leave_gaps(log_under_test: LogUnderTest) -> None:
    """Groups stay whole, each appender's groups stay in order, every offset is taken once, in every partition."""
    partitions, groups, size = 3, 12, 5

    async def append_groups(log: Log, writer: str) -> None:
        for number in range(groups):
            # Reversed by turns: appends must not wait for each other whatever order their records have.
            names = [f"a:{place}" for place in range(size)][:: 1 if number % 2 else -1]
            outcomes = await log.append([record(name, writer=writer, seq=number + 1) for name in names])
            assert {appended.outcome for appended in outcomes} == {"written"}

    async def story(log: Log) -> None:
        async with log_under_test.open(partitions=partitions) as second, log_under_test.open(partitions=3) as third:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(
                    *(
                        append_groups(one, f"process{number}")
                        for number, one in enumerate((log, second, third, log, second, third))
                    )
                )
        total = 0
        for partition in range(partitions):
            found = await log.read(partition, 0, limit=1_000)
            total += len(found)
            assert [one.offset for one in found] == list(range(len(found)))
            in_group = sum(log.partition_of(f"a:{place}") == partition for place in range(size))
            for first in range(0, len(found), in_group):
                assert len({(one.writer, one.seq) for one in found[first : first + in_group]}) == 1
            for writer in {one.writer for one in found}:
                seqs = [one.seq for one in found if one.writer == writer]
                assert seqs == sorted(seqs)
        assert total == 6 * groups * size

    tell(log_under_test, story, partitions=partitions)


def test_readers_see_each_record_as_soon_as_the_end_counts_it(log_under_test: LogUnderTest) -> None:
    """A tail that follows while others append sees every offset once and in order: commit order is offset order."""

    async def story(log: Log) -> None:
        async with log_under_test.open() as first, log_under_test.open() as second:

            async def append_all(one: Log) -> None:
                for number in range(30):
                    await one.append(records(number % 3 + 1))

            async def follow() -> int:
                at = 0
                while at < 120:
                    assert await log.wait_beyond(0, at, timeout_s=PATIENCE_S) > at
                    found = await log.read(0, at, limit=50)
                    assert found, "the end was beyond, so there is a record"
                    assert [one.offset for one in found] == list(range(at, at + len(found)))
                    at += len(found)
                return at

            async with asyncio.timeout(PATIENCE_S):
                at, *_ = await asyncio.gather(follow(), append_all(first), append_all(second))
            assert at == 120

    tell(log_under_test, story)


def test_partitions_and_epochs_are_known_once_opened(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        assert log.partitions == 3
        assert all(re.fullmatch(r"[0-9a-z]{1,16}", log.epoch(partition)) for partition in range(3))
        names = [f"p:{number}" for number in range(20)]
        assert [log.partition_of(name) for name in names] == [partition_of(name, 3) for name in names]
        async with log_under_test.open(partitions=3) as again:
            assert [again.epoch(partition) for partition in range(3)] == [
                log.epoch(partition) for partition in range(3)
            ]

    tell(log_under_test, story, partitions=3)


def test_a_closed_log_refuses(log_under_test: LogUnderTest) -> None:
    async def story(log: Log) -> None:
        await log.close()
        (appended,) = await log.append(records(1))
        assert appended.outcome == "refused"
        assert "closed" in appended.reason

    tell(log_under_test, story)

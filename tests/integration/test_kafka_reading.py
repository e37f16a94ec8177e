"""How much of a topic operators' commands read: a partition once for all its streams, from where they may begin."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from house import PLAYLIST, House, lived_in, opened_house, state_of

from syncd.errors import EpochChanged, OffsetExpired
from syncd.log.kafka import KafkaLog
from syncd.log.kafka.encoding import headers_of
from syncd.log.port import SearchableLog
from syncd.log.record import LoggedRecord, Record
from syncd.operations.log_show import Filter, show
from syncd.operations.refold import CLOCKS_APART_MS, first_offset
from syncd.operations.timeline import StepFilter, StreamTimeline, timeline
from syncd.operations.verify import verify
from syncd.operations.why import why

STORY_S = 150.0
OLD = 7
"""Records that are there before anybody of ours."""


@asynccontextmanager
async def house_on_kafka(dsn: str, address: str, topic: str, *, partitions: int = 1) -> AsyncIterator[House]:
    log = await KafkaLog.open(address, topic, partitions=partitions)
    try:
        async with opened_house(dsn) as house:
            yield replace(house, log=cast(SearchableLog, log))
    finally:
        await log.close()


def tell(dsn: str, address: str, story: Callable[[House, str], Awaitable[None]]) -> None:
    topic = f"test-{secrets.token_hex(8)}"

    async def opened() -> None:
        async with house_on_kafka(dsn, address, topic) as house:
            await story(house, topic)

    asyncio.run(asyncio.wait_for(opened(), STORY_S))


def count_reads(house: House, monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Offset -> how often it was read from now on."""
    reads: Counter[int] = Counter()
    read = house.log.read

    async def counted(*args: Any, **more: Any) -> list[LoggedRecord]:
        found = await read(*args, **more)
        reads.update(record.offset for record in found)
        return found

    monkeypatch.setattr(house.log, "read", counted)
    return reads


def test_a_partition_is_read_once_for_all_its_streams(
    postgres_dsn: str, kafka_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(house: House, topic: str) -> None:
        phone = await lived_in(house)
        for name in ("bob", "eve"):
            await house.device(name, "car")
        await house.project()
        end = await house.log.end(0)
        reads = count_reads(house, monkeypatch)

        found = await verify(house.log, house.store, seed=1)
        assert (found.agrees, found.streams, found.records) == (True, 5, end)
        assert reads == Counter(range(end))

        reads.clear()
        streams = [f"a:{phone.account}", *await house.store.streams_owned(phone.account)]
        shown = await timeline([StreamTimeline(house.log, stream, StepFilter()) for stream in streams], last=100)
        assert len(shown.steps) == end - 2, "all but what bob and eve did"
        assert reads == Counter(range(end))

        reads.clear()
        steps: list[tuple[int, int]] = []
        earlier = await state_of(house, phone, at_ms=house.clock.ms, progress=lambda *step: steps.append(step))
        assert earlier["playlists"][0]["stream"] == PLAYLIST
        assert set(reads.values()) == {2}, "once for the account, once for all its playlists"
        assert steps == [(end, end), (2 * end, 2 * end)]

        reads.clear()
        steps.clear()
        explained = await why(
            house.log, house.store, f"a:{phone.account}", "settings/theme", progress=lambda *step: steps.append(step)
        )
        assert (explained.agrees, len(explained.writes)) == (True, 1)
        assert reads[end - 1] == 1
        assert steps == [(end, end)]

    tell(postgres_dsn, kafka_address, story)


def test_who_came_late_is_not_looked_for_before_and_outlives_a_trim(
    postgres_dsn: str, kafka_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(house: House, topic: str) -> None:
        house.clock.ms = int(time.time() * 1_000)
        await write_in_the_past(kafka_address, topic, house.clock.ms - 2 * CLOCKS_APART_MS)
        assert await house.log.end(0) == OLD
        phone = await house.device("alice", "phone")
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        born_ms = (await house.accounts.find("alice")).created_ms
        assert await first_offset(house.log, 0, born_ms) == OLD
        assert await first_offset(house.log, 0, born_ms - 2 * CLOCKS_APART_MS) == 0
        assert await first_offset(house.log, 0, born_ms + 2 * CLOCKS_APART_MS) == await house.log.end(0)
        await house.project()  # else all of the log's tail is read, to join it with the store
        reads = count_reads(house, monkeypatch)

        async def all_of_it() -> None:
            reads.clear()
            explained = await why(house.log, house.store, stream, "settings/theme", since_ms=born_ms)
            assert [write.value for write in explained.writes] == ["dark"]
            state = await state_of(house, phone, at_ms=house.clock.ms, born_ms=born_ms)
            assert (state["settings"], [device["name"] for device in state["devices"]]) == (
                {"theme": "dark"},
                ["phone"],
            )
            recent = [one async for one in show(house.log, Filter(since_ms=born_ms))]
            assert [one.kind for one in recent] == ["device.described", "settings.changed"]
            assert min(reads) == OLD

        stream = f"a:{phone.account}"
        await all_of_it()
        await cast(KafkaLog, house.log).trim(0, OLD - 2)
        await all_of_it()
        with pytest.raises(OffsetExpired, match=f"begins at offset {OLD - 2}"):
            await why(house.log, house.store, stream, "settings/theme")
        await cast(KafkaLog, house.log).trim(0, OLD)
        with pytest.raises(OffsetExpired, match=f"begins at offset {OLD}"):  # nothing is left to tell by
            await why(house.log, house.store, stream, "settings/theme", since_ms=born_ms)

    tell(postgres_dsn, kafka_address, story)


def test_a_log_that_ends_before_what_was_folded_is_not_compared(postgres_dsn: str, kafka_address: str) -> None:
    """As where the topic's disk lost records while nobody looked, so that its id and its epoch are the same."""

    async def story(house: House, topic: str) -> None:
        await house.device("alice", "phone")
        lease = await house.store.acquire(0, holder="test", ttl_s=60.0)
        assert lease is not None
        await house.store.begin_epoch(lease, epoch=house.log.epoch(0), offset_next=9)
        with pytest.raises(EpochChanged, match="partition 0 ends at 1, 9 were folded: records are lost"):
            await verify(house.log, house.store, seed=1)

    tell(postgres_dsn, kafka_address, story)


async def write_in_the_past(address: str, topic: str, time_ms: int) -> None:
    """Records that a gateway appended at that time."""
    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all")
    await producer.start()
    try:
        for seq in range(1, OLD + 1):
            record = Record("a:long-gone", "wwwwwwwwww", seq, "settings.changed", 1, b"{}")
            key, headers = record.stream.encode(), headers_of(record)
            await producer.send_and_wait(topic, record.body, key, timestamp_ms=time_ms, headers=headers)
    finally:
        await producer.stop()

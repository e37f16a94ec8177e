"""Old events sent again where the log has no index: on Kafka, the answer is read out of the partition."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from raw_device import RawDevice

from syncd.config import Config
from syncd.gateway import old_answers as module
from syncd.gateway.old_answers import old_answers
from syncd.log.kafka import KafkaLog
from syncd.log.record import Body, Record, encode_record
from syncd.model.events import VOID
from syncd.push.entry import VoidAnswer
from syncd.testing.patience import eventually
from syncd.testing.service import running_service

STORY_S = 150.0
STREAM, WRITER = "a:alice", "phone00000"


def made(seq: int, t: int, *, writer: str = WRITER, kind: str = "settings.changed", **data: object) -> Record:
    return encode_record(
        STREAM, writer, seq, kind, Body(t=t, data=data or {"k": 1}, account="alice", device="d", admitted_ms=1)
    )


def others(count: int) -> list[Record]:
    """What lies between: another stream's, and another writer's of the same stream, with the same seqs."""
    return [
        made(n, 9, writer="laptop0000") if n % 2 else Record("a:bob", WRITER, n, "settings.changed", 1, b"{}")
        for n in range(1, count + 1)
    ]


@asynccontextmanager
async def kafka_log(address: str) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.open(address, f"test-{secrets.token_hex(8)}", partitions=1)
    try:
        yield log
    finally:
        await log.close()


def test_a_device_that_lost_an_ack_and_stayed_away_is_told_its_first_time(
    postgres_dsn: str, kafka_address: str
) -> None:
    config = Config(
        port=0, ws_port=0, database_url=postgres_dsn, log=f"kafka://{kafka_address}/test-{secrets.token_hex(8)}",
        log_partitions=1,
    )  # fmt: skip

    async def story() -> None:
        async with running_service(config) as service:
            work = service.deployment
            phone, laptop = await service.account("alice", "phone", "laptop")
            async with RawDevice(service.ws_url, laptop.token) as other:
                await other.arrive("a:me")
                device = RawDevice(service.ws_url, phone.token)
                await device.connect()
                await device.arrive("a:me")
                # Made long ago, offline: its time says nothing about where it is in the log.
                events = [device.event("settings.changed", {"k": n}, t=2**41 + n) for n in range(2)]
                events.append(device.event("settings.changed", {"k": 0.5}))
                device.pause()
                await device.say({"type": "emit", "events": events})
                first = [await other.expect_event("settings.changed") for _ in range(2)]
                await device.cut()
                for n in range(50):
                    await other.emit_acked("settings.changed", {"other": n})

            async def projected() -> bool:
                return (await work.store.checkpoint(0)).offset_next >= await work.log.end(0)

            await eventually(projected)
            async with running_service(config, frozenset({"gateway"})) as fresh:
                device.url = fresh.ws_url
                await device.connect()
                welcome = await device.hello("a:me")
                assert (welcome.writer, welcome.streams[0].next_seq) == (device.writer, 4)
                await device.say({"type": "emit", "events": events})
                assert (await device.nacked(3)).reason == "invalid"
                acks = [await device.acked(seq) for seq in (1, 2)]
                assert [ack.seen for ack in acks] == [True, True]
                assert [ack.t for ack in acks] == [delta.by.t for delta in first if delta.by is not None]
                await device.disconnect()

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def test_the_first_record_of_an_event_answers_and_its_neighbours_are_met_on_the_way(kafka_address: str) -> None:
    async def story() -> None:
        async with kafka_log(kafka_address) as log:
            await log.append([made(1, 11), made(2, 12, kind=VOID, reason="limit", message="too long"), *others(20)])
            await log.append([made(2, 99), made(3, 13), *others(20)])
            void = VoidAnswer("limit", "too long")
            for newest in (-1, 23, 10**9):
                assert await old_answers(log, STREAM, WRITER, 2, t=7, newest_offset=newest) == {2: void, 1: 11, 3: 13}
            assert next(iter(await old_answers(log, STREAM, WRITER, 3, t=7, newest_offset=23))) == 3
            assert await old_answers(log, STREAM, WRITER, 4, t=7, newest_offset=23) == {}
            assert await old_answers(log, "a:nobody", WRITER, 1, t=7, newest_offset=23) == {}

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def test_the_search_begins_at_the_newest_record_and_has_an_end(
    kafka_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_RECORDS_MAX", 10)
    monkeypatch.setattr(module, "ANSWER_SCAN_RECORDS_MAX", 40)

    async def story() -> None:
        async with kafka_log(kafka_address) as log:
            await log.append([made(1, 11), *others(50), made(2, 12), *others(100)])
            assert await old_answers(log, STREAM, WRITER, 2, t=7, newest_offset=51) == {2: 12}
            assert await old_answers(log, STREAM, WRITER, 2, t=7, newest_offset=80) == {2: 12}
            assert await old_answers(log, STREAM, WRITER, 2, t=7, newest_offset=-1) == {}
            assert await old_answers(log, STREAM, WRITER, 1, t=7, newest_offset=51) == {}
            assert await old_answers(log, STREAM, WRITER, 1, t=7, newest_offset=30) == {1: 11}

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def test_what_cannot_be_read_is_durable_and_acked_with_what_the_client_believes(kafka_address: str) -> None:
    async def story() -> None:
        async with kafka_log(kafka_address) as log:
            await log.append([Record(STREAM, WRITER, 1, "settings.changed", 1, b"{"), made(2, 12)])
            assert await old_answers(log, STREAM, WRITER, 1, t=7, newest_offset=1) == {1: 7, 2: 12}
            assert await old_answers(log, STREAM, WRITER, 2, t=7, newest_offset=1) == {2: 12}

    asyncio.run(asyncio.wait_for(story(), STORY_S))

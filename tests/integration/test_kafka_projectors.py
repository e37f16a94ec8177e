"""Projectors that share a Kafka topic: a group deals the partitions, leases decide, nothing is lost or folded twice."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kafka_home import ALL, PARTITIONS, Deployed, busy, deployed

from syncd.clock import SystemClock
from syncd.log.kafka import KafkaAddress, KafkaGroup, KafkaLog
from syncd.log.record import LoggedRecord
from syncd.metrics import Metrics
from syncd.projector import projector as module
from syncd.projector.projector import Projector
from syncd.projector.shares import EveryPartition, Shares
from syncd.testing.beside import beside
from syncd.testing.kafka import KafkaBroker, KafkaMissing, running_kafka
from syncd.testing.patience import eventually, until

STORY_S = 150.0


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, STORY_S))


def test_shares_follow_who_comes_and_goes_while_records_flow(postgres_dsn: str, kafka_address: str) -> None:
    async def story() -> None:
        async with deployed(postgres_dsn, kafka_address) as home:
            async with busy(home):
                first = await home.worker(lease_ttl_s=STORY_S)
                await until(lambda: first.group.assigned == ALL and first.metrics.leases == PARTITIONS)
                second = await home.worker(lease_ttl_s=STORY_S)
                await until(lambda: (first.metrics.leases, second.metrics.leases) == (2, 2))
                assert first.group.assigned | second.group.assigned == ALL
                await first.stop()
                await until(lambda: second.group.assigned == ALL and second.metrics.leases == PARTITIONS)
            await home.folded()
            assert second.metrics.leases_lost == first.metrics.leases_lost == 0
            records = first.metrics.projected_records + second.metrics.projected_records
            assert records <= sum((await home.ends()).values()), "a record was folded twice"

    run(story())


class Dealt(EveryPartition):
    """A share that a test deals."""

    def __init__(self, assigned: frozenset[int]) -> None:
        super().__init__(PARTITIONS)
        self.assigned = assigned
        self._dealt = asyncio.Event()

    def deal(self, assigned: frozenset[int]) -> None:
        self.assigned = assigned
        self.rebalances += 1
        self._dealt.set()
        self._dealt.clear()

    async def rebalanced(self, since: int) -> None:
        while self.rebalances == since:
            await self._dealt.wait()


@asynccontextmanager
async def projecting(home: Deployed, shares: Shares, **parts: Any) -> AsyncIterator[Metrics]:
    metrics = Metrics()
    given = {"event_log": home.log, "store": home.store, **parts}
    projector = Projector(given["event_log"], given["store"], SystemClock(), metrics, shares=shares)
    async with beside(projector.run()):
        yield metrics


def test_what_nobody_folds_is_taken_until_shares_are_dealt(postgres_dsn: str, kafka_address: str) -> None:
    """A killed worker's partitions wait for its leases, not for its session in the group, which is longer."""

    async def story() -> None:
        async with deployed(postgres_dsn, kafka_address) as home:
            for partition in (0, 1):
                assert await home.store.acquire(partition, holder="killed", ttl_s=0.2) is not None
            await home.emit()
            mine = Dealt(frozenset({2, 3}))
            async with projecting(home, mine) as metrics:
                await home.folded()
                assert metrics.leases == PARTITIONS
                mine.deal(frozenset({1, 2}))
                other = Dealt(frozenset({0, 3}))
                async with projecting(home, other) as others:
                    await until(lambda: (metrics.leases, others.leases) == (2, 2))
                    await home.emit()
                    await home.folded()

    run(story())


def test_what_was_taken_from_a_worker_that_came_back_is_given_up_after_a_while(
    postgres_dsn: str, kafka_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It froze for longer than its lease, and too short for its share to be dealt anew."""
    monkeypatch.setattr(module, "RESCUED_S", 0.2)

    async def story() -> None:
        async with deployed(postgres_dsn, kafka_address) as home:
            frozen = await home.store.acquire(0, holder="frozen", ttl_s=0.1)
            assert frozen is not None
            mine, its = Dealt(frozenset({1, 2, 3})), Dealt(frozenset({0}))
            mine.deal(mine.assigned)
            async with projecting(home, mine) as metrics:
                await until(lambda: metrics.leases == PARTITIONS)
                async with projecting(home, its) as thawed:
                    await until(lambda: (metrics.leases, thawed.leases) == (PARTITIONS - 1, 1))

    run(story())


def test_what_another_folds_is_left_alone_though_it_was_dealt_to_us(postgres_dsn: str, kafka_address: str) -> None:
    async def story() -> None:
        async with deployed(postgres_dsn, kafka_address) as home:
            lease = await home.store.acquire(0, holder="other", ttl_s=STORY_S)
            assert lease is not None
            async with projecting(home, Dealt(ALL)) as metrics:
                await home.emit()
                ends = await home.ends()

                async def rest_is_there() -> bool:
                    return await home.checkpoints() == {**ends, 0: 0}

                await eventually(rest_is_there)
                assert metrics.leases == PARTITIONS - 1
                await home.store.release(lease)
                await home.folded()

    run(story())


def test_a_fold_that_stands_still_begins_anew_and_says_so(
    postgres_dsn: str, kafka_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_S", 0.3)

    class HangingLog:
        """The real log, whose first read of partition 0 never ends."""

        def __init__(self, log: KafkaLog) -> None:
            self._log = log
            self.hung = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self._log, name)

        async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
            if partition == 0 and not self.hung:
                self.hung += 1
                await asyncio.Event().wait()
            return await self._log.read(partition, from_, limit=limit)

    async def story() -> None:
        async with deployed(postgres_dsn, kafka_address) as home:
            await home.emit()
            hanging = HangingLog(home.log)
            async with projecting(home, EveryPartition(PARTITIONS), event_log=hanging) as metrics:
                await home.folded()
            assert hanging.hung == 1
            assert metrics.projector_stalls >= 1  # on a slow machine others do, too

    run(story())


def test_a_worker_that_rests_does_not_stand_still(
    postgres_dsn: str, kafka_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_S", 0.25)

    async def story() -> None:
        async with deployed(postgres_dsn, kafka_address) as home:
            ends = 0

            class CountingLog:
                def __getattr__(self, name: str) -> Any:
                    return getattr(home.log, name)

                async def end(self, partition: int) -> int:
                    nonlocal ends
                    ends += 1
                    return await home.log.end(partition)

            await home.emit()
            async with projecting(home, EveryPartition(PARTITIONS), event_log=CountingLog()) as metrics:
                await home.folded()
                begun, stalls = ends, metrics.projector_stalls  # a slow machine may need more than a turn to fold
                await until(lambda: ends > begun + 5 * PARTITIONS)
            assert metrics.projector_stalls == stalls

    run(story())


def test_where_no_group_can_be_joined_leases_alone_decide(postgres_dsn: str, kafka_address: str) -> None:
    async def story() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = KafkaAddress((f"127.0.0.1:{unused.getsockname()[1]}",), "topic")
            async with deployed(postgres_dsn, kafka_address) as home:
                await home.emit()
                group = KafkaGroup(nobody)
                async with projecting(home, group) as metrics:
                    await home.folded()
                    assert (metrics.leases, group.assigned, group.rebalances) == (PARTITIONS, frozenset(), 0)

    run(story())


def test_a_restart_of_the_broker_loses_neither_records_nor_members(postgres_dsn: str) -> None:
    """It is the group's coordinator, too. A share stands until another one is dealt."""

    async def story(broker: KafkaBroker) -> None:
        async with deployed(postgres_dsn, broker.address) as home:
            first, second = await home.worker(), await home.worker()
            await until(lambda: (first.metrics.leases, second.metrics.leases) == (2, 2))
            await home.emit()
            await asyncio.to_thread(broker.kill)
            assert first.group.assigned | second.group.assigned == ALL
            await asyncio.to_thread(broker.start)

            async def emitted() -> bool:
                return {appended.outcome for appended in await home.append()} == {"written"}

            await eventually(emitted)
            await home.folded()
            await until(lambda: (first.metrics.leases, second.metrics.leases) == (2, 2), timeout_s=STORY_S)

    try:
        with running_kafka() as broker:
            run(story(broker))
    except KafkaMissing as error:
        pytest.skip(str(error))

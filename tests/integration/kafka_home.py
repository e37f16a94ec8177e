"""A Kafka topic and a store, filled by hand, for tests of the projectors between them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from syncd.clock import SystemClock
from syncd.log.kafka import KafkaAddress, KafkaGroup, KafkaLog
from syncd.log.port import Appended, EventLog
from syncd.log.record import Body, encode_record
from syncd.metrics import Metrics
from syncd.operations.verify import verify
from syncd.projector.projector import Projector
from syncd.store.postgres import PostgresStore
from syncd.testing.beside import beside
from syncd.testing.patience import eventually

PARTITIONS = 4
ALL = frozenset(range(PARTITIONS))
STREAMS = 20


@dataclass
class Worker:
    """One projector, as one process has it."""

    group: KafkaGroup
    metrics: Metrics
    task: asyncio.Task[None]
    stack: AsyncExitStack

    async def stop(self) -> None:
        """As on SIGTERM."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.stack.aclose()


@dataclass
class Deployed:
    """A topic and a store, and what was appended."""

    dsn: str
    address: str
    topic: str
    log: KafkaLog
    store: PostgresStore
    seq: int = 0
    workers: list[Worker] = field(default_factory=list)

    async def worker(self, **more: Any) -> Worker:
        """Start one, with connections of its own."""
        stack = AsyncExitStack()
        log = await KafkaLog.open(self.address, self.topic, partitions=PARTITIONS)
        stack.push_async_callback(log.close)
        store = await PostgresStore.open(self.dsn)
        stack.push_async_callback(store.close)
        group = KafkaGroup(KafkaAddress((self.address,), self.topic))
        metrics = Metrics()
        task = asyncio.create_task(Projector(log, store, SystemClock(), metrics, shares=group, **more).run())
        self.workers.append(Worker(group, metrics, task, stack))
        return self.workers[-1]

    async def append(self) -> list[Appended]:
        """An event on each of some streams, which lie in all partitions."""
        self.seq += 1
        body = Body(t=self.seq << 11, data={"k": self.seq}, account="x", device="d", admitted_ms=self.seq)
        return await self.log.append(
            [encode_record(f"a:{n}", "wwwwwwwwww", self.seq, "settings.changed", body) for n in range(STREAMS)]
        )

    async def emit(self) -> None:
        assert {appended.outcome for appended in await self.append()} == {"written"}

    async def ends(self) -> dict[int, int]:
        return {partition: await self.log.end(partition) for partition in ALL}

    async def checkpoints(self) -> dict[int, int]:
        return {partition: (await self.store.checkpoint(partition)).offset_next for partition in ALL}

    async def folded(self, log: EventLog | None = None) -> None:
        """Wait until all that was appended is in the store, and compare the store with the log.

        Args:
            log: as the deployment has it, whose epoch has the deployment's marker in it; ours when None.
        """
        ends = await self.ends()

        async def is_there() -> bool:
            return await self.checkpoints() == ends

        await eventually(is_there)
        found = await verify(log or self.log, self.store, seed=1)
        assert (found.agrees, found.streams, found.behind) == (True, STREAMS, 0)


@asynccontextmanager
async def deployed(dsn: str, address: str) -> AsyncIterator[Deployed]:
    topic = f"test-{secrets.token_hex(8)}"
    log = await KafkaLog.open(address, topic, partitions=PARTITIONS)
    store = await PostgresStore.open(dsn)
    home = Deployed(dsn, address, topic, log, store)
    try:
        yield home
    finally:
        await asyncio.gather(*(worker.stop() for worker in home.workers))
        await log.close()
        await store.close()


@asynccontextmanager
async def busy(home: Deployed) -> AsyncIterator[None]:
    """Events all the time meanwhile."""

    async def emitting() -> None:
        while True:
            await home.emit()
            await asyncio.sleep(0.02)

    async with beside(emitting()):
        yield

"""Kafka alone: what produce and consume take with nothing around them. The floor of whatever keeps its log there.

All devices of a run share one producer and one consumer, which live in the generator: idempotent, acks=all, one batch
for each partition every millisecond, and a tail by manual assignment, as syncd's gateway has them.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from load.generator.device import Seat
from load.generator.tally import Tally
from load.scenarios import EVENT_BYTES

TOPIC = "bare"
PARTITIONS = 4
"""As many as syncd makes where a topic is not there yet."""
BATCH_BYTES = 1 << 20
LINGER_S = 0.001
POLL_MS = 500


class _Line:
    """Producer, consumer and devices of one run."""

    def __init__(self, tally: Tally, address: str) -> None:
        self._tally = tally
        self._address = address
        self._producer = AIOKafkaProducer(
            bootstrap_servers=address, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES
        )
        self._consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
        self._waiting: dict[int, list[bytes]] = defaultdict(list)
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.devices: dict[int, set[KafkaDevice]] = defaultdict(set)

    async def open(self) -> None:
        self._tally.endings.append(self._close)
        admin = AIOKafkaAdminClient(bootstrap_servers=self._address)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(TOPIC, num_partitions=PARTITIONS, replication_factor=1)])
        finally:
            await admin.close()
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign([TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)])
        self._begin(self._consume())

    def send(self, account: int, payload: bytes) -> None:
        """Send it with what else is there in a millisecond, or came while the batch before was under way."""
        partition = account % PARTITIONS
        self._waiting[partition].append(payload)
        if partition not in self._busy:
            self._busy.add(partition)
            self._begin(self._produce(partition))

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()

    def _begin(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _produce(self, partition: int) -> None:
        """Until nothing waits: a batch, its ack, the next batch."""
        try:
            while self._waiting[partition]:
                await asyncio.sleep(LINGER_S)
                payloads, self._waiting[partition] = self._waiting[partition], []
                batch = self._producer.create_batch()
                for payload in payloads:
                    batch.append(key=None, value=payload, timestamp=None)
                batch.close()
                await (await self._producer.send_batch(batch, TOPIC, partition=partition))
                now_ns = time.perf_counter_ns()
                for payload in payloads:
                    self._tally.acked(_name_of(payload), now_ns)
        except KafkaError as error:
            self._tally.refuse(f"Kafka: {error!r}")
        finally:
            self._busy.discard(partition)

    async def _consume(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                now_ns = time.perf_counter_ns()
                for record in records:
                    self._consumed(record.value, now_ns)

    def _consumed(self, payload: bytes, now_ns: int) -> None:
        event = _name_of(payload)
        sender = event[: event.find(b".")]
        account = int(sender[: sender.find(b"-")])
        for device in self.devices[account]:
            if device.sender != sender:
                self._tally.delivered(event, account, device.bit, now_ns)


_lines: WeakKeyDictionary[Tally, asyncio.Task[_Line]] = WeakKeyDictionary()
"""By the run's tally."""


async def _opened(tally: Tally, address: str) -> _Line:
    line = _Line(tally, address)
    await line.open()
    return line


class KafkaDevice:
    """A name of its own, and otherwise a share of the line."""

    def __init__(self, tally: Tally, seat: Seat) -> None:
        self._tally = tally
        self._seat = seat
        self._count = 0
        self._line: _Line | None = None
        self.bit = seat.bit
        self.sender = f"{seat.account}-{seat.index}".encode()

    async def connect(self, host: str, port: int) -> None:
        if self._tally not in _lines:
            _lines[self._tally] = asyncio.get_running_loop().create_task(_opened(self._tally, f"{host}:{port}"))
        self._line = await asyncio.shield(_lines[self._tally])
        self._line.devices[self._seat.account].add(self)

    def emit(self, due_ns: int) -> None:
        assert self._line is not None
        self._count += 1
        event = b"%b.%d" % (self.sender, self._count)
        self._tally.sent(event, self._seat.account, due_ns=due_ns, owed=self._seat.others)
        self._line.send(self._seat.account, (event + b" ").ljust(EVENT_BYTES, b"x"))

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.devices[self._seat.account].discard(self)


def _name_of(payload: bytes) -> bytes:
    return payload[: payload.find(b" ")]

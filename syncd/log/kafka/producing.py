"""Appends batches through aiokafka's idempotent producer, and tells what became of them.

The producer numbers its batches per partition, and brokers refuse one that leaves a gap. Whatever it numbered and did
not deliver (expired without a leader, refused as too large) leaves one, and it would fail on that partition for ever;
so after any failure it is thrown away, and the next append makes a new one, which begins to count anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from syncd.log.kafka.address import CLIENT_ID, KafkaAddress, KafkaSecurity
from syncd.log.kafka.encoding import headers_of, is_storable
from syncd.log.kafka.topic import BATCH_BYTES_MAX
from syncd.log.port import Appended
from syncd.log.record import Record
from syncd.logs import get_logger

DISCARD_TIMEOUT_S: Final = 2.0
"""For a producer that was thrown away to let go of its sockets."""

_NEVER_WRITTEN: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
"""What brokers say before they write anything, the first time and every other time. Anything else may be the answer to
a second attempt whose first was written."""

_DRIVER_ERRORS: Final = (KafkaError, OSError, TimeoutError, AssertionError)
"""What aiokafka raises for the cluster's troubles; asserted is that a partition exists."""

log = get_logger("log")


class Refusal(Exception):
    """Nothing was written; says why."""


class Producing:
    """Appends of one process, each partition's in the order of the calls."""

    def __init__(self, address: KafkaAddress, security: KafkaSecurity, *, timeout_s: float) -> None:
        self._address = address
        self._security = security
        self._timeout_s = timeout_s
        self._producer: AIOKafkaProducer | None = None
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Held while a producer starts, so that one does; whoever waits for it has a deadline.
        self._starting = asyncio.Lock()
        self._discards: set[asyncio.Task[None]] = set()
        self._closed = False

    async def append(self, partition: int, group: Sequence[Record]) -> Appended:
        """Append one partition's records as one batch. As `EventLog.append`."""
        sent = False
        producer = None
        try:
            async with asyncio.timeout(self._timeout_s):
                producer = await self._started()
                batch = _batch_of(producer, group)
                lost = self._lost
                # It is queued when this returns, and not before.
                answer = await producer.send_batch(batch, self._address.topic, partition=partition)
                sent = True
                answer.add_done_callback(_look_at)
                await asyncio.wait({answer, lost}, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    return Appended(partition, "unknown", group, reason="the connection to Kafka was given up")
                offset_start: int = answer.result().offset
        except Refusal as error:
            return Appended(partition, "refused", group, reason=str(error))
        except _DRIVER_ERRORS as error:
            self._discard(producer)
            outcome: Literal["refused", "unknown"] = (
                "unknown" if sent and not isinstance(error, _NEVER_WRITTEN) else "refused"
            )
            return Appended(partition, outcome, group, reason=self._sentence(error))
        if offset_start < 0:
            return Appended(partition, "unknown", group, reason="Kafka knows the records, and not where they are")
        return Appended(partition, "written", group, offset_start)

    async def close(self) -> None:
        """Give everything up: appends under way end as unknown, later ones are refused. Twice is harmless."""
        self._closed = True
        self._discard(self._producer)
        if self._discards:
            await asyncio.wait(self._discards)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._closed:
                raise Refusal("the log is closed")
            if self._producer is None:
                producer = self._new()
                try:
                    await producer.start()
                    await producer.partitions_for(self._address.topic)
                    if self._closed:
                        raise Refusal("the log is closed")
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    def _new(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=list(self._address.servers),
            client_id=CLIENT_ID,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,  # callers have gathered already
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=BATCH_BYTES_MAX,
            request_timeout_ms=int(self._timeout_s * 1000),
            retry_backoff_ms=50,
            **self._security.arguments(),
        )

    def _discard(self, producer: AIOKafkaProducer | None) -> None:
        """Never use it again, and end the appends that wait for it."""
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        self._lost.set_result(None)
        self._lost = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(_put_away(producer), name="syncd-kafka-discard")
        self._discards.add(task)
        task.add_done_callback(self._discards.discard)

    def _sentence(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer from Kafka within {self._timeout_s:g} s"
        return f"Kafka fails: {type(error).__name__}"


def _batch_of(producer: AIOKafkaProducer, group: Sequence[Record]) -> Any:
    """All records of a group, closed.

    Raises:
        Refusal: they cannot be kept.
    """
    if not all(map(is_storable, group)):
        raise Refusal("a text is empty or holds a control character")
    batch = producer.create_batch()
    for record in group:
        try:
            key, headers = record.stream.encode(), headers_of(record)
        except UnicodeEncodeError:
            raise Refusal("a text holds half a character") from None
        if batch.append(timestamp=None, key=key, value=record.body, headers=headers) is None:
            break
    # The builder takes a first record of any size.
    if batch.record_count() < len(group) or batch.size() > BATCH_BYTES_MAX:
        raise Refusal(f"{len(group)} records of one partition are over {BATCH_BYTES_MAX} bytes with their headers")
    batch.close()
    return batch


async def _put_away(producer: AIOKafkaProducer) -> None:
    """Stop a producer without the flush that `stop` waits for: it would go on sending what was given up.

    Nothing public does that, so this reaches into members of aiokafka 0.14's producer.
    """
    sending: asyncio.Task[None] | None = producer._sender.sender_task
    try:
        async with asyncio.timeout(DISCARD_TIMEOUT_S):
            if sending is not None:
                sending.cancel()
            # Ends the requests under way, which the cancelled task waits for, and then for fresh metadata for ever.
            await producer.client.close()
            while sending is not None and not sending.done():
                await asyncio.wait({sending}, timeout=DISCARD_TIMEOUT_S / 10)
                sending.cancel()
            _fail_waiting(producer._message_accumulator)
            await producer.stop()
    except (KafkaError, OSError, TimeoutError) as error:
        log.warning("kafka_producer_not_stopped", timeout_s=DISCARD_TIMEOUT_S, error=repr(error))
        producer._closed = True  # or it complains when it is collected


class _Pending(set[Any]):
    """The batches that aiokafka believes to be on their way.

    It takes a batch out when it queues it once more, and again when the batch ends: ended while it is queued, as we end
    it, the second time is a `KeyError` in a callback of the loop.
    """

    remove = set.discard


def _fail_waiting(accumulator: Any) -> None:
    """End every wait for a batch, and for the place of one."""
    accumulator._pending_batches = _Pending(accumulator._pending_batches)
    batches = [*accumulator._pending_batches, *chain.from_iterable(accumulator._batches.values())]
    accumulator.fail_all(KafkaError("given up"))
    for batch in batches:
        _look_at(batch._drain_waiter)


def _look_at(answer: asyncio.Future[Any]) -> None:
    """Asyncio reports errors that nobody looked at."""
    if not answer.cancelled():
        answer.exception()

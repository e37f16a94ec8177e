"""Appends batches, and tells what became of them.

A broker knows a producer by its id, and counts its records on each partition: a batch that comes again, because its
answer was lost, is written once, and one that leaves a gap is refused. So one append is under way at a time, the same
bytes are sent until an answer comes, and we count what was written. Where nobody knows whether it was, the count is not
known either, and the next append is another producer's, which begins anew.

This is not aiokafka's producer, which is built for many small sends: it costs four times as much for each append, and
hands its answers through eight turns of the event loop. Source: docs/decisions/0029-our-own-appends-to-kafka.md
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest

from syncd.errors import LogUnavailable
from syncd.log.kafka.brokers import ANSWER_TIMEOUT_S, NO_SUCH_TOPIC, PASSING, Brokers, Target, error_name
from syncd.log.kafka.encoding import Unstorable, encode_batch
from syncd.log.port import Appended
from syncd.log.record import Record

RETRY_S: Final = 0.05
"""Between attempts, while leaders change or brokers come back."""

REPLICAS_TIMEOUT_S: Final = ANSWER_TIMEOUT_S * 0.8
"""For replicas to have a batch, too; the leader then says that they have not, before we hang up on it."""

_NEVER_WRITTEN: Final = (10, 18)
"""Kafka's codes for a batch that is too large: said before anything is written, the first time and every other time."""

_COMES_AGAIN: Final = PASSING | {2, 14, 15, 16, 19, 20, *NO_SUCH_TOPIC}
"""What the same bytes may be sent again after: also damaged on the way, a broker that is not quite there yet, and too
few replicas in step."""

_ALL_REPLICAS: Final = -1


class Producing:
    """Appends of one process, in the order of the calls."""

    def __init__(self, brokers: Brokers, *, timeout_s: float) -> None:
        self._brokers = brokers
        self._timeout_s = timeout_s
        # Held across the round trip, on purpose: what overlaps could leave gaps in the count. Whoever waits for it has
        # a deadline.
        self._turn = asyncio.Lock()
        self._producer: _Producer | None = None
        self._closed = False

    async def append(self, groups: Mapping[int, Sequence[Record]]) -> list[Appended]:
        """Append each partition's records as one batch; partitions ascending. As `EventLog.append`."""
        batches = [_Batch(partition, group) for partition, group in groups.items()]
        try:
            async with asyncio.timeout(self._timeout_s), self._turn:
                await self._deliver(batches)
        except TimeoutError:
            _end_all(batches, f"no answer from Kafka within {self._timeout_s:g} s")
        except LogUnavailable as error:
            _end_all(batches, str(error))
        finally:
            if any(batch.in_doubt for batch in batches):
                self._producer = None
        return [batch.ended for batch in batches if batch.ended is not None]

    def close(self) -> None:
        """Refuse appends from now on. One under way ends when `Brokers.close` cuts its connection."""
        self._closed = True

    async def _deliver(self, batches: Sequence[_Batch]) -> None:
        """Send until all have ended. Raises `LogUnavailable` when nobody is there to send to."""
        self._check_open()
        producer = self._producer
        if producer is None:
            producer = self._producer = await self._introduced()
        for batch in batches:
            try:
                batch.data = producer.encode(batch)
            except Unstorable as error:
                batch.end("refused", str(error))
        while waiting := [batch for batch in batches if batch.ended is None]:
            try:
                await self._attempt(producer, waiting)
            except LogUnavailable:
                # What nobody got is refused at once; what somebody may have is worth waiting for the answer.
                if not any(batch.in_doubt for batch in waiting):
                    raise
            if any(batch.ended is None for batch in waiting):
                self._check_open()
                await asyncio.sleep(RETRY_S)

    def _check_open(self) -> None:
        if self._closed:
            raise LogUnavailable("the log is closed")

    async def _introduced(self) -> _Producer:
        """A producer that no broker has heard of."""
        request = InitProducerIdRequest(None, int(self._timeout_s * 1000))
        while (response := await self._brokers.ask_any(request)).error_code in _COMES_AGAIN:
            self._check_open()
            await asyncio.sleep(RETRY_S)
        if response.error_code:
            raise LogUnavailable(f"Kafka gives no producer's id: {error_name(response.error_code)}")
        return _Producer(response.producer_id, response.producer_epoch)

    async def _attempt(self, producer: _Producer, waiting: Sequence[_Batch]) -> None:
        homes = await self._brokers.homes([batch.partition for batch in waiting])
        by_partition = {batch.partition: batch for batch in waiting}
        parts = [(target, [by_partition[place] for place in places]) for target, places in homes.items()]
        if len(parts) == 1:  # as mostly: then nothing need be gathered
            await self._send(producer, *parts[0])
        else:
            await asyncio.gather(*(self._send(producer, *part) for part in parts))

    async def _send(self, producer: _Producer, target: Target, batches: Sequence[_Batch]) -> None:
        """One request to one broker. What it did not write, and may yet, stays as it is."""
        partitions = [batch.partition for batch in batches]
        content = [(batch.partition, batch.data) for batch in batches]
        request = ProduceRequest(
            None, _ALL_REPLICAS, int(REPLICAS_TIMEOUT_S * 1000), [(self._brokers.address.topic, content)]
        )
        try:
            await self._brokers.reach(target, partitions, lane="produce")
            for batch in batches:
                batch.in_doubt = True
            response = await self._brokers.ask(target, partitions, request, lane="produce")
        except LogUnavailable:
            return
        ((_, answers),) = response.topics
        by_partition = {batch.partition: batch for batch in batches}
        for partition, error, offset, *_ in answers:
            self._answered(producer, by_partition[partition], error, offset)

    def _answered(self, producer: _Producer, batch: _Batch, error: int, offset: int) -> None:
        if error == 0 and offset >= 0:
            producer.written[batch.partition] += len(batch.group)
            batch.end("written", offset_start=offset)
        elif error in _NEVER_WRITTEN:
            batch.end("refused", f"Kafka answers {error_name(error)}")
        elif error in _COMES_AGAIN:
            self._brokers.forget_leader(batch.partition)
        else:
            # That it knows the batch already, and not where, is among them.
            batch.end("unknown", f"Kafka answers {error_name(error)}")


class _Producer:
    """Whom brokers know.

    Attributes:
        written: records, by partition.
    """

    def __init__(self, producer_id: int, epoch: int) -> None:
        self._id = producer_id
        self._epoch = epoch
        self.written: Counter[int] = Counter()

    def encode(self, batch: _Batch) -> bytes:
        """The batch as the next one of its partition. Raises `Unstorable`."""
        sequence = self.written[batch.partition] % 2**31  # as brokers count
        return encode_batch(batch.group, producer_id=self._id, producer_epoch=self._epoch, sequence=sequence)


class _Batch:
    """One partition's part of an append.

    Attributes:
        data: as it goes over the wire, each time the same.
        in_doubt: a broker may have got it, and what it did is not known.
        ended: the outcome, once there is one.
    """

    def __init__(self, partition: int, group: Sequence[Record]) -> None:
        self.partition = partition
        self.group = group
        self.data = b""
        self.in_doubt = False
        self.ended: Appended | None = None

    def end(
        self, outcome: Literal["written", "refused", "unknown"], reason: str = "", *, offset_start: int = -1
    ) -> None:
        """Its outcome."""
        self.in_doubt = outcome == "unknown"
        self.ended = Appended(self.partition, outcome, self.group, offset_start, reason)


def _end_all(batches: Sequence[_Batch], reason: str) -> None:
    """Those that have not ended: no more will be done about them."""
    for batch in batches:
        if batch.ended is None:
            batch.end("unknown" if batch.in_doubt else "refused", reason)

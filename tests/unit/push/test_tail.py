"""The tail: every record once and in order, whichever way it becomes known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any

import pytest
from push_parts import ListSink, record, unreadable

from syncd.errors import LogUnavailable
from syncd.log.memory import MemoryLog
from syncd.log.record import LoggedRecord, decode_record
from syncd.metrics import Metrics
from syncd.push import tail as tails
from syncd.push.entry import Entry
from syncd.push.entry_of import entry_of
from syncd.push.hub import Hub, Origin
from syncd.push.subscription import LIVE
from syncd.push.tail import Tail
from syncd.testing.beside import beside

DEADLINE_S = 30.0
OURS, THEIRS = "k3v9q2m4ta", "zzzzzzzzzz"


class HandClock:
    """The receiving gateway's; `push_parts` admits everything at 1 ms."""

    def __init__(self) -> None:
        self.ms = 1

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1_000


class Followed:
    """A log that we and others append to, and the tail over it."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.published: list[Entry] = []
        self.skipped: list[LoggedRecord] = []
        self.hub = Hub()
        self.metrics = Metrics()
        self.clock = HandClock()
        self.tail = Tail(
            log, self.hub, 0, start=0, ring_bytes_max=10**6, publish=self._publish, read=self._read,
            skipped=self.skipped.append, metrics=self.metrics, clock=self.clock,
        )  # fmt: skip
        self._seqs = {OURS: 0, THEIRS: 0}

    def _publish(self, partition: int, entries: Sequence[Entry], origins: Sequence[Origin | None]) -> None:
        self.hub.publish(partition, entries, origins)
        self.published += entries

    def _read(self, partition: int, entry: Entry) -> None:
        self._publish(partition, [entry], [None])

    def answered(self, made: Sequence[Entry]) -> bool:
        """Our append's answer reaches the tail."""
        return self.tail.appended(made[0].offset, made, [None] * len(made))

    async def append(self, writer: str, count: int = 1) -> list[Entry]:
        """Append; the entries, as whoever appended them has them."""
        records = []
        for _ in range(count):
            self._seqs[writer] += 1
            records.append(record(self._seqs[writer], writer=writer))
        (appended,) = await self.log.append(records)
        made = []
        for offset, each in enumerate(records, appended.offset_start):
            made.append(entry_of(LoggedRecord(0, offset, *each), decode_record(each)))
        return made

    async def reached(self, offset: int) -> None:
        await self.tail.reached(offset, timeout_s=DEADLINE_S)
        assert [entry.offset for entry in self.published] == list(range(offset))


def told(story: Callable[[Followed], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def test() -> None:
        async def tell() -> None:
            followed = Followed(MemoryLog())
            async with beside(followed.tail.run()):
                await story(followed)

        asyncio.run(tell())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


@told
async def test_what_others_wrote_is_read(at: Followed) -> None:
    await at.append(THEIRS, 5)
    await at.reached(5)


@told
async def test_our_own_append_is_published_at_its_answer_without_reading(at: Followed) -> None:
    made = await at.append(OURS, 3)
    assert at.answered(made)
    assert at.published == made
    await at.append(THEIRS)
    await at.reached(4)


@told
async def test_our_own_append_waits_for_what_others_wrote_before_it(at: Followed) -> None:
    await at.append(THEIRS, 2)
    made = await at.append(OURS, 2)
    assert not at.answered(made)
    assert at.published == []
    await at.reached(4)


def test_a_tail_that_rests_after_our_own_appends_is_woken_by_what_lies_before_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tails, "OWN_PAUSE_S", 2 * DEADLINE_S)

    @told
    async def story(at: Followed) -> None:
        assert at.answered(await at.append(OURS))
        for _ in range(10):  # turns of the loop: it wakes, finds nothing, and rests
            await asyncio.sleep(0)
        await at.append(THEIRS)
        assert not at.answered(await at.append(OURS))
        await at.reached(3)

    story()


@told
async def test_any_mixture_is_published_once_and_in_order(at: Followed) -> None:
    rng = Random(1)
    offset = 0
    for _ in range(200):
        writer = rng.choice([OURS, THEIRS])
        count = rng.randrange(1, 4)
        made = await at.append(writer, count)
        offset += count
        for _ in range(rng.randrange(3)):
            await asyncio.sleep(0)
        if writer == OURS:
            at.answered(made)
    await at.reached(offset)


@told
async def test_an_unreachable_offset_is_an_error_in_time(at: Followed) -> None:
    await at.append(THEIRS)
    with pytest.raises(LogUnavailable, match="the tail is at 1 and did not reach 2"):
        await at.tail.reached(2, timeout_s=0.05)


def test_the_way_of_another_gateways_record_is_measured_where_somebody_is_told() -> None:
    async def story() -> None:
        followed = Followed(MemoryLog())
        async with beside(followed.tail.run()):
            measured = followed.metrics.admit_to_delta_seconds
            await followed.append(THEIRS)
            await followed.reached(1)
            assert sum(measured.counts) == 0, "nobody listens: there is no delta whose way could be measured"
            channel = followed.hub.open("a:alice", partition=0, epoch="e1", generation=0)
            followed.hub.subscribe(channel, ListSink(), "d1").state = LIVE
            followed.clock.ms = 31
            await followed.append(THEIRS)
            await followed.reached(2)
            assert (sum(measured.counts), measured.sum) == (1, 0.03)
            followed.clock.ms = 0  # this machine's clock is behind the other's
            await followed.append(THEIRS)
            await followed.reached(3)
            assert (sum(measured.counts), measured.sum) == (2, 0.03)

    asyncio.run(story())


def test_a_record_that_nobody_can_read_is_passed_over() -> None:
    class Damaged(MemoryLog):
        async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
            found = await super().read(partition, from_, limit=limit)
            return [unreadable(each) if each.offset == 1 else each for each in found]

    async def story() -> None:
        followed = Followed(Damaged())
        async with beside(followed.tail.run()):
            await followed.append(THEIRS, 3)
            await followed.tail.reached(3, timeout_s=DEADLINE_S)
            assert [entry.offset for entry in followed.published] == [0, 2]
            assert [record.offset for record in followed.skipped] == [1]

    asyncio.run(story())


def test_troubles_of_the_log_pass_and_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(tails, "LOG_POLL_S", 0.001)

    class Shaky(MemoryLog):
        troubles = 3

        async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
            if self.troubles:
                self.troubles -= 1
                raise LogUnavailable("away")
            return await super().read(partition, from_, limit=limit)

    async def story() -> None:
        followed = Followed(Shaky())
        async with beside(followed.tail.run()):
            await followed.append(THEIRS, 3)
            await followed.reached(3)

    asyncio.run(story())
    told = [word for word in ("tail_waits", "tail_goes_on") for record in caplog.records if word in str(record.msg)]
    assert told == ["tail_waits", "tail_goes_on"]

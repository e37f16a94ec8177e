"""Which partitions a gateway follows, from when, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from syncd.errors import EpochChanged, LogUnavailable
from syncd.gateway import tails as rooms
from syncd.gateway.tails import Tails
from syncd.log.memory import MemoryLog
from syncd.log.record import Body, LoggedRecord, encode_record
from syncd.metrics import Metrics
from syncd.model.events import EVENTS
from syncd.push.entry import Entry
from syncd.push.hub import Hub
from syncd.store.memory import MemoryStore

DEADLINE_S = 30.0
PARTITIONS = 4
LINGER_S = 0.01


class HandClock:
    """Time that stands."""

    def now_ms(self) -> int:
        return 0

    def monotonic_s(self) -> float:
        return 0.0


class HeldLog(MemoryLog):
    """A log whose ends can be held up, lost, or of another life."""

    def __init__(self) -> None:
        super().__init__(PARTITIONS)
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.asked = 0

    async def end(self, partition: int) -> int:
        self.asked += 1
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return await super().end(partition)


class Followed:
    """Tails over such a log, and what they published."""

    def __init__(self) -> None:
        self.log = HeldLog()
        self.hub = Hub()
        self.metrics = Metrics()
        self.published: list[Entry] = []
        self.in_use: set[int] = set()
        self.skipped: list[LoggedRecord] = []
        self.tails = Tails(
            self.log, MemoryStore(HandClock()), self.hub, self.metrics, HandClock(),
            ring_bytes_max=PARTITIONS * 10**6, publish=self.hub.publish, read=self._read,
            skipped=self.skipped.append, in_use=self.in_use.__contains__,
        )  # fmt: skip

    def _read(self, partition: int, entry: Entry) -> None:
        self.hub.publish(partition, [entry], [None])
        self.published.append(entry)

    async def append(self, partition: int, count: int = 1) -> None:
        """Records of somebody else, of any stream of the partition."""
        stream = next(s for n in range(100) if self.log.partition_of(s := f"a:account{n}") == partition)
        data = EVENTS["progress.marked"](episode="e", played=True)
        for seq in range(1, count + 1):
            body = Body(seq, data, "alice", "d1", 1)
            await self.log.append([encode_record(stream, "k3v9q2m4ta", seq, "progress.marked", body)])

    async def until_tailed(self, count: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while self.metrics.tailed_partitions != count:  # noqa: ASYNC110 - a gauge tells nobody
                await asyncio.sleep(LINGER_S / 4)


def told(story: Callable[[Followed], Coroutine[Any, Any, None]]) -> Callable[[pytest.MonkeyPatch], None]:
    """A test whose tails go almost at once when nobody needs them."""

    def test(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rooms, "TAIL_LINGER_S", LINGER_S)

        async def tell() -> None:
            at = Followed()
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await story(at)
            finally:
                await at.tails.close()

        asyncio.run(tell())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


@told
async def test_nothing_is_followed_until_somebody_needs_it(at: Followed) -> None:
    assert at.metrics.tailed_partitions == 0
    await at.append(1, 3)
    await at.append(2, 3)
    await at.tails.hold(1)
    assert at.metrics.tailed_partitions == 1
    assert at.tails.of(1).position == 3
    assert list(at.hub.recent) == [1]


@told
async def test_a_held_partition_is_followed_live(at: Followed) -> None:
    await at.tails.hold(1)
    await at.append(1, 2)
    await at.append(2, 2)
    await at.tails.of(1).reached(2, timeout_s=DEADLINE_S)
    assert [entry.offset for entry in at.published] == [0, 1]


@told
async def test_those_who_need_it_at_once_share_one_tail(at: Followed) -> None:
    await asyncio.gather(*(at.tails.hold(1) for _ in range(5)))
    assert (at.metrics.tailed_partitions, at.log.asked) == (1, 1)


@told
async def test_a_tail_and_its_ring_go_some_time_after_the_last_release(at: Followed) -> None:
    await at.tails.hold(1)
    await at.tails.hold(1)
    at.tails.release(1)
    await asyncio.sleep(2 * LINGER_S)
    assert at.metrics.tailed_partitions == 1
    at.tails.release(1)
    await at.until_tailed(0)
    assert not at.hub.recent


@told
async def test_who_comes_back_in_time_finds_the_same_ring(at: Followed) -> None:
    await at.tails.hold(1)
    ring = at.hub.recent[1]
    at.tails.release(1)
    await at.tails.hold(1)
    await asyncio.sleep(2 * LINGER_S)
    assert at.hub.recent[1] is ring


@told
async def test_a_new_tail_goes_on_where_the_log_is_now(at: Followed) -> None:
    await at.tails.hold(1)
    at.tails.release(1)
    await at.until_tailed(0)
    await at.append(1, 5)
    await at.tails.hold(1)
    assert at.tails.of(1).position == 5


@told
async def test_what_is_under_way_to_the_log_keeps_its_tail(at: Followed) -> None:
    at.in_use.add(1)
    await at.tails.hold(1)
    at.tails.release(1)
    await asyncio.sleep(3 * LINGER_S)
    assert at.tails.of(1).position == 0
    at.in_use.clear()
    await at.until_tailed(0)


@told
async def test_a_log_that_does_not_answer_is_told_to_all_who_wait_and_asked_again_by_the_next(at: Followed) -> None:
    at.log.error = LogUnavailable("away")
    results = await asyncio.gather(*(at.tails.hold(1) for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["away"] * 3
    assert at.metrics.tailed_partitions == 0
    at.log.error = None
    await at.tails.hold(1)
    assert at.tails.of(1).position == 0


@told
async def test_a_tail_that_takes_too_long_is_ready_for_those_who_come_back(at: Followed) -> None:
    at.log.open.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "TAIL_OPEN_TIMEOUT_S", 0.01)
        with pytest.raises(LogUnavailable, match="partition 1 has not come to the log's end in 0.01 s"):
            await at.tails.hold(1)
    at.log.open.set()
    await at.tails.hold(1)
    assert at.log.asked == 1


@told
async def test_one_that_is_cancelled_while_it_waits_holds_nothing(at: Followed) -> None:
    at.log.open.clear()
    waiting = asyncio.create_task(at.tails.hold(1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    at.log.open.set()
    await at.until_tailed(0)


@told
async def test_another_life_of_the_log_ends_the_watch(at: Followed) -> None:
    at.log.error = EpochChanged("the log's epoch is not memory0 any more")
    with pytest.raises(EpochChanged):
        await at.tails.hold(1)
    with pytest.raises(EpochChanged, match="not memory0 any more"):
        await at.tails.watch()


@told
async def test_nobody_may_use_a_partition_that_nobody_holds(at: Followed) -> None:
    with pytest.raises(KeyError):
        at.tails.of(1)
    await at.tails.hold(1)
    at.tails.release(1)
    with pytest.raises(AssertionError, match="more often than held"):
        at.tails.release(1)

"""Trimming the log: what goes, what must stay, and what is said of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from house import START_MS, House, Tell

from syncd.client import Device
from syncd.config import Config
from syncd.errors import EpochChanged, OffsetExpired, OffsetInFuture
from syncd.log.port import EventLog
from syncd.operations.log_trim import Before, PartitionTrim, plan_trim, trim
from syncd.operations.state import account_state
from syncd.testing.lossy_proxy import LossyProxy
from syncd.testing.patience import eventually
from syncd.testing.quiet import until_projected
from syncd.testing.service import running_service


async def planned(house: House, before: Before) -> PartitionTrim:
    (part,) = await plan_trim(house.log, house.store, before)
    return part


async def five_seconds(house: House) -> str:
    """A device, then one event a second; everything is folded but the last."""
    phone = await house.device("alice", "phone")
    for second in range(1, 6):
        house.clock.ms = START_MS + second * 1_000
        if second == 5:
            await house.project()
        await house.emit(phone, "settings.changed", {"n": second})
    return phone.account


def test_a_trim_ends_before_the_first_record_of_its_time(tell: Tell) -> None:
    async def story(house: House) -> None:
        await five_seconds(house)
        part = await planned(house, Before(time_ms=START_MS + 3_000))
        assert (part.start, part.before, part.end, part.records, part.held_back) == (0, 3, 6, 3, 0)
        assert (await planned(house, Before(time_ms=START_MS))).records == 0

    tell(story)


def test_what_is_not_folded_yet_never_goes(tell: Tell) -> None:
    async def story(house: House) -> None:
        await five_seconds(house)
        for before in (Before(time_ms=START_MS + 99_000), Before(offset=6)):
            part = await planned(house, before)
            assert (part.before, part.checkpoint, part.held_back) == (5, 5, 1)

    tell(story)


def test_state_outlives_a_trim_and_the_past_says_where_it_begins(tell: Tell) -> None:
    async def story(house: House) -> None:
        account = await five_seconds(house)
        shown = await account_state(house.log, house.store, account, house.clock.ms)
        for _ in range(2):  # the second finds nothing to do
            plan = await plan_trim(house.log, house.store, Before(offset=4))
            await trim(house.log, house.store, plan)
            assert await house.log.start(0) == 4
        assert plan[0].records == 0
        assert await account_state(house.log, house.store, account, house.clock.ms) == shown
        with pytest.raises(OffsetExpired, match="begins at offset 4"):
            await account_state(house.log, house.store, account, house.clock.ms, at_ms=START_MS)

    tell(story)


def test_an_old_record_that_was_imported_late_is_not_what_a_time_stops_at(tell: Tell) -> None:
    """Times need not rise with offsets: the trim ends at the first young record, whatever stands behind it."""

    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        for ms in (START_MS + 9_000, START_MS + 1_000):
            house.clock.ms = ms
            await house.emit(phone, "settings.changed", {"n": ms})
        await house.project()
        assert (await planned(house, Before(time_ms=START_MS + 5_000))).before == 1

    tell(story)


def test_an_offset_beyond_the_end_is_told(tell: Tell) -> None:
    async def story(house: House) -> None:
        await five_seconds(house)
        with pytest.raises(OffsetInFuture, match="7 is beyond 6"):
            await planned(house, Before(offset=7))

    tell(story)


def test_nothing_is_trimmed_while_the_store_stands_in_another_life_of_the_log(tell: Tell) -> None:
    async def story(house: House) -> None:
        await five_seconds(house)
        lease = await house.store.acquire(0, holder="test", ttl_s=60.0)
        assert lease is not None
        await house.store.begin_epoch(lease, epoch="another", offset_next=6)
        with pytest.raises(EpochChanged, match="another"):
            await planned(house, Before(offset=3))

    tell(story)


def test_a_device_whose_unanswered_events_were_forgotten_goes_on_and_nothing_is_doubled(
    postgres_dsn: str, tmp_path: Path
) -> None:
    """It lost the acks and stayed away longer than the log keeps records: nobody knows any more how those were
    answered, but the cells show that they were admitted."""

    async def story() -> None:
        store = str(tmp_path / "phone.db")
        config = Config(database_url=postgres_dsn, port=0, ws_port=0)
        async with running_service(config) as service:
            (phone,) = await service.account("alice", "phone")
            work = service.deployment
            async with (
                LossyProxy(service.ws_url, seed=1) as network,
                Device(network.url, phone.token, store=store) as device,
            ):
                await device.ready()
                end = await work.log.end(0)
                network.hold_back()
                await device.queue.add("t1")
                await device.queue.add("t2")
                await eventually(lambda: _is_beyond(work.log, end + 1))
            await until_projected(work.log, work.store)
            plan = await plan_trim(work.log, work.store, Before(offset=end + 2))
            await trim(work.log, work.store, plan)
        async with running_service(config) as service, Device(service.ws_url, phone.token, store=store) as device:
            assert device.owed == 2
            await device.queue.add("t3")
            await device.settled()
            assert device.queue.tracks == ["t1", "t2", "t3"]
            assert (await device.verify()).agrees

    asyncio.run(asyncio.wait_for(story(), 60.0))


async def _is_beyond(log: EventLog, offset: int) -> bool:
    return await log.end(0) > offset


def test_nothing_goes_before_its_fold_is_safe_from_a_crash(tell: Tell) -> None:
    """A crash of the store's database may take back its last batches; their records must be there still."""
    steps: list[str] = []

    async def story(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        await five_seconds(house)
        plan = await plan_trim(house.log, house.store, Before(offset=4))
        for owner, name in ((house.store, "make_durable"), (house.log, "trim")):
            real = getattr(owner, name)

            async def noted(*given: int, name: str = name, real: Callable[..., Awaitable[None]] = real) -> None:
                steps.append(name)
                await real(*given)

            monkeypatch.setattr(owner, name, noted)
        await trim(house.log, house.store, plan)
        assert steps == ["make_durable", "trim"]
        assert await house.log.start(0) == 4

    with pytest.MonkeyPatch.context() as monkeypatch:
        tell(lambda house: story(house, monkeypatch))
